package docentgocron_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-co-op/gocron/v2"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	docentgocron "github.com/docent-go/docent/contrib/gocron"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// jobs schedules the job on every replica.
func (w *world) jobs(takes time.Duration, opts ...docentgocron.Option) (jobs []*docentgocron.Job) {
	for i, p := range w.replicas {
		j := docentgocron.NewJob(p.Manager, path, every, opts...)
		w.schedule(i, j.Task(w.does(i, takes)), nil, j.Option())
		jobs = append(jobs, j)
	}
	return jobs
}

// Three replicas whose clocks differ by up to five seconds run the job once per
// tick, be it shorter or longer than the difference. A job that is longer than
// the interval omits the ticks that come while it runs.
func TestJob_oncePerTick(t *testing.T) {
	for takes, ticks := range map[time.Duration][]int{
		time.Millisecond: {10, 20, 30, 40, 50, 60},
		4 * time.Second:  {10, 20, 30, 40, 50, 60},
		6 * time.Minute:  {10, 20, 30, 40, 50, 60},
		25 * time.Minute: {10, 40},
	} {
		t.Run(takes.String(), func(t *testing.T) {
			run(t, func(w *world) {
				w.jobs(takes)
				time.Sleep(68 * time.Minute)
				require.Equal(w, ticks, w.ticks())
				for i := range w.replicas {
					require.Empty(w, w.errorsOf(i))
				}
			})
		})
	}
}

// mutex is the trap: a lock that is held while the job runs.
type mutex struct{ *lock.Mutex }

type held struct{ *lock.Hold }

func (m mutex) Lock(ctx context.Context, _ string) (gocron.Lock, error) {
	h, err := m.TryLock(ctx)
	return held{h}, err
}

func (h held) Unlock(context.Context) error { return h.Release() }

// With a mutex in place of the Job, every replica runs a short job in each tick.
func TestJob_aMutexIsNotEnough(t *testing.T) {
	run(t, func(w *world) {
		for i, p := range w.replicas {
			task := gocron.NewTask(func(ctx context.Context) error { return w.work(ctx, i, int64(len(w.ran())), time.Millisecond) })
			w.schedule(i, task, []gocron.SchedulerOption{gocron.WithDistributedLocker(mutex{lock.NewMutex(p.Manager, path)})})
		}
		time.Sleep(24 * time.Minute)
		require.Equal(w, []int{10, 10, 10, 20, 20, 20}, w.ticks())
	})
}

// A replica dies in the job. Its context ends before another replica begins a
// run. The tick counts as run, and the next tick is run by another replica.
func TestJob_replicaDies(t *testing.T) {
	run(t, func(w *world) {
		jobs := w.jobs(5 * time.Minute)
		time.Sleep(10 * time.Minute)
		dead := w.ran()[0].replica
		w.replicas[dead].Kill()
		time.Sleep(20 * time.Minute)
		require.Equal(w, []int{10, 20, 30}, w.ticks())
		require.ErrorIs(w, w.ran()[0].err, session.ErrTrustElapsed)
		require.NotEqual(w, dead, w.ran()[1].replica)
		for _, err := range w.errorsOf(dead)[1:] {
			require.ErrorIs(w, err, docentgocron.ErrTickSkipped)
		}
		alive := w.ran()[1].replica
		time.Sleep(5 * time.Minute)
		last, err := jobs[alive].Once().Last(w.Context())
		require.NoError(w, err)
		require.Equal(w, lock.RunDone, last.State)
	})
}

// Replicas that wait for the run take the tick over when its replica dies.
func TestJob_takenOver(t *testing.T) {
	run(t, func(w *world) {
		w.jobs(3*time.Minute, docentgocron.With(lock.WaitForRun(), lock.RerunLost()), docentgocron.Wait(4*time.Minute))
		time.Sleep(10 * time.Minute)
		dead := w.ran()[0].replica
		w.replicas[dead].Kill()
		time.Sleep(18 * time.Minute)
		require.Equal(w, []int{10, 11, 20}, w.ticks())
		require.NotEqual(w, dead, w.ran()[1].replica)
		require.NoError(w, w.ran()[1].err)
	})
}

// A replica that is cut off from ZooKeeper skips the tick. It does not run it
// late, once it is back.
func TestJob_cutOff(t *testing.T) {
	run(t, func(w *world) {
		w.jobs(time.Second)
		time.Sleep(4 * time.Minute)
		for _, p := range w.replicas {
			p.Link.Cut(zktest.Both)
		}
		time.Sleep(9 * time.Minute)
		for i, p := range w.replicas {
			require.ErrorIs(w, errors.Join(w.errorsOf(i)...), docentgocron.ErrTickSkipped)
			p.Link.Heal()
		}
		time.Sleep(10 * time.Minute)
		require.Equal(w, []int{20}, w.ticks())
	})
}

// The record of a run says how its function has ended. A failed run is run
// again by another replica if the job wants that.
func TestJob_failures(t *testing.T) {
	boom := errors.New("boom")
	for name, f := range map[string]func(context.Context, *lock.Run) error{
		"error": func(context.Context, *lock.Run) error { return boom },
		"panic": func(context.Context, *lock.Run) error { panic(boom) },
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(w *world) {
				fails := docentgocron.NewJob(w.replicas[0].Manager, path, every)
				w.schedule(0, fails.Task(f), nil, fails.Option())
				time.Sleep(10 * time.Minute)
				last, err := fails.Once().Last(w.Context())
				require.NoError(w, err)
				require.Equal(w, lock.RunFailed, last.State)
				require.ErrorContains(w, errors.Join(w.errorsOf(0)...), "boom")

				again := docentgocron.NewJob(w.replicas[1].Manager, path, every, docentgocron.With(lock.RerunFailed()))
				l, err := again.Lock(w.Context(), "")
				require.NoError(w, err)
				require.NoError(w, l.Unlock(w.Context()))
			})
		})
	}
}

// gocron does not call the function of a run that it has begun: the run is
// recorded as failed, and nothing of it stays.
func TestJob_functionIsNotCalled(t *testing.T) {
	run(t, func(w *world) {
		j := docentgocron.NewJob(w.replicas[0].Manager, path, every)
		w.schedule(0, j.Task(w.does(0, time.Second)), nil, j.Option(),
			gocron.WithEventListeners(gocron.BeforeJobRunsSkipIfBeforeFuncErrors(
				func(uuid.UUID, string) error { return errors.New("not today") })))
		time.Sleep(10 * time.Minute)
		require.Empty(w, w.ticks())
		last, err := j.Once().Last(w.Context())
		require.NoError(w, err)
		require.Equal(w, lock.RunFailed, last.State)
		require.Empty(w, w.Children(path))
	})
}

// A Locker serves all jobs of a scheduler, whatever their names are.
func TestLocker(t *testing.T) {
	for _, name := range []string{"report", "a/b", ".", "..", "täglich %2F"} {
		t.Run(name, func(t *testing.T) {
			run(t, func(w *world) {
				for i, p := range w.replicas {
					l := docentgocron.NewLocker(p.Manager, "/jobs", every)
					task := gocron.NewTask(func(ctx context.Context) error {
						last, err := l.Job(name).Once().Last(ctx)
						require.NoError(w, err)
						return w.work(ctx, i, int64(last.Token), time.Second)
					})
					w.schedule(i, task, []gocron.SchedulerOption{gocron.WithDistributedLocker(l)}, gocron.WithName(name))
				}
				time.Sleep(34 * time.Minute)
				require.Equal(w, []int{10, 20, 30}, w.ticks())
				require.Len(w, w.Children("/jobs"), 1)
			})
		})
	}
}

// A Job of the Locker has a task that gets the run which the Locker has begun.
func TestLocker_task(t *testing.T) {
	run(t, func(w *world) {
		for i, p := range w.replicas {
			l := docentgocron.NewLocker(p.Manager, "/jobs", every)
			w.schedule(i, l.Job("report").Task(w.does(i, time.Second)),
				[]gocron.SchedulerOption{gocron.WithDistributedLocker(l)}, gocron.WithName("report"))
		}
		time.Sleep(34 * time.Minute)
		require.Equal(w, []int{10, 20, 30}, w.ticks())
		for i := range w.replicas {
			require.Empty(w, w.errorsOf(i))
		}
	})
}

// What cannot be used is said in every tick.
func TestJob_invalid(t *testing.T) {
	run(t, func(w *world) {
		sm := w.replicas[0].Manager
		for text, j := range map[string]*docentgocron.Job{
			"the option Slack(10m0s)": docentgocron.NewJob(sm, path, every, docentgocron.Slack(every)),
			"it must be more than 0":  docentgocron.NewJob(sm, path, every, docentgocron.Wait(0)),
			"it must be at least 1ms": docentgocron.NewJob(sm, path, 0, docentgocron.Wait(time.Second)),
		} {
			_, err := j.Lock(w.Context(), "")
			require.ErrorContains(w, err, text)
		}
		_, err := docentgocron.NewJob(sm, path, every, docentgocron.Slack(0)).Lock(w.Context(), "")
		require.NoError(w, err)
	})
}
