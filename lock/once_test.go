package lock_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

const (
	job   = "/jobs/report"
	every = 10 * time.Minute
)

func once(p *testworld.Process, opts ...lock.OnceOption) *lock.Once {
	return lock.NewOnce(p.Manager, job, every, opts...)
}

var errJob = errors.New("the job has failed")

// runs returns a function that counts its calls and returns err.
func runs(n *atomic.Int32, err error) func(context.Context, *lock.Run) error {
	return func(context.Context, *lock.Run) error {
		n.Add(1)
		return err
	}
}

// begins is a run that goes on until it is ended.
func begins(w *testworld.World, o *lock.Once) *lock.Run {
	w.Helper()
	r, err := o.Start(w.Within(time.Hour))
	require.NoError(w, err)
	return r
}

func starting(w *testworld.World, o *lock.Once) *testworld.Call[*lock.Run] {
	return testworld.Go(w, o.Start)
}

// last is the newest run, which must exist.
func last(w *testworld.World, o *lock.Once) lock.RunInfo {
	w.Helper()
	info, err := o.Last(w.Context())
	require.NoError(w, err)
	require.True(w, info.Exists)
	return info
}

// notDue demands that err is ErrNotDue, and returns the run that it names.
func notDue(w *testworld.World, err error) lock.RunInfo {
	w.Helper()
	require.ErrorIs(w, err, lock.ErrNotDue)
	var why *lock.NotDueError
	require.ErrorAs(w, err, &why)
	return why.Run
}

func TestOnce_oneRunOfManyReplicas(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		var n atomic.Int32
		for tick := range 5 {
			var calls []*testworld.Call[struct{}]
			for range 4 {
				p := w.Process()
				calls = append(calls, testworld.Go(w, func(ctx context.Context) (struct{}, error) {
					return struct{}{}, once(p).Do(ctx, runs(&n, nil))
				}))
			}
			refused := 0
			for _, call := range calls {
				if _, err := call.Result(); err != nil {
					notDue(w, err)
					refused++
				}
			}
			require.Equal(w, 3, refused)
			require.EqualValues(w, tick+1, n.Load())
			time.Sleep(every)
		}
		require.Empty(w, w.Children(job))
	})
}

// The rule as a table: the calls of cron, of replicas with times of their own,
// and of a program that calls as often as it likes.
func TestOnce_due(t *testing.T) {
	minutes := func(at ...float64) []time.Duration {
		var all []time.Duration
		for _, m := range at {
			all = append(all, time.Duration(m*float64(time.Minute)))
		}
		return all
	}
	for _, c := range []struct {
		name string
		opts []lock.OnceOption
		at   []time.Duration
		runs []time.Duration
	}{
		{"cron, two replicas, a minute of jitter", nil, minutes(0.9, 0, 9.1, 10.9, 20, 20.9, 29.1, 30.9), minutes(0, 9.1, 20, 29.1)},
		{"a tick that nobody calls in", nil, minutes(0, 20), minutes(0, 20)},
		{"just before and at half the interval", nil, minutes(0, 4.999, 5), minutes(0, 5)},
		{"replicas with times of their own", nil, minutes(0, 6, 10, 16, 20, 26), minutes(0, 6, 16, 26)},
		{"three of them", nil, minutes(0, 3.3, 6.7, 10, 13.3, 16.7, 20), minutes(0, 6.7, 13.3, 20)},
		{"three of them, with a small slack", []lock.OnceOption{lock.Slack(time.Minute / 2)}, minutes(0, 3.3, 6.7, 10, 13.3, 16.7, 20), minutes(0, 10, 20)},
		{"jitter beyond the slack misses a tick", []lock.OnceOption{lock.Slack(time.Second)}, minutes(0.1, 10, 20), minutes(0.1, 20)},
		{"no slack", []lock.OnceOption{lock.Slack(0)}, minutes(0, 9.999, 10, 19, 20), minutes(0, 10, 20)},
	} {
		t.Run(c.name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				p := w.Process()
				start := time.Now()
				var began []time.Duration
				for _, at := range sorted(c.at) {
					time.Sleep(time.Until(start.Add(at)))
					err := once(p, c.opts...).Do(w.Context(), func(context.Context, *lock.Run) error {
						began = append(began, at)
						return nil
					})
					if err != nil {
						notDue(w, err)
					}
				}
				require.Equal(w, c.runs, began)
			})
		})
	}
}

// The bound: what the servers' clocks may differ by counts as jitter. A clock
// that goes back does not keep the job waiting until it has caught up.
func TestOnce_leadersClockSteps(t *testing.T) {
	for _, c := range []struct {
		step, after time.Duration
		runs        bool
	}{
		{-4 * time.Minute, 0, false}, {-4 * time.Minute, 8 * time.Minute, false}, {-4 * time.Minute, every, true},
		{-5 * time.Minute, 0, true}, {-5 * time.Minute, every, true},
		{-24 * time.Hour, 0, true}, {-24 * time.Hour, every, true},
		{4 * time.Minute, 0, false}, {4 * time.Minute, every, true}, {5 * time.Minute, 0, true},
	} {
		t.Run(fmt.Sprint(c.step, " ", c.after), func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				p := w.Process()
				var n atomic.Int32
				require.NoError(w, once(p).Do(w.Context(), runs(&n, nil)))
				w.Srv.StepClock(c.step)
				time.Sleep(c.after)
				err := once(p).Do(w.Context(), runs(&n, nil))
				if c.runs {
					require.NoError(w, err)
				} else {
					notDue(w, err)
				}
			})
		})
	}
}

func TestOnce_recordsRuns(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		none, err := once(p).Last(w.Context())
		require.NoError(w, err)
		require.Equal(w, lock.RunInfo{}, none)

		began := time.Now().Truncate(time.Millisecond)
		r := begins(w, once(p, lock.ID("p")))
		require.Equal(w, began, r.Called())
		time.Sleep(time.Minute)
		info := last(w, once(q))
		require.Equal(w, lock.RunUnderWay, info.State)
		require.Equal(w, "p", info.ID)
		require.NotZero(w, info.PID)
		require.NotEmpty(w, info.Host)
		require.EqualValues(w, p.Current().ID(), info.Session)
		require.Equal(w, r.Token(), info.Token)
		require.Equal(w, r.Path(), info.Path)
		require.Equal(w, began, info.Began)
		require.Zero(w, info.Ended)
		err = once(q).Do(w.Context(), runs(new(atomic.Int32), nil))
		require.Equal(w, info, notDue(w, err))
		require.ErrorContains(w, err, "start run "+job+": the job is not due: p (pid ")
		require.ErrorContains(w, err, " has been running it since "+began.UTC().Format(time.RFC3339))

		require.NoError(w, r.End(nil))
		require.NoError(w, r.End(errJob), "the first counts")
		require.ErrorIs(w, r.Err(), session.ErrReleased)
		info = last(w, once(q))
		require.Equal(w, lock.RunDone, info.State)
		require.Equal(w, began, info.Began)
		require.Equal(w, began.Add(time.Minute), info.Ended)
		require.Zero(w, info.Token)

		time.Sleep(every)
		require.ErrorIs(w, once(q).Do(w.Context(), runs(new(atomic.Int32), errJob)), errJob)
		require.Equal(w, lock.RunFailed, last(w, once(p)).State)
		require.ErrorContains(w, once(p).Do(w.Context(), runs(new(atomic.Int32), nil)), " and failed; it is due again at ")
		time.Sleep(every)
		require.Panics(w, func() { _ = once(q).Do(w.Context(), func(context.Context, *lock.Run) error { panic("x") }) })
		require.Equal(w, lock.RunFailed, last(w, once(p)).State)
		time.Sleep(every)
		require.NoError(w, begins(w, once(q)).Release())
		require.Equal(w, lock.RunFailed, last(w, once(p)).State)
		require.Empty(w, w.Children(job))
	})
}

// Tokens grow from run to run, and a guard passes only while the run lasts.
func TestOnce_tokensAndGuards(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put("/row", "")
		write := session.SetOp("/row", nil, session.AnyVersion)
		var token int64
		for range 3 {
			p := w.Process()
			r := begins(w, once(p))
			require.Greater(w, r.Token(), token)
			token = r.Token()
			_, err := p.Txn(w.Context(), r.Guard(), write)
			require.NoError(w, err)
			require.NoError(w, r.End(nil))
			_, err = p.Txn(w.Context(), r.Guard(), write)
			require.ErrorIs(w, err, session.ErrLost)
			time.Sleep(every)
		}
	})
}

func TestOnce_cost(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		var n atomic.Int32
		require.NoError(w, once(p).Do(w.Context(), runs(&n, nil)))
		time.Sleep(every)
		require.Equal(w, map[string]int{"getData": 1, "create": 1, "multiRead": 1, "multi": 2}, w.Count(func() {
			require.NoError(w, once(p).Do(w.Context(), runs(&n, nil)))
		}), "a run")
		require.Equal(w, map[string]int{"getData": 1, "create": 1, "multiRead": 1, "delete": 1}, w.Count(func() {
			notDue(w, once(p).Do(w.Context(), runs(&n, nil)))
		}), "a call that is not due")
	})
}

// The effect of a lost or failed run on the next calls of its interval.
func TestOnce_rerun(t *testing.T) {
	for _, c := range []struct {
		name         string
		opts         []lock.OnceOption
		lost, failed bool // whether such a run is replaced
	}{
		{"at most once", nil, false, false},
		{"RerunLost", []lock.OnceOption{lock.RerunLost()}, true, false},
		{"RerunFailed", []lock.OnceOption{lock.RerunFailed()}, true, true},
	} {
		for _, waits := range []bool{false, true} {
			opts := c.opts
			if waits {
				opts = append(opts[:len(opts):len(opts)], lock.WaitForRun())
			}
			for ending, rerun := range map[string]bool{"done": false, "lost": c.lost, "failed": c.failed} {
				t.Run(fmt.Sprint(c.name, " waits=", waits, " ", ending), func(t *testing.T) {
					testworld.Run(t, func(w *testworld.World) {
						p, q := w.Process(), w.Process()
						first := begins(w, once(p))
						next := starting(w, once(q, opts...))
						require.Equal(w, waits, next.Waiting())
						time.Sleep(time.Minute)
						switch ending {
						case "done":
							require.NoError(w, first.End(nil))
						case "failed":
							require.NoError(w, first.End(errJob))
						case "lost":
							p.Expire()
							<-first.Done()
							require.ErrorIs(w, first.End(nil), session.ErrLost)
							if !waits || !c.lost {
								require.Equal(w, lock.RunLost, last(w, once(q)).State)
							}
						}
						if !waits {
							require.Equal(w, lock.RunUnderWay, notDue(w, testworld.ErrOf(next.Result())).State)
							next = starting(w, once(q, opts...))
						}
						if !rerun {
							require.EqualValues(w, ending, notDue(w, testworld.ErrOf(next.Result())).State)
							return
						}
						second := next.Get()
						require.Equal(w, first.Called(), second.Called(), "the interval stays")
						require.Greater(w, second.Token(), first.Token())
						require.NoError(w, second.End(nil))
						err := testworld.ErrOf(starting(w, once(p, opts...)).Result())
						notDue(w, err)
						require.ErrorContains(w, err, ", for the call of "+first.Called().UTC().Format(time.RFC3339)+"; it is due again at ")
						time.Sleep(4 * time.Minute)
						require.NoError(w, begins(w, once(p, opts...)).End(nil), "it is due by the first call")
					})
				})
			}
		}
	}
}

// A run that goes on for longer than the interval is not joined by another. A
// call that waits for it begins the next; several that wait begin one.
func TestOnce_runsDoNotOverlap(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q, s := w.Process(), w.Process(), w.Process()
		long := begins(w, once(p))
		time.Sleep(every)
		require.Equal(w, lock.RunUnderWay, notDue(w, once(q).Do(w.Context(), runs(new(atomic.Int32), nil))).State)
		a, b := starting(w, once(q, lock.WaitForRun())), starting(w, once(s, lock.WaitForRun()))
		require.True(w, a.Waiting())
		require.True(w, b.Waiting())
		time.Sleep(time.Minute)
		require.NoError(w, long.End(nil))
		w.Eventually(func() bool { return !a.Waiting() || !b.Waiting() }, "one begins")
		first, other := a, b
		if a.Waiting() {
			first, other = b, a
		}
		r := first.Get()
		require.True(w, other.Waiting())
		require.NoError(w, r.End(nil))
		require.Equal(w, lock.RunDone, notDue(w, testworld.ErrOf(other.Result())).State)
		synctest.Wait()
		require.Empty(w, w.Children(job))
	})
}

// A run whose call came later serves a call that has waited through it, however
// long ago that call came.
func TestOnce_aLaterRunServesWhoHasWaited(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q, s := w.Process(), w.Process(), w.Process()
		long := begins(w, once(p))
		time.Sleep(every)
		waiter := starting(w, once(q, lock.WaitForRun()))
		require.True(w, waiter.Waiting())
		time.Sleep(every)
		q.Link.Delay(time.Second) // it learns of the end when another has begun
		require.NoError(w, long.End(nil))
		later := begins(w, once(s))
		time.Sleep(10 * time.Second)
		require.True(w, waiter.Waiting())
		require.NoError(w, later.End(nil))
		require.Equal(w, lock.RunDone, notDue(w, testworld.ErrOf(waiter.Result())).State)
	})
}

func sorted(at []time.Duration) []time.Duration { return slices.Sorted(slices.Values(at)) }
