package core

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/znode"
)

// Node is an ephemeral node that a session of ours has made: the ground on
// which a Hold stands. It is safe for concurrent use.
type Node struct {
	s     *Session
	path  string
	claim *claim // nil for a node with a name of its own
	owned bool   // made by the caller of Own, who may have left its path to be taken again
	held  heldNode

	mu      sync.Mutex
	watched bool          // a watch is set, or being set
	used    int           // how many times the watch was used up by a write, and is not set again yet
	czxid   int64         // as the first watched read told; zero before
	gone    chan struct{} // made when asked for, closed when deleted
	deleted bool          // a watch has seen it go
	removed bool          // a server has answered that it is not there any more
	hold    *Hold
	written []byte       // what somebody has written since the node was made; nil: nothing
	onWrite func([]byte) // may be nil
}

// made panics for a Node that no session has made.
func (n *Node) made() {
	misuse.ZeroValue(n == nil || n.s == nil, "or nil core.Node", "a Session, such as by Enter or Claim")
}

// Own returns the node at path, which this session has made. It does no I/O. A
// hold on it has no guard: others may create a node at the same path later.
//
// Its removal is bound to the node: a protected name belongs to no other, and at
// any other path, the node is looked at before it is deleted.
func (s *Session) Own(path string) (*Node, error) {
	s.made()
	if err := znode.Validate(path); err != nil {
		return nil, err
	}
	return &Node{s: s, path: path, owned: true}, nil
}

// Path returns the node's path.
func (n *Node) Path() string {
	n.made()
	return n.path
}

// Session returns the session that made the node.
func (n *Node) Session() *Session {
	n.made()
	return n.s
}

// Watch reads the node and from then on watches it: Gone tells when somebody
// deletes it, and a Hold on it ends with ErrDeleted then. It returns
// ErrDeleted if the node has gone already, and an error if it belongs to
// another session. The stat's Czxid is a fencing token.
func (n *Node) Watch(ctx context.Context) (Stat, error) {
	n.made()
	n.mu.Lock()
	n.watched = true
	n.mu.Unlock()
	r, watch, err := n.s.SeeFunc(ctx, n.path, n.onEvent)
	if err == nil && r.Hidden {
		if err = n.unreadable(); err == nil {
			return r.Stat, nil
		}
		watch.Stop()
	}
	switch {
	case errors.Is(err, ErrNoNode):
		n.markDeleted()
		return Stat{}, ErrDeleted
	case err != nil:
		n.unwatch()
		return Stat{}, err
	}
	return n.take(r)
}

// unwatch notes that the node is not watched after all.
func (n *Node) unwatch() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.watched = false
}

// take takes the answer to a watched read of the node.
func (n *Node) take(r Sighting) (Stat, error) {
	if r.Stat.EphemeralOwner != n.s.ID() || !n.isSame(r.Stat.Czxid) {
		// The node that was ours is gone, and another exists in its place.
		n.markDeleted()
		return Stat{}, ErrDeleted
	}
	if r.Stat.Version != 0 {
		n.tellWritten(append([]byte{}, r.Data...))
	}
	return r.Stat, nil
}

// isSame reports whether the znode with that czxid is the one that was read
// first. Another waiter of this session may have created the next one at a fixed
// path, whose owner is the same.
func (n *Node) isSame(czxid int64) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.czxid == 0 {
		n.czxid = czxid
	}
	return n.czxid == czxid
}

// unreadable is what comes of a watched read that the server refuses. If the node
// was read before, or has a hold, its ACL has changed: the session goes on to look
// at it. A node without both would be held without a token: that is an error.
func (n *Node) unreadable() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.czxid != 0 || n.hold != nil {
		return nil
	}
	return &OpError{"watch", n.path, n.s.ID(), fmt.Errorf("%w: the ACL of a holder's node must let its owner read it", ErrNoAuth)}
}

// tellWritten notes what somebody has written into the node.
func (n *Node) tellWritten(data []byte) {
	n.mu.Lock()
	n.written = data
	f := n.onWrite
	n.mu.Unlock()
	if f != nil {
		f(data)
	}
}

// OnWrite has f called with what the node holds whenever somebody is seen to
// have written into it since it was made; at once, if that has happened already. Of
// several writes in a row it may see the last alone, and one write it may see
// twice. It costs no request: a node of ours is watched, and read again after a write, in any
// case. f must not block; a later call replaces it.
func (n *Node) OnWrite(f func(data []byte)) {
	misuse.NilFunc(f == nil, "Node.OnWrite")
	n.made()
	n.mu.Lock()
	n.onWrite = f
	data := n.written
	n.mu.Unlock()
	if data != nil {
		f(data)
	}
}

// onEvent is called by the client's receiver and must not block.
func (n *Node) onEvent(event EventType) {
	switch event {
	case NodeDeleted:
		n.markDeleted()
	case SessionEnded: // ends the hold by itself
	default: // somebody wrote into the node: it still stands, and the watch is used up
		n.use(1)
		n.s.spawn(func() {
			n.watchOn()
			n.use(-1)
		})
	}
}

func (n *Node) use(d int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.used += d
}

// watchOn sets the watch for a hold that nobody waits for. It gives up only
// with the session; a node that may not be read is left unwatched.
func (n *Node) watchOn() {
	if n.unwatched() {
		return
	}
	if _, err := n.Watch(context.Background()); err != nil && !errors.Is(err, ErrDeleted) && n.s.ctx.Err() == nil {
		n.s.m.log.Warn("a node of this session cannot be watched: its deletion by another client will be noticed late",
			"path", n.path, "err", err)
	}
}

// unwatched reports whether nobody cares for the node any more. It then notes
// that the node is not watched, for the next hold on it (Hold.HandOn).
func (n *Node) unwatched() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.deleted || n.hold != nil && n.hold.ctx.Err() != nil {
		n.watched = false
		return true
	}
	return false
}

func (n *Node) markDeleted() {
	n.mu.Lock()
	if n.deleted {
		n.mu.Unlock()
		return
	}
	n.deleted = true
	if n.gone != nil {
		close(n.gone)
	}
	hold := n.hold
	n.mu.Unlock()
	if hold != nil {
		hold.end(ErrDeleted)
	}
	if n.claim != nil {
		n.claim.gone()
	}
}

// Gone returns a channel that is closed when a watch has seen that the node
// was deleted.
func (n *Node) Gone() <-chan struct{} {
	n.made()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.gone == nil {
		n.gone = make(chan struct{})
		if n.deleted {
			close(n.gone)
		}
	}
	return n.gone
}

// Remove deletes the node and waits until that is done, ctx ends, or the
// session does, which removes the node as well. When ctx ends first, the
// deletion goes on in the background. A node that has gone already is no error.
func (n *Node) Remove(ctx context.Context) error {
	n.made()
	err := n.s.removeWithin(ctx, n.remove)
	if errors.Is(err, ErrSessionEnded) {
		return nil
	}
	return err
}

// HasGone reports whether it is known that the node is not there any more:
// Remove has returned without an error for this reason, or a watch has seen
// that somebody deleted it.
func (n *Node) HasGone() bool {
	n.made()
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.deleted || n.removed
}

// Abandon ends the hold on the node, if there is one, with ErrReleased, and has
// the node deleted in the background. It never blocks.
func (n *Node) Abandon() {
	n.made()
	n.mu.Lock()
	hold := n.hold
	n.mu.Unlock()
	if hold != nil {
		hold.end(ErrReleased)
	}
	n.s.sweepLater(sweep{path: n.path, remove: n.discard})
}

func (n *Node) remove() error {
	_, err := n.discard()
	return err
}

// discard deletes the node, and nothing else that may stand at its path. found
// says that it was there.
func (n *Node) discard() (found bool, err error) {
	if n.claim != nil {
		return n.claim.remove()
	}
	_, name := znode.Split(n.path)
	if _, unique := znode.GUID(name); unique {
		found, err = n.s.remove(n.path)
	} else {
		found, err = n.s.deleteIf(context.Background(), n.path, true, n.isOurs)
	}
	if err == nil {
		n.mu.Lock()
		n.removed = true
		n.mu.Unlock()
	}
	return found, err
}

// isOurs reports whether the stat is that of our node.
func (n *Node) isOurs(stat Stat) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.s.owns(stat) && (n.czxid == 0 || n.czxid == stat.Czxid)
}
