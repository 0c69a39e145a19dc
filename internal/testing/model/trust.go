package model

// Times of the trust model, in twelfths of the session timeout. Package core has
// the same times in sixtieths.
const (
	timeout     = 12
	window      = 7  // the timeout minus the margin of 5/12
	afterReport = 11 // the timeout minus the reaction
	halfTick    = 3  // the longest half tick, which a client has to assume
)

// TrustRules say what a broken client does. The zero value is the protocol of
// package core.
type TrustRules struct {
	PingsProve    bool // the answer to a ping moves the deadline, as one to a sync or a read would
	HelloProves   bool // the answer to the hello of a new connection moves the deadline
	FromAnswer    bool // times count from the answers, and not from the writing of the requests
	IgnoreReport  bool // a write moves the deadline by the window, whatever the leader has heard
	NoHalfTick    bool // an answered request counts as reported at once
	ExactHalfTick bool // it counts as reported after exactly half a tick, and not only later
}

// TrustBounds bound the interleavings.
type TrustBounds struct {
	Exchanges int // how many answered requests of a connection the client remembers, 1 to 3
	Elections int // how many leaders are elected
}

// Where the client is connected.
const (
	nowhere  = iota
	follower // of the leader that has the quorum
	leader   // itself
	deposed  // a leader without a quorum, or its follower
)

var servers = [...]string{follower: "a follower", leader: "the leader", deposed: "a deposed leader"}

// Kinds of requests.
const (
	none = iota
	hello
	ping
	write // a request that a quorum has to commit
)

var requests = [...]string{hello: "hello", ping: "ping", write: "write"}

// request is the outstanding request. The next one is sent after its answer.
type request struct {
	kind, age int8
	to        int8 // of a hello: the server
	executed  bool // its answer is on the way
}

// trustState is one session. Times are ages, so that the same situation at
// another time is the same state.
type trustState struct {
	// The leader that has the quorum.
	unheard int8 // the time since it has counted the session's timeout anew
	expired bool // it has expired the session
	// The client's server, if it is a follower.
	touched  bool // it has heard of the session since its last report
	reported int8 // the age of that report
	// The client.
	where   int8
	request request
	heard   heard
	trust   int8 // the time until the deadline; -1 if that has passed
	// The bounds and goals.
	elections int8
	survived  bool // a new connection or an election came while the session was trusted
}

// Trust is a session with its client, the server of its connection, and the
// leader that has the quorum. The client sends a ping or a write at any time.
// Requests and answers take any time. A report comes half a tick after the one
// before at the latest. Servers die at any time, and leaders are deposed. The
// violation is a session that the leader expires before its deadline.
func Trust(rules TrustRules, bounds TrustBounds) System[trustState] {
	m := trustModel{rules, bounds}
	return System[trustState]{
		Initial: trustState{where: follower, trust: -1, heard: onlyHello(0)},
		Next:    m.next,
		Violation: func(s trustState) string {
			if s.expired && s.trust >= 0 {
				return "the leader expires the session, and the client trusts it"
			}
			return ""
		},
		Goals: map[string]func(trustState) bool{
			"a whole window":      func(s trustState) bool { return s.trust == window },
			"an expired session":  func(s trustState) bool { return s.expired },
			"trust that survives": func(s trustState) bool { return s.survived && s.trust == window },
		},
	}
}

type trustModel struct {
	rules  TrustRules
	bounds TrustBounds
}

func (m trustModel) next(s trustState, step func(string, trustState)) {
	if s.expired {
		return
	}
	if s.where != follower || s.reported < halfTick { // otherwise the report is due
		step("a twelfth of the timeout passes", s.later())
	}
	m.client(s, step)
	m.server(s, step)
	m.faults(s, step)
}

// older adds a twelfth to an age. Ages beyond the timeout are the same.
func older(age int8) int8 { return min(age+1, timeout) }

// later is the state a twelfth of the timeout later.
func (s trustState) later() trustState {
	s.unheard = older(s.unheard)
	s.expired = s.unheard == timeout
	if s.where == follower {
		s.reported++
	}
	if s.request.kind != none {
		s.request.age = older(s.request.age)
	}
	s.heard.later(s.request.age)
	s.trust = max(s.trust-1, -1)
	return s
}

// client sends a request, or receives an answer.
func (m trustModel) client(s trustState, step func(string, trustState)) {
	send := func(name string, r request) {
		s.request = r
		step("the client sends a "+name, s)
	}
	switch r := s.request; {
	case r.kind != none && r.executed:
		step("the client receives the answer to its "+requests[r.kind], m.answered(s, r))
	case r.kind != none:
	case s.where == nowhere:
		send("hello to "+servers[follower], request{kind: hello, to: follower})
		send("hello to "+servers[leader], request{kind: hello, to: leader})
		if s.elections > 0 { // a leader was deposed
			send("hello to "+servers[deposed], request{kind: hello, to: deposed})
		}
	default:
		send(requests[ping], request{kind: ping})
		send(requests[write], request{kind: write})
	}
}

// answered is the client's rule.
func (m trustModel) answered(s trustState, r request) trustState {
	s.request = request{}
	if m.rules.FromAnswer {
		r.age = 0
	}
	if r.kind == hello {
		s.where, s.heard = r.to, onlyHello(r.age)
		if m.rules.HelloProves {
			s.trust = max(s.trust, window-r.age)
		}
		s.survived = s.survived || s.trust >= 0
		return s
	}
	if r.kind == write || m.rules.PingsProve {
		s.trust = max(s.trust, m.provenBy(s.heard, r.age))
	}
	s.heard.add(exchange{written: r.age}, m.bounds.Exchanges)
	return s
}

// provenBy returns the time until the deadline that a proof of the given age
// sets.
func (m trustModel) provenBy(h heard, proof int8) int8 {
	until := window - proof
	if m.rules.IgnoreReport {
		return until
	}
	before := proof + halfTick + 1 // the ages of reported requests
	switch {
	case m.rules.NoHalfTick:
		before = proof
	case m.rules.ExactHalfTick:
		before = proof + halfTick
	}
	reported, known := h.reported(before)
	if !known {
		return -1
	}
	return min(until, afterReport-reported)
}

// server executes the request, or reports to its leader.
func (m trustModel) server(s trustState, step func(string, trustState)) {
	if s.where == follower && (s.touched || s.reported > 0) {
		to := s
		if to.touched {
			to.unheard = 0
		}
		to.touched, to.reported = false, 0
		step("the follower reports", to)
	}
	r, where := s.request, s.where
	if r.kind == hello {
		where = r.to
	}
	if r.kind == none || r.executed || r.kind == write && where == deposed {
		return // a deposed leader commits nothing
	}
	s.request.executed = true
	switch {
	case where == leader, where == follower && r.kind == hello: // the follower asks the leader
		s.unheard = 0
	case where == follower:
		s.touched = true
	}
	step(servers[where]+" executes the "+requests[r.kind], s)
}

// faults: the connection or its server ends, or another leader is elected.
func (m trustModel) faults(s trustState, step func(string, trustState)) {
	if s.where != nowhere || s.request.kind != none {
		step("the connection or its server ends", s.lost())
	}
	if int(s.elections) == m.bounds.Elections {
		return
	}
	s.elections++
	s.unheard = 0 // a new leader gives each session its whole timeout
	s.survived = s.survived || s.trust >= 0
	step("another leader is elected, and the client's server follows it", s.lost())
	if s.where == leader || s.where == follower {
		s.where, s.touched, s.reported = deposed, false, 0
		step("another leader is elected, and the client's server does not know", s)
	}
}

// lost is the state without a connection. A server that follows a new leader
// closes its connections too.
func (s trustState) lost() trustState {
	s.where, s.request, s.touched, s.reported, s.heard = nowhere, request{}, false, 0, heard{}
	return s
}
