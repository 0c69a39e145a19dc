package core

import (
	"context"
	"errors"

	"github.com/docent-go/docent/internal/base/znode"
)

// EnsureDir creates the node at path and the missing nodes above it. They are
// container nodes, which the server removes after their last child is deleted,
// or persistent nodes if the server does not support containers. EnsureDir
// begins at the bottom, so it needs no rights on existing ancestors.
func (s *Session) EnsureDir(ctx context.Context, path string) error {
	s.made()
	if err := znode.ValidateRoot(path); err != nil {
		return s.refuse(opCreateParents, path, err)
	}
	if err := s.ensureDir(ctx, s.abs(path)); err != nil {
		return &OpError{opCreateParents, path, s.ID(), err}
	}
	return nil
}

func (s *Session) ensureDir(ctx context.Context, abs string) error {
	if abs == "/" {
		return nil
	}
	for round := 0; ; round++ {
		err := s.makeDir(ctx, abs)
		switch {
		case err == nil, errors.Is(err, ErrNodeExists):
			return nil
		case errors.Is(err, ErrNoAuth) && s.stands(ctx, abs):
			// The server checks the right to create before it checks whether
			// the node exists.
			return nil
		case !errors.Is(err, ErrNoNode):
			return err // it names the refused parent
		}
		// A parent is missing. It may be a container that existed a moment ago
		// and lost its last child. So the loop goes on until the create
		// succeeds or ctx ends, with pauses after the first repetition.
		if round > 0 {
			s.sleep(ctx, round)
		}
		parent, _ := znode.Split(abs)
		if err := s.ensureDir(ctx, parent); err != nil {
			return err
		}
	}
}

func (s *Session) makeDir(ctx context.Context, abs string) error {
	mode := Container
	if s.m.noContainers.Load() {
		mode = Persistent
	}
	if err := s.fits(s.createSize(abs, nil)); err != nil {
		return err
	}
	// A lost answer does no harm: ErrNodeExists means success, and a directory
	// that another client has deleted since has to be created again.
	_, err := write(ctx, s, "create", s.rel(abs), true,
		s.createRequest(abs, nil, mode, false))
	if mode == Container && errors.Is(err, ErrUnimplemented) {
		s.m.lacks(&s.m.noContainers, "createContainer")
		return s.makeDir(ctx, abs)
	}
	return err
}

// CreateWithParents is CreateOnce, and creates the missing nodes above the node.
// It returns the stat of the new node. The server can remove a container before
// the node below it exists: so CreateWithParents repeats until the node exists.
//
// Servers before ZooKeeper 3.5 answer a create without a stat. Then
// CreateWithParents reads the stat; it is zero if the node has changed since.
func (s *Session) CreateWithParents(ctx context.Context, path string, data []byte) (Stat, error) {
	s.made()
	for round := 0; ; round++ {
		stat, err := s.createOnce(ctx, path, data)
		switch {
		case err == nil && stat.Czxid == 0:
			return s.createdStat(ctx, path), nil
		case !errors.Is(err, ErrNoNode) || errors.Is(err, ErrUnknownOutcome):
			return stat, err
		}
		if round > 0 {
			s.sleep(ctx, round)
		}
		dir, _ := znode.Split(path)
		if err := s.EnsureDir(ctx, dir); err != nil {
			return Stat{}, err
		}
	}
}

// createdStat returns the stat of a node that was just created, or zero if the
// node has changed since.
func (s *Session) createdStat(ctx context.Context, path string) Stat {
	if p, err := s.statOf(ctx, path); err == nil && p.found && p.stat.Version == 0 {
		return p.stat
	}
	return Stat{}
}

// stands reports whether the node certainly exists.
func (s *Session) stands(ctx context.Context, abs string) bool {
	p, err := s.exists(ctx, s.rel(abs), false)
	return err == nil && p.found
}
