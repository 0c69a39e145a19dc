package core

// Node returns the node that the hold stands on.
func (h *Hold) Node() *Node { h.made(); return h.node }
