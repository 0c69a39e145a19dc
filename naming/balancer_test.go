package naming_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
)

func instances(n int) []naming.Instance {
	all := make([]naming.Instance, n)
	for i := range all {
		all[i] = naming.Instance{Service: "svc", ID: fmt.Sprintf("i%04d", i), Address: fmt.Sprintf("10.0.%d.%d", i/250, i%250), Port: 80}
	}
	return all
}

// every strategy, its chance seeded.
func strategies() []naming.Strategy {
	r := rand.New(rand.NewPCG(1, 2)).Uint64
	return []naming.Strategy{
		naming.RoundRobin(), naming.SeededRandom(r), naming.SeededWeighted(r), naming.SeededLeastPending(r), naming.SeededHash(r),
		naming.Sticky(naming.SeededHash(r)), naming.Sticky(naming.RoundRobin()),
	}
}

func pick(t require.TestingT, b *naming.Balancer[naming.Instance], key string) string {
	p, err := b.Pick(key)
	require.NoError(t, err)
	p.Done(nil)
	return p.Item.ID
}

// counts picks n times, each time with another key.
func counts(t require.TestingT, b *naming.Balancer[naming.Instance], n int) map[string]int {
	got := make(map[string]int)
	for i := range n {
		got[pick(t, b, fmt.Sprintf("client-%d", i))]++
	}
	return got
}

func TestPickFromNothing(t *testing.T) {
	for _, s := range strategies() {
		list := naming.NewList[naming.Instance]()
		b := naming.NewBalancer(list, s)
		_, err := b.Pick("k")
		require.ErrorIs(t, err, naming.ErrNoInstance, s)
		all := instances(2)
		all[0].Draining, all[1].Disabled = true, true
		list.Set(all)
		_, err = b.Pick("k")
		require.ErrorIs(t, err, naming.ErrNoInstance, s)
		require.ErrorContains(t, err, "2 are known")
		all[0].Draining = false
		list.Set(all)
		require.Equal(t, "i0000", pick(t, b, "k"), s)
		list.Set(nil)
		_, err = b.Pick("")
		require.ErrorIs(t, err, naming.ErrNoInstance, s)
	}
	var zero naming.List[naming.Instance]
	_, err := naming.NewBalancer(&zero, naming.Hash()).Pick("k")
	require.ErrorIs(t, err, naming.ErrNoInstance)
}

// A foreign znode that is read as a blank instance is not picked. An instance
// that says in another way how to call it is picked.
func TestFault29_BlankInstances(t *testing.T) {
	foreign, err := naming.Curator().Decode("svc", "foreign", []byte("{}"))
	require.NoError(t, err)
	for _, s := range strategies() {
		list := naming.NewList(append(instances(2), foreign)...)
		b := naming.NewBalancer(list, s)
		require.NotContains(t, counts(t, b, 1000), "foreign", s)
		list.Set([]naming.Instance{foreign})
		_, err := b.Pick("key")
		require.ErrorIs(t, err, naming.ErrNoInstance)
		told := foreign
		told.Metadata = map[string]string{"url": "http://h/"}
		list.Set([]naming.Instance{told})
		require.Equal(t, "foreign", pick(t, b, "key"))
	}
}

func TestShares(t *testing.T) {
	testworld.Sequential(t)
	const n, picks = 20, 40_000
	for _, s := range strategies() {
		b := naming.NewBalancer(naming.NewList(instances(n)...), s)
		got := counts(t, b, picks)
		require.Len(t, got, n, s)
		for id, c := range got {
			require.InEpsilon(t, picks/n, c, 0.15, "%s %s", s, id)
		}
	}
}

func TestWeightedShares(t *testing.T) {
	testworld.Sequential(t)
	all := instances(5)
	for i, w := range []int{0, 1, 2, 5, 11} {
		all[i].Weight = w
	}
	b := naming.NewBalancer(naming.NewList(all...), naming.SeededWeighted(rand.New(rand.NewPCG(3, 4)).Uint64))
	got := counts(t, b, 100_000)
	for i, want := range []int{5000, 5000, 10000, 25000, 55000} {
		require.InEpsilon(t, want, got[all[i].ID], 0.05, all[i].ID)
	}

	// The greatest weights there are, and many of them: nothing overflows.
	all = instances(5000)
	for i := range all {
		all[i].Weight = naming.MaxWeight
	}
	all[7].Weight = 1
	b = naming.NewBalancer(naming.NewList(all...), naming.SeededWeighted(rand.New(rand.NewPCG(5, 6)).Uint64))
	got = counts(t, b, 50_000)
	require.Greater(t, len(got), 4900)
	require.Less(t, got[all[7].ID], 3)
}

func TestRoundRobinKeepsTheOrder(t *testing.T) {
	list := naming.NewList(instances(3)...)
	b := naming.NewBalancer(list, naming.RoundRobin())
	after := map[string]string{"i0000": "i0001", "i0001": "i0002", "i0002": "i0000"}
	last := pick(t, b, "")
	for range 9 {
		next := pick(t, b, "")
		require.Equal(t, after[last], next)
		last = next
	}
	// Two of five are down: the three others share equally.
	list.Set(instances(5))
	require.True(t, b.MarkDown("i0001", time.Hour))
	require.True(t, b.MarkDown("i0002", time.Hour))
	require.Equal(t, []string{"i0001", "i0002"}, b.Down())
	got := counts(t, b, 3000)
	require.Len(t, got, 3)
	for _, c := range got {
		require.InDelta(t, 1000, c, 1)
	}
}

// Clients that start at the same time do not all call the same instance first.
func TestRoundRobinBeginsAnywhere(t *testing.T) {
	strategy, first := naming.RoundRobin(), make(map[string]int)
	for range 800 {
		first[pick(t, naming.NewBalancer(naming.NewList(instances(8)...), strategy), "")]++
	}
	require.Len(t, first, 8)
	for id, n := range first {
		require.Less(t, n, 200, id)
	}
}

// Hard case 78: after as many picks as can be counted, it goes on.
func TestHardCase78_RoundRobinOverflow(t *testing.T) {
	b := naming.NewBalancer(naming.NewList(instances(7)...), naming.RoundRobinFrom(20))
	require.Len(t, counts(t, b, 70), 7)
	for _, c := range counts(t, b, 70) {
		require.Equal(t, 10, c)
	}
}

func TestDownIsPassedOver(t *testing.T) {
	testworld.Sequential(t)
	for _, s := range strategies() {
		synctest.Test(t, func(t *testing.T) {
			b := naming.NewBalancer(naming.NewList(instances(20)...), s)
			require.False(t, b.MarkDown("nobody", time.Hour))
			require.True(t, b.MarkDown("i0003", time.Minute))
			require.NotContains(t, counts(t, b, 5000), "i0003", s)
			time.Sleep(time.Minute - 1)
			require.NotContains(t, counts(t, b, 5000), "i0003", s)
			time.Sleep(time.Nanosecond)
			require.Empty(t, b.Down())
			fresh := make(map[string]int)
			for i := range 5000 {
				fresh[pick(t, b, fmt.Sprintf("fresh-%d", i))]++
			}
			require.Contains(t, fresh, "i0003", "%s: it is back by itself", s)

			// All but one, and then all.
			for _, in := range instances(20)[1:] {
				require.True(t, b.MarkDown(in.ID, time.Minute))
			}
			require.Equal(t, map[string]int{"i0000": 1000}, counts(t, b, 1000), s)
			require.True(t, b.MarkDown("i0000", time.Minute))
			require.Greater(t, len(counts(t, b, 1000)), 10, "%s: rather one that may be down than none", s)
		})
	}
}

func TestDownAfterErrors(t *testing.T) {
	broken := errors.New("connection refused")
	synctest.Test(t, func(t *testing.T) {
		list := naming.NewList(instances(1)...)
		b := naming.NewBalancer(list, naming.RoundRobin(), naming.DownAfter(3, 10*time.Second, time.Minute))
		fail := func(err error) {
			p, e := b.Pick("")
			require.NoError(t, e)
			p.Done(err)
			p.Done(err)
		}
		fail(broken)
		fail(broken)
		for range 10 {
			fail(fmt.Errorf("call: %w", context.Canceled))
			fail(nil)
		}
		require.Empty(t, b.Down(), "a cancelled call does not count against the element")
		time.Sleep(10 * time.Second)
		fail(broken)
		fail(broken)
		require.Empty(t, b.Down(), "the first two are forgotten")
		list.Set(instances(2)) // the account survives a change
		for len(b.Down()) == 0 {
			fail(broken)
		}
		require.Equal(t, []string{"i0000"}, b.Down())
		time.Sleep(time.Minute)
		require.Empty(t, b.Down())
		require.Equal(t, 2, len(counts(t, b, 10)))
	})
	for _, o := range []naming.BalancerOption{naming.DownAfter(0, 1, 1), naming.DownAfter(1, 0, 1), naming.DownAfter(1, 1, 0)} {
		b := naming.NewBalancer(naming.NewList(instances(1)...), naming.Random(), o)
		for range 2 {
			_, err := b.Pick("")
			require.ErrorContains(t, err, "must be positive")
		}
		require.False(t, b.MarkDown("i0000", 1))
		require.Empty(t, b.Down())
	}
}

// Under the race detector: picks, changes and marks at once. A pick never
// gives an instance that no list since the pick began has had.
func TestConcurrentPicks(t *testing.T) {
	for _, s := range strategies() {
		if s.String() != "round-robin" {
			parsed, err := naming.ParseStrategy(s.String())
			require.NoError(t, err)
			s = parsed // a seeded source is for one goroutine
		}
		list := naming.NewList(instances(50)...)
		b := naming.NewBalancer(list, s, naming.DownAfter(2, time.Minute, time.Millisecond))
		var wg sync.WaitGroup
		for g := range 4 {
			wg.Go(func() {
				for i := range 2000 {
					p, err := b.Pick(fmt.Sprint(i % 300))
					if err != nil {
						t.Error(err)
						return
					}
					if i%7 == 0 {
						b.MarkDown(p.Item.ID, time.Microsecond)
					}
					var failed error
					if i%5 == g {
						failed = errors.New("failed")
					}
					p.Done(failed)
				}
			})
		}
		for i := range 100 {
			list.Set(instances(10 + i%40))
		}
		wg.Wait()
		list.Set(instances(20))
		require.NoError(t, b.Refresh())
		for _, in := range instances(20) {
			require.Zero(t, b.Pending(in.ID), "%s: every call is over", s)
		}
	}
}

func TestBalancerOverAnything(t *testing.T) {
	type partition struct{ broker, queue string }
	list := naming.NewList(partition{"b0", "0"}, partition{"b0", "1"}, partition{"b1", "0"})
	b := naming.NewBalancerOf(list, func(p *partition) string { return p.broker + "-" + p.queue }, naming.RoundRobin())
	got := make(map[partition]int)
	for range 6 {
		p, err := b.Pick("")
		require.NoError(t, err)
		got[*p.Item]++
	}
	require.Equal(t, map[partition]int{{"b0", "0"}: 2, {"b0", "1"}: 2, {"b1", "0"}: 2}, got)
}

func TestParseStrategy(t *testing.T) {
	for _, s := range strategies() {
		parsed, err := naming.ParseStrategy(s.String())
		require.NoError(t, err)
		require.Equal(t, s.String(), parsed.String())
	}
	_, err := naming.ParseStrategy("best")
	require.ErrorContains(t, err, `"best"`)
	require.ErrorContains(t, err, "round-robin")
}
