package lock_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// The error names what is at the path of a Once, as far as it is known.
func TestOnce_namesWhatIsThere(t *testing.T) {
	for what, put := range map[string]func(w *testworld.World){
		"it is not the record of a job that runs once per interval: it is the directory of a lock; check the path": func(w *testworld.World) {
			_, err := lock.NewMutex(w.Process().Manager, job).Lock(w.Context())
			require.NoError(w, err)
		},
		"interval: it is the directory of an election;": func(w *testworld.World) { w.Put(job+"/_c_00000000-0000-0000-0000-000000000000-latch-0000000000", "a") },
		"it is a gate,":             func(w *testworld.World) { w.Put(job, `{"host":"h","pid":7}`) },
		"it belongs to the session": func(w *testworld.World) { own(w, "x") },
		"the record of the job is damaged; if no run is under way, delete the znode": func(w *testworld.World) { w.Put(job, `{"once":"done","run":`) },
		"it is not the record of a job":                                              func(w *testworld.World) { w.Put(job, "x") },
	} {
		testworld.Run(t, func(w *testworld.World) {
			put(w)
			_, err := once(w.Process()).Start(w.Context())
			require.ErrorIs(w, err, session.ErrForeign)
			require.ErrorContains(w, err, what)
			_, err = once(w.Process()).Last(w.Context())
			require.ErrorIs(w, err, session.ErrForeign)
			require.ErrorContains(w, err, what)
		})
	}
}

func TestOnce_refusesForeignNodes(t *testing.T) {
	for name, put := range map[string]func(w *testworld.World){
		"a text":                func(w *testworld.World) { w.Put(job, "x") },
		"JSON":                  func(w *testworld.World) { w.Put(job, `{"once":"often"}`) },
		"a counter":             func(w *testworld.World) { w.Put(job, "\x00\x00\x00\x00\x00\x00\x00\x01") },
		"a lock that is held":   func(w *testworld.World) { _, _ = lock.NewMutex(w.Process().Manager, job).Lock(w.Context()) },
		"a one-node lock":       func(w *testworld.World) { _, _ = lock.NewOneNode(w.Process().Manager, job).Lock(w.Context()) },
		"a directory":           func(w *testworld.World) { w.Put(job+"/a", "") },
		"a record of a session": func(w *testworld.World) { own(w, `{"once":"never"}`) },
	} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				put(w)
				before := w.Changes()
				_, err := once(w.Process()).Start(w.Context())
				require.ErrorIs(w, err, session.ErrForeign)
				require.Equal(w, before, w.Changes(), "it is left as it is")
			})
		})
	}
}

// own makes the record an ephemeral node.
func own(w *testworld.World, data string) {
	p := w.Process()
	require.NoError(w, p.EnsureDir(w.Context(), "/jobs"))
	_, err := p.Create(w.Context(), job, []byte(data), session.Ephemeral)
	require.NoError(w, err)
}

// The record outlives its contenders, also if another program has made the node
// empty.
func TestOnce_recordIsPersistent(t *testing.T) {
	for _, made := range []bool{false, true} {
		testworld.Run(t, func(w *testworld.World) {
			if made {
				w.Put(job, "")
			}
			require.NoError(w, begins(w, once(w.Process())).End(nil))
			time.Sleep(4 * time.Minute) // containers go after one
			notDue(w, once(w.Process()).Do(w.Context(), runs(new(atomic.Int32), nil)))
		})
	}
}

func TestOnce_unusable(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		for _, c := range []struct {
			o    *lock.Once
			says string
		}{
			{lock.NewOnce(p.Manager, "x", every), "relative"},
			{lock.NewOnce(p.Manager, job, 0), "an interval of 0s: it must be at least 1ms"},
			{lock.NewOnce(p.Manager, job, -every), "an interval of -10m0s"},
			{once(p, lock.Slack(-1)), "the option Slack(-1ns) is out of range; give 0 or more, and less than the interval of 10m0s"},
			{once(p, lock.Slack(every)), "the option Slack(10m0s) is out of range"},
		} {
			require.ErrorContains(w, c.o.Do(w.Context(), runs(new(atomic.Int32), nil)), c.says)
			_, err := c.o.Last(w.Context())
			require.ErrorContains(w, err, c.says)
		}
		require.ErrorIs(w, once(p).Do(testworld.Cancelled(), runs(new(atomic.Int32), nil)), context.Canceled)
		require.NoError(w, p.Close())
		require.ErrorIs(w, once(p).Do(w.Context(), runs(new(atomic.Int32), nil)), session.ErrClosed)
	})
}

func TestOnce_refused(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		require.NoError(w, begins(w, once(p)).End(nil))
		time.Sleep(every)
		for _, op := range []zktest.Op{zktest.OpGetData, zktest.OpCreate, zktest.OpMultiRead, zktest.OpMulti} {
			remove := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
				if r.Op == op {
					return zktest.Fail(zktest.CodeNoAuth)
				}
				return zktest.Pass
			})
			_, err := once(p).Start(w.Context())
			require.ErrorIs(w, err, session.ErrNoAuth, op.String())
			remove()
			synctest.Wait()
			require.Empty(w, w.Children(job))
		}
		require.NoError(w, begins(w, once(p)).End(nil), "nothing was recorded")
	})
}
