package election

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/docent-go/docent/internal/base/backoff"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

// retryPauses are the pauses between two looks at an election that fail with an
// error of the server, such as session.ErrNoAuth. The right may be granted
// later.
var retryPauses = backoff.Backoff{Min: 500 * time.Millisecond, Max: 30 * time.Second}

// Changes yields the present leader, and then every change, until ctx ends. An
// election without a leader is yielded as a Leader that does not exist.
//
// It yields the newest state, not the history: it omits leaders that come and
// go while the loop body runs, or between two looks. It goes on from one
// session to the next.
//
// An error says that the leader is not known at the moment: the session has
// ended (the error matches session.ErrSessionEnded), the server rejects the
// read, or a znode without a session is at the path in the OneNode layout
// (session.ErrNotEphemeral). The next Leader without an error is yielded even if it is the same as
// before. An error that only repeats is yielded once. session.ErrClosed and an
// invalid path or option end the sequence. The loop may go on after any other
// error. The end of ctx ends the sequence without an error.
//
// Changes watches the leader's znode, so that changes of other candidates do
// not wake it. It is safe for concurrent use.
func (e *Election) Changes(ctx context.Context) iter.Seq2[Leader, error] {
	e.made()
	return func(yield func(Leader, error) bool) {
		o := observer{election: e, yield: yield}
		if e.err != nil {
			o.fail(e.err)
			return
		}
		for o.round(ctx) {
		}
	}
}

// observer is the state of one Changes.
type observer struct {
	election *Election
	yield    func(Leader, error) bool

	last     Leader
	known    bool   // last was yielded, and no error since
	trouble  string // the error that was yielded last; empty when known
	failures int    // rounds in a row without a look that succeeded
}

// round follows the election through one session, or until the server refuses.
// It reports whether to go on.
func (o *observer) round(ctx context.Context) bool {
	s, err := o.election.sm.Session(ctx)
	if err == nil {
		err = o.follow(ctx, s)
	}
	var invalid *znode.PathError
	switch {
	case err == nil, ctx.Err() != nil:
		return false
	case errors.Is(err, core.ErrSessionEnded) && !errors.Is(err, core.ErrClosed):
		return o.fail(err)
	case errors.Is(err, core.ErrClosed), errors.As(err, &invalid):
		o.fail(err)
		return false
	}
	o.failures++
	return o.fail(err) && retryPauses.Wait(ctx, o.failures-1) == nil
}

// follow yields the leader and each change until it fails. It returns nil when
// the loop has ended.
func (o *observer) follow(ctx context.Context, s *core.Session) error {
	for {
		first, found, watch, err := o.election.place.FirstW(ctx, s)
		var more bool
		switch {
		case err != nil && watch == nil:
			return err
		case err != nil: // a znode without a session, which may be deleted
			more = o.fail(err)
		case found:
			more = o.show(Leader{true, participant(first)})
		default:
			more = o.show(Leader{})
		}
		o.failures = 0
		if more {
			select {
			case <-watch.Done():
			case <-ctx.Done():
			}
		}
		watch.Stop()
		if !more || ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// show yields the leader unless it is the leader that was yielded last.
func (o *observer) show(now Leader) bool {
	if o.known && o.last.same(now) {
		return true
	}
	o.last, o.known, o.trouble = now, true, ""
	return o.yield(now, nil)
}

// fail yields the error unless it repeats the error that was yielded last.
func (o *observer) fail(err error) bool {
	err = o.election.failed("watch leader", o.election.otherLayout(err))
	if !o.known && o.trouble == err.Error() {
		return true
	}
	o.known, o.trouble = false, err.Error()
	return o.yield(Leader{}, err)
}
