package core

import (
	"errors"
	"slices"
	"sync"

	"github.com/docent-go/docent/internal/conn"
	"github.com/docent-go/docent/internal/wire"
)

// ownNodes has the ephemeral nodes that the servers may have for the session,
// by full path:
//
//	       a create is queued              executed
//	none ──────────────────────▶ queued ──────────────▶ owned ─┐ a delete is executed, or
//	 ▲                            │   │                        │ a list lacks the node
//	 ├─── refused, or never sent ─┘   │ no answer              │
//	 │                                ▼                        │
//	 │  a delete is executed, or    maybe                      │
//	 │  the node is proven absent     │                        │
//	 └──────────────────────────────┴──────────────────────────┘
//
// A path can be in several states: a create is queued before the delete of the
// node before it is answered. The node of a sequential create without an answer
// has no known path. It is noted by the path that was asked for.
//
// What each transition proves: the answers of all connections arrive in the
// order in which the servers executed the requests, and a connection's calls
// end before the next connection. So after an executed delete, a node exists at
// the path only if a create is still queued. An event proves less: the next
// server may lag behind it. So a node that another client has deleted is owned
// until a list lacks it.
//
// Thus at each answer, every node that a server may list is in ownNodes. It may
// have nodes that do not exist.
type ownNodes struct {
	mu    sync.Mutex
	paths map[string]ownNode // nil before the first create
}

type ownNode struct {
	queued int // creates without an outcome
	maybe  int // creates whose outcome is unknown
	owned  bool
}

// change changes the state of a path.
func (o *ownNodes) change(path string, f func(n *ownNode)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := o.paths[path]
	f(&n)
	if n == (ownNode{}) {
		delete(o.paths, path)
		return
	}
	if o.paths == nil {
		o.paths = make(map[string]ownNode)
	}
	o.paths[path] = n
}

// used reports whether the session has had a create of an ephemeral node.
func (o *ownNodes) used() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.paths != nil
}

// has reports whether a delete of the path concerns a node of the session.
func (o *ownNodes) has(path string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, asked := o.paths[path]
	return asked || o.stem(path) != ""
}

// stem returns the path that was asked for by an unanswered sequential create
// whose node may have the given path. The caller holds mu.
func (o *ownNodes) stem(path string) string {
	if asked, ok := withoutNumber(path); ok && o.paths[asked].unanswered() {
		return asked
	}
	return ""
}

func (n ownNode) unanswered() bool { return n.queued > 0 || n.maybe > 0 }

func (o *ownNodes) queue(asked string) {
	o.change(asked, func(n *ownNode) { n.queued++ })
}

// created notes that a queued create was executed.
func (o *ownNodes) created(asked, path string) {
	o.change(asked, func(n *ownNode) { n.queued-- })
	o.change(path, func(n *ownNode) { n.owned = true })
}

// notCreated notes that a queued create was not executed, and never will be.
func (o *ownNodes) notCreated(asked string) {
	o.change(asked, func(n *ownNode) { n.queued-- })
}

// maybeCreated notes that the outcome of a queued create stays unknown.
func (o *ownNodes) maybeCreated(asked string) {
	o.change(asked, func(n *ownNode) { n.queued--; n.maybe++ })
}

// absent notes that the creates of a path whose outcome is unknown have made no
// node, and never will.
func (o *ownNodes) absent(asked string) {
	o.change(asked, func(n *ownNode) { n.maybe = 0 })
}

// deleted notes that a delete was executed.
func (o *ownNodes) deleted(path string) {
	o.mu.Lock()
	_, known := o.paths[path]
	asked := o.stem(path)
	o.mu.Unlock()
	switch {
	case known:
		o.change(path, func(n *ownNode) { n.owned, n.maybe = false, 0 })
	case asked != "": // by the create that has made this node
		o.change(asked, func(n *ownNode) { n.maybe = max(0, n.maybe-1) })
	}
}

// listed compares the nodes with a server's list of them. It returns a node of
// the list that the session cannot have, or "". Nodes that the list lacks are
// gone. A create without an answer may still be executed.
func (o *ownNodes) listed(list []string) (stranger string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	listed := make(map[string]bool, len(list))
	for _, path := range list {
		listed[path] = true
		if _, ours := o.paths[path]; !ours && o.stem(path) == "" {
			return path
		}
	}
	for path, n := range o.paths {
		if n.owned && !listed[path] {
			n.owned = false
			if o.paths[path] = n; !n.unanswered() {
				delete(o.paths, path)
			}
		}
	}
	return ""
}

// withoutNumber removes the number of a sequential node from its path.
func withoutNumber(path string) (asked string, ok bool) {
	const digits = 10
	if len(path) <= digits {
		return "", false
	}
	asked, number := path[:len(path)-digits], path[len(path)-digits:]
	if slices.ContainsFunc([]byte(number), func(c byte) bool { return c < '0' || c > '9' }) {
		return "", false
	}
	return asked, true
}

// tracked is an operation of a request that changes the session's own nodes.
type tracked struct {
	create bool // otherwise a delete
	asked  string
	at     int // the operation's index in the request
}

// track notes the operations of a request that is queued next. It returns the
// function that takes the call once it has ended, or nil. made returns the
// path of each created node by the index of its operation, and whether the
// server has executed the request. Its error says that the answer cannot be
// read.
func (o *ownNodes) track(ops []tracked, made func(body []byte) (paths []string, executed bool, err error)) func(*conn.Call) {
	ops = slices.DeleteFunc(ops, func(op tracked) bool { return !op.create && !o.has(op.asked) })
	if len(ops) == 0 {
		return nil
	}
	creates := func(f func(asked string)) {
		for _, op := range ops {
			if op.create {
				f(op.asked)
			}
		}
	}
	creates(o.queue)
	return func(call *conn.Call) {
		switch call.Fate() {
		case conn.Unsent:
			creates(o.notCreated)
			return
		case conn.Answered:
		default:
			creates(o.maybeCreated)
			return
		}
		reply := call.Reply()
		switch reply.Code.Class() {
		case wire.Done:
		case wire.Refused, wire.NotExecuted:
			creates(o.notCreated)
			return
		default:
			creates(o.maybeCreated)
			return
		}
		switch paths, executed, err := made(reply.Body); {
		case err != nil:
			creates(o.maybeCreated)
		case !executed:
			creates(o.notCreated)
		default:
			for _, op := range ops {
				if op.create {
					o.created(op.asked, paths[op.at])
				} else {
					o.deleted(op.asked)
				}
			}
		}
	}
}

// trackCreate is track for the create of an ephemeral node. made returns the
// path of the node.
func (o *ownNodes) trackCreate(asked string, made func(body []byte) (string, error)) func(*conn.Call) {
	return o.track([]tracked{{create: true, asked: asked}}, func(body []byte) ([]string, bool, error) {
		path, err := made(body)
		return []string{path}, true, err
	})
}

// trackDelete is track for a delete.
func (o *ownNodes) trackDelete(path string) func(*conn.Call) {
	return o.track([]tracked{{asked: path}}, func([]byte) ([]string, bool, error) { return nil, true, nil })
}

// trackTxn is track for a transaction of these operations.
func (s *Session) trackTxn(ops []Op, requests []wire.MultiOp) func(*conn.Call) {
	var changes []tracked
	for i, op := range ops {
		switch create := op.kind == "create"; {
		case create && op.mode.ephemeral(), op.kind == "delete":
			changes = append(changes, tracked{create, requests[i].Path, i})
		}
	}
	return s.own.track(changes, func(body []byte) ([]string, bool, error) {
		results, err := s.results(ops, requests, body)
		if errors.As(err, new(*refusedOp)) {
			return nil, false, nil
		}
		paths := make([]string, len(results))
		for i, r := range results {
			paths[i] = s.abs(r.Path)
		}
		return paths, true, err
	})
}
