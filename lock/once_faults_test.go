package lock_test

import (
	"context"
	"errors"
	"fmt"
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

// requests are the requests of a run, in order. nth tells the two transactions
// apart.
var requests = []struct {
	name string
	op   zktest.Op
	nth  int
}{
	{"first read", zktest.OpGetData, 1},
	{"create", zktest.OpCreate, 1},
	{"read", zktest.OpMultiRead, 1},
	{"begin", zktest.OpMulti, 1},
	{"end", zktest.OpMulti, 2},
}

// at has do called at the nth request of the kind that the process sends.
func at(w *testworld.World, p *testworld.Process, op zktest.Op, nth int, do func() zktest.Action) {
	id := p.Current().ID()
	seen := 0
	w.Once(func(r zktest.Request) bool {
		if r.Session == id && r.Op == op {
			seen++
		}
		return seen == nth && r.Session == id && r.Op == op
	}, do)
}

// counted is a Do in the background that counts its runs.
func counted(w *testworld.World, o *lock.Once, n *atomic.Int32) *testworld.Call[struct{}] {
	return testworld.Go(w, func(ctx context.Context) (struct{}, error) { return struct{}{}, o.Do(ctx, runs(n, nil)) })
}

// One answer or request is lost, the process is cut off for two seconds, and
// another replica calls meanwhile; the session may expire besides. The job runs
// once, and the call that ran it knows. The one exception is a session that
// ends before the end of a run is recorded: the call says ErrLost then, and a
// replica that reruns lost runs may run the job again.
func TestOnce_faultAtEachRequest(t *testing.T) {
	for _, at := range requests {
		for how, lose := range map[string]zktest.Action{"answer": zktest.LoseReply, "request": zktest.DropRequest} {
			for _, expires := range []bool{false, true} {
				for _, rerun := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s/%s expires=%v rerun=%v", at.name, how, expires, rerun), func(t *testing.T) {
						testworld.Run(t, func(w *testworld.World) {
							faultAt(w, at.op, at.nth, lose, expires, rerun)
						})
					})
				}
			}
		}
	}
}

func faultAt(w *testworld.World, op zktest.Op, nth int, lose zktest.Action, expires, rerun bool) {
	p, q := w.Process(), w.Process()
	require.NoError(w, begins(w, once(p)).End(nil))
	time.Sleep(every)
	var opts []lock.OnceOption
	if rerun {
		opts = append(opts, lock.RerunLost())
	}
	var here, there atomic.Int32
	id := p.Current().ID()
	at(w, p, op, nth, func() zktest.Action {
		p.Link.Refuse(true)
		time.AfterFunc(2*time.Second, func() { p.Link.Refuse(false) })
		return lose
	})
	a := counted(w, once(p, opts...), &here)
	if expires {
		w.Srv.Expire(id)
	}
	b := counted(w, once(q, opts...), &there)
	_, errA := a.Result()
	_, errB := b.Result()

	ran := here.Load() + there.Load()
	unrecorded := errors.Is(errA, session.ErrLost) && here.Load() == 1
	if !unrecorded {
		require.EqualValues(w, 1, ran, "%v, %v", errA, errB)
		require.Equal(w, here.Load() == 1, errA == nil, "%v", errA)
	} else {
		require.True(w, expires && nth == 2, "%v", errA)
		require.True(w, ran == 1 || rerun)
	}
	require.Equal(w, there.Load() == 1, errB == nil, "%v", errB)
	if errA != nil && !unrecorded {
		notDue(w, errA)
	}
	if errB != nil {
		notDue(w, errB)
	}
	time.Sleep(time.Minute)
	require.Empty(w, w.Children(job))
	if state := last(w, once(q)).State; !unrecorded || rerun {
		require.Equal(w, lock.RunDone, state)
	}
	time.Sleep(every)
	require.NoError(w, begins(w, once(q)).End(nil))
}

// The ctx ends while a request is under way. No run is recorded, and none
// begins: the next call runs the job at once.
func TestOnce_givenUpAtEachRequest(t *testing.T) {
	for _, c := range requests[:4] {
		t.Run(c.name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				p, q := w.Process(), w.Process()
				require.NoError(w, begins(w, once(q)).End(nil))
				before := last(w, once(q))
				time.Sleep(every)
				answer := make(chan struct{})
				at(w, p, c.op, c.nth, func() zktest.Action { return zktest.Hold(answer) })
				ctx, cancel := context.WithCancel(w.Context())
				call := testworld.Go(w, func(context.Context) (*lock.Run, error) { return once(p).Start(ctx) })
				require.True(w, call.Waiting())
				cancel()
				require.Equal(w, c.name == "begin", call.Waiting(), "the begin is not cut short")
				close(answer)
				require.ErrorIs(w, testworld.ErrOf(call.Result()), context.Canceled)
				synctest.Wait()
				require.Empty(w, w.Children(job))
				after := last(w, once(q))
				require.Equal(w, before.Path, after.Path)
				require.Equal(w, before.State, after.State)
				require.NoError(w, begins(w, once(q)).End(nil))
			})
		})
	}
}

// A waiting call is given up, or its session ends: it leaves nothing over, or
// goes on in the next session.
func TestOnce_waitEnds(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q, s := w.Process(), w.Process(), w.Process()
		r := begins(w, once(p))
		given, goes := starting(w, once(q, lock.WaitForRun())), starting(w, once(s, lock.WaitForRun(), lock.RerunLost()))
		_, err := given.GiveUp()
		require.ErrorIs(w, err, context.Canceled)
		s.Expire()
		w.Eventually(func() bool { return len(w.Children(job)) == 2 }, "it calls again")
		w.Remove(job + "/" + w.Children(job)[1])
		w.Remove(job + "/" + w.Children(job)[0]) // among them the run's
		<-r.Done()
		require.ErrorIs(w, r.Err(), session.ErrDeleted)
		require.ErrorIs(w, r.End(nil), session.ErrLost)
		require.NoError(w, goes.Get().End(nil))
		synctest.Wait()
		require.Empty(w, w.Children(job))
	})
}

// The hold ends before another replica can begin: when the process is cut off,
// at its trust deadline.
func TestOnce_cutOff(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		var ended atomic.Pointer[time.Time]
		a := testworld.Go(w, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, once(p).Do(ctx, func(ctx context.Context, r *lock.Run) error {
				<-ctx.Done()
				now := time.Now()
				ended.Store(&now)
				return context.Cause(ctx)
			})
		})
		b := starting(w, once(q, lock.WaitForRun(), lock.RerunLost()))
		p.Link.Cut(zktest.Both)
		r := b.Get()
		require.NotNil(w, ended.Load())
		require.Less(w, *ended.Load(), time.Now())
		_, err := a.Result()
		require.ErrorIs(w, err, session.ErrLost)
		p.Link.Heal()
		require.NoError(w, r.End(nil))
		require.Equal(w, lock.RunDone, last(w, once(q)).State)
	})
}

func TestOnce_throttled(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		w.Throttle()
		var n atomic.Int32
		for range 3 {
			a, b := counted(w, once(p), &n), counted(w, once(q), &n)
			_, errA := a.Result()
			_, errB := b.Result()
			require.NotEqual(w, errA == nil, errB == nil, "%v, %v", errA, errB)
			time.Sleep(every)
		}
		require.EqualValues(w, 3, n.Load())
	})
}

// A server that lags has made the node of a call before it answers the call's
// read: it knows of every run that was recorded before.
func TestOnce_laggingServer(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		require.NoError(w, begins(w, once(p)).End(nil))
		time.Sleep(every)
		w.Srv.Lag(p.Current().ID())
		require.NoError(w, begins(w, once(q)).End(nil))
		require.Equal(w, lock.RunDone, notDue(w, testworld.ErrOf(starting(w, once(p)).Result())).State)
		require.EqualValues(w, q.Current().ID(), last(w, once(p)).Session)
	})
}

// Servers without create2 and multiRead cost some requests more.
func TestOnce_oldServer(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		var n atomic.Int32
		for i := range 3 {
			a, b := counted(w, once(p), &n), counted(w, once(q), &n)
			_, errA := a.Result()
			_, errB := b.Result()
			require.NotEqual(w, errA == nil, errB == nil, "%v, %v", errA, errB)
			require.EqualValues(w, i+1, n.Load())
			time.Sleep(every)
		}
	}, zktest.NoContainers(), zktest.NoOps(zktest.OpMultiRead))
}

// Another client writes into the record, or deletes it; a server answers with
// an unknown code. The run returns an error, and leaves no znode.
func TestOnce_strangers(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(w *testworld.World, r *lock.Run)
		says string
	}{
		"writes": {func(w *testworld.World, _ *lock.Run) { w.Put(job, "x") }, "another program has changed the record"},
		"deletes all": {func(w *testworld.World, r *lock.Run) {
			w.Remove(r.Path())
			w.Remove(job)
		}, "the end of the run is not recorded"},
		"unknown code": {func(w *testworld.World, _ *lock.Run) { w.Fail(zktest.OpMulti, "", -4711) }, "-4711"},
	} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				r := begins(w, once(w.Process()))
				c.do(w, r)
				err := r.End(nil)
				require.ErrorContains(w, err, "end run "+job+": ")
				require.ErrorContains(w, err, c.says)
				require.Empty(w, w.Children(job))
			})
		})
	}
	// The znode of a run is deleted, and the next run has begun, when the first
	// one ends that has not heard of it.
	testworld.Run(t, func(w *testworld.World) {
		r := begins(w, once(w.Process()))
		w.Remove(r.Path())
		w.Put(job, "the record of the next run")
		require.ErrorIs(w, r.End(nil), session.ErrLost)
	})
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Fail(zktest.OpMulti, "", -4711)
		_, err := once(p).Start(w.Within(time.Minute))
		require.ErrorContains(w, err, "-4711")
		require.NotErrorIs(w, err, context.DeadlineExceeded)
	})
}
