package naming_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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

func TestStickyStays(t *testing.T) {
	const keys = 5000
	for _, first := range []naming.Strategy{naming.RoundRobin(), naming.Random(), naming.Hash()} {
		list := naming.NewList(instances(10)...)
		b := naming.NewBalancer(list, naming.Sticky(first))
		before := where(t, b, keys)
		list.Set(instances(30))
		require.Empty(t, moved(before, where(t, b, keys)), "%s: none moves to those who come", first)

		all := instances(30)
		all[3].Draining = true
		list.Set(append(all[:5:5], all[6:]...))
		after := where(t, b, keys)
		for _, key := range moved(before, after) {
			require.Contains(t, []string{"i0003", "i0005"}, before[key])
		}
		for key, id := range after {
			require.NotContains(t, []string{"i0003", "i0005"}, id, key)
		}
		list.Set(instances(30))
		require.Empty(t, moved(after, where(t, b, keys)), "%s: and stays where it went", first)
	}
}

func TestStickyForgetsOldKeys(t *testing.T) {
	const keep = 6400
	b := naming.NewBalancer(naming.NewList(instances(1000)...), naming.StickyOf(naming.RoundRobin(), keep))
	at := pick(t, b, "kept")
	first := pick(t, b, "forgotten")
	for i := range 8 * keep {
		pick(t, b, fmt.Sprint(i))
		if i%100 == 0 {
			require.Equal(t, at, pick(t, b, "kept"), "a key in use is never forgotten")
		}
	}
	require.NotEqual(t, first, pick(t, b, "forgotten"))
}
