package suite_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/docent-go/docent/internal/testing/simulation"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

const (
	jobPath = "/a/job"
	jobTick = 8 * time.Second
	jobGap  = jobTick / 2 // the interval less the default slack
)

// jobRun is one run that a call has begun.
type jobRun struct {
	called   time.Time
	replaces bool // the call may replace a lost or failed run
	over     bool // the end was recorded, or the run is known to be lost
	failed   bool // failed or lost
}

// jobs records the runs.
type jobs struct {
	mu   sync.Mutex
	w    *simulation.World
	runs []*jobRun
}

// begin checks that a run belongs to an interval of its own, or replaces the
// previous run.
func (j *jobs) begin(r *jobRun) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, before := range j.runs {
		apart := r.called.Sub(before.called).Abs()
		switch {
		case apart >= jobGap:
		case apart != 0:
			j.w.Break("once per interval", "runs were called for %v apart", apart)
		case !r.replaces:
			j.w.Break("once per interval", "a call that replaces nothing runs the job again")
		case before.over && !before.failed:
			j.w.Break("once per interval", "a run that is done is replaced")
		}
	}
	j.runs = append(j.runs, r)
}

func (j *jobs) end(r *jobRun, failed bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	r.over, r.failed = true, failed
}

// begun returns how many runs have begun.
func (j *jobs) begun() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.runs)
}

// onces is a program of replicas that call for a job at any rate. Some replace
// lost or failed runs, and some wait for a run under way.
func onces() simulation.Program {
	return simulation.Program{Setup: func(w *simulation.World) {
		court := w.Court(jobPath)
		j := &jobs{w: w}
		for _, p := range w.Procs() {
			for i := range 1 + w.Dice("actors").N(2) {
				w.Go(p, string(rune('a'+i)), func(a *simulation.Actor) {
					for a.Going() {
						ctx, cancel := a.Within(20 * time.Second)
						call(a, ctx, court, j)
						cancel()
						a.Sleep(a.Ctx, 2*time.Second)
					}
				})
			}
		}
		w.AtEnd(func() {
			time.Sleep(2 * jobTick)
			before := j.begun()
			for _, p := range w.Procs() {
				w.Go(p, "last", func(a *simulation.Actor) { call(a, w.Within(10*time.Minute), court, j) })
			}
			w.Wait()
			if j.begun() == before {
				w.Break("progress", "no run begins after the faults")
			}
			if before < 3 {
				w.Break("progress", "%d runs have begun while there were faults", before)
			}
		})
	}, Keeps: []string{simulation.GuardedDir, jobPath}}
}

// call calls for the job once, and runs it if it is due.
func call(a *simulation.Actor, ctx context.Context, court *simulation.Court, j *jobs) {
	var opts []lock.OnceOption
	replaces := a.One(3)
	if replaces {
		opts = append(opts, lock.RerunFailed())
	}
	if a.One(3) {
		opts = append(opts, lock.WaitForRun())
	}
	called := time.Now().Truncate(time.Millisecond)
	run, err := lock.NewOnce(a.Manager, jobPath, jobTick, opts...).Start(ctx)
	var why *lock.NotDueError
	if errors.As(err, &why) && why.Run.State != lock.RunUnderWay && !why.Run.Called.After(called.Add(-jobGap)) {
		a.World.Break("due", "a call is refused %v after the call of the last run", called.Sub(why.Run.Called))
	}
	if !fine(a, ctx, "once", err, lock.ErrNotDue) {
		return
	}
	r := &jobRun{called: run.Called(), replaces: replaces}
	j.begin(r)
	court.Use(a, court.Begin(a, simulation.Guarded(&run.Hold.Hold)), 3*time.Second)
	var failure error
	if a.One(4) {
		failure = errors.New("the job has failed")
	}
	ended := run.End(failure)
	j.end(r, failure != nil || errors.Is(ended, session.ErrLost))
	let(a, "end", ended)
}

func TestOnceSimulation(t *testing.T)       { simulation.Run(t, seeds, onces()) }
func TestOnceForcedSimulation(t *testing.T) { simulation.Run(t, seeds, forced(onces())) }
