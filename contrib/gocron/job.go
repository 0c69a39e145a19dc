package docentgocron

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/go-co-op/gocron/v2"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// Option is an option of NewJob and NewLocker.
type Option func(*options)

type options struct {
	slack *time.Duration
	wait  *time.Duration
	once  []lock.OnceOption
}

// Slack says how much earlier than the interval after the last run a tick may
// come and still begin a run: see lock.Slack. The default is half the interval.
func Slack(d time.Duration) Option { return func(o *options) { o.slack = &d } }

// Wait bounds how long a tick waits for ZooKeeper, and, with lock.WaitForRun,
// for the run of another replica. After that the replica skips the tick. The
// default is half the slack, or a quarter of the interval if the slack is 0. A
// Wait of more than the slack lets a replica that was cut off begin a run
// between two ticks.
func Wait(d time.Duration) Option { return func(o *options) { o.wait = &d } }

// With adds options of lock.NewOnce: lock.RerunLost, lock.RerunFailed,
// lock.WaitForRun, lock.ID. Give the slack by Slack: lock.Slack has no effect.
func With(opts ...lock.OnceOption) Option {
	return func(o *options) { o.once = append(o.once, opts...) }
}

// ErrTickSkipped says that the replica has skipped a tick, since no server had
// decided within Wait which replica runs it.
var ErrTickSkipped = errors.New("ZooKeeper has not decided in time which replica runs the tick: the tick is skipped here")

// errNotRun is the failure of a run whose function gocron did not call.
var errNotRun = errors.New("the scheduler has not called the job's function")

// errPanicked is the failure of a run whose function panics.
var errPanicked = errors.New("the function of the run did not return")

// Job is a job that runs once per interval, however many replicas schedule it.
// It is a gocron.Locker for this one job. All values with the same path share
// the runs. It is safe for concurrent use.
type Job struct {
	once *lock.Once
	wait time.Duration

	mu    sync.Mutex
	task  bool   // Task was called
	begun []*run // the runs that wait for their function
}

// run is a run that Lock has begun. It is the gocron.Lock.
type run struct {
	*lock.Run
	job   *Job
	plain bool // no Task takes it: the job is a task of the program's own
}

var _ gocron.Locker = (*Job)(nil)

// NewJob returns the job with its record at path, which is below sm's root.
// every is the period of the job, and all replicas must give the same. NewJob
// does no I/O. If the path or a duration cannot be used, the job is skipped in
// every tick, and the error of Lock says why.
func NewJob(sm *session.Manager, path string, every time.Duration, opts ...Option) *Job {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	slack := every / 2
	if o.slack != nil {
		slack = *o.slack
	}
	wait := slack / 2
	switch {
	case o.wait != nil:
		wait = *o.wait
	case slack == 0:
		wait = every / 4
	}
	return &Job{once: lock.NewOnce(sm, path, every, append(o.once, lock.Slack(slack))...), wait: wait}
}

// Once returns the recipe underneath, for Path and Last.
func (j *Job) Once() *lock.Once { return j.once }

// Option has gocron ask this Job, and no other Locker, before the job runs.
func (j *Job) Option() gocron.JobOption { return gocron.WithDistributedJobLocker(j) }

// Lock begins a run if one is due, and ignores the key. gocron calls it. ctx
// bounds the wait, and so does Wait: the error matches ErrTickSkipped then.
// Lock also returns the errors of lock.Once.Start, such as lock.ErrNotDue. The
// run is recorded as done when the Lock is unlocked, unless Task has taken it.
func (j *Job) Lock(ctx context.Context, _ string) (gocron.Lock, error) {
	r, err := j.start(ctx)
	if err != nil {
		return nil, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	l := &run{Run: r, job: j, plain: !j.task}
	if !l.plain {
		j.begun = append(j.begun, l)
	}
	return l, nil
}

func (j *Job) start(ctx context.Context) (*lock.Run, error) {
	if j.wait <= 0 {
		return nil, fmt.Errorf("start run %s: a wait of %v: it must be more than 0", j.once.Path(), j.wait)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, j.wait, ErrTickSkipped)
	defer cancel()
	return j.once.Start(ctx)
}

// Unlock ends the run, unless its function has ended it. gocron calls it, and
// ignores its error.
func (r *run) Unlock(context.Context) error {
	switch {
	case r.plain:
		return r.End(nil)
	case r.job.drop(r):
		return r.End(errNotRun)
	}
	return nil
}

// drop removes a run that no function has taken.
func (j *Job) drop(r *run) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	i := slices.Index(j.begun, r)
	if i >= 0 {
		j.begun = slices.Delete(j.begun, i, i+1)
	}
	return i >= 0
}

// take returns the newest run that waits for its function. An older one can
// only be a run that was lost: runs do not overlap.
func (j *Job) take() *lock.Run {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := len(j.begun)
	if n == 0 {
		return nil
	}
	r := j.begun[n-1]
	j.begun = j.begun[:n-1]
	return r.Run
}

// Task returns the task of the job for Scheduler.NewJob. f gets the run, with
// its token and its guard. The context of f ends when the job is removed, when
// the scheduler shuts down, or when the run is lost; context.Cause returns
// which. The run is recorded as done if f returns nil, and as failed if f
// returns an error or panics.
//
// The task returns what f returns. If the run was lost, or its end could not be
// recorded, the error says so too, and matches session.ErrLost if it was lost.
// Without Option, or if the scheduler has an Elector, the task begins the run by
// itself, and returns the errors of Lock.
func (j *Job) Task(f func(ctx context.Context, r *lock.Run) error) gocron.Task {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.task = true
	return gocron.NewTask(func(ctx context.Context) error {
		r := j.take()
		if r == nil {
			var err error
			if r, err = j.start(ctx); err != nil {
				return err
			}
		}
		return do(ctx, r, f)
	})
}

// do calls f and ends the run.
func do(ctx context.Context, r *lock.Run, f func(ctx context.Context, r *lock.Run) error) (err error) {
	ctx, stop := withHold(ctx, &r.Hold.Hold)
	defer stop()
	failure := errPanicked
	defer func() { err = errors.Join(err, r.End(failure)) }()
	err = f(ctx, r)
	failure = err
	return err
}

// withHold returns a context that ends with ctx or with the hold.
func withHold(ctx context.Context, h *session.Hold) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	held := h.Context()
	stop := context.AfterFunc(held, func() { cancel(context.Cause(held)) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}
