package treap_test

import (
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/base/treap"
)

func model(m treap.Map[int]) map[string]*int { return maps.Collect(m.All()) }

// diffOf is the expected result of Diff.
func diffOf(a, b map[string]*int) []treap.Change[int] {
	keys := make(map[string]*int)
	maps.Copy(keys, a)
	maps.Copy(keys, b)
	var all []treap.Change[int]
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if a[key] != b[key] {
			all = append(all, treap.Change[int]{Key: key, Before: a[key], After: b[key]})
		}
	}
	return all
}

// A Map behaves like a Go map, and an update leaves the old Map unchanged.
func TestMapAgainstAModel(t *testing.T) {
	for seed := range int64(30) {
		rng := rand.New(rand.NewSource(seed))
		var now treap.Map[int]
		want := make(map[string]*int)
		type kept struct {
			m    treap.Map[int]
			want map[string]*int
		}
		var past []kept
		for range 400 {
			key := fmt.Sprint(rng.Intn(100))
			if rng.Intn(3) == 0 {
				now = now.Delete(key)
				delete(want, key)
			} else {
				value := new(int)
				now = now.Put(key, value)
				want[key] = value
			}
			require.Equal(t, len(want), now.Len())
			require.Same(t, want[key], now.Get(key))
			if rng.Intn(20) == 0 {
				past = append(past, kept{now, maps.Clone(want)})
			}
		}
		past = append(past, kept{})
		for _, old := range past {
			require.Equal(t, len(old.want), len(model(old.m)))
			for key, value := range model(old.m) {
				require.Same(t, old.want[key], value)
			}
			require.Equal(t, diffOf(old.want, want), slices.Collect(treap.Diff(old.m, now)))
			require.Equal(t, diffOf(want, old.want), slices.Collect(treap.Diff(now, old.m)))
		}
		checkOrder(t, now, want, fmt.Sprint(rng.Intn(100)))
	}
}

func checkOrder(t *testing.T, m treap.Map[int], want map[string]*int, from string) {
	t.Helper()
	sorted := slices.Sorted(maps.Keys(want))
	var keys, late []string
	for key := range m.All() {
		keys = append(keys, key)
	}
	for key := range m.From(from) {
		late = append(late, key)
	}
	require.Equal(t, sorted, keys)
	at, _ := slices.BinarySearch(sorted, from)
	require.Equal(t, sorted[at:], late)
	for key := range m.All() {
		require.Equal(t, sorted[0], key)
		break
	}
}

// The shape follows from the keys: maps that were built in different ways are
// equal, and differences are found without a walk over the rest.
func TestShapeFollowsFromTheKeys(t *testing.T) {
	type entry struct{ key string }
	const n = 10_000
	entries := make([]*entry, n)
	for i := range entries {
		entries[i] = &entry{fmt.Sprintf("%05d", i)}
	}
	built := treap.Sorted(entries, func(e *entry) string { return e.key })
	require.Equal(t, n, built.Len())
	var put treap.Map[entry]
	for _, i := range rand.New(rand.NewSource(1)).Perm(n) {
		put = put.Put(entries[i].key, entries[i])
	}
	require.Empty(t, slices.Collect(treap.Diff(built, put)))
	for _, e := range entries[:n-1] {
		put = put.Delete(e.key)
	}
	require.Equal(t, 1, put.Len())
	require.Equal(t, n-1, len(slices.Collect(treap.Diff(put, built))))
	require.Zero(t, treap.Sorted[entry](nil, nil).Len())
}

// An update of one key among 10,000 and the search for it allocate about two
// kilobytes.
func TestCostOfAnUpdate(t *testing.T) {
	var m treap.Map[int]
	for i := range 10_000 {
		m = m.Put(fmt.Sprintf("%05d", i), new(int))
	}
	found, i := 0, 0
	allocs := testing.AllocsPerRun(1000, func() {
		i++
		next := m.Put(fmt.Sprintf("%05d", i), new(int))
		for range treap.Diff(m, next) {
			found++
		}
	})
	require.Equal(t, 1001, found)
	require.LessOrEqual(t, allocs, 40.0, "of 56 bytes at most")
}
