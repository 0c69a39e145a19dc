package config

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/mirror"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/znode"
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
// all who load it, and so must not be changed.
type TreeSnapshot[T any] struct {
	// Keys are sorted by Key. A key that has never had a good value is not
	// among them.
	Keys []Key[T]
	// Bad are the keys that hold a bad value, sorted by path.
	Bad []*BadValueError
	// Hidden are the nodes that may not be read and are not among Keys, sorted by
	// key. Whether such a node is a key or a directory is not known.
	Hidden []HiddenKey
	// Exists says whether the directory is there.
	Exists bool
	// Torn says that the keys may not all have held this at the same instant:
	// for a second or more they have been written so fast that no instant
	// could be proven. Each by itself is right.
	Torn bool

	fallback T
}

// Lookup returns a key, or nil. It allocates nothing.
func (s *TreeSnapshot[T]) Lookup(key string) *Key[T] {
	misuse.ZeroValue(s == nil, "or nil config.TreeSnapshot", "Tree.Load")
	i, found := slices.BinarySearchFunc(s.Keys, key, func(k Key[T], key string) int { return strings.Compare(k.Key, key) })
	if !found {
		return nil
	}
	return &s.Keys[i]
}

// Value returns the value of a key, or the Default where there is none.
func (s *TreeSnapshot[T]) Value(key string) T {
	misuse.ZeroValue(s == nil, "or nil config.TreeSnapshot", "Tree.Load")
	if k := s.Lookup(key); k != nil {
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

	// Of the goroutine that follows the nodes.
	rev     uint64
	decoded map[string]*decodedKey[T]
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
// then on the Tree follows them until Close. A directory that does not exist
// is one without keys.
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
	t := &Tree[T]{path: path, codec: codec, decoded: make(map[string]*decodedKey[T])}
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
			for _, problem := range now.problems {
				if !slices.Contains(told, problem) && !yield(&now.TreeSnapshot, problem) {
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

// decodedKey is what has been made of a node.
type decodedKey[T any] struct {
	zxid, created int64
	good          bool // key is a value
	key           Key[T]
	bad           *BadValueError
}

// apply takes a new state of the nodes. The mirror's goroutine calls it.
func (t *Tree[T]) apply(st *mirror.TreeState) {
	old := t.view.Load()
	now := &treeView[T]{TreeSnapshot: old.TreeSnapshot, rev: old.rev, next: make(chan struct{})}
	if st.Rev != t.rev || old.Torn != st.Torn {
		t.rev = st.Rev
		now.rev++
		now.Exists, now.Torn = st.Exists, st.Torn
	}
	if st.Rev > 0 || st.Err == nil {
		t.decodeAll(st, now)
	}
	if now.rev == old.rev && !slices.EqualFunc(old.Hidden, now.Hidden, func(a, b HiddenKey) bool { return a.Key == b.Key }) {
		now.rev++
	}
	for _, bad := range now.Bad {
		now.problems = append(now.problems, bad)
	}
	if st.Err != nil {
		now.problems = append(now.problems, st.Err)
	}
	if now.rev == 0 {
		now.rev = 1
	}
	t.view.Store(now)
	close(old.next)
}

// decodeAll makes the keys of the nodes. What has not changed is not decoded
// again.
func (t *Tree[T]) decodeAll(st *mirror.TreeState, now *treeView[T]) {
	decoded := make(map[string]*decodedKey[T], len(st.Nodes))
	now.Keys, now.Bad, now.Hidden = make([]Key[T], 0, len(st.Nodes)), nil, nil
	for _, n := range st.Hidden {
		now.hide(t.path, n)
	}
	for _, n := range st.Nodes {
		var d *decodedKey[T]
		if n.Path != "" {
			d = t.decode(n)
		}
		if n.Err != nil && (d == nil || !d.good) {
			now.hide(t.path, n)
		}
		if d == nil {
			continue
		}
		decoded[n.Path] = d
		if d.bad != nil {
			now.Bad = append(now.Bad, d.bad)
		}
		if d.good {
			key := d.key
			if n.Err != nil {
				key.Err = n.Err
			}
			now.Keys = append(now.Keys, key)
		}
	}
	t.decoded = decoded
	slices.SortFunc(now.Hidden, func(a, b HiddenKey) int { return strings.Compare(a.Key, b.Key) })
}

// hide adds a node to Hidden.
func (v *treeView[T]) hide(root string, n mirror.TreeNode) {
	path := root
	if n.Path != "" {
		path = znode.Join(root, n.Path)
	}
	v.Hidden = append(v.Hidden, HiddenKey{Key: n.Path, Path: path, Err: n.Err})
}

// decode returns what a node is as a key, or nil if it is none.
func (t *Tree[T]) decode(n mirror.TreeNode) *decodedKey[T] {
	old := t.decoded[n.Path]
	if old != nil && old.created != n.Stat.Czxid {
		// Deleted and made anew. That nobody was there to see it
		// changes nothing: a value of the old node is not the last good
		// one of the new.
		old = nil
	}
	isDir := len(n.Data) == 0 && (n.Stat.NumChildren > 0 || n.Stat.Cversion != 0)
	switch {
	case isDir:
		return nil
	case old != nil && old.zxid == n.Stat.Mzxid:
		return old
	}
	next := &decodedKey[T]{zxid: n.Stat.Mzxid, created: n.Stat.Czxid}
	value, err := check(t.codec, &t.opts, n.Data)
	if err == nil {
		next.good = true
		next.key = Key[T]{
			Key: n.Path, Value: value, Version: n.Stat.Version, Zxid: n.Stat.Mzxid, ModTime: time.UnixMilli(n.Stat.Mtime),
		}
		return next
	}
	if len(n.Data) == 0 && n.Stat.Version == 0 {
		return nil // a directory whose first key is yet to come
	}
	next.bad = &BadValueError{Path: znode.Join(t.path, n.Path), Version: n.Stat.Version, Zxid: n.Stat.Mzxid, Err: err}
	if old != nil && old.good {
		next.good, next.key = true, old.key
		next.key.Err = next.bad
	}
	return next
}
