package core

import "github.com/docent-go/docent/internal/base/znode"

// departure is the removal of a node of this session under way: from the call
// that gives the node up until a server has answered, or the session has ended.
type departure struct {
	calls int
	over  chan struct{}
}

// Depart says that the node at path is given up, before the removal begins in
// another goroutine. The caller calls over when the node is gone, or cannot be
// removed. Remove and Abandon do this themselves.
func (s *Session) Depart(path string) (over func()) {
	s.made()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.depart(path)
}

// depart is Depart for a caller that holds mu.
func (s *Session) depart(path string) (over func()) {
	d := s.departures[path]
	if d == nil {
		d = &departure{over: make(chan struct{})}
		if s.departures == nil {
			s.departures = make(map[string]*departure)
		}
		s.departures[path] = d
	}
	d.calls++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if d.calls--; d.calls == 0 {
			delete(s.departures, path)
			close(d.over)
		}
	}
}

// Leaving returns the nodes below dir that this session is removing, by their
// names. The channel of each is closed at the end of its removal, but not at
// the end of the session. Nodes with unique names are left out, since no call
// makes such a name again.
//
// A caller that finds a node of its own session at a fixed path asks Leaving
// before it reads: the node may belong to a call that has given it up.
func (s *Session) Leaving(dir string) map[string]<-chan struct{} {
	s.made()
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]<-chan struct{})
	for path, d := range s.departures {
		if in, name := znode.Split(path); in == dir {
			all[name] = d.over
		}
	}
	return all
}

// fixed reports whether a node at the path may be made again.
func fixed(path string) bool {
	_, name := znode.Split(path)
	_, unique := znode.GUID(name)
	return path != "" && !unique
}
