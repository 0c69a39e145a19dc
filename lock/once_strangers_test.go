package lock_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/zktest"
)

// A record is never in a container, which the server deletes after its last
// child: the directory of a lock that was at the path before is a container.
func TestOnce_inAContainer(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		h, err := lock.NewMutex(p.Manager, job).Lock(w.Within(time.Minute))
		require.NoError(w, err)
		require.NoError(w, h.Release())
		require.NoError(w, begins(w, once(p)).End(nil))
		time.Sleep(2 * time.Minute)
		_, err = once(p).Start(w.Within(time.Minute))
		notDue(w, err)
	})
}

// Another client deletes the record between its read and the create below it.
// The znode that Once creates in its place is a record, too.
func TestOnce_recordGoesBeforeTheCreate(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		require.NoError(w, begins(w, once(p)).End(nil))
		time.Sleep(every)
		at(w, p, zktest.OpCreate, 1, func() zktest.Action {
			w.Remove(job)
			return zktest.Pass
		})
		require.NoError(w, begins(w, once(p)).End(nil))
		time.Sleep(2 * time.Minute)
		_, err := once(w.Process()).Start(w.Within(time.Minute))
		notDue(w, err)
	})
}

// An empty node keeps its ACL when a record takes its place.
func TestOnce_emptyNodeKeepsItsACL(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put(job, "")
		owner := w.Process(testworld.Secretive)
		w.Shut(job)
		require.NoError(w, begins(w, once(owner)).End(nil))
		_, err := once(w.Process(testworld.Guest)).Start(w.Within(time.Minute))
		require.Error(w, err)
		require.NotErrorIs(w, err, lock.ErrNotDue)
	})
}

// Start takes an empty node, so Last says that no run has begun.
func TestOnce_lastOfAnEmptyNode(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put(job, "")
		none, err := once(w.Process()).Last(w.Context())
		require.NoError(w, err)
		require.False(w, none.Exists)
	})
}

// The answer to the transaction that begins a run is lost, and ctx ends. The
// session comes back to a server that lags, and does not know of the run yet.
// The call takes the run back: the next call runs the job.
func TestOnce_givenUpInDoubtOnALaggingServer(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		require.NoError(w, begins(w, once(q)).End(nil))
		time.Sleep(every)
		ctx, cancel := context.WithCancel(w.Context())
		id := p.Current().ID()
		at(w, p, zktest.OpMulti, 1, func() zktest.Action {
			w.Srv.Lag(id)
			cancel()
			return zktest.LoseReply
		})
		call := testworld.Go(w, func(context.Context) (*lock.Run, error) { return once(p).Start(ctx) })
		require.ErrorIs(w, testworld.ErrOf(call.Result()), context.Canceled)
		w.Srv.CatchUp(id)
		time.Sleep(time.Minute)
		require.Equal(w, id, p.Current().ID(), "the session has not ended")
		require.NoError(w, begins(w, once(q)).End(nil))
	})
}

// End says that it records nothing after a Release of the embedded Hold.
func TestOnce_endAfterTheEmbeddedRelease(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		r := begins(w, once(p))
		require.NoError(w, r.Hold.Release())
		for range 2 {
			require.ErrorContains(w, r.End(nil), "the end of the run is not recorded")
		}
		require.Equal(w, lock.RunLost, last(w, once(p)).State)
	})
}

// The znode of a call that waits is deleted. The call makes another one at once
// and not when the run has ended: a call that comes later serves it.
func TestOnce_waitingCallLosesItsNode(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		run := begins(w, once(w.Process()))
		time.Sleep(every)
		var n atomic.Int32
		first := counted(w, once(w.Process(), lock.WaitForRun()), &n)
		own := slices.DeleteFunc(w.Children(job), func(name string) bool { return job+"/"+name == run.Path() })
		require.Len(w, own, 1)
		time.Sleep(time.Minute)
		w.Remove(job + "/" + own[0])
		time.Sleep(time.Second)
		require.Len(w, w.Children(job), 2, "the call has another znode")
		second := counted(w, once(w.Process(), lock.WaitForRun()), &n)
		time.Sleep(every)
		require.NoError(w, run.End(nil))
		var notDue int
		for _, call := range []*testworld.Call[struct{}]{first, second} {
			if _, err := call.Result(); errors.Is(err, lock.ErrNotDue) {
				notDue++
			}
		}
		require.EqualValues(w, 1, n.Load())
		require.Equal(w, 1, notDue)
		require.Less(w, last(w, once(w.Process())).Called.Sub(run.Called()), every+2*time.Minute, "the calls keep their times")
		time.Sleep(time.Second)
		require.Empty(w, w.Children(job))
	})
}
