package config

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/ctxend"
	"github.com/docent-go/docent/internal/mirror"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/session"
)

// Snapshot is a value at one time. All callers of Load share it: neither the
// Snapshot nor what its Value refers to may be changed.
type Snapshot[T any] struct {
	// Value is the node's value. If Exists is false it is the Default, or the
	// last good value without a Default.
	Value T
	// Exists says that Value is from the node. It is false while the node does
	// not exist, and while a new node has had no good value yet.
	Exists bool
	// Version is the node's version. Zxid is the transaction that wrote the
	// value; it only grows, even if the node is deleted and created again.
	// ModTime is the time of the write, by the server's clock. All are zero if
	// Exists is false.
	Version int32
	Zxid    int64
	ModTime time.Time
}

// Value is a typed value that follows its node. It is safe for concurrent use,
// and lives until Close or until its Manager is closed.
type Value[T any] struct {
	sm     *core.Manager
	path   string
	codec  Codec[T]
	opts   options[T]
	mirror *mirror.Mirror
	view   atomic.Pointer[view[T]]

	updating chan struct{} // holds a token while an Update runs

	// Used by the goroutine that follows the node.
	rev uint64 // of the mirror's state that was decoded last
	bad error  // the error of that state's value
}

// view is the state of a Value at one time. It is replaced as a whole, so that
// Load is one atomic load.
type view[T any] struct {
	Snapshot[T]
	missing bool          // the node did not exist at the last read
	usable  bool          // Value is a value: the node's, or the default
	rev     uint64        // grows when Snapshot changes
	err     error         // the present error, or nil
	errRev  uint64        // grows with each new error
	next    chan struct{} // closed when there is a newer view
}

// Open opens the value at path. It blocks until the node has been read, and
// with Wait until there is a good value. ctx bounds Open alone: the Value
// follows the node until Close.
//
// Errors without Default and Wait: ErrNoValue (which matches session.ErrNoNode)
// if the node does not exist; *BadValueError if its value is bad;
// session.ErrNoAuth if it may not be read. Other errors: an invalid path or
// option; session.ErrClosed; the error of ctx, with session.ErrUnreachable if
// there was no session, and with the error that Wait was waiting for the end
// of.
func Open[T any](ctx context.Context, sm *session.Manager, path string, codec Codec[T], opts ...Option[T]) (*Value[T], error) {
	misuse.NilManager(sm == nil, "config.Open")
	v := &Value[T]{sm: bridge.Core(sm), path: path, codec: codec, updating: make(chan struct{}, 1)}
	misuse.Apply("config.Open", &v.opts, opts)
	if codec.Decode == nil {
		return nil, fmt.Errorf("config %s: the codec has no Decode", path)
	}
	if err := v.opts.check(); err != nil {
		return nil, fmt.Errorf("config %s: options: %w", path, err)
	}
	v.view.Store(&view[T]{
		Snapshot: Snapshot[T]{Value: v.opts.fallback},
		usable:   v.opts.hasDefault,
		rev:      1,
		next:     make(chan struct{}),
	})
	m, err := mirror.Open(ctx, v.sm, mirror.Config{Path: path, OnState: v.apply})
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	v.mirror = m
	if err := v.awaitFirst(ctx); err != nil {
		m.Close()
		return nil, err
	}
	return v, nil
}

// awaitFirst waits for the first good value if Wait is given.
func (v *Value[T]) awaitFirst(ctx context.Context) error {
	for {
		now := v.view.Load()
		if now.usable {
			return nil
		}
		problem := now.err
		if problem == nil {
			problem = fmt.Errorf("config %s: %w", v.path, ErrNoValue)
		}
		if !v.opts.wait {
			return problem
		}
		select {
		case <-now.next:
		case <-ctx.Done():
			return fmt.Errorf("config: wait for %s: %w: %w", v.path, ctxend.Err(ctx), problem)
		case <-v.mirror.Done():
			return fmt.Errorf("config: wait for %s: %w", v.path, v.mirror.Err())
		}
	}
}

// made panics for a Value that Open has not made.
func (v *Value[T]) made() {
	misuse.ZeroValue(v == nil || v.mirror == nil, "or nil config.Value", "config.Open")
}

// Path returns the path of the node, below the Manager's root.
func (v *Value[T]) Path() string {
	v.made()
	return v.path
}

// Load returns the last good value. It is one atomic load, without a lock or an
// allocation. The result is never nil. It is shared, and must not be changed.
// After Close, Load returns the last value before Close.
func (v *Value[T]) Load() *Snapshot[T] {
	v.made()
	return &v.view.Load().Snapshot
}

// Err returns the present error, or nil: a *BadValueError while the node has a
// bad value; the reason why it cannot be read, such as session.ErrNoAuth;
// ErrClosed or session.ErrClosed after the end. A lost connection is not an
// error, but makes the value Stale.
func (v *Value[T]) Err() error {
	v.made()
	if err := v.ended(); err != nil {
		return err
	}
	return v.view.Load().err
}

// Stale reports whether the value may be out of date for longer than usual. It
// is true after a lost connection, until a quorum of the servers has answered
// and the node has been read again. It is also true after Close. If a
// connection dies silently, Stale becomes true after half of the session
// timeout.
func (v *Value[T]) Stale() bool {
	v.made()
	return v.mirror.Stale()
}

// Close ends the Value and waits until its goroutines have ended. Every Changes
// ends; Load keeps the last value. For a running codec or Validate it waits one
// second at most, so that they may call Close. Close may be called more than
// once. The error is always nil.
func (v *Value[T]) Close() error {
	v.made()
	v.mirror.Close()
	return nil
}

// ended returns nil while the Value lives, and then the reason of its end.
func (v *Value[T]) ended() error {
	err := v.mirror.Err()
	if err == nil {
		return nil
	}
	if errors.Is(err, mirror.ErrClosed) {
		err = ErrClosed
	}
	return fmt.Errorf("config %s: %w", v.path, err)
}
