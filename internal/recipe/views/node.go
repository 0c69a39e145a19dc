package views

import (
	"context"
	"sync/atomic"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

// Kind says which part of a node is mirrored.
type Kind int

// The kinds of views.
const (
	Data     Kind = iota // the node's data
	Children             // the names of its children
)

// Config says what the view shows.
type Config struct {
	Path string
	Kind Kind
	// OnState, if set, is called with every state, in order, directly before
	// Load returns it. It runs on the view's own goroutine.
	OnState func(*State)
}

// State is the state of the node at one time. It is immutable, and shared by
// all readers.
type State struct {
	// Exists says whether the node exists. Data, Children and Stat are zero if
	// it does not.
	Exists   bool
	Data     []byte
	Children []string // sorted
	Stat     core.Stat
	// Rev grows by one with each change of the node. It does not grow if only
	// Err has changed. It is zero before the first successful read.
	Rev uint64
	// Err is the error of the last read. The read is then repeated, and the
	// rest of the state is as it was last seen. Err is nil if the last read
	// succeeded.
	Err error

	next chan struct{}
}

// Next returns a channel that is closed when a newer state exists.
func (s *State) Next() <-chan struct{} { return s.next }

// Node is a cached copy of a node. It is safe for concurrent use. It ends
// with Close, or with its Manager.
type Node struct {
	follower
	path    string
	kind    Kind
	onState func(*State)

	state atomic.Pointer[State]
	past  past // only the loop uses it
}

// Open starts a view and blocks until the node has been read once, or until a
// server has refused the read (State.Err). ctx bounds only Open.
//
// Errors, without the path: an invalid path; ctx's error, with
// core.ErrUnreachable if there was no session; core.ErrClosed.
func Open(ctx context.Context, sm *core.Manager, cfg Config) (*Node, error) {
	if err := znode.Validate(cfg.Path); err != nil {
		return nil, err
	}
	if _, err := sm.Session(ctx); err != nil {
		return nil, err
	}
	m := &Node{path: cfg.Path, kind: cfg.Kind, onState: cfg.OnState}
	m.init(sm)
	if err := m.start(ctx, func() { m.each(m.follow) }); err != nil {
		return nil, err
	}
	return m, nil
}

// Load returns the newest state.
func (m *Node) Load() *State { return m.state.Load() }

// publish makes s the newest state. Only the loop calls it.
func (m *Node) publish(s *State) {
	s.next = make(chan struct{})
	if m.onState != nil {
		m.onState(s)
	}
	old := m.state.Swap(s)
	if old == nil {
		close(m.first)
		return
	}
	close(old.next)
}
