package naming_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
)

// hold picks for a key and keeps the call under way.
func hold(t require.TestingT, b *naming.Balancer[naming.Instance], key string) *naming.Picked[naming.Instance] {
	p, err := b.Pick(key)
	require.NoError(t, err)
	return &p
}

// However hot one key is, no instance has more than its share times the factor,
// rounded up, and the key's own instance has as much as it may.
func TestBoundedLoad(t *testing.T) {
	testworld.Sequential(t)
	const calls = 200
	for _, weights := range [][]int{{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, {1, 2, 3, 4, 30}} {
		all, total := instances(len(weights)), 0
		for i, w := range weights {
			all[i].Weight = w
			total += w
		}
		for _, factor := range []float64{1.05, 1.25, 2} {
			b := naming.NewBalancer(naming.NewList(all...), naming.Hash(naming.BoundedLoad(factor)))
			plain := pick(t, hashOf(all), "hot")
			for n := 1; n <= calls; n++ {
				hold(t, b, "hot")
				for i, w := range weights {
					limit := math.Ceil(factor*float64(n*w)/float64(total) - 1e-9)
					require.LessOrEqual(t, float64(b.Pending(all[i].ID)), limit, "weight %d, call %d, factor %v", w, n, factor)
					if n == calls && all[i].ID == plain {
						require.EqualValues(t, min(limit, calls), b.Pending(plain))
					}
				}
			}
		}
	}
}

// Without load, and with calls that are spread, keys have the instance that they
// have without the limit. A key that has to move goes where other processes move
// it too.
func TestBoundedLoadMovesFewKeys(t *testing.T) {
	testworld.Sequential(t)
	all := instances(20)
	b := naming.NewBalancer(naming.NewList(all...), naming.Hash(naming.BoundedLoad(1.25)))
	plain := where(t, hashOf(all), 4000)
	require.Empty(t, moved(plain, where(t, b, 4000)))

	away, other := 0, naming.NewBalancer(naming.NewList(all...), naming.Hash(naming.BoundedLoad(1.25)))
	for _, key := range slices.Sorted(maps.Keys(plain)) {
		p, q := hold(t, b, key), hold(t, other, key)
		require.Equal(t, p.Item.ID, q.Item.ID)
		if p.Item.ID != plain[key] {
			away++
		}
	}
	require.Less(t, away, len(plain)/20)
}

// The sum of the calls is right after instances came and went, and after calls
// to such that are gone have ended: a hot key is spread as by a new balancer.
func TestBoundedLoadCountsWhatIsThere(t *testing.T) {
	testworld.Sequential(t)
	r := rand.New(rand.NewPCG(1, 2))
	list := naming.NewList(instances(10)...)
	bounded := naming.Hash(naming.BoundedLoad(1.25))
	b := naming.NewBalancer(list, bounded)
	var open []*naming.Picked[naming.Instance]
	for range 500 {
		switch at := r.IntN(40); {
		case at == 0:
			all := instances(10)
			all[r.IntN(10)].Draining = true
			list.Set(all[:1+r.IntN(10)])
			if !list.Load()[0].Available() {
				list.Set(all)
			}
		case at <= 20:
			open = append(open, hold(t, b, fmt.Sprint(r.IntN(20))))
		default:
			if len(open) > 0 {
				i := r.IntN(len(open))
				open[i].Done(nil)
				open[i] = open[len(open)-1]
				open = open[:len(open)-1]
			}
		}
	}
	list.Set(instances(10))
	for _, p := range open {
		p.Done(nil)
	}
	fresh := naming.NewBalancer(list, bounded)
	for range 200 {
		require.Equal(t, hold(t, fresh, "hot").Item.ID, hold(t, b, "hot").Item.ID)
	}
}

// Calls to an instance that drains are not part of the mean of the others.
func TestBoundedLoadWithoutWhatDrains(t *testing.T) {
	all := instances(5)
	list := naming.NewList(all[0])
	b := naming.NewBalancer(list, naming.Hash(naming.BoundedLoad(1.25)))
	for range 1000 {
		hold(t, b, "")
	}
	all[0].Draining = true
	list.Set(all)
	for range 100 {
		hold(t, b, "hot")
	}
	for _, in := range all[1:] {
		require.LessOrEqual(t, b.Pending(in.ID), 32)
	}
}

// If all that are up have their fill because others are down, calls go on.
func TestBoundedLoadWithInstancesDown(t *testing.T) {
	all := instances(5)
	b := naming.NewBalancer(naming.NewList(all...), naming.Hash(naming.BoundedLoad(1.25)))
	for _, in := range all[1:] {
		require.True(t, b.MarkDown(in.ID, 1e12))
	}
	for range 100 {
		require.Equal(t, "i0000", hold(t, b, "hot").Item.ID)
	}
}

// A call is in the sum exactly while its element is part of it.
func TestCallsAreCountedOnce(t *testing.T) {
	var total atomic.Int64
	var a, b naming.Calls
	sum := func(want int64) {
		t.Helper()
		require.Equal(t, want, total.Load())
	}
	a.Begin()
	a.Join(&total)
	sum(1)
	a.Join(&total)
	b.Join(&total)
	b.Begin()
	require.True(t, a.Pick(&total, 2))
	sum(3)
	require.False(t, a.Pick(&total, 2))
	sum(3)
	a.Leave()
	sum(1)
	require.True(t, a.Pick(&total, 3), "a pick from an older table")
	a.Begin()
	a.End()
	a.Leave()
	sum(1)
	a.Join(&total)
	sum(4)
	for range 3 {
		a.End()
	}
	b.End()
	sum(0)
	require.Zero(t, a.Underway())
}

// Of many at the same moment only as many as there is room for get in.
func TestTheLastPlaceIsGivenOnce(t *testing.T) {
	var total atomic.Int64
	var c naming.Calls
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				c.Pick(&total, 500)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 500, c.Underway())
}

// Under the race detector: many picks at the same moment do not pass the limit
// together.
func TestBoundedLoadOfConcurrentPicks(t *testing.T) {
	const n, workers, each = 4, 8, 300
	b := naming.NewBalancer(naming.NewList(instances(n)...), naming.Hash(naming.BoundedLoad(1.25)))
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := range each {
				p, err := b.Pick("hot")
				if err != nil {
					t.Error(err)
					return
				}
				if i%3 == 0 {
					p.Done(nil)
				}
			}
		})
	}
	wg.Wait()
	left, most := 0, 0
	for _, in := range instances(n) {
		left += b.Pending(in.ID)
		most = max(most, b.Pending(in.ID))
	}
	require.Equal(t, workers*each*2/3, left)
	require.LessOrEqual(t, float64(most), math.Ceil(1.25*float64(left+workers)/n))
}

func TestBoundedLoadThatIsNoFactor(t *testing.T) {
	for _, factor := range []float64{1, 0.5, 0, -1, math.NaN(), math.Inf(1)} {
		for _, s := range []naming.Strategy{naming.Hash(naming.BoundedLoad(factor)), naming.Sticky(naming.Hash(naming.BoundedLoad(factor)))} {
			_, err := naming.NewBalancer(naming.NewList(instances(1)...), s).Pick("key")
			require.ErrorContains(t, err, "must be greater than 1", factor)
		}
	}
}
