package config

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/mirror"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/session"
)

// Snapshot is a value as it stood at one time. It is shared by all who load
// it, and so must not be changed, nor what Value refers to.
type Snapshot[T any] struct {
	// Value is the node's value. Where Exists is false it is the Default, or
	// the last good value if there was no Default.
	Value T
	// Exists says whether Value is what the node holds. It is false while the
	// node does not exist, and while it has had no good value since.
	Exists bool
	// Version is the node's version, and Zxid the transaction that wrote the
	// value: it only grows while the node exists, and across its deletion.
	// ModTime is when the value was written, by the server's clock. All are
	// zero where Exists is false.
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

	// Of the goroutine that follows the node.
	rev uint64 // of the mirror's state that was decoded last
	bad error  // what was wrong with that
}

// view is everything that can be known of a Value at one time. It is replaced
// as a whole, so that Load is one atomic load.
type view[T any] struct {
	Snapshot[T]
	missing bool          // the node was last seen not to exist
	usable  bool          // Value is a value: the node's, or the default
	rev     uint64        // grows when Snapshot changes
	err     error         // what is wrong now, if anything
	errRev  uint64        // grows when there is a new error
	next    chan struct{} // closed when there is a newer view
}

// Open opens the value at path. It blocks until the node has been read, and
// with Wait until there is a good value; ctx bounds that alone. From then on
// the Value follows the node until Close.
//
// Errors: an invalid path or option; ErrNoValue (a session.ErrNoNode) when the
// node does not exist; *BadValueError when its value is bad; session.ErrNoAuth
// when it may not be read; all three only without Default and Wait. When ctx
// ends first, its error, with session.ErrUnreachable if there was no session,
// and with whatever of the above Wait was waiting out; session.ErrClosed.
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

// awaitFirst waits for a value to start with, if that was asked for.
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
			return fmt.Errorf("config: wait for %s: %w: %w", v.path, context.Cause(ctx), problem)
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

// Load returns the present value: the last good one. It is one atomic load,
// without a lock or an allocation. The result is never nil; it is shared, and
// must not be changed. After Close it is the last that was known.
func (v *Value[T]) Load() *Snapshot[T] {
	v.made()
	return &v.view.Load().Snapshot
}

// Err returns what is wrong at present, or nil: a *BadValueError while the node
// holds a bad value, or why it can not be read (session.ErrNoAuth). A lost
// connection is no error, but makes the value Stale.
func (v *Value[T]) Err() error {
	v.made()
	if err := v.ended(); err != nil {
		return err
	}
	return v.view.Load().err
}

// Stale reports whether the value may be out of date for longer than usual:
// it is true from the moment at which the connection is known to be lost until
// a quorum of the servers has answered and the node has been read again, and
// after Close. A connection that has died
// silently is known to be lost after half of the session timeout.
func (v *Value[T]) Stale() bool {
	v.made()
	return v.mirror.Stale()
}

// Close ends the Value and waits until nothing of it is left running. Every
// Changes ends; Load keeps the last value. For a codec or a Validate that runs
// it waits for a second at most, so that they may call it. It may be called more
// than once. The error is always nil.
func (v *Value[T]) Close() error {
	v.made()
	v.mirror.Close()
	return nil
}

// ended returns nil while the Value lives, and then why it does no more.
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
