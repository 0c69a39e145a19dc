package naming_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
)

func TestStickyStays(t *testing.T) {
	testworld.Sequential(t)
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
	testworld.Sequential(t)
	const keep = 6400
	b := naming.NewBalancer(naming.NewList(instances(1000)...), naming.Sticky(naming.RoundRobin(), naming.StickyKeys(2*keep)))
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

// numbers are so many elements that a round robin gives each key another.
func numbers() *naming.List[int] {
	all := make([]int, 50_000)
	for i := range all {
		all[i] = i
	}
	return naming.NewList(all...)
}

// Sticky remembers the keys that were used last: never more than it may, and at
// least half of that.
func TestStickyIsBounded(t *testing.T) {
	testworld.Sequential(t)
	for _, most := range []int{2, 3, 10, 100, 1000, 5000} {
		b := naming.NewBalancerOf(numbers(), func(i *int) string { return fmt.Sprint(*i) },
			naming.Sticky(naming.RoundRobin(), naming.StickyKeys(most)))
		at := func(key int) int {
			p, err := b.Pick(fmt.Sprint("key-", key))
			require.NoError(t, err)
			p.Done(nil)
			return *p.Item
		}
		const keys = 12_000
		first := make([]int, keys)
		for key := range keys {
			first[key] = at(key)
		}
		kept := 0
		for key := keys - 1; key >= 0; key-- {
			if at(key) == first[key] {
				kept++
			}
		}
		require.LessOrEqual(t, kept, most)
		require.GreaterOrEqual(t, kept, max(1, most*2/5), most)
	}
}

// A key takes the same memory however long it is.
func TestStickyDoesNotKeepLongKeys(t *testing.T) {
	testworld.Sequential(t)
	b := naming.NewBalancer(naming.NewList(instances(10)...), naming.Sticky(naming.Random()))
	used := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	pick(t, b, "first")
	before := used()
	long := strings.Repeat("x", 10_000)
	for i := range 5000 {
		pick(t, b, fmt.Sprint(i, long))
	}
	require.Less(t, used(), before+5<<20)
	require.NotEmpty(t, pick(t, b, "first")) // the balancer is still there
}

func TestStickyKeysThatAreTooFew(t *testing.T) {
	for _, n := range []int{1, 0, -1} {
		b := naming.NewBalancer(naming.NewList(instances(1)...), naming.Sticky(naming.Random(), naming.StickyKeys(n)))
		_, err := b.Pick("key")
		require.ErrorContains(t, err, fmt.Sprintf("StickyKeys(%d)", n))
		require.ErrorContains(t, b.Refresh(), "two keys")
	}
}

// A retry goes elsewhere and leaves the key where it is.
func TestStickyStaysThroughARetry(t *testing.T) {
	b := naming.NewBalancer(naming.NewList(instances(10)...), naming.Sticky(naming.RoundRobin()))
	at := pick(t, b, "key")
	for range 3 {
		p, err := b.PickOther("key", at)
		require.NoError(t, err)
		require.NotEqual(t, at, p.Item.ID)
		p.Done(errors.New("refused"))
		require.Equal(t, at, pick(t, b, "key"))
	}
}
