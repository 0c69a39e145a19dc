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

// Store reads and writes keys as they are, without a type and without a cache.
// It is safe for concurrent use and keeps nothing open. The ctx of each call
// bounds the call, waiting for a connection included.
type Store struct {
	sm   *core.Manager
	base string
}

// NewStore returns the store of the keys below the node base, "/" for all of
// them. It does no I/O; each call fails if base is not a valid path.
func NewStore(sm *session.Manager, base string) *Store {
	if base == "" {
		base = "/"
	}
	return &Store{bridge.Core(sm), base}
}

// Entry is a key as one read or write has seen it.
type Entry struct {
	Key     string
	Path    string // of the node, below the Manager's root
	Data    []byte
	Version int32
	Zxid    int64     // of the transaction that wrote Data
	Created int64     // zxid of the transaction that created the node: another number is another node
	ModTime time.Time // when Data was written, by the server's clock
}

// made panics for a Store that NewStore has not made, or was given no Manager.
func (s *Store) made() {
	misuse.If(s == nil || s.sm == nil, "a Store without a Manager is used: get one from config.NewStore, with the Manager of core.Dial")
}

// path returns the node of a key, such as "limits" or "db/limits". A key may
// begin with /, which changes nothing.
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

// Get reads a key. It fails with session.ErrNoNode where there is none. The
// server may lag behind: Manager.Sync before it where that matters.
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

// Set writes a key that exists, if it has the given version, or AnyVersion. It
// fails with session.ErrNoNode, session.ErrBadVersion, ErrNotKey,
// session.ErrTooLarge before anything is sent, and session.ErrUnknownOutcome
// when the answer was lost. Set does not write again then: Get tells what the
// key holds now. A version says nothing about a node that was deleted and made
// anew since: compare Entry.Created.
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

// Create makes a key that does not exist, with version 0, and its parents where
// they are missing. It fails with session.ErrNodeExists, session.ErrNoAuth,
// session.ErrTooLarge before anything is sent, and session.ErrUnknownOutcome when
// the answer was lost and it cannot be found out who made the key, or whether
// others have deleted it since.
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

// Put writes a key whether it exists or not, and says whether it made it. It
// fails as Set and Create do, except that there is no session.ErrNoNode and no
// session.ErrNodeExists.
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

// Delete removes a key, if it has the given version, or AnyVersion. It deletes
// the value that it has seen: one that is written meanwhile is looked at again.
// It fails with session.ErrNoNode, session.ErrBadVersion, ErrNotKey,
// session.ErrNotEmpty when there are keys below it, and
// session.ErrUnknownOutcome when the answer was lost. Delete does not delete
// again then: the key may be another's by now.
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
				at = seen.Stat.Version // what has come to exist since is looked at again
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

// create makes a persistent node, and its parents where they are missing. They
// may be containers that the server removes again as soon as they are made,
// so this goes round until it holds.
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

// missing reports whether a write was refused because a node is not there.
func missing(err error) bool {
	return errors.Is(err, core.ErrNoNode) && !errors.Is(err, core.ErrUnknownOutcome)
}
