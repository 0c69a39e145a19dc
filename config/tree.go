package config

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/mirror"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/treap"
	"github.com/docent-go/docent/session"
)

// Key is one key of a Tree.
type Key[T any] struct {
	Key   string // relative to the tree's path, such as "db/limits"
	Value T
	// Version, Zxid and ModTime are those of Value, as in Snapshot.
	Version int32
	Zxid    int64
	ModTime time.Time
	// Err is a *BadValueError while the key holds a newer value that is bad:
	// Value is then the last good one. Or it is why the key may not be read.
	Err error
}

// HiddenKey is a node of a Tree that may not be read. The keys below it are not
// known.
type HiddenKey struct {
	Key  string // relative to the tree's path; empty for the directory at the path itself
	Path string // of the node
	Err  error  // why it may not be read, such as a session.ErrNoAuth
}

// TreeSnapshot is what all keys of a Tree held at one instant. It is shared by
// all who load it, and so must not be changed. Snapshots share with each other what
// has not changed in between.
type TreeSnapshot[T any] struct {
	// Bad are the keys that hold a bad value, sorted by path.
	Bad []*BadValueError
	// Hidden are the nodes that may not be read and are not among the keys, sorted by
	// key. Whether such a node is a key or a directory is not known.
	Hidden []HiddenKey
	// Exists says whether the directory is there.
	Exists bool
	// Torn says that the keys may not all have held this at the same instant:
	// for a second or more they have been written so fast that no instant
	// could be proven. Each by itself is right.
	Torn bool

	keys     treap.Map[Key[T]]
	fallback T
}

// All yields the keys in order. A key that has never had a good value is not
// among them.
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

// Lookup returns a key, or nil. It allocates nothing.
func (s *TreeSnapshot[T]) Lookup(key string) *Key[T] {
	s.made()
	return s.keys.Get(key)
}

// made panics for a snapshot that no Tree has made.
func (s *TreeSnapshot[T]) made() {
	misuse.ZeroValue(s == nil, "or nil config.TreeSnapshot", "Tree.Load")
}

// Value returns the value of a key, or the Default where there is none.
func (s *TreeSnapshot[T]) Value(key string) T {
	s.made()
	if k := s.keys.Get(key); k != nil {
		return k.Value
	}
	return s.fallback
}

// Tree is a directory of keys, typed, as one view that is consistent: what
// Load returns the ensemble really held, all keys together, at one instant. A
// Publish over several keys is seen whole or not at all.
//
// Every node below the path is a key, at every depth, with two exceptions. A
// node with children and without data is a directory and nothing else; so is
// one that has had children and has no data, and one without data that the
// codec refuses when it is first seen. A node with data and children is both:
// a key, and the directory of others. And HistoryDir is left out, with all that
// is in it. The node at the path itself is no key.
//
// A Tree is safe for concurrent use, and lives until Close or until its Manager
// is closed.
type Tree[T any] struct {
	path   string
	codec  Codec[T]
	opts   options[T]
	mirror *mirror.Tree
	view   atomic.Pointer[treeView[T]]

	nodes treeNodes[T] // of the goroutine that follows them
}

// treeView is everything that can be known of a Tree at one time.
type treeView[T any] struct {
	TreeSnapshot[T]
	rev      uint64  // grows when the snapshot changes
	problems []error // present ones
	next     chan struct{}
}

// OpenTree opens the keys below path. It blocks until all of them have been
// read, and with Wait until the directory exists; ctx bounds that alone. From
// then on the Tree follows them until Close, with one watch. A directory that does
// not exist is one without keys.
//
// Each key is decoded by the codec, and validated. A bad value keeps the last
// good one of its key and harms no other. Default is what
// TreeSnapshot.Value returns for a key that is not there.
//
// Errors: an invalid path or option; ctx's error, with session.ErrUnreachable
// if there was no session; session.ErrClosed; without Default and Wait also
// session.ErrNoAuth where a key may not be read. With one of them
// TreeSnapshot.Hidden and Err name it, and the other keys are there.
func OpenTree[T any](ctx context.Context, sm *session.Manager, path string, codec Codec[T], opts ...Option[T]) (*Tree[T], error) {
	misuse.NilManager(sm == nil, "config.OpenTree")
	t := &Tree[T]{path: path, codec: codec, nodes: treeNodes[T]{decoded: make(map[string]*decodedKey[T])}}
	misuse.Apply("config.OpenTree", &t.opts, opts)
	if codec.Decode == nil {
		return nil, fmt.Errorf("config tree %s: the codec has no Decode", path)
	}
	if err := t.opts.check(); err != nil {
		return nil, fmt.Errorf("config tree %s: options: %w", path, err)
	}
	t.view.Store(&treeView[T]{TreeSnapshot: TreeSnapshot[T]{fallback: t.opts.fallback}, next: make(chan struct{})})
	m, err := mirror.OpenTree(ctx, bridge.Core(sm), mirror.TreeConfig{Path: path, OnState: t.apply, Keep: noHistory})
	if err != nil {
		return nil, fmt.Errorf("config tree: %w", err)
	}
	t.mirror = m
	if err := t.awaitFirst(ctx); err != nil {
		m.Close()
		return nil, err
	}
	return t, nil
}

// noHistory leaves out what a History keeps.
func noHistory(rel string) bool { return rel[strings.LastIndexByte(rel, '/')+1:] != HistoryDir }

func (t *Tree[T]) awaitFirst(ctx context.Context) error {
	if !t.opts.wait {
		if err := t.mirror.Load().Err; err != nil && !t.opts.hasDefault {
			return fmt.Errorf("config tree %s: %w", t.path, err)
		}
		return nil
	}
	for {
		now := t.view.Load()
		if now.Exists {
			return nil
		}
		select {
		case <-now.next:
		case <-ctx.Done():
			return fmt.Errorf("config: wait for %s: %w: %w", t.path, context.Cause(ctx), ErrNoValue)
		case <-t.mirror.Done():
			return fmt.Errorf("config: wait for %s: %w", t.path, t.mirror.Err())
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
// allocation. The result is never nil; after Close it is the last that was
// known.
func (t *Tree[T]) Load() *TreeSnapshot[T] {
	t.made()
	return &t.view.Load().TreeSnapshot
}

// Err returns what is wrong at present, or nil: the first of the bad values, or
// why something can not be read. A lost connection is no error, but makes the
// Tree Stale.
func (t *Tree[T]) Err() error {
	t.made()
	if err := t.ended(); err != nil {
		return err
	}
	if problems := t.view.Load().problems; len(problems) > 0 {
		return problems[0]
	}
	return nil
}

// Stale reports whether the keys may be out of date for longer than usual, as
// Value.Stale does.
func (t *Tree[T]) Stale() bool {
	t.made()
	return t.mirror.Stale()
}

// Close ends the Tree and waits until nothing of it is left running. For a codec
// or a Validate that runs it waits for a second at most, so that they may call it.
// It may be called more than once. The error is always nil.
func (t *Tree[T]) Close() error {
	t.made()
	t.mirror.Close()
	return nil
}

func (t *Tree[T]) ended() error {
	err := t.mirror.Err()
	if err == nil {
		return nil
	}
	if errors.Is(err, mirror.ErrClosed) {
		err = ErrClosed
	}
	return fmt.Errorf("config tree %s: %w", t.path, err)
}

// Changes yields the present keys, and then the newest whenever a key was
// written, made or deleted, or Hidden has changed. While the loop body runs, changes that follow each
// other are skipped; the last one never is.
//
// An error is yielded once, together with the present keys: a *BadValueError for
// each bad value, or why something can not be read. The loop goes on after it.
// It ends when ctx does, without a word, or with ErrClosed or session.ErrClosed
// when the Tree or its Manager is closed.
//
// Any number of loops may run at the same time. None costs a goroutine, a
// request or a watch.
func (t *Tree[T]) Changes(ctx context.Context) iter.Seq2[*TreeSnapshot[T], error] {
	t.made()
	return func(yield func(*TreeSnapshot[T], error) bool) {
		var rev uint64
		var told []error
		for ctx.Err() == nil {
			now := t.view.Load()
			if now.rev != rev {
				rev = now.rev
				if !yield(&now.TreeSnapshot, nil) {
					return
				}
			}
			for problem := range fresh(told, now.problems) {
				if !yield(&now.TreeSnapshot, problem) {
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
				yield(&now.TreeSnapshot, t.ended())
				return
			}
		}
	}
}
