package config

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/znode"
	"github.com/docent-go/docent/session"
)

// AnyVersion, as the version of a write, skips the comparison of the version.
const AnyVersion = core.AnyVersion

// Store reads and writes the bytes of keys, without a cache. It is safe for
// concurrent use, and needs no Close. The ctx of each call bounds the call,
// including the wait for a connection.
type Store struct {
	sm   *core.Manager
	base string
}

// NewStore returns the store of the keys below the node base; "/" means all
// keys. It does no I/O. If base is not a valid path, every call on the Store
// returns the error.
func NewStore(sm *session.Manager, base string) *Store {
	if base == "" {
		base = "/"
	}
	return &Store{bridge.Core(sm), base}
}

// Entry is a key at the time of a read or a write.
type Entry struct {
	Key     string
	Path    string // of the node, below the Manager's root
	Data    []byte
	Version int32
	Zxid    int64     // of the transaction that wrote Data
	Created int64     // zxid of the transaction that created the node; it identifies the node
	ModTime time.Time // when Data was written, by the server's clock
}

// made panics for a Store that NewStore has not made, or has made without a
// Manager.
func (s *Store) made() {
	misuse.If(s == nil || s.sm == nil, "a Store without a Manager is used: get one from config.NewStore, with the Manager of session.Dial")
}

// path returns the node of a key, such as "limits" or "db/limits". A leading /
// of the key is ignored.
func (s *Store) path(key string) (string, error) {
	s.made()
	if err := znode.ValidateRoot(s.base); err != nil {
		return "", fmt.Errorf("config store: base: %w", err)
	}
	path := znode.Join(s.base, strings.TrimPrefix(key, "/"))
	if err := znode.Validate(path); err != nil {
		return "", s.failed(key, err)
	}
	return path, nil
}

func (s *Store) failed(key string, err error) error {
	return fmt.Errorf("config key %q: %w", key, err)
}

func entry(key, path string, data []byte, stat core.Stat) Entry {
	return Entry{
		Key: key, Path: path, Data: data, Version: stat.Version, Zxid: stat.Mzxid, Created: stat.Czxid,
		ModTime: time.UnixMilli(stat.Mtime),
	}
}

// Get reads a key. The server may lag behind: call Manager.Sync first if that
// matters. Errors: session.ErrNoNode; session.ErrNoAuth; an invalid path.
func (s *Store) Get(ctx context.Context, key string) (Entry, error) {
	path, err := s.path(key)
	if err != nil {
		return Entry{}, err
	}
	data, stat, err := s.sm.Get(ctx, path)
	if err != nil {
		return Entry{}, s.failed(key, err)
	}
	return entry(key, path, data, stat), nil
}

// Set writes a key that exists, if it has the given version, or any version
// with AnyVersion. A re-created node may have an old version again: compare
// Entry.Created.
//
// Errors: session.ErrNoNode; session.ErrBadVersion; session.ErrNoAuth;
// ErrNotKey; session.ErrTooLarge, before anything is sent;
// session.ErrUnknownOutcome if the answer was lost. Set does not write again
// then: read the key with Get.
func (s *Store) Set(ctx context.Context, key string, data []byte, version int32) (Entry, error) {
	path, err := s.path(key)
	if err != nil {
		return Entry{}, err
	}
	err = s.sm.Fits(core.SetOp(path, data, version))
	if err == nil {
		_, err = s.check(ctx, path, write{data: data, version: version})
	}
	if err != nil {
		return Entry{}, s.failed(key, err)
	}
	stat, err := s.sm.Set(ctx, path, data, version)
	if err != nil {
		return Entry{}, s.failed(key, err)
	}
	return entry(key, path, data, stat), nil
}

// Create creates a key that does not exist, with version 0, and its missing
// parents.
//
// Errors: session.ErrNodeExists; session.ErrNoAuth; session.ErrTooLarge, before
// anything is sent; session.ErrUnknownOutcome if the answer was lost, and it
// cannot be determined whether this call or another client has created or
// deleted the key since.
func (s *Store) Create(ctx context.Context, key string, data []byte) error {
	path, err := s.path(key)
	if err != nil {
		return err
	}
	if err := create(ctx, s.sm, path, data); err != nil {
		return s.failed(key, err)
	}
	return nil
}

// Put writes a key whether it exists or not. created says that the call has
// created the key. Errors: session.ErrNoAuth; ErrNotKey; session.ErrTooLarge,
// before anything is sent; session.ErrUnknownOutcome, as with Set and Create.
func (s *Store) Put(ctx context.Context, key string, data []byte) (created bool, err error) {
	for {
		_, err := s.Set(ctx, key, data, AnyVersion)
		if !missing(err) {
			return false, err
		}
		err = s.Create(ctx, key, data)
		if errors.Is(err, core.ErrUnknownOutcome) || !errors.Is(err, core.ErrNodeExists) {
			return err == nil, err
		}
	}
}

// Delete removes a key, if it has the given version, or any version with
// AnyVersion. It deletes the value that it has checked: if another client
// writes the key in between, Delete checks the new value.
//
// Errors: session.ErrNoNode; session.ErrBadVersion; session.ErrNoAuth;
// ErrNotKey; session.ErrNotEmpty if the key has children;
// session.ErrUnknownOutcome if the answer was lost. Delete does not delete
// again then: another client may have created the key again.
func (s *Store) Delete(ctx context.Context, key string, version int32) error {
	path, err := s.path(key)
	if err != nil {
		return err
	}
	for {
		seen, err := s.check(ctx, path, write{remove: true, version: version})
		if err == nil {
			at := version
			if at == AnyVersion && !seen.Hidden {
				at = seen.Stat.Version // a later write or re-creation is checked again
			}
			err = s.sm.Delete(ctx, path, at)
		}
		switch {
		case err == nil:
			return nil
		case version != AnyVersion, !errors.Is(err, core.ErrBadVersion), errors.Is(err, core.ErrUnknownOutcome):
			return s.failed(key, err)
		}
	}
}

// creator is a session or a manager.
type creator interface {
	CreateOnce(ctx context.Context, path string, data []byte) error
	EnsureDir(ctx context.Context, path string) error
}

// create creates a persistent node and its missing parents. The parents may be
// containers, which the server can remove before the node exists: so create
// repeats until the node exists.
func create(ctx context.Context, in creator, path string, data []byte) error {
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

// missing reports whether the server refused a write since a node does not
// exist.
func missing(err error) bool {
	return errors.Is(err, core.ErrNoNode) && !errors.Is(err, core.ErrUnknownOutcome)
}
