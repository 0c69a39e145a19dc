package core

import (
	"context"
	"errors"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/znode"
)

// sweep is a node of this session that may exist and is not wanted. The session
// looks for it until the node is deleted or proven absent. The end of the
// session removes it in any case.
type sweep struct {
	path   string               // if known
	remove func() (bool, error) // deletes it, and reports whether it existed

	dir, guid string    // without a path: the directory, and the guid to look for
	pending   *creation // the create, if it is still outstanding

	over func() // called at the end of the sweep; nil for a unique name
}

// maxSweepers bounds the number of concurrent sweeps: ten thousand waiters that
// give up together must not become ten thousand goroutines.
const maxSweepers = 16

// sweepLater sweeps a node in the background. It never blocks.
func (s *Session) sweepLater(job sweep) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.retired || s.ctx.Err() != nil {
		return
	}
	if fixed(job.path) {
		job.over = s.depart(job.path)
	}
	s.sweeps = append(s.sweeps, job)
	if s.sweepers < maxSweepers {
		s.sweepers++
		s.background.Go(s.sweepAll)
	}
}

// sweepAll runs until no sweeps are left, or the session has ended.
func (s *Session) sweepAll() {
	for {
		s.mu.Lock()
		if len(s.sweeps) == 0 || s.ctx.Err() != nil {
			s.sweeps = nil
			s.sweepers--
			s.mu.Unlock()
			return
		}
		job := s.sweeps[0]
		s.sweeps = s.sweeps[1:]
		s.mu.Unlock()
		s.sweep(job)
	}
}

func (s *Session) sweep(job sweep) {
	if job.over != nil {
		defer job.over()
	}
	info := SweptInfo{Path: job.path, Session: s.ID()}
	if job.path == "" {
		info.Path = znode.Join(job.dir, znode.Protected(job.guid, "…"))
		var err error
		if job.path, err = s.locate(job); err != nil {
			if s.ctx.Err() == nil {
				s.m.log.Warn("a znode whose create has an unknown outcome could not be looked for",
					"path", info.Path, "err", err)
			}
			return
		}
	}
	if job.path != "" {
		info.Path = job.path
		if job.remove == nil { // the node was found by its unique name
			job.remove = (&Node{s: s, path: job.path}).discard
		}
		found, err := job.remove()
		if err != nil {
			if s.ctx.Err() == nil {
				s.m.log.Warn("a znode could not be deleted: it exists until the session ends",
					"path", job.path, "err", err)
			}
			return
		}
		info.Found = found
	}
	notify(s.m.cfg.Hooks, func(h HookSwept) { h.OnSwept(info) })
}

// locate returns the path of a node whose create may have been executed, or ""
// if the node certainly does not exist.
func (s *Session) locate(job sweep) (string, error) {
	if job.pending != nil {
		m, o, _ := job.pending.outcome(context.Background(), s)
		switch {
		case s.ctx.Err() != nil:
			return "", ended(s.Err())
		case o == executed:
			return m.path, nil
		case o == refused, o == skipped:
			return "", nil
		}
	}
	_, name, err := s.lookFor(context.Background(), job.dir, job.guid)
	if err != nil || name == "" {
		return "", err
	}
	return znode.Join(job.dir, name), nil
}

// remove deletes a node with a unique name. No other node ever has that name,
// so the delete is repeated until it is answered or the session ends. found
// says whether the node existed, as far as is known: if an answer was lost,
// remove assumes that this delete was executed.
//
// It runs without a context of its own. With the session's context, it could
// not tell the end of the session, which removes the node too, from the end of
// a caller's context.
func (s *Session) remove(path string) (found bool, err error) {
	_, maybeDone, err := writeAgain(context.Background(), s, "delete", path, true, s.deleteRequest(path, anyVersion))
	if errors.Is(err, ErrNoNode) {
		return maybeDone, nil
	}
	return err == nil, err
}

// removeWithin runs remove and waits until ctx ends. After that, remove goes on
// in the background.
func (s *Session) removeWithin(ctx context.Context, remove func() error) error {
	if ctx.Done() == nil { // remove ends with the session at the latest
		return remove()
	}
	done := make(chan error, 1)
	s.spawn(func() { done <- remove() })
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctxend.Err(ctx)
	case <-s.ctx.Done():
		return ended(s.Err())
	}
}
