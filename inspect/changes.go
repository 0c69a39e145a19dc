package inspect

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"reflect"
	"time"

	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/session"
)

// Changes yields a report of the tree at path, and then another report after
// each change and each end of a session. It watches every znode that it reads,
// but no znode that a limit leaves out.
//
// In between, Changes asks a quorum of the ensemble whether it still answers,
// at the interval of the option Pulse, with a transaction that changes nothing.
// Each answer confirms the last report, and is passed to OnConfirm. Without an
// answer for the time of the option Silence, Changes yields a *TroubleError
// once. It yields another one when it learns that servers can be reached
// without a quorum, or no longer can. It goes on asking, and yields a new
// report as soon as there is an answer.
//
// The options Every and Rate limit the frequency of reports, and so the cost of
// a busy tree. A report has all changes since the last one, and reads the whole
// tree again.
//
// Changes yields session.ErrNoNode if the znode at path does not exist, and
// waits for it. After another error it tries again, with pauses of up to
// MaxRetry. If an ACL hides something, it reads again every minute, since no
// watch reports a change of an ACL. Changes ends when ctx ends, and after
// session.ErrClosed or the error of an invalid path or option. It is safe for
// concurrent use.
func Changes(ctx context.Context, sm *session.Manager, path string, opts ...Option) iter.Seq2[*Report, error] {
	misuse.NilManager(sm == nil, "inspect.Changes")
	o := newOptions("inspect.Changes", opts)
	return func(yield func(*Report, error) bool) {
		if err := cmp.Or(o.err, znode.ValidateRoot(path)); err != nil {
			if ctx.Err() == nil {
				yield(nil, fail(ctx, path, err))
			}
			return
		}
		inner, cancel := context.WithCancel(ctx)
		defer cancel()
		w := &watcher{ctx: inner, sm: bridge.Core(sm), path: path, options: o, yield: yield}
		for w.round() {
		}
	}
}

// MaxRetry is the maximum pause before Changes reads again after an error.
const MaxRetry = 30 * time.Second

// watcher is the state of one Changes.
type watcher struct {
	ctx     context.Context
	sm      *core.Manager
	path    string
	options options
	yield   func(*Report, error) bool

	changed   chan struct{} // holds a token when a watch of this round has fired
	confirmed time.Time     // the time of the last answer of a quorum
	troubled  bool          // a *TroubleError was yielded last
	failures  int           // consecutive failed reads
	seen      *Report       // the last report; nil if the next is to be yielded even if it is the same
	taken     time.Time     // when it was read
	deaf      bool          // a change may escape its watches
}

// deafPause is the time after which Changes reads again if an ACL hides
// something. No watch tells that the ACL has changed.
const deafPause = time.Minute

// round reads the tree, yields the report, and waits for a reason to read it
// again. It returns false when Changes is over.
func (w *watcher) round() bool {
	changed := make(chan struct{}, 1) // of this round: a watch of the round before may still fire
	w.changed = changed
	s := newScan(w.sm, w.options, func() {
		select {
		case changed <- struct{}{}:
		default: // the token is there
		}
	})
	defer s.stop()
	began := time.Now()
	var r *Report
	err := w.await(s.made, func(ctx context.Context) (err error) {
		r, err = s.report(ctx, w.path)
		return err
	})
	if w.troubled && (err == nil || gone(err)) {
		// The answer of one server does not prove a quorum.
		err = cmp.Or(w.await(nil, func(ctx context.Context) error { return probe(ctx, w.sm, w.path) }), err)
	}
	if errors.Is(err, errLoopEnded) || w.ctx.Err() != nil {
		return false
	}
	if w.troubled {
		w.troubled, w.seen = false, nil
	}
	if err == nil {
		w.failures = 0
		if r.Confirmed.After(w.confirmed) {
			w.confirmed = r.Confirmed
		}
		same := w.seen != nil && reflect.DeepEqual(w.seen.Findings, r.Findings)
		w.seen, w.taken, w.deaf = r, time.Now(), s.deaf || len(r.Hidden()) > 0
		if !same && !w.yield(r, nil) {
			return false
		}
	} else {
		w.seen = nil
		err = fail(w.ctx, w.path, err)
		if !w.yield(nil, err) || errors.Is(err, core.ErrClosed) {
			return false
		}
		if !errors.Is(err, core.ErrNoNode) {
			pause := min(w.options.every<<min(w.failures, 10), MaxRetry)
			w.failures++
			return w.sleep(max(pause, probePauses.Min))
		}
	}
	if !w.idle() {
		return false
	}
	interval := max(w.options.every, time.Duration(s.made())*time.Second/time.Duration(w.options.rate))
	return w.sleep(time.Until(began.Add(interval)))
}

// idle waits for a change, and asks at intervals whether a quorum still
// answers. It also returns when a quorum answers again.
func (w *watcher) idle() bool {
	for {
		if w.seen != nil && w.deaf && time.Since(w.taken) >= deafPause {
			return true
		}
		pulse := time.NewTimer(time.Until(w.confirmed.Add(w.options.pulse)))
		select {
		case <-w.changed:
			pulse.Stop()
			w.seen = nil
			return true
		case <-w.ctx.Done():
			pulse.Stop()
			return false
		case <-pulse.C:
		}
		err := w.await(nil, func(ctx context.Context) error { return probe(ctx, w.sm, w.path) })
		if errors.Is(err, errLoopEnded) || w.ctx.Err() != nil {
			return false
		}
		if err != nil { // the Manager is closed, or the question is refused: the next read returns the error
			return true
		}
		w.confirmed = time.Now()
		if w.troubled {
			return true
		}
		if w.options.onConfirm != nil {
			w.options.onConfirm(w.confirmed)
		}
	}
}

// errLoopEnded says that the loop over Changes has ended.
var errLoopEnded = errors.New("over")

// await runs f, and yields a *TroubleError if f makes no progress for too long.
// progress returns the number of steps so far; nil means that f is one step.
func (w *watcher) await(progress func() int, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancel(w.ctx)
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	defer cancel()
	now := outage{sm: w.sm, began: time.Now()}
	at := 0
	look := time.NewTicker(max(w.options.silence/10, time.Millisecond))
	defer look.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-look.C:
		}
		if progress != nil {
			if p := progress(); p != at {
				at, now.began = p, time.Now()
			}
		}
		now.record()
		if time.Since(now.began) < w.options.silence {
			continue
		}
		if trouble := now.trouble(w.confirmed, w.options.silence); trouble != nil {
			w.troubled = true
			if !w.yield(nil, fail(w.ctx, w.path, trouble)) {
				cancel()
				<-done //nolint:errcheck // the reading was cancelled
				return errLoopEnded
			}
		}
	}
}

// sleep returns false when ctx ends first.
func (w *watcher) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-w.ctx.Done():
		return false
	}
}
