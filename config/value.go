package config

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/views"
	"github.com/docent-go/docent/session"
)

// Snapshot is a value at one time. All callers of Load share it: neither the
// Snapshot nor what its Value refers to may be changed.
type Snapshot[T any] struct {
	// Value is the znode's value. If Exists is false it is the Default, or the
	// last good value without a Default.
	Value T
	// Exists says that Value is from the znode. It is false while the znode
	// does not exist, and while a new znode has had no good value yet.
	Exists bool
	// Version is the znode's version. Zxid is the transaction that wrote the
	// value; it only grows, even if the znode is deleted and created again.
	// ModTime is the time of the write, by the server's clock. All are zero if
	// Exists is false.
	Version int32
	Zxid    int64
	ModTime time.Time
}

// Value is a typed value that follows its znode. It is safe for concurrent use,
// and lives until Close or until its Manager is closed. Its zero value and nil
// panic in every method.
type Value[T any] struct {
	schema  schema[T]
	sm      *core.Manager
	path    string
	mirror  *views.Node
	view    atomic.Pointer[view[T]]
	updates *semaphore.Weighted // one Update at a time

	// Used by the goroutine that follows the node.
	rev uint64 // of the mirror's state that was decoded last
	bad error  // the error of that state's value
}

// Open opens the value at path. It blocks until the znode has been read, and
// with Wait until there is a good value. ctx bounds Open alone: the Value
// follows the znode until Close.
//
// Errors without Default and Wait: ErrNoValue (which matches session.ErrNoNode)
// if the znode does not exist; *BadValueError if its value is bad;
// session.ErrNoAuth if it may not be read. Other errors: an invalid path or
// option; session.ErrClosed; the error of ctx, with session.ErrUnreachable if
// there was no session, and with the error that Wait was waiting for the end
// of. Open may be called from several goroutines at once.
func Open[T any](ctx context.Context, sm *session.Manager, path string, codec Codec[T], opts ...Option[T]) (*Value[T], error) {
	v, err := open(ctx, sm, "config.Open", path, codec, opts)
	if err != nil {
		return nil, core.Failed("open key", path, err)
	}
	return v, nil
}

// open is Open without the operation in its errors. call is the name for the
// panics.
func open[T any](ctx context.Context, sm *session.Manager, call, path string, codec Codec[T], opts []Option[T]) (*Value[T], error) {
	misuse.NilManager(sm == nil, call)
	schema, err := newSchema(call, codec, opts)
	if err != nil {
		return nil, err
	}
	v := &Value[T]{schema: schema, sm: bridge.Core(sm), path: path, updates: semaphore.NewWeighted(1)}
	v.view.Store(&view[T]{Snapshot: Snapshot[T]{Value: v.schema.fallback}, usable: v.schema.hasDefault, rev: 1, next: make(chan struct{})})
	if v.mirror, err = views.Open(ctx, v.sm, views.Config{Path: path, OnState: v.apply}); err != nil {
		return nil, err
	}
	if err := v.awaitFirst(ctx); err != nil {
		v.mirror.Close()
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
		switch {
		case problem == nil && v.schema.wait:
			problem = errNotYet
		case problem == nil:
			problem = errNoDefault
		}
		if !v.schema.wait {
			return problem
		}
		select {
		case <-now.next:
		case <-ctx.Done():
			return waited(ctxend.Err(ctx), problem)
		case <-v.mirror.Done():
			return v.mirror.Err()
		}
	}
}

// waited returns the error of a wait that the end of a ctx has ended. problem is
// the last reason to wait.
func waited(ended, problem error) error {
	return fmt.Errorf("waiting for a value: %w; the last problem: %w", ended, problem)
}

// made panics for a Value that Open has not made.
func (v *Value[T]) made() {
	misuse.ZeroValue(v == nil || v.mirror == nil, "or nil config.Value", "config.Open")
}

// Path returns the path of the znode, below the Manager's root.
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

// Err returns the present error, or nil: a *BadValueError while the znode has a
// bad value; the reason why it cannot be read, such as session.ErrNoAuth;
// session.ErrClosed after the end. A lost connection is not an error, but makes
// the value Stale.
func (v *Value[T]) Err() error {
	v.made()
	err := v.mirror.Err()
	if err == nil {
		err = v.view.Load().err
	}
	return core.Failed(watchOp, v.path, err)
}

// watchOp is the operation in the errors of a Value.
const watchOp = "watch key"

// Stale reports whether the value may be out of date for longer than usual. It
// is true after a lost connection, until a quorum of the servers has answered
// and the znode has been read again. It is also true after Close. If a
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
