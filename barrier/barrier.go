package barrier

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/znode"
	"github.com/docent-go/docent/session"
)

// Barrier is a gate: closed while its node stands. It keeps nothing of a
// single call, and is safe for concurrent use.
type Barrier struct {
	sm   *session.Manager
	path string
	err  error
}

// New returns the gate at path, which is below sm's root. It does no I/O; a
// path that cannot be used is reported by every call on the Barrier.
func New(sm *session.Manager, path string) *Barrier {
	return &Barrier{sm: sm, path: path, err: znode.Validate(path)}
}

// made panics for a Barrier that New has not made, or was given no Manager.
func (b *Barrier) made() { made(b.sm) }

func made(sm *session.Manager) {
	misuse.If(sm == nil, "a barrier without a Manager is used: "+
		"get one from barrier.New or NewDouble, with the Manager of session.Dial")
}

// Path returns the path of the gate.
func (b *Barrier) Path() string { return b.path }

// Set closes the gate. It is no error if the gate is closed already. Missing
// parents are made. The gate stays closed, whatever becomes of this process,
// until somebody lifts it.
//
// ctx bounds the call. After a lost answer Set looks whether the gate is closed.
// Where it is open, and others may have lifted it since, Set does not close it
// again: the error is session.ErrUnknownOutcome, as it is when ctx or the
// session ends first. Call Set again if the gate is to be closed now. Other
// errors: zk.ErrNoAuth, session.ErrClosed.
func (b *Barrier) Set(ctx context.Context) error {
	b.made()
	if b.err != nil {
		return b.fail("set", b.err)
	}
	data, err := newOwner("").encode()
	if err != nil {
		return b.fail("set", err)
	}
	for ctx.Err() == nil {
		err := b.sm.CreateOnce(ctx, b.path, data)
		switch {
		case err == nil, errors.Is(err, zk.ErrNodeExists):
			// Also if it is in doubt who made it.
			return nil
		case !errors.Is(err, zk.ErrNoNode) || errors.Is(err, session.ErrUnknownOutcome):
			return b.fail("set", gaveUp(ctx, err))
		}
		dir, _ := znode.Split(b.path)
		if err := b.sm.EnsureDir(ctx, dir); err != nil {
			return b.fail("set", gaveUp(ctx, err))
		}
	}
	return b.fail("set", gaveUp(ctx, ctx.Err()))
}

// Lift opens the gate, and lets everyone through who waits. It is no error if
// the gate is open already.
//
// ctx bounds the call. After a lost answer Lift looks at the gate. The gate that
// stood before is lifted again. One that others may have set since is left
// closed: the error is session.ErrUnknownOutcome, as it is when ctx or the
// session ends first. Call Lift again if the gate is to be open now. Other
// errors: zk.ErrNoAuth; zk.ErrNotEmpty if others have put nodes below the gate;
// session.ErrClosed.
func (b *Barrier) Lift(ctx context.Context) error {
	b.made()
	if b.err != nil {
		return b.fail("lift", b.err)
	}
	for ctx.Err() == nil {
		s, err := b.sm.Session(ctx)
		if err == nil {
			err = b.liftIn(ctx, s)
		}
		switch {
		case err == nil, errors.Is(err, zk.ErrNoNode) && !errors.Is(err, session.ErrUnknownOutcome):
			return nil
		case errors.Is(err, session.ErrUnknownOutcome), !errors.Is(err, session.ErrSessionEnded):
			return b.fail("lift", gaveUp(ctx, err))
		}
	}
	return b.fail("lift", gaveUp(ctx, ctx.Err()))
}

// liftIn lifts the gate within one session, whichever gate stands there. Only if
// the answer is lost does it matter which: it was read beforehand, as far as the
// server knew and shows it.
func (b *Barrier) liftIn(ctx context.Context, s *session.Session) error {
	before, known, err := s.Exists(ctx, b.path)
	if err != nil && !errors.Is(err, zk.ErrNoAuth) {
		return err
	}
	err = s.Delete(ctx, b.path, session.AnyVersion)
	if !session.InDoubt(err) {
		return err
	}
	if looked := s.Sync(ctx, b.path); looked != nil {
		return fmt.Errorf("%w; then: %w", err, looked)
	}
	now, found, looked := s.Exists(ctx, b.path)
	switch {
	case looked != nil:
		return fmt.Errorf("%w; then: %w", err, looked)
	case !found:
		return nil
	case !known || now.Czxid != before.Czxid:
		return err
	}
	_, err = s.DeleteExact(ctx, b.path, before.Czxid)
	return err
}

// IsSet reports whether the gate is closed. It asks a server that has caught
// up with its leader, so that it sees what was done before it was called. ctx
// bounds the call.
func (b *Barrier) IsSet(ctx context.Context) (bool, error) {
	b.made()
	if b.err != nil {
		return false, b.fail("look at", b.err)
	}
	if err := b.sm.Sync(ctx, b.path); err != nil {
		return false, b.fail("look at", gaveUp(ctx, err))
	}
	_, found, err := b.sm.Exists(ctx, b.path)
	if err != nil {
		return false, b.fail("look at", gaveUp(ctx, err))
	}
	return found, nil
}

// Wait returns when the gate is open: at once if it is not set, and otherwise
// when it is lifted, even if somebody sets it again right after that. It waits
// through lost connections and ended sessions.
//
// ctx bounds the wait; when it ends, the error matches ctx.Err() and
// context.Cause(ctx), even if the gate is open. Another error:
// session.ErrClosed.
func (b *Barrier) Wait(ctx context.Context) error {
	b.made()
	if b.err != nil {
		return b.fail("wait for", b.err)
	}
	for ctx.Err() == nil {
		s, err := b.sm.Session(ctx)
		if err == nil {
			var open bool
			open, err = b.waitIn(ctx, s)
			if open && ctx.Err() == nil {
				return nil
			}
		}
		if err != nil && !errors.Is(err, session.ErrSessionEnded) {
			return b.fail("wait for", gaveUp(ctx, err))
		}
	}
	return b.fail("wait for", gaveUp(ctx, ctx.Err()))
}

// waitIn waits within one session. It returns false without an error when the
// session or ctx has ended.
func (b *Barrier) waitIn(ctx context.Context, s *session.Session) (open bool, err error) {
	// A server that lags may not know yet of a gate that was set before us.
	// Once it does, its news arrive in order.
	if err := s.Sync(ctx, b.path); err != nil {
		return false, err
	}
	for {
		_, found, watch, err := s.ExistsW(ctx, b.path)
		if err != nil {
			return false, err
		}
		if !found {
			watch.Stop()
			return true, nil
		}
		select {
		case <-watch.Done():
			switch watch.Event() {
			case session.NodeDeleted:
				return true, nil
			case session.SessionEnded:
				return false, nil
			}
		case <-ctx.Done():
			watch.Stop()
			return false, nil
		}
	}
}

func (b *Barrier) fail(op string, err error) error {
	return fmt.Errorf("%s barrier %s: %w", op, b.path, err)
}

// gaveUp makes sure that an error that came of ctx's end says so: it matches
// ctx.Err() and context.Cause(ctx) besides what it matches already.
func gaveUp(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	for _, reason := range []error{ctx.Err(), context.Cause(ctx)} {
		if !errors.Is(err, reason) {
			err = fmt.Errorf("%w: %w", err, reason)
		}
	}
	return err
}
