package core

import "context"

// Vetted returns how many checked directories a session remembers.
func Vetted(s *Session) int {
	s.vetted.mu.Lock()
	defer s.vetted.mu.Unlock()
	return len(s.vetted.known)
}

// Node returns the node that the hold stands on.
func (h *Hold) Node() *Node { h.made(); return h.node }

// ListsOwn is OwnsAt for a node whose stat the server withholds.
func (s *Session) ListsOwn(ctx context.Context, path string) (bool, error) {
	s.made()
	return s.listsOwn(ctx, path)
}
