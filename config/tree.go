package config

import (
	"context"
	"errors"
	"iter"
	"strings"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/treap"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/views"
	"github.com/docent-go/docent/session"
)

// Key is one key of a Tree.
type Key[T any] struct {
	Key   string // relative to the tree's path, such as "db/limits"
	Value T
	// Version, Zxid and ModTime belong to Value, as in Snapshot.
	Version int32
	Zxid    int64
	ModTime time.Time
	// Err is a *BadValueError while the key has a newer value that is bad, or
	// the reason why the key may not be read. Value is the last good value
	// then.
	Err error
}

// HiddenKey is a znode of a Tree that may not be read. The keys below it are
// not known.
type HiddenKey struct {
	Key  string // relative to the tree's path; empty for the directory at the path itself
	Path string // of the znode
	Err  error  // the reason, such as session.ErrNoAuth
}

// TreeSnapshot has all keys of a Tree at one instant. All callers of Load share
// it: it must not be changed. Snapshots share their unchanged parts. Its zero
// value and nil panic in every method.
type TreeSnapshot[T any] struct {
	// Bad are the errors of the keys with a bad value, sorted by path.
	Bad []*BadValueError
	// Hidden are the znodes that may not be read and are not among the keys,
	// sorted by key. It is not known whether such a znode is a key or a
	// directory.
	Hidden []HiddenKey
	// LeftOut is what Limit and MaxBytes leave out.
	LeftOut session.LeftOut
	// Exists says whether the directory exists.
	Exists bool
	// Torn says that the keys may be of different instants: for a second or
	// more they were written so fast that no common instant could be proven.
	// Each key by itself is right.
	Torn bool

	keys     treap.Map[Key[T]]
	foreign  treap.Map[string]
	fallback T
}

// All yields the keys in order. It omits keys that have never had a good value.
func (s *TreeSnapshot[T]) All() iter.Seq[*Key[T]] {
	s.made()
	return func(yield func(*Key[T]) bool) {
		for _, k := range s.keys.All() {
			if !yield(k) {
				return
			}
		}
	}
}

// Len returns how many keys All yields.
func (s *TreeSnapshot[T]) Len() int {
	s.made()
	return s.keys.Len()
}

// Foreign yields the znodes that are not keys since they belong to another
// recipe, in order: each with its path relative to the tree's path, and with how
// it is recognised, such as "it is a contender of a lock". A Tree recognises a
// znode by its owning session, its name and its data alone, as the section "What
// is a key" of the package says. It reads nothing more for that.
func (s *TreeSnapshot[T]) Foreign() iter.Seq2[string, string] {
	s.made()
	return func(yield func(string, string) bool) {
		for key, what := range s.foreign.All() {
			if !yield(key, *what) {
				return
			}
		}
	}
}

// Lookup returns a key, or nil. It does not allocate.
func (s *TreeSnapshot[T]) Lookup(key string) *Key[T] {
	s.made()
	return s.keys.Get(key)
}

// made panics for a snapshot that no Tree has made.
func (s *TreeSnapshot[T]) made() {
	misuse.ZeroValue(s == nil, "or nil config.TreeSnapshot", "Tree.Load")
}

// Value returns the value of a key. Without such a key it returns the Default,
// or the zero value.
func (s *TreeSnapshot[T]) Value(key string) T {
	s.made()
	if k := s.keys.Get(key); k != nil {
		return k.Value
	}
	return s.fallback
}

// Tree is a consistent, typed view of a directory of keys: Load returns all
// keys as the ensemble had them at one instant. A Publish of several keys is
// seen as a whole or not at all.
//
// Every znode below the path is a key, at every depth, except HistoryDir with
// its content, directories, and the znodes of other recipes, which
// TreeSnapshot.Foreign yields. A directory is a znode without data that has or
// had children, or that the codec rejects at the first read. A znode with data
// and children is a key and has keys below it. The znode at the path itself is
// not a key.
//
// A Tree is safe for concurrent use, and lives until Close or until its Manager
// is closed. Its zero value and nil panic in every method.
type Tree[T any] struct {
	schema schema[T]
	path   string
	mirror *views.Tree
	view   atomic.Pointer[treeView[T]]

	nodes treeNodes[T] // used by the goroutine that follows the nodes
}

// treeView is the state of a Tree at one time.
type treeView[T any] struct {
	TreeSnapshot[T]
	rev      uint64  // grows when the snapshot changes
	problems []error // the present errors
	next     chan struct{}
}

// OpenTree opens the keys below path. It blocks until all keys have been read,
// and with Wait until the directory exists. ctx bounds OpenTree alone: the Tree
// follows the keys until Close, with one watch. A directory that does not exist
// has no keys. Keys are read down to 256 levels below path.
//
// The codec decodes each key, and Validate checks it. If a key's value is bad,
// the key keeps its last good value, and other keys are not affected.
// TreeSnapshot.Value returns the Default for a missing key.
//
// Errors: an invalid path or option; the error of ctx, with
// session.ErrUnreachable if there was no session, and with ErrNoValue if Wait
// was waiting; session.ErrClosed; without Default and Wait, session.ErrNoAuth
// if a key may not be read. With Default or Wait, TreeSnapshot.Hidden and Err
// have that error, and the other keys are read. OpenTree may be called from
// several goroutines at once.
func OpenTree[T any](ctx context.Context, sm *session.Manager, path string, codec Codec[T], opts ...Option[T]) (*Tree[T], error) {
	t, err := openTree(ctx, sm, path, codec, opts)
	if err != nil {
		return nil, core.Failed("open tree", path, err)
	}
	return t, nil
}

func openTree[T any](ctx context.Context, sm *session.Manager, path string, codec Codec[T], opts []Option[T]) (*Tree[T], error) {
	misuse.NilManager(sm == nil, "config.OpenTree")
	schema, err := newSchema("config.OpenTree", codec, opts)
	if err != nil {
		return nil, err
	}
	t := &Tree[T]{schema: schema, path: path, nodes: treeNodes[T]{decoded: make(map[string]*decodedKey[T])}}
	t.view.Store(&treeView[T]{TreeSnapshot: TreeSnapshot[T]{fallback: t.schema.fallback}, next: make(chan struct{})})
	t.mirror, err = views.OpenTree(ctx, bridge.Core(sm), views.TreeConfig{Path: path, OnState: t.apply, Keep: noHistory, Limit: t.schema.limit, MaxBytes: t.schema.maxBytes})
	if err != nil {
		return nil, err
	}
	if err := t.awaitFirst(ctx); err != nil {
		t.mirror.Close()
		return nil, err
	}
	return t, nil
}

// noHistory omits the directories of a History.
func noHistory(rel string) bool { return rel[strings.LastIndexByte(rel, '/')+1:] != HistoryDir }

func (t *Tree[T]) awaitFirst(ctx context.Context) error {
	if !t.schema.wait {
		if t.schema.hasDefault {
			return nil
		}
		return t.mirror.Load().Err // what is left out is no reason to fail
	}
	for {
		now := t.view.Load()
		if now.Exists {
			return nil
		}
		select {
		case <-now.next:
		case <-ctx.Done():
			return waited(ctxend.Err(ctx), errNotYet)
		case <-t.mirror.Done():
			return t.mirror.Err()
		}
	}
}

// made panics for a Tree that OpenTree has not made.
func (t *Tree[T]) made() {
	misuse.ZeroValue(t == nil || t.mirror == nil, "or nil config.Tree", "config.OpenTree")
}

// Path returns the path of the directory, below the Manager's root.
func (t *Tree[T]) Path() string {
	t.made()
	return t.path
}

// Load returns the present keys. It is one atomic load, without a lock or an
// allocation. The result is never nil. After Close, Load returns the last keys
// before Close.
func (t *Tree[T]) Load() *TreeSnapshot[T] {
	t.made()
	return &t.view.Load().TreeSnapshot
}

// Err returns the present error, or nil: the error of the first bad value; the
// reason why a znode cannot be read; a session.ErrLeftOut; session.ErrClosed after
// the end. A lost
// connection is not an error, but makes the Tree Stale.
func (t *Tree[T]) Err() error {
	t.made()
	err := t.mirror.Err()
	if problems := t.view.Load().problems; err == nil && len(problems) > 0 {
		err = problems[0]
	}
	return core.Failed("watch tree", t.path, err)
}

// Stale reports whether the keys may be out of date for longer than usual, as
// Value.Stale does.
func (t *Tree[T]) Stale() bool {
	t.made()
	return t.mirror.Stale()
}

// Close ends the Tree and waits until its goroutines have ended. Every Changes
// ends; Load keeps the last keys. For a running codec or Validate it waits one
// second at most, so that they may call Close. Close may be called more than
// once. The error is always nil.
func (t *Tree[T]) Close() error {
	t.made()
	t.mirror.Close()
	return nil
}

// Changes yields the present keys, and then the newest keys after every change:
// a key was written, created or deleted, or Hidden has changed. While the loop
// body runs, intermediate states are skipped, but never the last.
//
// An error is yielded once, together with the present keys: a *BadValueError
// for each bad value, the reason why a znode cannot be read, or a
// session.ErrLeftOut that says what a limit leaves out. The loop goes on
// after it. Once every error is over, the keys are yielded again, even if none
// has changed. A lost session yields nothing: Stale tells it. The loop ends
// without an error when ctx ends and after Close, and with session.ErrClosed when
// the Manager is closed. The errors are *session.OpErrors.
//
// Changes is safe for concurrent use. A loop costs no goroutine, no request and
// no watch.
func (t *Tree[T]) Changes(ctx context.Context) iter.Seq2[*TreeSnapshot[T], error] {
	t.made()
	return func(yield func(*TreeSnapshot[T], error) bool) {
		var rev uint64
		var told []error
		for ctx.Err() == nil {
			now := t.view.Load()
			if now.rev != rev || len(told) > 0 && len(now.problems) == 0 {
				rev = now.rev
				if !yield(&now.TreeSnapshot, nil) {
					return
				}
			}
			for problem := range fresh(told, now.problems) {
				if !yield(&now.TreeSnapshot, core.Failed("watch tree", t.path, problem)) {
					return
				}
			}
			told = now.problems
			select {
			case <-now.next:
			case <-ctx.Done():
			case <-t.mirror.Done():
				if t.view.Load() != now {
					continue // the last change comes first
				}
				if errors.Is(t.mirror.Err(), core.ErrLost) { // the Manager was closed, and not the view
					yield(&now.TreeSnapshot, t.Err())
				}
				return
			}
		}
	}
}
