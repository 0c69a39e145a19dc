package core

import (
	"container/list"
	"context"
	"errors"
	"time"

	"github.com/docent-go/docent/internal/conn"
	"github.com/docent-go/docent/internal/wire"
	"github.com/docent-go/docent/internal/znode"
)

// A watch tells of the end of a node, but not a session that may not read the node:
// servers withhold the event. The ACL may have changed after the watch was set. So the
// probe of a session that holds something checks the nodes of its holds. It asks whether
// they exist, and proves the session by the same answer.
//
// Each node that is held is in one of these states:
//
//	checked ──── a check is refused: NoAuth ────▶ read ◀──── a node at a fixed path
//	   │                                            │
//	   └───────▶ deleted: the hold has ended ◀──────┘
//	             NoNode, or the node of another
//
// What each answer proves, at the instant at which the server has executed it:
//
//   - A check that has passed: there is a readable node at the path. It is ours if its
//     name has a guid, which no other node ever bears. A check knows nothing of a node but
//     the version of its data, which is the same for ours and for the next owner's. So a
//     node at a fixed path is not checked but read: its czxid and its owner tell.
//   - NoNode, of a check or a read: the node is gone. The hold ends as by the event.
//   - NoAuth, of a check or a read: there is a node at the path, and it is hidden. A node
//     with a guid stands, and its hold lasts. Of a node at a fixed path, older servers tell
//     the stat. Newer ones keep it back, and a node in its place that is hidden too is
//     taken for ours.
//
// The checks of a probe are one transaction, which ends with the first check that fails.
// The checks before it have passed. The nodes after it are read at once, which a failure
// does not stop. A node that has been hidden is read from then on, and not checked. The
// transaction proves the session however it ends: a quorum has committed it.
//
// The nodes that were seen longest ago are the first in a probe. A probe has at most
// maxRewatch bytes of paths. If the nodes need more, the next probe is due after
// probePause. So a node is seen each staleAfter sixtieths of the timeout, if all nodes need
// at most staleAfter/probePause probes. If they need n probes, it is n times probePause.

// heldNode is what the session keeps of a node with a hold. It is guarded by the session's
// mu.
type heldNode struct {
	holds  int           // 2 while a hold is handed on
	epoch  int           // of the session, in which the holds are counted
	place  *list.Element // in the session's heldNodes
	seen   time.Time     // when the request was written that has shown the node last, or that may do so
	hidden bool
}

// sight is a node of a probe, and when it was seen before.
type sight struct {
	node *Node
	seen time.Time
}

// addHeld adds a node on which a hold begins. The caller holds mu.
func (s *Session) addHeld(n *Node) {
	if n.held.epoch != s.epoch {
		n.held = heldNode{epoch: s.epoch, hidden: n.held.hidden}
	}
	if n.held.holds++; n.held.place == nil {
		n.held.seen = time.Now()
		n.held.place = s.heldNodes.PushBack(n)
	}
}

// dropHeld drops a node when its last hold in this epoch has ended. The caller holds mu.
func (s *Session) dropHeld(n *Node) {
	if n.held.holds--; n.held.holds == 0 {
		s.heldNodes.Remove(n.held.place)
		n.held.place = nil
	}
}

// renewed returns when the request was written that a probe has to renew first: the newest
// proof, or the sight of a node that is held. The caller holds mu.
func (s *Session) renewed() time.Time {
	front := s.heldNodes.Front()
	if front == nil {
		return s.proofWritten()
	}
	return earlier(s.proofWritten(), front.Value.(*Node).held.seen)
}

// nextRound takes the nodes of a probe that is sent now. The caller holds mu.
func (s *Session) nextRound(now time.Time) (round []sight) {
	limit := s.m.progress.rewatchLimit(s.server, s.m.cfg.MaxRequest)
	size := wire.MultiSize
	for range s.heldNodes.Len() {
		front := s.heldNodes.Front()
		n := front.Value.(*Node)
		if size += n.checkOp().Size(); size > limit && len(round) > 0 {
			break
		}
		round = append(round, sight{n, n.held.seen})
		n.held.seen = now
		s.heldNodes.MoveToBack(front)
	}
	return round
}

func (n *Node) checkOp() wire.MultiOp {
	return wire.MultiOp{Op: wire.OpCheck, Path: n.s.abs(n.path), Version: wire.AnyVersion}
}

// hasGUID reports whether no other node ever bears the name of this one.
func (n *Node) hasGUID() bool {
	_, name := znode.Split(n.path)
	_, unique := znode.GUID(name)
	return unique
}

// checkHeld sends a probe that checks the nodes of a round, and reads those that a check
// cannot tell.
func (s *Session) checkHeld(link *conn.Conn, round []sight, wait time.Duration) {
	var checked, read []sight
	var checks []wire.MultiOp
	s.mu.Lock()
	for _, sight := range round {
		if n := sight.node; n.held.hidden || !n.hasGUID() {
			read = append(read, sight)
		} else {
			checked, checks = append(checked, sight), append(checks, n.checkOp())
		}
	}
	s.mu.Unlock()
	if len(checks) == 0 {
		s.probe(link, wire.Check(s.abs("/")), wait, nil)
	} else {
		s.probe(link, wire.Multi(checks), wait, func(call *conn.Call) { s.heldChecked(call, checked) })
	}
	s.readHeld(read)
}

// heldChecked takes what became of the checks of nodes. It does not block.
func (s *Session) heldChecked(call *conn.Call, checked []sight) {
	if call.Fate() != conn.Answered {
		s.unseen(checked)
		return
	}
	switch code := call.Reply().Code; {
	case code == wire.CodeOK:
	case code.AboutZnodes(): // some node is missing or hidden
		s.readHeld(checked)
		return
	default:
		s.unseen(checked)
		return
	}
	results, err := wire.ResultsOf(call.Reply().Body, len(checked))
	if err != nil {
		s.readHeld(checked)
		return
	}
	switch at, code := wire.FirstFailure(results); code {
	case wire.CodeOK:
	case wire.CodeNoNode:
		checked[at].node.markDeleted()
		s.readHeld(checked[at+1:])
	case wire.CodeNoAuth:
		s.hideHeld(checked[at].node)
		s.readHeld(checked[at+1:])
	default:
		s.readHeld(checked[at:])
	}
}

// hideHeld notes that a node is hidden: checks of nodes would end with it.
func (s *Session) hideHeld(n *Node) {
	s.watches.aclsInUse()
	s.mu.Lock()
	defer s.mu.Unlock()
	n.held.hidden = true
}

// unseen notes that nothing has shown the nodes: the next probe begins with them.
func (s *Session) unseen(round []sight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := len(round) - 1; i >= 0; i-- {
		if n := round[i].node; n.held.place != nil && n.held.epoch == s.epoch {
			n.held.seen = earlier(n.held.seen, round[i].seen)
			s.heldNodes.MoveToFront(n.held.place)
		}
	}
}

// readHeld reads nodes in the background, behind the probe that they belong to.
func (s *Session) readHeld(round []sight) {
	if len(round) == 0 {
		return
	}
	s.spawn(func() {
		ctx, cancel := context.WithTimeout(s.ctx, parts(s.Timeout(), staleAfter))
		defer cancel()
		if err := s.seeHeld(ctx, round); err != nil { // the next probe asks again
			s.unseen(round)
		}
	})
}

// seeHeld reads nodes: several in few requests, and one with an exists, which every
// server knows.
func (s *Session) seeHeld(ctx context.Context, round []sight) error {
	if len(round) == 1 {
		return s.lookAtHeld(ctx, round[0].node)
	}
	ops := make([]ReadOp, len(round))
	for i, sight := range round {
		// The answer is short: an ephemeral node has no children.
		ops[i] = ReadOp{Path: sight.node.path, Children: sight.node.hasGUID()}
	}
	results, err := s.ReadMany(ctx, ops)
	if err != nil {
		return err
	}
	for i, r := range results {
		n := round[i].node
		switch {
		case errors.Is(r.Err, ErrNoNode):
			n.markDeleted()
		case errors.Is(r.Err, ErrNoAuth) && n.hasGUID():
			s.hideHeld(n)
		case errors.Is(r.Err, ErrNoAuth):
			if err := s.lookAtHeld(ctx, n); err != nil {
				return err
			}
		case r.Err != nil:
			return r.Err
		case !n.hasGUID() && !n.isOurs(r.Stat):
			n.markDeleted()
		}
	}
	return nil
}

// lookAtHeld asks for the stat of one node. A server that keeps back the stat of a
// hidden node leaves nothing to compare.
func (s *Session) lookAtHeld(ctx context.Context, n *Node) error {
	p, err := s.exists(ctx, n.path, false)
	switch {
	case err != nil:
		return err
	case !p.found, !p.hidden && !n.isOurs(p.stat):
		n.markDeleted()
	}
	return nil
}
