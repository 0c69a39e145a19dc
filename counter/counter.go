package counter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/ctxend"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/recognise"
	"github.com/docent-go/docent/internal/znode"
	"github.com/docent-go/docent/session"
)

// Sentinel errors. Compare with errors.Is: they arrive wrapped.
var (
	// ErrOverflow says that a number does not fit. The counter is unchanged.
	ErrOverflow = errors.New("the number does not fit into the counter")
	// ErrRecreated says that the node was deleted and created again during a
	// write. The write, computed from the old node's number, has replaced the
	// new node's number.
	ErrRecreated = errors.New("the node was re-created during the write, and its new number has been replaced")
)

// Option changes a Counter.
type Option func(*Counter)

// Int32 is the layout of Curator's DistributedAtomicInteger and SharedCount,
// and of kazoo's Counter with support_curator: 4 bytes, big-endian. Numbers
// that do not fit into 32 bits are refused with ErrOverflow.
func Int32() Option { return func(c *Counter) { c.layout = int32Layout } }

// Decimal is the layout of kazoo's Counter without support_curator: decimal
// digits. An empty node is zero. Fractions, which kazoo allows, are a
// *FormatError.
func Decimal() Option { return func(c *Counter) { c.layout = decimalLayout } }

// Counter is a number on a path. It is safe for concurrent use. Concurrent Adds
// of one Counter wait for each other, so that they do not conflict on the
// server.
type Counter struct {
	sm     *core.Manager
	path   string
	layout layout
	err    error
	turn   chan struct{} // holds a token while one goroutine compares and sets
}

// New returns the counter at path, which is relative to sm's root. The default
// is the layout of Curator's DistributedAtomicLong. New does no I/O. If the
// path is invalid, every call on the Counter returns the error.
func New(sm *session.Manager, path string, opts ...Option) *Counter {
	c := &Counter{sm: bridge.Core(sm), path: path, layout: int64Layout, err: znode.Validate(path), turn: make(chan struct{}, 1)}
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
	// Exists says whether the node exists.
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
	return Value{N: n, Exists: true, Zxid: stat.Mzxid, ModTime: time.UnixMilli(stat.Mtime)}, nil
}

// Get reads the number. It first makes the server catch up with the leader: Get
// sees every write that was answered before the call. A counter that does not
// exist is zero, without an error.
//
// ctx bounds the call. Errors: *FormatError; session.ErrNoAuth;
// session.ErrClosed; an invalid path. Get is safe for concurrent use.
func (c *Counter) Get(ctx context.Context) (Value, error) {
	c.made()
	if c.err != nil {
		return Value{}, c.fail("get", c.err)
	}
	if err := c.sm.Sync(ctx, c.path); err != nil {
		return Value{}, c.fail("get", ctxend.Join(ctx, err))
	}
	data, stat, err := c.sm.Get(ctx, c.path)
	switch {
	case errors.Is(err, core.ErrNoNode):
		return Value{}, nil
	case err != nil:
		return Value{}, c.fail("get", ctxend.Join(ctx, err))
	}
	return c.value(data, stat)
}

// Set writes the number, whatever the number was. It creates the node and its
// parents if they are missing. It overwrites a number alone: a node with other
// data belongs to another recipe, or is a counter of another layout. An empty
// node that has never had children counts as a new counter.
//
// ctx bounds the call. Errors: ErrOverflow with Int32; *FormatError;
// session.ErrUnknownOutcome if the answer was lost; session.ErrNoAuth;
// session.ErrClosed; an invalid path. After a lost answer Set does not write
// again: the number may have been written, and others may have changed it
// since. Set is safe for concurrent use.
func (c *Counter) Set(ctx context.Context, n int64) error {
	c.made()
	if err := c.check(n); err != nil {
		return c.fail("set", err)
	}
	data := c.layout.encode(n)
	for tries := 0; ; tries++ {
		err := conflicts.Wait(ctx, tries-2)
		if err == nil {
			err = c.overwrite(ctx, data)
		}
		if !conflict(err) {
			if err != nil {
				err = c.fail("set", ctxend.Join(ctx, err))
			}
			return err
		}
	}
}

// overwrite replaces the node's number.
func (c *Counter) overwrite(ctx context.Context, data []byte) error {
	held, stat, err := c.sm.Get(ctx, c.path)
	if errors.Is(err, core.ErrNoNode) {
		return create(ctx, c.sm, c.path, data)
	}
	if err == nil {
		_, err = c.value(held, stat)
		if len(held) == 0 && stat.Cversion == 0 && recognise.Node(c.path, held, stat) == "" {
			err = nil // a new counter, and not a directory
		}
	}
	if err == nil {
		// The version of a node that was written very often can be -1, which
		// matches any version.
		_, err = c.sm.Set(ctx, c.path, data, stat.Version)
	}
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

// maker is a session or a manager.
type maker interface {
	CreateOnce(ctx context.Context, path string, data []byte) error
	EnsureDir(ctx context.Context, path string) error
}

// create creates the node and its missing parents. The parents may be
// containers, which the server can remove before the node exists: so create
// repeats until the node exists.
func create(ctx context.Context, in maker, path string, data []byte) error {
	for {
		err := in.CreateOnce(ctx, path, data)
		if !missing(err) {
			return err
		}
		dir, _ := znode.Split(path)
		if err := in.EnsureDir(ctx, dir); err != nil {
			return err
		}
	}
}

// missing reports whether the server refused a write since the node or its
// parent does not exist.
func missing(err error) bool {
	return errors.Is(err, core.ErrNoNode) && !errors.Is(err, core.ErrUnknownOutcome)
}

// conflict reports whether the server refused a write since the node has
// changed.
func conflict(err error) bool {
	return (errors.Is(err, core.ErrBadVersion) || errors.Is(err, core.ErrNoNode) || errors.Is(err, core.ErrNodeExists)) &&
		!errors.Is(err, core.ErrUnknownOutcome)
}

// opError adds the counter and the operation to an error. If the error's text
// begins with the counter already, it is not repeated.
type opError struct {
	path, op string
	err      error
}

func (e *opError) Error() string {
	prefix := fmt.Sprintf("counter %s: ", e.path)
	return prefix + e.op + ": " + strings.TrimPrefix(e.err.Error(), prefix)
}

func (e *opError) Unwrap() error { return e.err }

func (c *Counter) fail(op string, err error) error {
	return &opError{path: c.path, op: op, err: err}
}
