package core

// Vetted returns how many checked directories a session remembers.
func Vetted(s *Session) int {
	s.vetted.mu.Lock()
	defer s.vetted.mu.Unlock()
	return len(s.vetted.known)
}

// Node returns the node that the hold stands on.
func (h *Hold) Node() *Node { h.made(); return h.node }
