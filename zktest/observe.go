package zktest

import (
	"fmt"
	"slices"
	"time"
)

// ChangeKind says what happened to a znode.
type ChangeKind int

// The kinds of changes.
const (
	noChange ChangeKind = iota
	Created
	Deleted
	DataChanged
	ACLChanged
)

// String names the kind.
func (k ChangeKind) String() string {
	switch k {
	case Created:
		return "created"
	case Deleted:
		return "deleted"
	case DataChanged:
		return "data changed"
	case ACLChanged:
		return "acl changed"
	}
	return fmt.Sprintf("ChangeKind(%d)", int(k))
}

// Change is one committed change of a znode. The changes of one multi share a
// zxid; so do the changes made by the end of a session.
type Change struct {
	Kind    ChangeKind
	Path    string
	Data    []byte // new data, of Created and DataChanged
	Zxid    int64
	Session int64 // the session whose request or end made the change; 0 for the server itself and the test
	Time    time.Time
}

// OnChange registers f to be called for every committed change, one at a time
// and in order, before any client can learn of it. f may look at the server; it
// must not block or change the server.
func (s *Server) OnChange(f func(Change)) (remove func()) {
	h := &hook[func(Change)]{f}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.observers = append(slices.Clone(s.observers), h)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.observers = without(s.observers, h)
	}
}
