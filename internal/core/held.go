package core

import (
	"container/list"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/conn"
	"github.com/docent-go/docent/internal/wire"
)

// A watch reports the end of a node, but not to a session that may not read the
// node: servers withhold the event. The ACL may have changed after the watch
// was set. So the probe of a session with holds checks whether the held nodes
// exist. The same answer proves the session.
//
// Each held node is in one of these states:
//
//	checked ──── a check is refused: NoAuth ────▶ read ◀──── a node at a fixed path
//	   │                                            │
//	   └───────▶ deleted: the hold has ended ◀──────┘
//	             NoNode, or the node of another
//
// What each answer proves, at the instant at which the server executed the
// request:
//
//   - A check that has passed: a readable node exists at the path. It is ours
//     if its name has a guid, which no other node ever has. A check knows only
//     the version of a node's data, which is the same for our node and for the
//     next owner's. So a node at a fixed path is not checked but read: its
//     czxid and its owner identify it.
//   - NoNode, of a check or a read: the node is gone. The hold ends as by the
//     event.
//   - NoAuth, of a check or a read: a hidden node exists at the path. If its
//     name has a guid, it has the place of our node, and the hold lasts. For a
//     node at a fixed path, older servers return the stat. Newer servers
//     withhold it. They list the nodes of the session (getEphemerals), which
//     needs no right: a node that is not in the list is not ours.
//
// The checks of a probe are one transaction, which ends with the first check
// that fails. The checks before it have passed. The nodes after it are read at
// once, because a failure does not stop reads. Once a node was hidden, it is
// read and no longer checked. The transaction proves the session however it
// ends, because a quorum has committed it.
//
// A probe begins with the nodes that were seen longest ago. It has at most
// maxRewatch bytes, and fewer if the server accepts only smaller requests
// (progress.checkLimit). If the nodes need more, the next probe is due after
// probePause. So each node is seen every staleAfter sixtieths of the timeout,
// if all nodes need at most staleAfter/probePause probes. If they need n
// probes, each node is seen every n probePauses.

// heldNode is the session's state of a node with a hold. It is guarded by the
// session's mu.
type heldNode struct {
	holds  int           // 2 while a hold is handed on
	epoch  int           // the session's epoch in which the holds are counted
	place  *list.Element // in the session's heldNodes
	seen   time.Time     // when the newest request was written that has shown the node, or may show it
	hidden bool
}

// sight is a node of a probe, and the time when it was seen before.
type sight struct {
	node *Node
	seen time.Time
}

// addHeld adds the node of a hold that begins. The caller holds mu.
func (s *Session) addHeld(n *Node) {
	if n.held.epoch != s.epoch {
		n.held = heldNode{epoch: s.epoch, hidden: n.held.hidden}
	}
	if n.held.holds++; n.held.place == nil {
		n.held.seen = time.Now()
		n.held.place = s.heldNodes.PushBack(n)
	}
}

// dropHeld removes a node when its last hold in this epoch has ended. The
// caller holds mu.
func (s *Session) dropHeld(n *Node) {
	if n.held.holds--; n.held.holds == 0 {
		s.heldNodes.Remove(n.held.place)
		n.held.place = nil
	}
}

// renewed returns the time of the oldest request that a probe has to renew: the
// newest proof, or the sight of a held node. The caller holds mu.
func (s *Session) renewed() time.Time {
	front := s.heldNodes.Front()
	if front == nil {
		return s.proofWritten()
	}
	return earlier(s.proofWritten(), front.Value.(*Node).held.seen)
}

// nextRound returns the nodes of a probe that is sent now. The caller holds mu.
func (s *Session) nextRound(now time.Time) (round []sight) {
	limit := s.m.progress.checkLimit(s.server, s.m.cfg.MaxRequest)
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

// hasGUID reports whether the node's name is unique for all time.
func (n *Node) hasGUID() bool {
	_, name := znode.Split(n.path)
	_, unique := znode.GUID(name)
	return unique
}

// checkHeld sends a probe that checks the nodes of a round. It reads the nodes
// for which a check proves nothing.
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

// heldChecked processes the outcome of the checks. It does not block.
func (s *Session) heldChecked(call *conn.Call, checked []sight) {
	if call.Fate() != conn.Answered {
		s.unseen(checked)
		return
	}
	switch code := call.Reply().Code; {
	case code == wire.CodeOK:
	case code.AboutZnodes(): // a node is missing or hidden
		s.readHeld(checked)
		return
	default:
		s.unseen(checked)
		return
	}
	results, err := wire.ResultsOf(call.Reply().Body, len(checked))
	if err == nil {
		err = wire.CheckResults(results, len(checked))
	}
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

// hideHeld notes that a node is hidden. A check of it would end the
// transaction.
func (s *Session) hideHeld(n *Node) {
	s.watches.aclsInUse()
	s.mu.Lock()
	defer s.mu.Unlock()
	n.held.hidden = true
}

// unseen notes that no answer has shown the nodes: the next probe begins with
// them.
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

// readHeld reads nodes in the background, after the probe that they belong to.
func (s *Session) readHeld(round []sight) {
	if len(round) == 0 {
		return
	}
	s.spawn(func() {
		ctx, cancel := context.WithTimeout(s.ctx, parts(s.Timeout(), staleAfter))
		defer cancel()
		if err := s.seeHeld(ctx, round); err != nil { // the next probe tries again
			s.unseen(round)
		}
	})
}

// seeHeld reads nodes: several nodes in few requests, and a single node with an
// exists, which every server supports.
func (s *Session) seeHeld(ctx context.Context, round []sight) error {
	if len(round) == 1 {
		return s.lookAtHeld(ctx, []*Node{round[0].node})
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
	var hidden []*Node
	for i, r := range results {
		n := round[i].node
		switch {
		case errors.Is(r.Err, ErrNoNode):
			n.markDeleted()
		case errors.Is(r.Err, ErrNoAuth) && n.hasGUID():
			s.hideHeld(n)
		case errors.Is(r.Err, ErrNoAuth):
			hidden = append(hidden, n)
		case r.Err != nil:
			return r.Err
		case !n.hasGUID() && !n.isOurs(r.Stat):
			n.replacedBy(r.Stat)
		}
	}
	return s.lookAtHeld(ctx, hidden)
}

// lookAtHeld reads the stats of nodes. If the server withholds the stat of a
// hidden node, lookAtHeld asks which of the nodes belong to the session.
func (s *Session) lookAtHeld(ctx context.Context, nodes []*Node) error {
	for i, n := range nodes {
		p, err := s.exists(ctx, n.path, false)
		switch {
		case err != nil:
			return err
		case p.hidden && !n.hasGUID():
			return s.askForOwn(ctx, nodes[i:])
		case !p.found:
			n.markDeleted()
		case !p.hidden && !n.isOurs(p.stat):
			n.replacedBy(p.stat)
		}
	}
	return nil
}

// askForOwn lists the nodes of the session in one request, and ends the holds
// on nodes that are not in the list. The list has no czxid: a node that the
// session itself has made again at a path counts as the node of the hold.
func (s *Session) askForOwn(ctx context.Context, nodes []*Node) error {
	own, err := s.ownBelow(ctx, "/")
	if err != nil {
		return err
	}
	s.endUnlisted(nodes, own)
	return nil
}

// endUnlisted ends the holds on nodes that a list of the session's nodes lacks.
func (s *Session) endUnlisted(nodes []*Node, own []string) {
	slices.Sort(own)
	for _, n := range nodes {
		if _, found := slices.BinarySearch(own, s.abs(n.path)); !found {
			n.markDeleted()
		}
	}
}

// allHeld returns the nodes of all holds.
func (s *Session) allHeld() (nodes []*Node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for e := s.heldNodes.Front(); e != nil; e = e.Next() {
		nodes = append(nodes, e.Value.(*Node))
	}
	return nodes
}
