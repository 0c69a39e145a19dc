package inspect

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func deadlocks(w *testworld.World, p *testworld.Process, opts ...Option) []Deadlock {
	w.Helper()
	synctest.Wait()
	r, err := Deadlocks(w.Context(), p.Manager, "/", opts...)
	require.NoError(w, err)
	require.NotNil(w, r.Report)
	return r.Deadlocks
}

// cycle writes a deadlock as "a>/lock>b>/lock>", beginning with the least.
func cycle(d Deadlock) string {
	at := 0
	for i, s := range d.Cycle {
		if s.Waiter.ID < d.Cycle[at].Waiter.ID {
			at = i
		}
	}
	text := ""
	for i := range d.Cycle {
		s := d.Cycle[(at+i)%len(d.Cycle)]
		text += s.Waiter.ID + ">" + s.Lock + ">"
	}
	return text
}

func permit(w *testworld.World, p *testworld.Process, path, id string, limit int) *testworld.Call[*lock.Permit] {
	s := lock.NewSemaphore(p.Manager, path, lock.Permits(limit), lock.ID(id))
	return testworld.Go(w, func(ctx context.Context) (*lock.Permit, error) { return s.Acquire(ctx, 1) })
}

func TestDeadlocks_twoClients(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b, watcher := w.Process(), w.Process(), w.Process()
		held(w, a, "/l/1", "a")
		held(w, b, "/l/2", "b")
		lockWaiting(w, a, "/l/2", "a")
		require.Empty(t, deadlocks(w, watcher))
		time.Sleep(time.Minute)
		closed := time.Now()
		call := lockWaiting(w, b, "/l/1", "b")
		time.Sleep(time.Minute)
		found := deadlocks(w, watcher)
		require.Len(t, found, 1)
		require.Equal(t, "a>/l/2>b>/l/1>", cycle(found[0]))
		require.Equal(t, closed.Truncate(time.Millisecond), found[0].Since)
		require.Empty(t, found[0].Behind)
		for _, s := range found[0].Cycle {
			require.NotEqual(t, s.Waiter.Session, s.Holder.Session)
			require.Equal(t, KindLock, s.Kind)
		}

		_, err := call.GiveUp()
		require.Error(t, err)
		require.Empty(t, deadlocks(w, watcher), "a waiter that is cancelled opens the cycle")
	})
}

func TestDeadlocks_threeClientsAndOneBehind(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		var p [5]*testworld.Process
		for i := range p {
			p[i] = w.Process()
		}
		for i := range 3 {
			held(w, p[i], fmt.Sprint("/l/", i), fmt.Sprint(i))
		}
		held(w, p[3], "/l/3", "3")
		for i := range 3 {
			lockWaiting(w, p[i], fmt.Sprint("/l/", (i+1)%3), fmt.Sprint(i))
		}
		lockWaiting(w, p[3], "/l/1", "3") // behind, in no cycle
		found := deadlocks(w, p[4])
		require.Len(t, found, 1)
		require.Equal(t, "0>/l/1>1>/l/2>2>/l/0>", cycle(found[0]))
		require.Equal(t, []session.ID{session.ID(p[3].Current().ID())}, found[0].Behind)
	})
}

// Curator's client holds a mutex by its own layout, and waits for ours.
func TestDeadlocks_curatorInTheRing(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, java := w.Process(), w.Process()
		put(w, java, "/j/"+curatorName(1, "lock-", 0), "10.0.0.1")
		held(w, a, "/l", "a")
		lockWaiting(w, a, "/j", "a")
		put(w, java, "/l/"+curatorName(2, "lock-", 5), "10.0.0.1")
		found := deadlocks(w, a)
		require.Len(t, found, 1)
		require.Equal(t, "10.0.0.1>/l>a>/j>", cycle(found[0]))
	})
}

func TestDeadlocks_readersAndWriters(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b, c := w.Process(), w.Process(), w.Process()
		rw := func(p *testworld.Process, id string) *lock.RWMutex {
			return lock.NewRWMutex(p.Manager, "/rw", lock.ID(id))
		}
		_, err := rw(a, "a").RLock(w.Context())
		require.NoError(t, err)
		held(w, b, "/m", "b")
		writer := testworld.Go(w, rw(c, "c").Lock)
		require.True(t, writer.Waiting())
		reader := testworld.Go(w, rw(b, "b").RLock) // behind the writer, who waits for a
		require.True(t, reader.Waiting())
		require.Empty(t, deadlocks(w, c))
		lockWaiting(w, a, "/m", "a")
		found := deadlocks(w, c)
		require.Len(t, found, 1)
		require.Equal(t, "a>/m>b>/rw>", cycle(found[0]))
		_, err = writer.GiveUp()
		require.Error(t, err)
		reader.Get()
		require.Empty(t, deadlocks(w, c), "readers hold beside each other")
	})
}

// A waiter for one of several permits is stuck only if all holders of permits
// are.
func TestDeadlocks_permits(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b, c := w.Process(), w.Process(), w.Process()
		permit(w, a, "/s", "a", 2).Get()
		second := permit(w, b, "/s", "b", 2).Get()
		held(w, c, "/m", "c")
		require.True(t, permit(w, c, "/s", "c", 2).Waiting())
		call := lockWaiting(w, a, "/m", "a")
		require.Empty(t, deadlocks(w, c), "b can give its permit back")
		lockWaiting(w, b, "/m", "b")
		found := deadlocks(w, c)
		require.Len(t, found, 2, "c waits for a and for b")
		for _, d := range found {
			require.Len(t, d.Cycle, 2)
			require.Len(t, d.Behind, 1)
			require.False(t, d.More)
		}
		_, err := call.GiveUp()
		require.Error(t, err)
		require.Empty(t, deadlocks(w, c))
		require.NoError(t, second.Release())
	})
}

// Near-misses: each has a part that looks like a cycle, and is not a deadlock.
func TestDeadlocks_nearMisses(t *testing.T) {
	for name, arrange := range map[string]func(w *testworld.World, a, b, c *testworld.Process){
		"a chain with an end": func(w *testworld.World, a, b, c *testworld.Process) {
			held(w, a, "/1", "a")
			held(w, b, "/2", "b")
			held(w, c, "/3", "c")
			lockWaiting(w, a, "/2", "a")
			lockWaiting(w, b, "/3", "b")
		},
		"both want the same two, in one order": func(w *testworld.World, a, b, _ *testworld.Process) {
			held(w, a, "/1", "a")
			held(w, a, "/2", "a")
			lockWaiting(w, b, "/1", "b")
			lockWaiting(w, b, "/2", "b")
		},
		"goroutines of one process contend": func(w *testworld.World, a, _, _ *testworld.Process) {
			held(w, a, "/1", "a")
			held(w, a, "/2", "a")
			lockWaiting(w, a, "/1", "a")
			lockWaiting(w, a, "/2", "a")
		},
		"two busy processes read and want to write": func(w *testworld.World, a, b, _ *testworld.Process) {
			for _, p := range []*testworld.Process{a, b} {
				_, err := lock.NewRWMutex(p.Manager, "/rw").RLock(w.Context())
				require.NoError(w, err)
			}
			for _, p := range []*testworld.Process{a, b} {
				require.True(w, testworld.Go(w, lock.NewRWMutex(p.Manager, "/rw").Lock).Waiting())
			}
		},
		"two busy processes share permits": func(w *testworld.World, a, b, _ *testworld.Process) {
			permit(w, a, "/s", "a", 2).Get()
			permit(w, b, "/s", "b", 2).Get()
			require.True(w, permit(w, a, "/s", "a", 2).Waiting())
			require.True(w, permit(w, b, "/s", "b", 2).Waiting())
		},
		"the waiter in between wants only what is free elsewhere": func(w *testworld.World, a, b, c *testworld.Process) {
			// b waits in /1 before a, and holds /2 for which a's other
			// goroutine waits; c can give /1 back.
			held(w, c, "/1", "c")
			held(w, b, "/2", "b")
			lockWaiting(w, b, "/1", "b")
			lockWaiting(w, a, "/1", "a")
			lockWaiting(w, a, "/2", "a")
		},
	} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				arrange(w, w.Process(), w.Process(), w.Process())
				require.Empty(t, deadlocks(w, w.Process()))
			})
		})
	}
}

// A cycle that is seen once, and opens before the second look, was none: here a
// goroutine lets go, and takes up the same lock again.
func TestDeadlocks_movingPicture(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b, watcher := w.Process(), w.Process(), w.Process()
		h := held(w, a, "/1", "a")
		held(w, b, "/2", "b")
		lockWaiting(w, a, "/2", "a")
		waiting := lockWaiting(w, b, "/1", "b")
		look := testworld.Go(w, func(ctx context.Context) (*DeadlockReport, error) {
			return Deadlocks(ctx, watcher.Manager, "/", Confirm(time.Minute))
		})
		require.True(t, look.Waiting())
		require.NoError(t, h.Release())
		require.NoError(t, waiting.Get().Release())
		held(w, a, "/1", "a")
		lockWaiting(w, b, "/1", "b")
		report := look.Get()
		require.Empty(t, report.Deadlocks, "it is another cycle, and too young")
		require.Equal(t, 1, report.Passing)
		require.Len(t, deadlocks(w, watcher, Confirm(time.Minute)), 1)
	})
}

// The second look reads what the cycle is made of, and nothing else.
func TestDeadlocks_secondLookIsNarrow(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		held(w, a, "/l/x/1", "a")
		held(w, b, "/l/y/2", "b")
		lockWaiting(w, a, "/l/y/2", "a")
		lockWaiting(w, b, "/l/x/1", "b")
		for i := range 200 {
			w.Put(fmt.Sprintf("/other/%03d", i), "x")
		}
		time.Sleep(time.Minute) // all are watched that will be
		nodes := 0
		defer w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpGetData { // those of a multiRead included
				nodes++
			}
			return zktest.Pass
		})()
		once := w.Count(func() { report(w, a, "/") })
		nodes = -nodes
		both := w.Count(func() { require.Len(t, deadlocks(w, a), 1) })
		require.Equal(t, 4+5, nodes, "the contenders, and what leads to them but the top")
		require.Equal(t, 1, both["exists"]-once["exists"])
		require.Equal(t, 6, both["getChildren2"]-once["getChildren2"])
	})
}

func TestDeadlocks_ctx(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		held(w, a, "/1", "a")
		held(w, b, "/2", "b")
		lockWaiting(w, a, "/2", "a")
		lockWaiting(w, b, "/1", "b")
		_, err := Deadlocks(w.Within(time.Minute), a.Manager, "/", Confirm(time.Hour))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "inspect /: ")
	})
}
