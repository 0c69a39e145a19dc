package barrier

import (
	"context"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/owner"
	"github.com/docent-go/docent/session"
)

// Barrier is a gate: it is closed while its znode exists. A Barrier is safe for
// concurrent use. Use New: the methods of a nil or zero Barrier panic.
type Barrier struct {
	sm   *core.Manager
	path string
	err  error
}

// New returns the gate at path, which is relative to sm's root. It does no I/O.
// If the path is invalid, every call on the Barrier returns the error.
func New(sm *session.Manager, path string) *Barrier {
	return &Barrier{sm: bridge.Core(sm), path: path, err: znode.Validate(path)}
}

// made panics for a Barrier that New has not made, or has made without a
// Manager.
func (b *Barrier) made() {
	b.notZero()
	misuse.NilManager(b.sm == nil, "barrier.New")
}

// notZero panics for a Barrier that New has not made.
func (b *Barrier) notZero() {
	misuse.ZeroValue(b == nil || b.path == "" && b.err == nil, "or nil barrier.Barrier", "barrier.New")
}

// Path returns the path of the gate.
func (b *Barrier) Path() string {
	b.notZero()
	return b.path
}

// Set closes the gate. It returns nil if the gate is closed already. Missing
// parents are created. The gate stays closed until it is lifted, even after the
// end of this process.
//
// ctx bounds the call. After a lost answer Set reads the gate. If the gate is
// open, another client may have lifted it since: Set does not close it again,
// and returns session.ErrUnknownOutcome. It also returns that error if ctx or
// the session ends before the read. Call Set again to close the gate.
//
// Other errors: session.ErrForeign if the znode at the path is not a gate, with
// the name of its recipe, or with what is unlike a gate; session.ErrNoAuth;
// session.ErrClosed; an invalid path. Set is safe for concurrent use.
func (b *Barrier) Set(ctx context.Context) error {
	b.made()
	return b.failed("set barrier", b.set(ctx))
}

func (b *Barrier) set(ctx context.Context) error {
	if b.err != nil {
		return b.err
	}
	if ctx.Err() != nil {
		return ctxend.Err(ctx)
	}
	_, err := b.sm.CreateWithParents(ctx, b.path, owner.Process().Encode())
	if errors.Is(err, core.ErrNodeExists) { // also if our own create may have made it
		err = b.isClosed(ctx, err)
	}
	return ctxend.Join(ctx, err)
}

// isClosed returns nil if the znode at the path is a gate, or may not be read.
// doubt is the error of Set's create.
func (b *Barrier) isClosed(ctx context.Context, doubt error) error {
	seen, err := b.sm.See(ctx, b.path)
	switch {
	case errors.Is(err, core.ErrNoNode) && errors.Is(doubt, core.ErrUnknownOutcome):
		return doubt
	case errors.Is(err, core.ErrNoNode):
		return nil // the gate was set, and was lifted since
	case err != nil, seen.Hidden:
		return err
	}
	return b.recogniseGate(seen)
}

// Lift opens the gate, and lets all waiting processes through. It returns nil
// if the gate is open already.
//
// ctx bounds the call. After a lost answer Lift reads the gate, and lifts the
// same gate again. It does not lift a gate that another client has set since,
// and returns session.ErrUnknownOutcome. It also returns that error if ctx or
// the session ends before the read. Call Lift again to open the gate.
//
// Other errors: session.ErrForeign, as from Set; it also matches
// session.ErrNotEmpty if the znode has children. session.ErrNotEmpty alone if
// another client creates znodes below the gate during the call;
// session.ErrNoAuth, also if the session may not read the znode, which may be
// another recipe's then; session.ErrClosed; an invalid path. Lift is safe for
// concurrent use.
func (b *Barrier) Lift(ctx context.Context) error {
	b.made()
	return b.failed("lift barrier", b.lift(ctx))
}

func (b *Barrier) lift(ctx context.Context) error {
	if b.err != nil {
		return b.err
	}
	for ctx.Err() == nil {
		s, err := b.sm.Session(ctx)
		if err == nil {
			err = b.liftIn(ctx, s)
		}
		switch {
		case err == nil, errors.Is(err, core.ErrNoNode) && !errors.Is(err, core.ErrUnknownOutcome):
			return nil
		case errors.Is(err, core.ErrBadVersion): // the znode has changed: read it again
		case errors.Is(err, core.ErrUnknownOutcome), !errors.Is(err, core.ErrSessionEnded):
			return ctxend.Join(ctx, err)
		}
	}
	return ctxend.Err(ctx)
}

// liftIn lifts the gate within one session, if the znode is a gate.
func (b *Barrier) liftIn(ctx context.Context, s *core.Session) error {
	data, before, err := s.Get(ctx, b.path)
	if errors.Is(err, core.ErrNoNode) { // the server may not know the gate yet
		if err := s.Sync(ctx, b.path); err != nil {
			return err
		}
		data, before, err = s.Get(ctx, b.path)
	}
	if err != nil {
		return err
	}
	err = b.recogniseGate(core.Sighting{Data: data, Stat: before})
	if err == nil {
		err = b.notKey(ctx, s, data)
	}
	if err != nil {
		return err
	}
	err = s.Delete(ctx, b.path, before.Version)
	if !core.InDoubt(err) {
		return err
	}
	if looked := s.Confirm(ctx, b.path); looked != nil {
		return fmt.Errorf("%w; then: %w", err, looked)
	}
	now, found, looked := s.StatOf(ctx, b.path)
	switch {
	case looked != nil:
		return fmt.Errorf("%w; then: %w", err, looked)
	case !found:
		return nil
	case now.Czxid != before.Czxid:
		return err
	}
	_, err = s.DeleteExact(ctx, b.path, before.Czxid)
	return err
}

// IsSet reports whether the gate is closed. It first makes the server catch up
// with the leader, and so sees every Set and Lift that returned before the
// call.
//
// ctx bounds the call. Errors: the error of ctx; session.ErrForeign, as from
// Wait; session.ErrClosed; session.ErrNoAuth; an invalid path. IsSet is safe for
// concurrent use.
func (b *Barrier) IsSet(ctx context.Context) (bool, error) {
	b.made()
	set, err := b.isSet(ctx)
	return set, b.failed("check barrier", ctxend.Join(ctx, err))
}

func (b *Barrier) isSet(ctx context.Context) (bool, error) {
	if b.err != nil {
		return false, b.err
	}
	if err := b.sm.Sync(ctx, b.path); err != nil {
		return false, err
	}
	seen, err := b.sm.See(ctx, b.path)
	switch {
	case errors.Is(err, core.ErrNoNode):
		return false, nil
	case err == nil && !seen.Hidden:
		err = b.recogniseOther(seen)
	}
	return err == nil, err
}

// Wait returns when the gate is open: at once if it is not set, and otherwise
// when it is lifted, even if it is set again at once. The wait goes on through
// lost connections and ended sessions. A gate that was lifted and set again in
// between has another znode, so Wait knows that it was open.
//
// A server does not report the deletion of a znode that the session may not
// read. Wait then reads the znode every one to ten seconds. Since ZooKeeper
// 3.8.4 and 3.9.2, servers do not send the stat of such a znode. On these
// servers Wait does not notice that such a gate was lifted and set again
// between two reads.
//
// ctx bounds the wait. When ctx ends, the error matches ctx.Err() and
// context.Cause(ctx), even if the gate is open. Other errors:
//
//   - session.ErrForeign if the first read shows that the znode belongs to another
//     recipe, or has children. Any other znode is a closed gate, as it is for
//     Curator and kazoo;
//   - session.ErrClosed; an invalid path.
//
// Wait is safe for concurrent use.
func (b *Barrier) Wait(ctx context.Context) error {
	b.made()
	return b.failed("wait for barrier", b.wait(ctx))
}

func (b *Barrier) wait(ctx context.Context) error {
	if b.err != nil {
		return b.err
	}
	var closed int64
	for ctx.Err() == nil {
		s, err := b.sm.Session(ctx)
		if err == nil {
			var open bool
			open, err = b.waitIn(ctx, s, &closed)
			if open && ctx.Err() == nil {
				return nil
			}
		}
		if err != nil && !errors.Is(err, core.ErrSessionEnded) {
			return ctxend.Join(ctx, err)
		}
	}
	return ctxend.Err(ctx)
}

// waitIn waits within one session. It returns false without an error when the
// session or ctx has ended. closed is the czxid of the znode that closes the
// gate, once it is known. It is kept from one session to the next.
func (b *Barrier) waitIn(ctx context.Context, s *core.Session, closed *int64) (open bool, err error) {
	// A lagging server, or a deposed leader, may not have a gate that was set
	// before this call. Once the server has caught up, its events arrive in
	// order.
	if err := s.Confirm(ctx, b.path); err != nil {
		return false, err
	}
	for {
		gate, watch, err := s.SeeW(ctx, b.path)
		if errors.Is(err, core.ErrNoNode) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		if *closed == 0 && !gate.Hidden { // a gate that is written to later stays a gate
			if err := b.recogniseOther(gate); err != nil {
				watch.Stop()
				return false, err
			}
		}
		if czxid := gate.Stat.Czxid; czxid != 0 {
			if *closed != 0 && *closed != czxid {
				watch.Stop()
				return true, nil // the gate was lifted and set again
			}
			*closed = czxid
		}
		select {
		case <-watch.Done():
			switch watch.Event() {
			case core.NodeDeleted:
				return true, nil
			case core.SessionEnded:
				return false, nil
			}
		case <-ctx.Done():
			watch.Stop()
			return false, fmt.Errorf("waiting until the gate is lifted: %w", ctx.Err())
		}
	}
}

func (b *Barrier) failed(op string, err error) error { return core.Failed(op, b.path, err) }
