package config

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/docent-go/docent/internal/base/backoff"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/session"
)

// Store reads and writes the bytes of keys, without a cache. The ctx of each
// call bounds the call, including the wait for a connection. A Store is safe
// for concurrent use, and needs no Close. Its zero value and nil panic in every
// method.
//
// A call sees every write of any client that was answered before the call. So
// it never fails because of a server that lags behind. The errors of all calls
// are *session.OpErrors with the path of the znode.
//
// Every write of a key returns the Entry as the write has left it. Its Version
// is for the next Set or Delete.
type Store struct {
	sm   *core.Manager
	base string
}

// NewStore returns the store of the keys below the znode base; "/" means all
// keys. It does no I/O. If base is not a valid path, every call on the Store
// returns the error.
func NewStore(sm *session.Manager, base string) *Store {
	if base == "" {
		base = "/"
	}
	return &Store{bridge.Core(sm), base}
}

// Entry is a key at the time of a read or a write.
//
// A History learns the stat of a key that it has created from a second request,
// and so does a Store with servers before ZooKeeper 3.5. If another client
// writes or deletes the key in between, the fields after Data are zero.
type Entry struct {
	Key     string // as the caller gave it
	Path    string // of the znode, below the Manager's root
	Data    []byte
	Version int32
	// Zxid is the transaction that wrote Data, and Created the transaction that
	// created the znode. Created identifies the znode, since a znode that is
	// created again begins at version 0 again. They are equal if the key was
	// created with Data.
	Zxid    int64
	Created int64
	ModTime time.Time // when Data was written, by the server's clock
}

// made panics for a Store that NewStore has not made, or has made without a
// Manager.
func (s *Store) made() {
	misuse.If(s == nil || s.sm == nil, "a Store without a Manager is used: get one from config.NewStore, with the Manager of session.Dial")
}

// path returns the node of a key, such as "limits" or "db/limits". A leading /
// of the key is ignored. With an error, it is the invalid path.
func (s *Store) path(key string) (string, error) {
	s.made()
	path := znode.Join(s.base, strings.TrimPrefix(key, "/"))
	if err := znode.ValidateRoot(s.base); err != nil {
		return path, fmt.Errorf("base: %w", err)
	}
	return path, znode.Validate(path)
}

// entry returns the Entry of a node that was read or written. The stat is zero
// if it is not known.
func entry(key, path string, data []byte, stat core.Stat) Entry {
	return Entry{
		Key: key, Path: path, Data: data, Version: stat.Version, Zxid: stat.Mzxid, Created: stat.Czxid, ModTime: written(stat),
	}
}

// failed is core.Failed for a verb that returns an Entry.
func failed(op, path string, e Entry, err error) (Entry, error) {
	if err != nil {
		return Entry{}, core.Failed(op, path, err)
	}
	return e, nil
}

// Get reads a key. ctx bounds the call. Errors: ctx's; session.ErrNoNode;
// session.ErrNoAuth; session.ErrClosed; an invalid path.
func (s *Store) Get(ctx context.Context, key string) (Entry, error) {
	path, err := s.path(key)
	var e Entry
	if err == nil {
		var data []byte
		var stat core.Stat
		data, stat, err = s.sm.GetNewest(ctx, path)
		e = entry(key, path, data, stat)
	}
	return failed("get key", path, e, err)
}

// Set writes a key that exists, if it has the given version, or any version
// with session.AnyVersion. A re-created znode may have an old version again:
// compare Entry.Created.
//
// ctx bounds the call. Errors: ctx's; session.ErrNoNode; session.ErrBadVersion;
// session.ErrNoAuth; session.ErrForeign; session.ErrClosed; an invalid path;
// session.ErrTooLarge, before anything is sent; session.ErrUnknownOutcome if
// the answer was lost. Set does not write again then: read the key with Get.
func (s *Store) Set(ctx context.Context, key string, data []byte, version int32) (Entry, error) {
	path, err := s.path(key)
	var e Entry
	if err == nil {
		e, err = s.set(ctx, key, path, write{data: data, version: version})
	}
	return failed("set key", path, e, err)
}

func (s *Store) set(ctx context.Context, key, path string, w write) (Entry, error) {
	if err := s.sm.Fits(core.SetOp(path, w.data, w.version)); err != nil {
		return Entry{}, err
	}
	if _, err := s.check(ctx, path, w); err != nil {
		return Entry{}, err
	}
	stat, err := s.sm.Set(ctx, path, w.data, w.version)
	return entry(key, path, w.data, stat), err
}

// Create creates a key that does not exist, with version 0, and its missing
// parents.
//
// ctx bounds the call. Errors: ctx's; session.ErrNodeExists; session.ErrNoAuth;
// session.ErrForeign, before anything is sent, if only another recipe gives such a
// name; session.ErrClosed; an invalid path; session.ErrTooLarge, before anything is
// sent; session.ErrUnknownOutcome if the answer was lost, and it cannot be
// determined whether this call or another client has created or deleted the key
// since.
func (s *Store) Create(ctx context.Context, key string, data []byte) (Entry, error) {
	path, err := s.path(key)
	var e Entry
	if err == nil {
		e, err = s.create(ctx, key, path, data)
	}
	return failed("create key", path, e, err)
}

func (s *Store) create(ctx context.Context, key, path string, data []byte) (Entry, error) {
	if err := mayCreate(path); err != nil {
		return Entry{}, err
	}
	stat, err := s.sm.CreateWithParents(ctx, path, data)
	return entry(key, path, data, stat), err
}

// Put writes a key whether it exists or not. If the call has created the key,
// the Entry's Zxid equals Created. ctx bounds the call. Errors: the errors of
// Set and of Create, without session.ErrNoNode, session.ErrBadVersion and
// session.ErrNodeExists.
func (s *Store) Put(ctx context.Context, key string, data []byte) (Entry, error) {
	path, err := s.path(key)
	var e Entry
	if err == nil {
		e, err = s.put(ctx, key, path, data)
	}
	return failed("put key", path, e, err)
}

// put tries a write and a create in turn, while other clients create and delete
// the key in between.
func (s *Store) put(ctx context.Context, key, path string, data []byte) (Entry, error) {
	for tries := 0; ; tries++ {
		if err := backoff.Contention.Wait(ctx, tries-1); err != nil {
			return Entry{}, err
		}
		e, err := s.set(ctx, key, path, write{data: data, version: core.AnyVersion, missingOK: true})
		if !missing(err) {
			return e, err
		}
		e, err = s.create(ctx, key, path, data)
		if !errors.Is(err, core.ErrNodeExists) || errors.Is(err, core.ErrUnknownOutcome) {
			return e, err
		}
	}
}

// Delete removes a key, if it has the given version, or any version with
// session.AnyVersion. It deletes the value that it has checked: if another
// client writes the key in between, Delete checks the new value.
//
// ctx bounds the call. Errors: ctx's; session.ErrNoNode; session.ErrBadVersion;
// session.ErrNoAuth; session.ErrForeign; session.ErrClosed; an invalid path;
// session.ErrNotEmpty if the key has children; session.ErrUnknownOutcome if the
// answer was lost. Delete does not delete again then: another client may have
// created the key again.
func (s *Store) Delete(ctx context.Context, key string, version int32) error {
	path, err := s.path(key)
	if err == nil {
		err = s.remove(ctx, path, version)
	}
	return core.Failed("delete key", path, err)
}

func (s *Store) remove(ctx context.Context, path string, version int32) error {
	for tries := 0; ; tries++ {
		if err := backoff.Contention.Wait(ctx, tries-1); err != nil {
			return err
		}
		seen, err := s.check(ctx, path, write{remove: true, version: version})
		if err != nil {
			return err
		}
		at := version
		if at == core.AnyVersion && !seen.Hidden {
			at = seen.Stat.Version // a later write or re-creation is checked again
		}
		err = s.sm.Delete(ctx, path, at)
		if version != core.AnyVersion || !errors.Is(err, core.ErrBadVersion) || errors.Is(err, core.ErrUnknownOutcome) {
			return err
		}
	}
}

// missing reports whether the server refused a write since a node does not
// exist.
func missing(err error) bool {
	return errors.Is(err, core.ErrNoNode) && !errors.Is(err, core.ErrUnknownOutcome)
}
