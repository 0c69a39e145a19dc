package lock_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/zktest"
)

// nodesRead returns how many nodes are read while f runs, and the requests.
func nodesRead(w *testworld.World, f func()) (nodes int, counts map[string]int) {
	defer w.Srv.Intercept(func(r zktest.Request) zktest.Action {
		if r.Op == zktest.OpGetData { // those of a multiRead included
			nodes++
		}
		return zktest.Pass
	})()
	counts = w.Count(f)
	return nodes, counts
}

// Holders and Waiters read the znodes of the contenders that they return, and
// no others.
func TestLooksReadWhatTheyTell(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const waiters = 20
		p := w.Process()
		m := lock.NewMutex(p.Manager, "/mutex")
		h := lockNow(w, m)
		for range waiters {
			locking(w, m)
		}
		r1, r2 := reading(w, p).Get(), reading(w, p).Get()
		for range waiters {
			writing(w, p)
		}
		s := semaphore(p, 2)
		permits(p, s, 2)
		for range waiters {
			acquiring(w, s, 1)
		}
		time.Sleep(time.Minute) // all nodes are watched by now

		of := func(n int) func([]lock.Contender, error) {
			return func(all []lock.Contender, err error) {
				require.NoError(w, err)
				require.Len(w, all, n)
			}
		}
		for _, c := range []struct {
			name  string
			look  func()
			nodes int
			want  map[string]int
		}{
			{"Mutex.Holders", func() { of(1)(m.Holders(w.Context())) }, 1, map[string]int{"getChildren2": 1, "multiRead": 1}},
			{"Mutex.Waiters", func() { of(waiters)(m.Waiters(w.Context())) }, waiters, map[string]int{"getChildren2": 1, "multiRead": 2}},
			{"RWMutex.Holders", func() { of(2)(rw(p).Holders(w.Context())) }, 2, map[string]int{"getChildren2": 1, "multiRead": 1}},
			{"RWMutex.Waiters", func() { of(waiters)(rw(p).Waiters(w.Context())) }, waiters, map[string]int{"getChildren2": 1, "multiRead": 2}},
			{"Semaphore.Holders", func() { of(2)(s.Holders(w.Context())) }, 3, map[string]int{"getChildren2": 2, "multiRead": 1}},
			{"Semaphore.Waiters", func() { of(waiters)(s.Waiters(w.Context())) }, waiters, map[string]int{"getChildren2": 1, "multiRead": 2}},
		} {
			nodes, counts := nodesRead(w, c.look)
			require.Equal(w, c.nodes, nodes, c.name)
			require.Equal(w, c.want, counts, c.name)
		}
		nodes, counts := nodesRead(w, func() { of(1)(m.Revoke(w.Context())) })
		require.Equal(w, map[string]int{"sync": 1, "getChildren2": 1, "multiRead": 1, "setData": 1, "getData": 3}, counts,
			"the request wakes the holder and the two that watch its node")
		require.Equal(w, 1+3, nodes, "Revoke reads the holder's node once")
		for _, hold := range []*lock.Hold{h, r1, r2} {
			require.NoError(w, hold.Err())
		}
	})
}

// All who a look was to tell of go between its list and its reads: it lists
// again.
func TestLooksAgainAtAnotherHolder(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		h := lockNow(w, lock.NewMutex(p.Manager, dir, lock.ID("first")))
		next := locking(w, lock.NewMutex(p.Manager, dir, lock.ID("second")))
		time.Sleep(time.Second) // the hold is watched by now
		w.Once(func(r zktest.Request) bool {
			return r.Op == zktest.OpMultiRead && r.Session == q.Current().ID()
		}, func() zktest.Action {
			w.Remove(h.Path())
			return zktest.Pass
		})
		all, err := lock.NewMutex(q.Manager, dir).Holders(w.Context())
		require.NoError(w, err)
		require.Len(w, all, 1)
		require.Equal(w, "second", all[0].ID)
		require.NoError(w, next.Get().Release())
	})
}

// Others write into the holder's node after Revoke has read it: it is asked all
// the same.
func TestRevokeOverAnotherWrite(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		h := lockNow(w, lock.NewMutex(p.Manager, dir))
		time.Sleep(time.Second) // the hold is watched by now
		w.Once(testworld.Is(zktest.OpSetData, h.Path()), func() zktest.Action {
			w.Put(h.Path(), "other")
			return zktest.Pass
		})
		counts := w.Count(func() { require.NoError(w, lock.Revoke(w.Context(), p.Manager, h.Path())) })
		delete(counts, "getData") // the holder may read both writes at once
		require.Equal(w, map[string]int{"sync": 2, "exists": 1, "setData": 2}, counts)
		require.Equal(w, "__REVOKE__", w.Data(h.Path()))
	})
}
