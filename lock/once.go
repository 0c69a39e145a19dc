package lock

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/oneline"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/session"
)

// Once runs a job once per interval, however many replicas start it. Each
// replica calls Do at about the same time, as cron does. The first call begins
// a run; the others return ErrNotDue. See "Once per interval" in the package
// documentation for the rule, its bound, and the states.
//
// A Once keeps no state of a call: one value serves any number of goroutines,
// and all values with the same path share the runs. It is safe for concurrent
// use.
type Once struct {
	sm      *core.Manager
	path    string
	every   time.Duration
	gap     time.Duration // between the calls of two runs, at least
	options options
	err     error
}

// NewOnce returns the job at path, which is below sm's root, that runs once per
// interval. every is the interval: the period with which each replica calls Do.
// All replicas must give the same. NewOnce does no I/O. If the path, the
// interval or the slack cannot be used, every call on the Once returns the
// error.
func NewOnce(sm *session.Manager, path string, every time.Duration, opts ...OnceOption) *Once {
	o := &Once{sm: bridge.Core(sm), path: path, every: every, options: newOptions("lock.NewOnce", opts)}
	slack := every / 2
	if o.options.slack != nil {
		slack = *o.options.slack
	}
	o.gap = every - slack
	switch {
	case znode.Validate(path) != nil:
		o.err = znode.Validate(path)
	case every < time.Millisecond:
		o.err = fmt.Errorf("an interval of %v: it must be at least 1ms", every)
	case slack < 0 || o.gap < time.Millisecond:
		o.err = fmt.Errorf("the option Slack(%v) is out of range; give 0 or more, and less than the interval of %v", slack, every)
	}
	return o
}

// made panics for a nil Once. A zero one is noticed where it is used.
func (o *Once) made() {
	misuse.ZeroValue(o == nil || o.every == 0 && o.err == nil, "or nil lock.Once", "lock.NewOnce")
}

// Path returns the path of the job's record.
func (o *Once) Path() string {
	o.made()
	return o.path
}

// Do calls f if a run is due, and records how the run has ended: done if f
// returns nil, failed if f returns an error or panics. Otherwise it returns
// ErrNotDue and does not call f.
//
// The context that f gets ends when ctx ends, or when the run is lost;
// context.Cause returns which. If no run has begun, Do returns what Start
// returns. Otherwise it returns what f returns. If the run was lost before its
// end was recorded, the error matches session.ErrLost too, even if f returned
// nil: to another replica, such a run looks like one whose process died.
func (o *Once) Do(ctx context.Context, f func(ctx context.Context, r *Run) error) error {
	misuse.NilFunc(f == nil, "Do")
	r, err := o.Start(ctx)
	if err != nil {
		return err
	}
	within, stop := ctxend.WithHold(ctx, &r.Hold)
	return ctxend.Do(within, stop, func(ctx context.Context) error { return f(ctx, r) }, r.End, func() { _ = r.End(errPanicked) })
}

// errPanicked is the failure of a run whose function panics or calls
// runtime.Goexit.
var errPanicked = errors.New("the function of the run did not return")

// Start begins a run if one is due. Otherwise it returns a *NotDueError, which
// matches ErrNotDue and describes the newest run.
//
// With WaitForRun, Start waits for the end of a run that is under way before it
// decides. Otherwise it waits for nothing but a server. It waits through lost
// connections and ended sessions.
//
// ctx bounds the wait, not the run. When it ends, the error matches ctx.Err()
// and context.Cause(ctx), and the znode of the call is removed in the
// background. The one transaction that begins a run is not cut short. If it is
// under way, Start waits for its answer, at most for as long as the session
// lasts, and takes the run back. Other errors: session.ErrForeign;
// session.ErrClosed; an invalid path, interval or slack; what the server
// answers, such as session.ErrNoAuth if path may not be written to, or znodes
// may not be created below it.
//
// The caller must End the Run.
func (o *Once) Start(ctx context.Context) (*Run, error) {
	o.made()
	r, err := o.start(ctx)
	if err != nil {
		return nil, core.Failed("start run", o.path, err)
	}
	return r, nil
}

// Last returns the newest run. Exists is false if no run has begun yet. The
// connected server may lag, so use the answer for display and tools, and not
// for decisions. ctx bounds the reads. Errors: session.ErrForeign; ctx's;
// session.ErrClosed; an invalid path, interval or slack; session.ErrNoAuth if
// the record may not be read.
func (o *Once) Last(ctx context.Context) (RunInfo, error) {
	o.made()
	info, err := o.last(ctx)
	return info, core.Failed("get last run", o.path, err)
}

func (o *Once) last(ctx context.Context) (RunInfo, error) {
	if o.err != nil {
		return RunInfo{}, o.err
	}
	read, err := o.sm.ReadMany(ctx, []core.ReadOp{{Path: o.path}, {Path: o.path, Children: true}})
	if err != nil {
		return RunInfo{}, err
	}
	v := view{stat: read[0].Stat, names: read[1].Children}
	switch err := errors.Join(read[0].Err, read[1].Err); {
	case errors.Is(err, core.ErrNoNode):
		return RunInfo{}, nil
	case err != nil:
		return RunInfo{}, oneline.Join(read[0].Err, read[1].Err)
	case len(read[0].Data) == 0 && len(v.names) == 0: // Start replaces such a znode
		return RunInfo{}, nil
	}
	if v.record, err = parseRecord(read[0].Data); err != nil {
		return RunInfo{}, notRecord(o.path, read[0].Data, v.stat, v.names)
	}
	if v.record.State == never {
		return RunInfo{}, nil
	}
	return v.info(o.path), nil
}
