package counter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/docent-go/docent/internal/base/backoff"
	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/stamp"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/recognise"
	"github.com/docent-go/docent/session"
)

// ErrOverflow says that a number does not fit. The counter is unchanged. Compare
// with errors.Is: it arrives wrapped in a *session.OpError.
var ErrOverflow = errors.New("the number does not fit into the counter")

// Option changes a Counter.
type Option func(*Counter)

// Counter is a number on a path. As with atomic.Int64, a call returns what its
// caller cannot know. Each call sees every write of any client that was answered
// before the call. Its errors are *session.OpErrors with the path of the
// counter.
//
// A Counter is safe for concurrent use. Concurrent Adds of one Counter wait for
// each other, so that they do not conflict on the server. Its zero value and
// nil panic in every method.
type Counter struct {
	sm     *core.Manager
	path   string
	layout layout
	err    error
	turn   *semaphore.Weighted // one goroutine compares and sets at a time
}

// New returns the counter at path, which is relative to sm's root. New does no
// I/O. If the path or an option is invalid, every call on the Counter returns
// the error.
func New(sm *session.Manager, path string, opts ...Option) *Counter {
	c := &Counter{
		sm: bridge.Core(sm), path: path, layout: layouts[Int64], err: znode.Validate(path), turn: semaphore.NewWeighted(1),
	}
	misuse.Apply("counter.New", c, opts)
	return c
}

// made panics for a Counter that New has not made, or has made without a
// Manager.
func (c *Counter) made() {
	misuse.If(c == nil || c.sm == nil, "a Counter or Sequence without a Manager is used: "+
		"get one from counter.New or NewSequence, with the Manager of session.Dial")
}

// Path returns the path of the counter.
func (c *Counter) Path() string {
	misuse.ZeroValue(c == nil, "or nil counter.Counter", "counter.New")
	return c.path
}

// Value is a counter at one time.
type Value struct {
	// N is the number; zero if Exists is false.
	N int64
	// Exists says whether the znode exists.
	Exists bool
	// Zxid is the transaction that wrote the number: it grows with each change.
	// ModTime is the time of the write, by the server's clock. Both are zero if
	// Exists is false.
	Zxid    int64
	ModTime time.Time
}

func (c *Counter) value(data []byte, stat core.Stat) (Value, error) {
	if what := recognise.Node(c.path, data, stat); what != "" {
		return Value{}, &FormatError{c.path, what}
	}
	if len(data) == 0 && stat.Cversion != 0 {
		return Value{}, &FormatError{c.path, "it is empty and has or had children, like a directory"}
	}
	n, reason := c.layout.decode(data)
	if reason != "" {
		return Value{}, &FormatError{c.path, reason}
	}
	return Value{N: n, Exists: true, Zxid: stat.Mzxid, ModTime: stamp.Millis(stat.Mtime)}, nil
}

// Get reads the number. A counter that does not exist is zero, without an error.
//
// ctx bounds the call. Errors: *FormatError; session.ErrNoAuth;
// session.ErrClosed; an invalid path or option. Get is safe for concurrent use.
func (c *Counter) Get(ctx context.Context) (Value, error) {
	c.made()
	v, err := c.get(ctx)
	if err != nil {
		return Value{}, c.fail("get counter", ctxend.Join(ctx, err))
	}
	return v, nil
}

func (c *Counter) get(ctx context.Context) (Value, error) {
	if c.err != nil {
		return Value{}, c.err
	}
	data, stat, err := c.sm.GetNewest(ctx, c.path)
	switch {
	case errors.Is(err, core.ErrNoNode):
		return Value{}, nil
	case err != nil:
		return Value{}, err
	}
	return c.value(data, stat)
}

// Set writes the number, whatever the number was. It creates the znode and its
// parents if they are missing. It overwrites a number alone: a znode with other
// data belongs to another recipe, or is a counter of another layout. An empty
// znode that has never had children is a counter.
//
// ctx bounds the call. Errors: ErrOverflow with Int32; *FormatError;
// session.ErrUnknownOutcome if the answer was lost; session.ErrNoAuth;
// session.ErrClosed; an invalid path or option. After a lost answer Set does
// not write again: the number may have been written, and others may have
// changed it since. Set is safe for concurrent use.
func (c *Counter) Set(ctx context.Context, n int64) error {
	c.made()
	return c.fail("set counter", ctxend.Join(ctx, c.set(ctx, n)))
}

func (c *Counter) set(ctx context.Context, n int64) error {
	if err := c.check(n); err != nil {
		return err
	}
	data := c.layout.encode(n)
	for tries := 0; ; tries++ {
		if err := backoff.Contention.Wait(ctx, tries-2); err != nil {
			return err
		}
		if err := c.overwrite(ctx, data); !conflict(err) {
			return err
		}
	}
}

// overwrite replaces the node's number. Before it refuses, it reads the node
// again, because the server may lag behind.
func (c *Counter) overwrite(ctx context.Context, data []byte) error {
	held, stat, err := c.sm.Get(ctx, c.path)
	if err == nil && c.replaceable(held, stat) != nil {
		held, stat, err = c.sm.GetNewest(ctx, c.path)
	}
	switch {
	case errors.Is(err, core.ErrNoNode):
		_, err := c.sm.CreateWithParents(ctx, c.path, data)
		return err
	case err != nil:
		return err
	}
	if err := c.replaceable(held, stat); err != nil {
		return err
	}
	if err := c.sm.AdmitWrite(ctx, c.path); err != nil {
		return err
	}
	// The version of a node that was written very often can be -1, which
	// matches any version.
	_, err = c.sm.Set(ctx, c.path, data, stat.Version)
	return err
}

// replaceable returns nil for a counter.
func (c *Counter) replaceable(data []byte, stat core.Stat) error {
	_, err := c.value(data, stat)
	return err
}

// check returns why a number cannot be written, or nil.
func (c *Counter) check(n int64) error {
	switch {
	case c.err != nil:
		return c.err
	case n < c.layout.min || n > c.layout.max:
		return fmt.Errorf("%w: %d is not between %d and %d", ErrOverflow, n, c.layout.min, c.layout.max)
	}
	return nil
}

// conflict reports whether the server refused a write since the node has
// changed.
func conflict(err error) bool {
	return (errors.Is(err, core.ErrBadVersion) || errors.Is(err, core.ErrNoNode) || errors.Is(err, core.ErrNodeExists)) &&
		!errors.Is(err, core.ErrUnknownOutcome)
}

func (c *Counter) fail(op string, err error) error { return core.Failed(op, c.path, err) }
