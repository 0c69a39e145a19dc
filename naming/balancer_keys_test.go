package naming_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
)

func where(t require.TestingT, b *naming.Balancer[naming.Instance], keys int) map[string]string {
	at := make(map[string]string, keys)
	for i := range keys {
		key := fmt.Sprintf("192.168.%d.%d", i/256, i%256)
		at[key] = pick(t, b, key)
	}
	return at
}

func moved(before, after map[string]string) (keys []string) {
	for key, id := range before {
		if after[key] != id {
			keys = append(keys, key)
		}
	}
	return keys
}

func TestHashMovesFewKeys(t *testing.T) {
	testworld.Sequential(t)
	const n, keys = 50, 20_000
	all := instances(n)
	list := naming.NewList(all...)
	b := naming.NewBalancer(list, naming.Hash())
	before := where(t, b, keys)
	require.Empty(t, moved(before, where(t, naming.NewBalancer(naming.NewList(all...), naming.Hash()), keys)), "all processes agree")

	leaves := func(what string, rest map[string]string) {
		left := moved(before, rest)
		for _, key := range left {
			require.Equal(t, "i0017", before[key], "%s: only its own keys move", what)
		}
		require.NotEmpty(t, left)
		require.Less(t, len(left), keys/n*14/10, what)
	}
	list.Set(append(instances(17), all[18:]...))
	gone := where(t, b, keys)
	leaves("gone", gone)
	takers := make(map[string]bool)
	for _, key := range moved(before, gone) {
		takers[gone[key]] = true
	}
	require.Greater(t, len(takers), 10, "its keys spread over the others")

	list.Set(all)
	require.Empty(t, moved(before, where(t, b, keys)), "it is back")
	draining := instances(n)
	draining[17].Draining = true
	list.Set(draining)
	leaves("draining", where(t, b, keys))
	list.Set(all)
	require.True(t, b.MarkDown("i0017", time.Hour))
	leaves("down", where(t, b, keys))
	require.True(t, b.MarkUp("i0017"))

	list.Set(instances(n + 1))
	after := where(t, b, keys)
	for _, key := range moved(before, after) {
		require.Equal(t, "i0050", after[key], "keys move to the new one only")
	}
	require.Less(t, len(moved(before, after)), keys/n*14/10)
}
