package core_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// entered creates a node with a guid and holds it.
func entered(p *testworld.Process, dir string) *core.Hold {
	p.W.Helper()
	e, err := p.Current().Enter(p.W.Context(), dir, "lock-", nil)
	require.NoError(p.W, err)
	h, err := e.Hold(p.W.Context(), e.Czxid)
	require.NoError(p.W, err)
	return h
}

// claimed creates a node at a fixed path and holds it.
func claimed(p *testworld.Process, path string) *core.Hold {
	p.W.Helper()
	n, err := p.Current().Claim(p.W.Context(), path, nil)
	require.NoError(p.W, err)
	h, err := n.Hold(p.W.Context(), 1)
	require.NoError(p.W, err)
	return h
}

// frames notes the largest request of checks, and counts the checks.
func frames(w *testworld.World) (largest, checks *int) {
	largest, checks = new(int), new(int)
	w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
		if r.Op != zktest.OpMulti {
			return zktest.Pass
		}
		size := 0
		for _, op := range r.Ops {
			size += len(op.Path)
		}
		*largest, *checks = max(*largest, size), *checks+len(r.Ops)
		return zktest.Pass
	}))
	return largest, checks
}

// The checks of all holds of a session, if they fit into one request, cost no
// more than the check that proves the session. Nodes at fixed paths cost a read
// in addition.
func TestHeldNodesCost(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		timeouts := testworld.Sized(36, 360)
		count := func() testworld.Counts {
			time.Sleep(15 * time.Second) // the first round of those that have just begun
			return w.Count(func() { time.Sleep(time.Duration(timeouts) * 10 * time.Second) })
		}
		rounds := 3 * timeouts
		entered(p, "/locks/a")
		require.Equal(w, testworld.Counts{"multi": rounds}, count(), "one")
		for range 99 {
			entered(p, "/locks/a")
		}
		require.Equal(w, testworld.Counts{"multi": rounds}, count(), "a hundred")
		claimed(p, "/one/0")
		require.Equal(w, testworld.Counts{"multi": rounds, "exists": rounds}, count(), "and a claim")
		for i := range 9 {
			claimed(p, fmt.Sprintf("/one/%d", i+1))
		}
		require.Equal(w, testworld.Counts{"multi": rounds, "multiRead": rounds}, count(), "and ten")
	})
}

// With thousands of holds, each probe checks some of them. Its size and its
// pace are bounded.
func TestManyHeldNodes(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		many := testworld.Sized(600, 3000)
		p := w.Process()
		var holds []*core.Hold
		for range many {
			holds = append(holds, entered(p, "/locks/a"))
		}
		time.Sleep(time.Minute)
		largest, checks := frames(w)
		const timeouts = 60
		counts := w.Count(func() { time.Sleep(timeouts * 10 * time.Second) })
		require.LessOrEqual(w, *largest, 16<<10)
		require.LessOrEqual(w, counts["multi"], timeouts*12+1)
		require.Greater(w, *checks, many*timeouts/10)
		probes := many*100/(16<<10) + 1 // no check takes more than 100 bytes
		bound := 10 * time.Second * time.Duration(max(25, 5*probes)) / 60
		for i := range 10 {
			h := holds[i*many/10]
			w.Shut(h.Path())
			w.Remove(h.Path())
			removed := time.Now()
			select {
			case <-h.Done():
			case <-time.After(time.Hour):
				require.FailNow(w, "the hold goes on without its node")
			}
			require.LessOrEqual(w, time.Since(removed), bound)
			require.ErrorIs(w, h.Err(), core.ErrDeleted)
		}
		for i, h := range holds {
			if i%(many/10) != 0 {
				require.NoError(w, h.Err())
			}
		}
	})
}

// All nodes of a session are deleted at once, or all are hidden and every
// second one is deleted. The first failed check does not keep the other
// deletions from being noticed in time.
func TestManyHeldNodesGoAtOnce(t *testing.T) {
	for _, stay := range []bool{false, true} {
		testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
			p := w.Process()
			var gone, left []*core.Hold
			for i := range 60 {
				h := entered(p, "/locks/a")
				if i%3 == 0 {
					h = claimed(p, fmt.Sprintf("/one/%d", i))
				}
				if stay && i%2 == 0 {
					left = append(left, h)
				} else {
					gone = append(gone, h)
				}
			}
			time.Sleep(time.Minute)
			for _, h := range append(gone, left...) {
				w.Shut(h.Path())
			}
			if stay {
				time.Sleep(time.Minute)
			}
			for _, h := range gone {
				w.Remove(h.Path())
			}
			time.Sleep(testworld.HeldUnseen + time.Millisecond)
			for _, h := range gone {
				require.ErrorIs(w, h.Err(), core.ErrDeleted)
			}
			time.Sleep(time.Duration(testworld.Sized(6, 60)) * time.Minute)
			for _, h := range left {
				require.NoError(w, h.Err())
			}
		})
	}
}

// A node is created again at the fixed path of a hold, by another session or by
// this one, with the same version. It is not taken for the node of the hold.
func TestHeldNodeIsMadeAgain(t *testing.T) {
	for name, again := range map[string]func(w *testworld.World, p *testworld.Process){
		"by another session": func(w *testworld.World, _ *testworld.Process) {
			_, err := w.Process().Current().Claim(w.Context(), "/one", nil)
			require.NoError(w, err)
		},
		"by the same session": func(w *testworld.World, p *testworld.Process) {
			_, err := p.Current().Create(w.Context(), "/one", nil, core.Ephemeral)
			require.NoError(w, err)
		},
	} {
		for _, also := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", among others: ", also), func(t *testing.T) {
				testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
					p := w.Process()
					h := claimed(p, "/one")
					var other *core.Hold
					if also {
						other = claimed(p, "/other")
					}
					time.Sleep(time.Minute)
					w.Shut("/one")
					w.Remove("/one")
					again(w, p)
					w.EndsUnseen(h.Context(), "")
					if also {
						require.NoError(w, other.Err())
					}
				})
			})
		}
	}
}

// Three sessions notice the deletion at any time between two pings: one writes
// all the time, the server of one does not execute a probe, and one loses its
// connection.
func TestUnseenDeletionUnderFaults(t *testing.T) {
	throttle := func(w *testworld.World, _ *testworld.Process) {
		w.Once(testworld.Is(zktest.OpMulti, ""), func() zktest.Action { return zktest.Fail(zktest.CodeThrottledOp) })
	}
	const again = 10 * time.Second * 5 / 60
	for name, fault := range map[string]struct {
		busy  bool
		begin func(w *testworld.World, p *testworld.Process)
		late  time.Duration // what the fault may cost
	}{
		"it writes":                {busy: true, begin: func(*testworld.World, *testworld.Process) {}},
		"throttled":                {begin: throttle, late: again},
		"throttled, and it writes": {busy: true, begin: throttle, late: again},
		"it reconnects": {late: 3 * time.Second, begin: func(w *testworld.World, p *testworld.Process) {
			w.Once(testworld.Is(zktest.OpMulti, ""), func() zktest.Action { p.Link.Disconnect(); return zktest.LoseReply })
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for phase := range 7 {
				testworld.Run(t, func(w *testworld.World) {
					p := w.Process()
					h, one := entered(p, "/locks/a"), claimed(p, "/one")
					if fault.busy {
						p.KeepWriting()
					}
					time.Sleep(time.Minute + time.Duration(phase)*503*time.Millisecond)
					fault.begin(w, p)
					p.RemoveHidden()
					time.Sleep(testworld.HeldUnseen + fault.late + time.Millisecond)
					synctest.Wait()
					require.ErrorIs(w, h.Err(), core.ErrDeleted, "phase %d", phase)
					require.ErrorIs(w, one.Err(), core.ErrDeleted, "phase %d", phase)
				})
			}
		})
	}
}
