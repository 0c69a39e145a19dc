package naming_test

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
)

func hashOf(all []naming.Instance) *naming.Balancer[naming.Instance] {
	return naming.NewBalancer(naming.NewList(all...), naming.Hash())
}

// named gives instances other ids.
func named(n int, id func(i int) string) []naming.Instance {
	all := instances(n)
	for i := range all {
		all[i].ID = id(i)
	}
	return all
}

// The busiest of 100 instances gets at most 1.10 times the mean, whatever the
// ids look like.
func TestHashSpread(t *testing.T) {
	testworld.Sequential(t)
	const n, keys = 100, 400_000
	for name, all := range map[string][]naming.Instance{
		"numbers":   instances(n),
		"addresses": named(n, func(i int) string { return fmt.Sprintf("10.7.%d.%d:8080", i%4, i/4) }),
	} {
		b, got, busiest := hashOf(all), make(map[*naming.Instance]int), 0
		for i := range keys {
			p, err := b.Pick(strconv.Itoa(i))
			if err != nil {
				t.Fatal(err)
			}
			got[p.Item]++
			busiest = max(busiest, got[p.Item])
		}
		require.Len(t, got, n)
		require.LessOrEqual(t, float64(busiest)/(keys/n), 1.10, name)
	}
}

// Shares are in proportion to the weights, without a key too.
func TestHashHonoursWeights(t *testing.T) {
	testworld.Sequential(t)
	const picks = 40_000
	for _, weights := range [][]int{{1, 2}, {1, 2, 3, 10}, {0, 1, 1, 50}, {900_000, naming.MaxWeight}} {
		all, total := instances(len(weights)), 0
		for i, w := range weights {
			all[i].Weight = w
			total += max(w, 1)
		}
		b := naming.NewBalancer(naming.NewList(all...), naming.SeededHash(rand.New(rand.NewPCG(1, 2)).Uint64))
		keyed, keyless := make(map[string]int), make(map[string]int)
		for i := range picks {
			keyed[pick(t, b, fmt.Sprint("key-", i))]++
			keyless[pick(t, b, "")]++
		}
		for i, w := range weights {
			want := float64(picks*max(w, 1)) / float64(total)
			slack := 4*math.Sqrt(want) + want/100 // chance in the keys, and a little
			require.InDelta(t, want, keyed[all[i].ID], slack, "weight %d of %v", w, weights)
			require.InDelta(t, want, keyless[all[i].ID], slack, "weight %d of %v", w, weights)
		}
	}
	// The greatest weights there are, and many: nothing overflows.
	all := instances(1000)
	for i := range all {
		all[i].Weight = naming.MaxWeight
	}
	all[7].Weight = 1
	got := make(map[string]int)
	for _, id := range where(t, hashOf(all), 20_000) {
		got[id]++
	}
	require.Len(t, got, 999)
	require.NotContains(t, got, all[7].ID)
}

// A key moves only from an instance that leaves or to one that comes, or
// between an instance whose weight has changed and the others. No more keys
// move than the new shares ask for.
func TestHashMovesOnlyWhatItMust(t *testing.T) {
	testworld.Sequential(t)
	const n, keys = 100, 20_000
	all := instances(n)
	list := naming.NewList(all...)
	b := naming.NewBalancer(list, naming.Hash())
	before := where(t, b, keys)

	change := func(what string, want float64, change func([]naming.Instance) []naming.Instance, ok func(from, to string) bool) {
		t.Helper()
		list.Set(change(slices.Clone(all)))
		after := where(t, b, keys)
		left := moved(before, after)
		for _, key := range left {
			require.True(t, ok(before[key], after[key]), "%s: %s moves to %s", what, before[key], after[key])
		}
		require.InDelta(t, want, float64(len(left))/keys, want/3+1e-9, what)
		list.Set(all)
		require.Empty(t, moved(before, where(t, b, keys)), "%s, and back", what)
	}
	change("leaves", 1./n, func(all []naming.Instance) []naming.Instance { return slices.Delete(all, 17, 18) },
		func(from, to string) bool { return from == "i0017" })
	change("comes", 1./(n+1), func(all []naming.Instance) []naming.Instance { return append(all, instances(n + 1)[n]) },
		func(from, to string) bool { return to == "i0100" })
	change("leaves and comes", 1./n+1./n, func(all []naming.Instance) []naming.Instance {
		return append(slices.Delete(all, 17, 18), instances(n + 1)[n])
	}, func(from, to string) bool { return from == "i0017" || to == "i0100" })
	change("heavier", 1./(n+1), func(all []naming.Instance) []naming.Instance { all[17].Weight = 2; return all },
		func(from, to string) bool { return to == "i0017" })
	change("all twice as heavy", 0, func(all []naming.Instance) []naming.Instance {
		for i := range all {
			all[i].Weight = 2
		}
		return all
	}, nil)
	change("metadata", 0, func(all []naming.Instance) []naming.Instance {
		for i := range all {
			all[i].Metadata = map[string]string{"version": "2"}
			all[i].Address = "10.9.9.9"
		}
		return all
	}, nil)
}

// The instance of a key depends only on the instances, and not on their order
// or on former instances.
func TestHashHasNoHistory(t *testing.T) {
	testworld.Sequential(t)
	r := rand.New(rand.NewPCG(1, 2))
	list := naming.NewList[naming.Instance]()
	b := naming.NewBalancer(list, naming.Hash())
	pool := instances(12)
	for round := range 14 {
		now := slices.Clone(pool)
		for range r.IntN(8) { // few changes and many
			i := r.IntN(len(now))
			if r.IntN(2) == 0 {
				now[i].Weight = r.IntN(5)
			} else if len(now) > 1 {
				now = slices.Delete(now, i, i+1)
			}
		}
		r.Shuffle(len(now), func(i, k int) { now[i], now[k] = now[k], now[i] })
		list.Set(now)
		got := where(t, b, 500)
		slices.SortFunc(now, func(a, b naming.Instance) int { return strings.Compare(a.ID, b.ID) })
		require.Equal(t, where(t, hashOf(now), 500), got, "round %d", round)
	}
}

// Processes of different versions and machines agree: these numbers never
// change.
func TestHashIsTheSameEverywhere(t *testing.T) {
	testworld.Sequential(t)
	for _, c := range []struct {
		n    int
		want uint64
	}{
		{1, 0xa4ce7c3f61431975},
		{3, 0x41a96f12c7de014c},
		{100, 0x986e8373009e0953},
		{257, 0xd477c7c5f9dfa44d},
		{5000, 0x6510ce6cd8e05eee},
	} {
		sum := fnv.New64a()
		all := instances(c.n)
		for i := range all {
			all[i].Weight = 1 + i%3
		}
		b := hashOf(all)
		for i := range 2000 {
			_, err := sum.Write([]byte(pick(t, b, fmt.Sprint("key-", i))))
			require.NoError(t, err)
		}
		require.Equal(t, c.want, sum.Sum64(), "%d instances", c.n)
	}
}

// More elements than 16 bits can number.
func TestHashOfVeryMany(t *testing.T) {
	testworld.Sequential(t)
	all := make([]int, 1<<16+10)
	for i := range all {
		all[i] = i
	}
	b := naming.NewBalancerOf(naming.NewList(all...), func(i *int) string { return fmt.Sprint(*i) }, naming.Hash())
	high := 0
	for i := range 40_000 {
		p, err := b.Pick(fmt.Sprint(i))
		require.NoError(t, err)
		p.Done(nil)
		if *p.Item >= 1<<16 {
			high++
		}
	}
	require.Positive(t, high)
	require.Less(t, high, 60)
}

// written is an instance as a codec reads it back.
func written(t require.TestingT, c naming.Codec, in naming.Instance, suffix string) naming.Instance {
	name, data, err := c.Encode(in)
	require.NoError(t, err)
	in, err = c.Decode(in.Service, name+suffix, data)
	require.NoError(t, err)
	return in
}

// An instance keeps its keys, its calls under way and its mark when its id
// changes with its weight or with its session.
func TestHashKeepsKeysUnderAnotherID(t *testing.T) {
	testworld.Sequential(t)
	const n, keys = 10, 5000
	for name, other := range map[string]func(in *naming.Instance) naming.Instance{
		"sequential": func(in *naming.Instance) naming.Instance {
			in.Type = naming.DynamicSequential
			return written(t, naming.Curator(), *in, "0000000042")
		},
		"dubbo metadata": func(in *naming.Instance) naming.Instance {
			in.Metadata = map[string]string{"version": "2"}
			return written(t, naming.Dubbo(), *in, "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			var all []naming.Instance
			for i, in := range instances(n) {
				in.ID = "orders"
				if name == "sequential" {
					in.Type = naming.DynamicSequential
					all = append(all, written(t, naming.Curator(), in, fmt.Sprintf("%010d", i)))
				} else {
					all = append(all, written(t, naming.Dubbo(), in, ""))
				}
			}
			in := instances(n)[4]
			in.ID = "orders"
			changed := other(&in)
			require.NotEqual(t, all[4].ID, changed.ID)

			for _, strategy := range []naming.Strategy{naming.Hash(), naming.Sticky(naming.Hash()), naming.Sticky(naming.RoundRobin())} {
				list := naming.NewList(all...)
				b := naming.NewBalancer(list, strategy)
				place := func() (at []string) {
					for i := range keys {
						p, err := b.Pick(fmt.Sprint(i))
						require.NoError(t, err)
						p.Done(nil)
						at = append(at, p.Item.HostPort())
					}
					return at
				}
				before := place()
				// For a moment both nodes exist: the registry makes the new one
				// first.
				list.Set(append([]naming.Instance{changed}, all...))
				require.Equal(t, before, place(), strategy)
				list.Set(append(slices.Delete(slices.Clone(all), 4, 5), changed))
				require.Equal(t, before, place(), strategy)
			}

			list := naming.NewList(all...)
			b := naming.NewBalancer(list, naming.RoundRobin())
			for range n {
				_, err := b.Pick("")
				require.NoError(t, err)
			}
			require.True(t, b.MarkDown(all[4].ID, 1e12))
			list.Set(append(slices.Delete(slices.Clone(all), 4, 5), changed))
			require.Equal(t, 1, b.Pending(changed.ID))
			require.Equal(t, []string{changed.ID}, b.Down())
		})
	}
}

// If two znodes have one address, every process picks the same one, whatever
// their order.
func TestHashOfTwoNodesAtOnePlace(t *testing.T) {
	in := instances(1)[0]
	in.ID, in.Type = "orders", naming.DynamicSequential
	one, two := written(t, naming.Curator(), in, "0000000001"), written(t, naming.Curator(), in, "0000000002")
	for _, all := range [][]naming.Instance{{one, two}, {two, one}} {
		require.Equal(t, one.ID, pick(t, hashOf(all), "key"))
	}
	one.Draining = true
	for _, all := range [][]naming.Instance{{one, two}, {two, one}} {
		require.Equal(t, two.ID, pick(t, hashOf(all), "key"))
	}
}
