package inspect

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"time"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/znode"
	"github.com/docent-go/docent/session"
)

// Watch yields a report of what stands at path, and from then on another
// whenever something of it has changed, or the session has ended. Every node that it looks at is watched;
// what a limit leaves out is not.
//
// In between, Watch asks a quorum of the ensemble whether it is still there, at the intervals that the
// option Pulse sets, by a transaction that changes nothing. Each answer confirms the last report, and
// is passed to OnConfirm. When none comes for the time that the option Silence sets, Watch yields a
// *TroubleError, once, and another when it learns whether servers or their quorum are missing. It
// goes on asking, and yields a new report as soon as there is an answer.
//
// Reports are kept apart by the options Every and Rate, which bound what a busy
// tree costs; changes that follow each other faster are in one. A report reads
// everything anew.
//
// The error is session.ErrNoNode while there is no node at path; then Watch
// waits for one. After any other error it tries again, with pauses of up to
// MaxRetry. Watch ends when ctx does, and after session.ErrClosed or the error
// of an invalid path or option.
func Watch(ctx context.Context, sm *session.Manager, path string, opts ...Option) iter.Seq2[*Report, error] {
	misuse.NilManager(sm == nil, "inspect.Watch")
	o := newOptions("inspect.Watch", opts)
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

// MaxRetry is the longest pause before Watch reads again after an error.
const MaxRetry = 30 * time.Second

// watcher is one Watch under way.
type watcher struct {
	ctx     context.Context
	sm      *core.Manager
	path    string
	options options
	yield   func(*Report, error) bool

	changed   chan struct{} // holds a token when a watch of this round has fired
	confirmed time.Time     // when a quorum has answered last
	troubled  bool          // that none answers was told
	failures  int           // to read, in a row
}

// round reads the tree, tells about it, and waits for a reason to read it again.
// It returns false when Watch is over.
func (w *watcher) round() bool {
	changed := make(chan struct{}, 1) // of this round: a watch of the one before may fire while it is given up
	w.changed = changed
	s := newScan(w.sm, w.options, func() {
		select {
		case changed <- struct{}{}:
		default: // it is known
		}
	})
	defer s.stop()
	began := time.Now()
	var r *Report
	err := w.await(s.made, func(ctx context.Context) (err error) {
		r, err = s.take(ctx, w.path)
		if w.troubled && (err == nil || gone(err)) {
			// What a server says alone is no recovery.
			err = cmp.Or(probe(ctx, w.sm, w.path), err)
		}
		return err
	})
	if errors.Is(err, errOver) || w.ctx.Err() != nil {
		return false
	}
	w.troubled = false
	if err == nil {
		w.failures = 0
		if !w.yield(r, nil) {
			return false
		}
	} else {
		err = fail(w.ctx, w.path, err)
		if !w.yield(nil, err) || errors.Is(err, core.ErrClosed) {
			return false
		}
		if !errors.Is(err, core.ErrNoNode) {
			pause := min(w.options.every<<min(w.failures, 10), MaxRetry)
			w.failures++
			return w.sleep(max(pause, minProbePause))
		}
	}
	if !w.idle() {
		return false
	}
	least := max(w.options.every, time.Duration(s.made())*time.Second/time.Duration(w.options.rate))
	return w.sleep(time.Until(began.Add(least)))
}

// idle waits for a change, and asks at intervals whether the quorum is still
// there. It also returns when the quorum is back.
func (w *watcher) idle() bool {
	for {
		pulse := time.NewTimer(time.Until(w.confirmed.Add(w.options.pulse)))
		select {
		case <-w.changed:
			pulse.Stop()
			return true
		case <-w.ctx.Done():
			pulse.Stop()
			return false
		case <-pulse.C:
		}
		err := w.await(nil, func(ctx context.Context) error { return probe(ctx, w.sm, w.path) })
		if errors.Is(err, errOver) || w.ctx.Err() != nil {
			return false
		}
		if err != nil { // the manager is closed, which the next reading tells
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

// errOver says that the loop over Watch has ended.
var errOver = errors.New("over")

// await runs f, and yields a *TroubleError when it makes no progress for too
// long. Progress tells how far it is; nil says that it is one step.
func (w *watcher) await(progress func() int, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancel(w.ctx)
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	defer cancel()
	now := spell{sm: w.sm, began: time.Now()}
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
		now.look()
		if time.Since(now.began) < w.options.silence {
			continue
		}
		if trouble := now.trouble(w.confirmed); trouble != nil {
			w.troubled = true
			if !w.yield(nil, fail(w.ctx, w.path, trouble)) {
				cancel()
				_ = <-done // that the reading was cancelled
				return errOver
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
