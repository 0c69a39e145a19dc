package core

import (
	"context"
	"errors"

	"github.com/docent-go/docent/internal/znode"
)

// EnsureDir makes the node at path and those above it where they are missing:
// as container nodes, which the server removes once their last child has
// gone, or as persistent ones where the server knows no containers. It looks
// from the bottom up, so that it needs no right on ancestors that exist.
func (s *Session) EnsureDir(ctx context.Context, path string) error {
	s.made()
	if err := znode.ValidateRoot(path); err != nil {
		return s.refuse("create parents", path, err)
	}
	if err := s.ensureDir(ctx, s.abs(path)); err != nil {
		return &OpError{"create parents", path, s.ID(), err}
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
			// The server looks for the right to create before it looks
			// whether there is anything to create.
			return nil
		case !errors.Is(err, ErrNoNode):
			return err // it names the parent that is refused
		}
		// A parent is missing. It may also have been there a moment ago: a
		// container that lost its last child. So this goes round until it
		// holds, or ctx ends, in no hurry when it happens again.
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
	// A lost answer does no harm: NodeExists is what is wanted, and a directory
	// that others have deleted meanwhile is to be made again.
	_, err := write(ctx, s, "create", s.rel(abs), true,
		s.createRequest(abs, nil, mode, false))
	if mode == Container && errors.Is(err, ErrUnimplemented) {
		s.m.noContainers.Store(true)
		return s.makeDir(ctx, abs)
	}
	return err
}

// stands reports whether the node is certain to exist.
func (s *Session) stands(ctx context.Context, abs string) bool {
	p, err := s.exists(ctx, s.rel(abs), false)
	return err == nil && p.found
}
