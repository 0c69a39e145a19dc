package docentgocron_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-co-op/gocron/v2"
	"github.com/google/uuid"
	"github.com/jonboulle/clockwork"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/sessiontest"
)

const (
	every = 10 * time.Minute
	path  = "/jobs/report"
)

// skews are how far the clocks of the replicas are ahead.
var skews = []time.Duration{0, 2 * time.Second, -3 * time.Second}

// skewed is a clock that is ahead of virtual time.
type skewed struct {
	clockwork.Clock
	by time.Duration
}

func (c skewed) Now() time.Time                  { return c.Clock.Now().Add(c.by) }
func (c skewed) Since(t time.Time) time.Duration { return c.Now().Sub(t) }
func (c skewed) Until(t time.Time) time.Duration { return t.Sub(c.Now()) }

// ran is one run of the job.
type ran struct {
	replica int
	token   int64
	tick    time.Time // the time of the tick, by the clock of the bubble
	err     error     // what ended its context
}

// world is three replicas of a service with a scheduler each.
type world struct {
	*sessiontest.World
	replicas   []*sessiontest.Process
	schedulers []gocron.Scheduler

	mu      sync.Mutex
	runs    []ran
	now     int // how many run at this moment
	skipped map[int][]error
}

func run(t *testing.T, f func(w *world)) {
	sessiontest.Run(t, func(sw *sessiontest.World) {
		w := &world{World: sw, skipped: make(map[int][]error)}
		for range skews {
			w.replicas = append(w.replicas, w.Process(func(c *session.Config) { c.Timeout = 10 * time.Second }))
		}
		// Before the sessions are closed: no job is under way at the end of a test.
		defer func() {
			for _, s := range w.schedulers {
				require.NoError(w, s.Shutdown())
			}
		}()
		time.Sleep(time.Minute) // past the tick of midnight, on every clock
		f(w)
	})
}

// schedule starts the scheduler of a replica with one job.
func (w *world) schedule(i int, task gocron.Task, scheduler []gocron.SchedulerOption, job ...gocron.JobOption) {
	opts := append([]gocron.SchedulerOption{gocron.WithLocation(time.UTC),
		gocron.WithClock(skewed{clockwork.NewRealClock(), skews[i]})}, scheduler...)
	s, err := gocron.NewScheduler(opts...)
	require.NoError(w, err)
	w.schedulers = append(w.schedulers, s)
	job = append(job, gocron.WithEventListeners(
		gocron.AfterLockError(func(_ uuid.UUID, _ string, err error) { w.skip(i, err) }),
		gocron.AfterJobRunsWithError(func(_ uuid.UUID, _ string, err error) { w.skip(i, err) }),
		gocron.AfterJobRunsWithPanic(func(uuid.UUID, string, any) {})))
	_, err = s.NewJob(gocron.CronJob("*/10 * * * *", false), task, job...)
	require.NoError(w, err)
	s.Start()
}

func (w *world) skip(i int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.skipped[i] = append(w.skipped[i], err)
}

// does is a job that takes so long, unless its context ends.
func (w *world) does(i int, takes time.Duration) func(ctx context.Context, r *lock.Run) error {
	return func(ctx context.Context, r *lock.Run) error { return w.work(ctx, i, r.Token(), takes) }
}

func (w *world) work(ctx context.Context, i int, token int64, takes time.Duration) error {
	w.mu.Lock()
	n := len(w.runs)
	w.runs = append(w.runs, ran{replica: i, token: token, tick: time.Now().Round(time.Minute)})
	w.now++
	if w.now > 1 {
		w.Errorf("run %d overlaps another one", n)
	}
	w.mu.Unlock()
	var err error
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now--
	w.runs[n].err = err
	return err
}

// ran returns the runs until now.
func (w *world) ran() []ran {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.runs)
}

// skips returns the errors of a replica's ticks.
func (w *world) skips(i int) []error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.skipped[i])
}

// ticks returns the ticks that were run, in minutes after the first midnight.
func (w *world) ticks() (ticks []int) {
	midnight := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	all := w.ran()
	for i, r := range all {
		if i > 0 {
			require.Greater(w, r.token, all[i-1].token)
		}
		ticks = append(ticks, int(r.tick.Sub(midnight)/time.Minute))
	}
	return ticks
}

// errorsOf returns the errors of a replica's ticks, without ErrNotDue.
func (w *world) errorsOf(i int) (found []error) {
	for _, err := range w.skips(i) {
		if !errors.Is(err, lock.ErrNotDue) {
			found = append(found, err)
		}
	}
	return found
}
