package standing

import "github.com/docent-go/docent/internal/core"

// State is the state of the node at one time. It never changes.
type State struct {
	// Session is the session in which the node stands, or nil while the node is
	// away; then Err says why. An away node is not known to stand. In a session
	// that can no longer be trusted, it may still exist for a while.
	Session *core.Session
	Err     error
	// Path and Czxid are the node's. While the node is away, they belong to the
	// last node that stood.
	Path  string
	Czxid int64

	next chan struct{}
}

// Standing reports whether the node was known to stand.
func (s *State) Standing() bool { return s.Session != nil }

// Next returns a channel that is closed when there is a newer state.
func (s *State) Next() <-chan struct{} { return s.next }

// State returns the newest state, even if the keeper has not acted yet: a node
// whose session has ended is away.
func (n *Node) State() *State {
	s := n.state.Load()
	if s.Session == nil || s.Session.Err() == nil {
		return s
	}
	return &State{Err: s.Session.Err(), Path: s.Path, Czxid: s.Czxid, next: s.next}
}

// stands publishes that the node stands, if that is new.
func (n *Node) stands(s *core.Session, path string, czxid int64) {
	old := n.state.Load()
	if old.Session == s && old.Path == path && old.Czxid == czxid {
		return
	}
	n.publish(&State{Session: s, Path: path, Czxid: czxid})
}

// away publishes why the node does not stand, if that is new.
func (n *Node) away(why error) {
	old := n.state.Load()
	if old.Session == nil && reason(old.Err) == reason(why) {
		return
	}
	n.publish(&State{Err: why, Path: old.Path, Czxid: old.Czxid})
}

func (n *Node) publish(next *State) {
	next.next = make(chan struct{})
	if n.cfg.OnState != nil && (!n.opening || next.Standing()) {
		n.cfg.OnState(next)
	}
	old := n.state.Swap(next)
	close(old.next)
}
