package zktest

import (
	"slices"
	"time"

	"github.com/docent-go/docent/internal/wire"
)

// Request is a request as an interceptor sees it, before it runs.
type Request struct {
	Session int64
	Xid     int32
	Op      Op
	Path    string    // of the znode; empty if the request names no znode
	Data    []byte    // of create and setData
	Flags   int32     // of create: 1 ephemeral, 2 sequential, 3 both, 4 container
	Version int32     // that delete, setData, setACL or check expects
	Watch   bool      // whether a read sets a watch
	Ops     []Request // the parts of a multi or of a multiRead
	Deposed bool      // whether a deposed leader has it
}

// Action is what an interceptor does to a request. The zero value is [Pass].
type Action struct {
	kind   actionKind
	delay  time.Duration
	hold   <-chan struct{}
	code   Code
	silent bool
	parts  *map[int]Code // the parts of a multiRead that fail
}

type actionKind int

const (
	actPass actionKind = iota
	actDrop
	actLose
	actFail
)

var (
	// Pass lets the request run.
	Pass = Action{}
	// DropRequest loses the request before the server: it is never executed,
	// and the connection closes.
	DropRequest = Action{kind: actDrop}
	// LoseReply executes the request and loses the answer: the connection
	// closes after the execution.
	LoseReply = Action{kind: actLose}
)

// Delay lets the request run after d. Later requests on the same connection
// wait for it, as in ZooKeeper's pipeline; other connections do not wait. The
// session is touched when a frame arrives, not when it runs.
func Delay(d time.Duration) Action { return Action{delay: d} }

// Hold lets the request run once ch is closed or yields a value. Later requests
// on the same connection wait for it, as with [Delay].
//
// If the client's connection ends in the meantime, the request still runs, as
// if it were already in the server's pipeline. There are two exceptions. If its
// session has ended, the request fails. If its session has synced or written on
// another connection, the request never runs.
func Hold(ch <-chan struct{}) Action { return Action{hold: ch} }

// Fail answers the request with an error instead of executing it.
func Fail(code Code) Action { return Action{kind: actFail, code: code} }

// Silent keeps the connection open where [DropRequest] and [LoseReply] close
// it: the client waits for an answer that does not come. It shows how a client
// copes with a server that hangs on one request. No real network loses one
// message of a stream and delivers the next: clients that match answers by
// their order misread what follows.
func (a Action) Silent() Action {
	a.silent = true
	return a
}

func (a Action) wait() bool { return a.delay > 0 || a.hold != nil }

// await waits for the action's delay or hold. It reports false if done is
// closed first.
func (a Action) await(done <-chan struct{}) bool {
	if a.hold != nil {
		select {
		case <-a.hold:
			return true
		case <-done:
			return false
		}
	}
	t := time.NewTimer(a.delay)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-done:
		return false
	}
}

// Intercept registers f, which is called before each request after the
// handshake runs. Calls come one at a time, in the order in which the requests
// run unless they are delayed. If several interceptors are registered, the
// first that does not return [Pass] decides.
//
// If f passes a multiRead, f is then asked about each part, as if it were a
// request. [Fail] with [CodeNoAuth] or [CodeNoNode] fails that part alone; any
// other action applies to the whole multiRead.
//
// f may call any method of the server. It must not block: to keep a request
// waiting it returns [Hold].
func (s *Server) Intercept(f func(Request) Action) (remove func()) {
	h := &hook[func(Request) Action]{f}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.interceptors = append(slices.Clone(s.interceptors), h)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.interceptors = without(s.interceptors, h)
	}
}

func without[T comparable](list []T, v T) []T {
	return slices.DeleteFunc(slices.Clone(list), func(x T) bool { return x == v })
}

// intercept counts a request and asks the interceptors about it.
func (s *Server) intercept(c *conn, xid int32, op Op, body []byte) Action {
	s.mu.Lock()
	hooks, session, abandoned, deposed := s.interceptors, c.last, c.abandoned, c.old != nil
	if !abandoned {
		s.counts[op.shown()]++
	}
	s.mu.Unlock()
	if len(hooks) == 0 || abandoned {
		return Pass
	}
	r := describe(session, xid, op, body, s.cfg.traits)
	r.Deposed = deposed
	act := ask(hooks, r)
	if act != Pass || op != OpMultiRead {
		return act
	}
	failing := make(map[int]Code)
	for i, part := range r.Ops {
		part.Deposed = deposed
		switch act := ask(hooks, part); {
		case act.kind == actFail && (act.code == CodeNoAuth || act.code == CodeNoNode):
			failing[i] = act.code
		case act != Pass:
			return act
		}
	}
	if len(failing) == 0 {
		return Pass
	}
	return Action{parts: &failing}
}

// ask returns what the interceptors decide about a request.
func ask(hooks []*hook[func(Request) Action], r Request) Action {
	for _, h := range hooks {
		if act := h.f(r); act != Pass {
			return act
		}
	}
	return Pass
}

// shown is the kind that interceptors and counts see. A test's idea of a create
// does not depend on what the client wants in the answer.
func (o Op) shown() Op {
	if o == OpCreate2 {
		return OpCreate
	}
	return o
}

// describe decodes the fields of a request that an interceptor may need.
func describe(session int64, xid int32, op Op, body []byte, is traits) Request {
	r := Request{Session: session, Xid: xid, Op: op.shown()}
	d := wire.NewDecoder(body)
	switch op {
	case OpExists, OpGetData, OpGetChildren, OpGetChildren2:
		r.Path, r.Watch = d.String(), d.Bool()
	case OpGetACL, OpSync, OpGetEphemerals, OpGetAllChildrenCount, OpAddWatch, OpRemoveWatches, OpCheckWatches:
		r.Path = d.String()
	case OpMulti, OpMultiRead:
		allowed := isMultiWrite
		if op == OpMultiRead {
			allowed = isMultiRead
		}
		ops, _ := parseMulti(d, allowed, is)
		for _, w := range ops {
			r.Ops = append(r.Ops, w.describe(session, xid))
		}
	default:
		if isWrite(op) {
			r = parseWrite(op, d).describe(session, xid)
		}
	}
	return r
}

func (w writeRequest) describe(session int64, xid int32) Request {
	return Request{
		Session: session, Xid: xid, Op: w.op.shown(), Path: w.path, Data: w.data, Flags: w.flags, Version: w.version,
	}
}
