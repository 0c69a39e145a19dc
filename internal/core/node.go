package core

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/znode"
)

// Node is an ephemeral node that one of our sessions has created. A Hold
// depends on a Node. It is safe for concurrent use.
type Node struct {
	s     *Session
	path  string
	claim *claim // nil for a node with a unique name
	owned bool   // created by the caller of Own: its path may be used again
	held  heldNode

	mu      sync.Mutex
	watched bool          // a watch is set, or being set
	used    int           // how many writes have used up a watch that is not set again yet
	czxid   int64         // from the first watched read; zero before
	gone    chan struct{} // made by Gone, closed when deleted
	deleted bool          // an event, a read or a probe has shown the deletion
	removed bool          // a server has answered that the node is deleted
	hold    *Hold
	written []byte       // the data that another client has written since the create; nil if none
	onWrite func([]byte) // may be nil
}

// made panics for a Node that was not created by a session.
func (n *Node) made() {
	misuse.ZeroValue(n == nil || n.s == nil, "or nil core.Node", "a Session, such as by Enter or Claim")
}

// Own returns the node at path, which this session has created. It does no I/O.
// A hold on it has no guard, because another client may create a node at the
// same path later.
//
// Remove deletes only that node. A protected name belongs to no other node. At
// any other path, Remove reads the node before it deletes it.
func (s *Session) Own(path string) (*Node, error) {
	s.made()
	if err := znode.Validate(path); err != nil {
		return nil, err
	}
	return &Node{s: s, path: path, owned: true}, nil
}

// Path returns the path of the node.
func (n *Node) Path() string {
	n.made()
	return n.path
}

// Session returns the session that has created the node.
func (n *Node) Session() *Session {
	n.made()
	return n.s
}

// Watch reads the node and watches it from then on: a deletion closes Gone, and
// ends a Hold on the node with ErrDeleted. It returns ErrDeleted if the node is
// gone or belongs to another session. The stat's Czxid is a fencing token.
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

// unwatch notes that the node is not watched, although watched was set.
func (n *Node) unwatch() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.watched = false
}

// take processes the answer to a watched read of the node.
func (n *Node) take(r Sighting) (Stat, error) {
	if r.Stat.EphemeralOwner != n.s.ID() || !n.isSame(r.Stat.Czxid) {
		// Our node is gone, and another node exists at the path.
		n.replacedBy(r.Stat)
		return Stat{}, ErrDeleted
	}
	if r.Stat.Version != 0 {
		n.tellWritten(append([]byte{}, r.Data...))
	}
	return r.Stat, nil
}

// isSame reports whether the node with that czxid is the node of the first
// read. At a fixed path, another caller of this session may have created the
// next node, whose owner is the same.
func (n *Node) isSame(czxid int64) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.czxid == 0 {
		n.czxid = czxid
	}
	return n.czxid == czxid
}

// unreadable handles a watched read that the server refuses. If the node was
// read before, or has a hold, its ACL has changed, and the session continues to
// look at it. Without both, a hold would have no token, so that is an error.
func (n *Node) unreadable() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.czxid != 0 || n.hold != nil {
		return nil
	}
	return &OpError{"watch", n.path, n.s.ID(), fmt.Errorf("%w: the ACL of a holder's znode must let its owner read it", Explain(ErrNoAuth))}
}

// tellWritten notes the data that another client has written to the node.
func (n *Node) tellWritten(data []byte) {
	n.mu.Lock()
	n.written = data
	f := n.onWrite
	n.mu.Unlock()
	if f != nil {
		f(data)
	}
}

// OnWrite calls f with the node's data whenever another client has written to
// the node since its creation. If that has already happened, it calls f at
// once. After several writes in a row, f may get only the last data. f may be
// called twice for one write. OnWrite costs no request, because the session
// watches its nodes and reads them again after a write anyway. f must not
// block. A later call replaces f.
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

// onEvent is called on the goroutine that reads, and must not block.
func (n *Node) onEvent(event EventType) {
	switch event {
	case NodeDeleted:
		n.markDeleted()
	case SessionEnded: // the session ends the hold
	default: // a write to the node: the node exists, and the watch is used up
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

// watchOn sets the watch in the background. It gives up only with the session.
// A node that may not be read remains unwatched.
func (n *Node) watchOn() {
	if n.unwatched() {
		return
	}
	if _, err := n.Watch(context.Background()); err != nil && !errors.Is(err, ErrDeleted) && n.s.ctx.Err() == nil {
		n.s.m.log.Warn("a znode of this session cannot be watched: its deletion by another client will be noticed late",
			"path", n.path, "err", err)
	}
}

// unwatched reports whether the node no longer needs a watch, and notes it for
// the next hold on the node (Hold.HandOn).
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
		hold.end(n.s.whyEnded(ErrDeleted))
	}
	if n.claim != nil {
		n.claim.gone()
	}
}

// Gone returns a channel that is closed when an event, a read or a probe has
// shown that the node is deleted.
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

// Remove deletes the node and waits until that is done, or until ctx or the
// session ends. The end of the session removes the node too. If ctx ends first,
// the deletion goes on in the background. A node that is already gone is not an
// error.
func (n *Node) Remove(ctx context.Context) error {
	n.made()
	remove := n.remove
	if fixed(n.path) {
		over := n.s.Depart(n.path)
		remove = func() error {
			defer over()
			return n.remove()
		}
	}
	err := n.s.removeWithin(ctx, remove)
	if errors.Is(err, ErrSessionEnded) {
		return nil
	}
	return err
}

// HasGone reports whether the node is known to be deleted: a server has
// answered the delete of Remove or Abandon, or the session has learned of the
// deletion as for Gone. The delete of a claimed node does not count.
func (n *Node) HasGone() bool {
	n.made()
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.deleted || n.removed
}

// Abandon ends the hold on the node, if there is one, with ErrReleased, and
// deletes the node in the background. It never blocks.
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

// discard deletes the node, and no other node at its path. found says whether
// the node existed.
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

// replacedBy is markDeleted for a node whose path has another node now. If that
// is an earlier node of this session, its deletion is undone.
func (n *Node) replacedBy(stat Stat) {
	n.mu.Lock()
	earlier := n.s.owns(stat) && stat.Czxid < n.czxid
	n.mu.Unlock()
	if earlier {
		n.s.restored(n.path, "is an earlier one, which was deleted")
	}
	n.markDeleted()
}

// isOurs reports whether the stat belongs to our node.
func (n *Node) isOurs(stat Stat) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.s.owns(stat) && (n.czxid == 0 || n.czxid == stat.Czxid)
}
