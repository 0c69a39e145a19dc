package core

import (
	"fmt"

	"github.com/docent-go/docent/internal/conn"
	"github.com/docent-go/docent/internal/wire"
)

// Servers that are restored from a backup within the session timeout re-attach
// the session, and their history is not a continuation of the history that the
// session has seen. What the session has deleted since the backup exists again.
// No call of this process owns such a node, it blocks other clients, and it
// lasts as long as the session. So on each new connection the session compares
// the nodes that the server lists for it with its own:
//
//	┌────────────┐      a new connection      ┌───────┐
//	│ continuous │ ─────────────────────────▶ │ asked │ ─┐ no answer, or not the list:
//	└────────────┘ ◀───────────────────────── └───────┘ ◀┘ ask on the next connection,
//	                   the list has only          │        or after the next ping
//	                   nodes that may be ours     │
//	                                              │ the list has another node, or a
//	                                              │ node of ours is as it was before
//	                                              ▼
//	                                    ended: ErrRestored
//
// The invariant holds once the list of a connection has arrived: each hold has a
// node, and each node that the servers have for the session may belong to a call
// of this process. Otherwise the session has ended. It then says goodbye to the
// servers, which removes all its nodes, also the nodes of its holds. If the
// goodbye is lost, they last for one more session timeout.
//
// All holds of such a session end, although the nodes of some may exist: what
// the session has proven about its waits and its nodes is about another history,
// and one goodbye removes for certain what many deletes might leave.
//
// What each transition proves:
//
//   - asked → continuous: each listed node is in ownNodes, so nothing that the
//     session has deleted came back. A hold whose node the list lacks ends. A
//     hold whose node is listed goes on: the restored history has its node, and
//     other clients see it. For a node at a fixed path, that may be an earlier
//     node of the session, until the next probe reads its czxid (see heldNode).
//     It keeps others away as well as the hold's own node.
//   - asked → ended: the server has a node whose delete was answered, or has a
//     node of ours with a smaller czxid or mzxid than an earlier answer. A server
//     refuses a client that has seen a later transaction than the server has (see
//     keeper.Greeting). So no lagging server shows such a node. The zxids are
//     compared where the session reads its nodes anyway: in the probes of held
//     nodes, and in the checks of watches after a reconnection (see checks).
//
// The epoch in the zxid does not tell a restored ensemble from an election. A
// restored ensemble may even reuse an epoch, and a server without an ensemble
// has none. So the session asks on every new connection if it has ever created
// an ephemeral node. The request is one read, and is sent with the requests
// that set watches again. Servers before ZooKeeper 3.6 do not know it, and such
// a session cannot notice.
//
// Not noticed: a node that another client has deleted, and that comes back
// before any list lacked it; an earlier node of ours at a fixed path, if it has
// neither a hold nor a watch; a restored ensemble that brings nothing back.

// maxListsLost is how many connections in a row may end without an answer to the
// list before the session asks only after a ping. A server, or a proxy in front
// of it, may close the connection at a request that it does not know.
const maxListsLost = 3

// listOwn returns the request for the list of the session's nodes, for a new
// connection, or nil if none is due on it yet.
func (s *Session) listOwn() *conn.Call {
	if !s.asksForOwn() {
		return nil
	}
	if s.m.listsLost.Load() >= maxListsLost {
		s.unlisted.Store(true)
		return nil
	}
	return s.listCall()
}

// asksForOwn reports whether the session may have nodes that come back, and the
// servers may know the request. The others came with it.
func (s *Session) asksForOwn() bool {
	return s.own.used() && !s.m.noOwnLists.Load() && !s.m.noMultiRead.Load()
}

// listAgain asks after a ping, if this connection has not had the list.
func (s *Session) listAgain() {
	if !s.unlisted.CompareAndSwap(true, false) || !s.asksForOwn() {
		return
	}
	s.mu.Lock()
	link := s.link
	s.mu.Unlock()
	if link != nil {
		link.Send(s.listCall())
	}
}

func (s *Session) listCall() *conn.Call {
	s.unlisted.Store(false)
	return conn.NewCall(wire.OnPath(wire.OpGetEphemerals, s.abs("/")), s.listed)
}

// listed processes the answer to the list.
func (s *Session) listed(call *conn.Call) {
	switch call.Fate() {
	case conn.Lost:
		s.m.listsLost.Add(1)
		return
	case conn.Answered:
	default:
		return
	}
	s.m.listsLost.Store(0)
	switch code := call.Reply().Code; code {
	case wire.CodeOK:
	case wire.CodeUnimplemented:
		s.m.noOwnLists.Store(true)
		return
	default:
		s.unlisted.Store(true)
		return
	}
	paths, err := wire.PathsOf(call.Reply().Body)
	if err != nil {
		call.Conn().Fail(fmt.Errorf("the server's answer cannot be read: %w", err))
		return
	}
	if path := s.own.listed(paths); path != "" {
		s.restored(s.rel(path), "exists again, after its deletion")
		return
	}
	s.endUnlisted(s.allHeld(), paths)
}

// restored ends the session, because a node of the session shows that the
// servers have an earlier history: found says how. It does not block. The order
// is the order of every end: dialling stops, then every hold ends. The
// connection stays for the goodbye, which the manager sends when it retires the
// session.
func (s *Session) restored(path, found string) {
	s.sealNow()
	s.finish(fmt.Errorf("%w: the znode %s of this session %s", ErrRestored, path, found))
}
