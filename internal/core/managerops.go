package core

import (
	"context"
	"errors"
	"math"
	"time"
)

// The Manager's operations run in the current session. Without a session, they
// wait for one. If their session ends, they continue in the next session,
// unless the outcome of a write is unknown.

func inSession[T any](ctx context.Context, m *Manager, op, path string, f func(*Session) (T, error)) (T, error) {
	for {
		s, err := m.Session(ctx)
		if err != nil {
			var none T
			return none, &OpError{op, path, 0, err}
		}
		value, err := f(s)
		if !errors.Is(err, ErrSessionEnded) || errors.Is(err, ErrUnknownOutcome) || ctx.Err() != nil {
			return value, err
		}
	}
}

// Get is Session.Get in the current session.
func (m *Manager) Get(ctx context.Context, path string) ([]byte, Stat, error) {
	n, err := inSession(ctx, m, "get", path, func(s *Session) (node, error) {
		data, stat, err := s.Get(ctx, path)
		return node{data, stat}, err
	})
	return n.data, n.stat, err
}

// GetNewest is Session.GetNewest in the current session.
func (m *Manager) GetNewest(ctx context.Context, path string) ([]byte, Stat, error) {
	n, err := inSession(ctx, m, "get", path, func(s *Session) (node, error) {
		data, stat, err := s.GetNewest(ctx, path)
		return node{data, stat}, err
	})
	return n.data, n.stat, err
}

// Exists is Session.Exists in the current session.
func (m *Manager) Exists(ctx context.Context, path string) (Stat, bool, error) {
	p, err := inSession(ctx, m, "exists", path, func(s *Session) (presence, error) {
		stat, found, err := s.Exists(ctx, path)
		return presence{stat: stat, found: found}, err
	})
	return p.stat, p.found, err
}

// See is Session.See in the current session.
func (m *Manager) See(ctx context.Context, path string) (Sighting, error) {
	return inSession(ctx, m, "get", path, func(s *Session) (Sighting, error) { return s.See(ctx, path) })
}

// Children is Session.Children in the current session.
func (m *Manager) Children(ctx context.Context, path string) ([]string, Stat, error) {
	l, err := inSession(ctx, m, "list children", path, func(s *Session) (listing, error) {
		names, stat, err := s.Children(ctx, path)
		return listing{names, stat}, err
	})
	return l.names, l.stat, err
}

// ReadMany is Session.ReadMany in the current session.
func (m *Manager) ReadMany(ctx context.Context, ops []ReadOp) ([]ReadResult, error) {
	path := "/"
	if len(ops) > 0 {
		path = ops[0].Path
	}
	return inSession(ctx, m, readManyOp, path, func(s *Session) ([]ReadResult, error) {
		return s.ReadMany(ctx, ops)
	})
}

// SeeMany is Session.SeeMany in the current session.
func (m *Manager) SeeMany(ctx context.Context, paths []string) ([]*Sighting, error) {
	return m.SeeSome(ctx, paths, math.MaxInt)
}

// SeeOwners is Session.SeeOwners in the current session.
func (m *Manager) SeeOwners(ctx context.Context, paths []string) ([]*Sighting, error) {
	path := "/"
	if len(paths) > 0 {
		path = paths[0]
	}
	return inSession(ctx, m, readManyOp, path, func(s *Session) ([]*Sighting, error) {
		return s.SeeOwners(ctx, paths)
	})
}

// SeeSome is Session.SeeSome in the current session.
func (m *Manager) SeeSome(ctx context.Context, paths []string, bytes int) ([]*Sighting, error) {
	path := "/"
	if len(paths) > 0 {
		path = paths[0]
	}
	return inSession(ctx, m, readManyOp, path, func(s *Session) ([]*Sighting, error) {
		return s.SeeSome(ctx, paths, bytes)
	})
}

// Sync is Session.Sync in the current session.
func (m *Manager) Sync(ctx context.Context, path string) error {
	_, err := inSession(ctx, m, "sync", path, func(s *Session) (struct{}, error) {
		return struct{}{}, s.Sync(ctx, path)
	})
	return err
}

// Confirm is Session.Confirm in the current session.
func (m *Manager) Confirm(ctx context.Context, path string) error {
	_, err := inSession(ctx, m, "confirm", path, func(s *Session) (struct{}, error) {
		return struct{}{}, s.Confirm(ctx, path)
	})
	return err
}

// Set is Session.Set in the current session.
func (m *Manager) Set(ctx context.Context, path string, data []byte, version int32) (Stat, error) {
	return inSession(ctx, m, "set", path, func(s *Session) (Stat, error) {
		return s.Set(ctx, path, data, version)
	})
}

// Create is Session.Create in the current session. An ephemeral node ends with
// that session.
func (m *Manager) Create(ctx context.Context, path string, data []byte, mode Mode) (string, error) {
	return inSession(ctx, m, "create", path, func(s *Session) (string, error) {
		return s.Create(ctx, path, data, mode)
	})
}

// CreateOnce is Session.CreateOnce in the current session.
func (m *Manager) CreateOnce(ctx context.Context, path string, data []byte) error {
	_, err := inSession(ctx, m, "create", path, func(s *Session) (struct{}, error) {
		return struct{}{}, s.CreateOnce(ctx, path, data)
	})
	return err
}

// CreateWithParents is Session.CreateWithParents in the current session.
func (m *Manager) CreateWithParents(ctx context.Context, path string, data []byte) (Stat, error) {
	return inSession(ctx, m, "create", path, func(s *Session) (Stat, error) {
		return s.CreateWithParents(ctx, path, data)
	})
}

// Delete is Session.Delete in the current session.
func (m *Manager) Delete(ctx context.Context, path string, version int32) error {
	_, err := inSession(ctx, m, "delete", path, func(s *Session) (struct{}, error) {
		return struct{}{}, s.Delete(ctx, path, version)
	})
	return err
}

// Txn is Session.Txn in the current session. A Guard of a lost hold refuses the
// transaction in any session.
func (m *Manager) Txn(ctx context.Context, ops ...Op) ([]OpResult, error) {
	return inSession(ctx, m, "commit txn", "/", func(s *Session) ([]OpResult, error) {
		return s.Txn(ctx, ops...)
	})
}

// EnsureDir is Session.EnsureDir in the current session.
func (m *Manager) EnsureDir(ctx context.Context, path string) error {
	_, err := inSession(ctx, m, opCreateParents, path, func(s *Session) (struct{}, error) {
		return struct{}{}, s.EnsureDir(ctx, path)
	})
	return err
}

// CreateTTL is Session.CreateTTL in the current session.
func (m *Manager) CreateTTL(ctx context.Context, path string, data []byte, ttl time.Duration, mode Mode) (string, error) {
	return inSession(ctx, m, "create", path, func(s *Session) (string, error) {
		return s.CreateTTL(ctx, path, data, ttl, mode)
	})
}

// ACL is Session.ACL in the current session.
func (m *Manager) ACL(ctx context.Context, path string) ([]ACL, Stat, error) {
	n, err := inSession(ctx, m, "get acl", path, func(s *Session) (aclNode, error) {
		acl, stat, err := s.ACL(ctx, path)
		return aclNode{acl, stat}, err
	})
	return n.acl, n.stat, err
}

// SetACL is Session.SetACL in the current session.
func (m *Manager) SetACL(ctx context.Context, path string, acl []ACL, version int32) (Stat, error) {
	return inSession(ctx, m, "set acl", path, func(s *Session) (Stat, error) {
		return s.SetACL(ctx, path, acl, version)
	})
}

// WhoAmI is Session.WhoAmI in the current session.
func (m *Manager) WhoAmI(ctx context.Context) ([]Identity, error) {
	return inSession(ctx, m, whoAmIOp, "/", func(s *Session) ([]Identity, error) { return s.WhoAmI(ctx) })
}
