package model

// Times of the trust model, in twelfths of the session timeout. They are those
// of package core, which counts in sixtieths.
const (
	timeout     = 12
	window      = 7  // the timeout minus the margin of 5/12
	afterReport = 11 // the timeout minus the reaction
	halfTick    = 3  // the longest that a client has to assume
)

// TrustRules are the rules of the client. The zero value is a broken client. See
// Trust.
type TrustRules struct {
	PingsProve    bool // the answer to a ping moves the deadline, as the answer to a sync would
	HelloProves   bool // the answer to a hello moves the deadline
	FromAnswer    bool // the deadline counts from the answer, and not from the writing of the request
	IgnoreReport  bool // a write moves the deadline by the window, whatever the leader has heard
	ExactHalfTick bool // half a tick after its answer, a request counts as reported, and not only later
	NoHalfTick    bool // an answered request counts as reported at once
}

// TrustBounds bound the interleavings.
type TrustBounds struct {
	Exchanges int // how many answered requests a client remembers at most
	Elections int // how many leaders are elected at most
	Pipeline  int // how many requests are outstanding at most: 1 or 2
}

// Where the client is connected.
const (
	nowhere  = iota
	follower // of the leader that has the quorum
	leader   // itself
	deposed  // a leader without a quorum, or its follower
)

// Kinds of requests.
const (
	none = iota
	hello
	ping
	write // a request that a quorum has to commit
)

// trustRequest is an outstanding request.
type trustRequest struct {
	kind, age int8
	executed  bool // its answer is on the way
	to        int8 // of a hello: the server
}

// trustExchange is a request and its answer, as ages.
type trustExchange struct {
	written, answered int8
	always            bool // a hello: reported before every proof
}

// trustState is the state of one session. Times are ages, so that the same
// situation later is the same state.
type trustState struct {
	// The quorum's leader: how long it has not heard of the session.
	unheard int8
	expired bool
	// The client's server: whether it has heard of the session since its last
	// report to the leader, and the age of that report.
	touched  bool
	reported int8
	// The client.
	where     int8
	requests  [2]trustRequest
	heard     [5]trustExchange // the oldest first; kind none is written < 0
	trust     int8             // the time to the deadline; minus one and less: it has passed
	elections int8
	survived  bool // a re-attachment or an election, while the session was trusted
}

var (
	noExchange   = trustExchange{written: -1}
	nothingHeard = [5]trustExchange{noExchange, noExchange, noExchange, noExchange, noExchange}
)

// Trust is a session with its client, the server of its connection, and the
// leader that has the quorum. The client may send a ping or a write at any time.
// Requests, answers and reports take any time. Servers die at any time, and
// leaders are deposed. The violation is a session that the leader expires while
// the client trusts it, or has trusted it until less than a twelfth of the
// timeout before.
func Trust(rules TrustRules, bounds TrustBounds) System[trustState] {
	m := trustModel{rules, bounds}
	initial := trustState{where: follower, trust: -1, heard: nothingHeard}
	initial.heard[0] = trustExchange{always: true}
	return System[trustState]{
		Initial: initial,
		Next:    m.next,
		Violation: func(s trustState) string {
			if s.expired && s.trust >= 0 {
				return "the leader has expired the session, and the client trusts it"
			}
			return ""
		},
		Goals: map[string]func(trustState) bool{
			"a deadline moves": func(s trustState) bool { return s.trust == window },
			"trust survives a new connection or election": func(s trustState) bool { return s.survived && s.trust == window },
			"an expired session":                          func(s trustState) bool { return s.expired },
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
	m.time(s, step)
	m.client(s, step)
	m.server(s, step)
	m.faults(s, step)
}

// time passes, unless something has to happen before.
func (m trustModel) time(s trustState, step func(string, trustState)) {
	if s.where == follower && s.reported == halfTick {
		return // the report is due
	}
	older := func(age *int8) { *age = min(*age+1, timeout) }
	older(&s.unheard)
	s.expired = s.unheard == timeout
	if s.where == follower {
		s.reported++
	}
	for i := range s.requests {
		if s.requests[i].kind != none {
			older(&s.requests[i].age)
		}
	}
	for i := range s.heard {
		if s.heard[i] != noExchange {
			older(&s.heard[i].written)
			older(&s.heard[i].answered)
		}
	}
	s.trust = max(s.trust-1, -1)
	s.forget()
	step("a twelfth of the timeout passes", s)
}

// client sends a request or receives an answer.
func (m trustModel) client(s trustState, step func(string, trustState)) {
	if i := s.free(m.bounds.Pipeline); i >= 0 && s.requests[0].kind != hello {
		for _, kind := range []int8{ping, write} {
			if s.where == nowhere {
				break
			}
			to := s
			to.requests[i] = trustRequest{kind: kind}
			step([]string{ping: "the client sends a ping", write: "the client sends a write"}[kind], to)
		}
	}
	if s.where == nowhere && s.requests[0].kind == none {
		for _, server := range []int8{follower, leader, deposed} {
			if server == deposed && s.elections == 0 {
				continue // no leader was deposed
			}
			to := s
			to.requests[0] = trustRequest{kind: hello, to: server}
			step("the client sends a hello to "+[]string{follower: "a follower", leader: "the leader", deposed: "a deposed leader"}[server], to)
		}
	}
	if r := s.requests[0]; r.kind != none && r.executed {
		step("the client receives the answer to "+[]string{hello: "the hello", ping: "the ping", write: "the write"}[r.kind], m.answer(s, r))
	}
}

// answer is the client's rule.
func (m trustModel) answer(s trustState, r trustRequest) trustState {
	s.requests = [2]trustRequest{s.requests[1]}
	if r.kind == hello {
		s.where = r.to
		s.heard = nothingHeard
		s.heard[0] = trustExchange{written: r.age, always: true}
		if m.rules.HelloProves {
			s.trust = max(s.trust, window-r.age)
		}
		s.survived = s.survived || s.trust >= 0
		return s
	}
	if r.kind == write || m.rules.PingsProve {
		until, known := window-r.age, true
		if m.rules.FromAnswer {
			until = window
		}
		if !m.rules.IgnoreReport {
			var report int8
			report, known = m.report(s, r.age)
			until = min(until, afterReport-report)
		}
		if known {
			s.trust = max(s.trust, until)
		}
	}
	s.remember(trustExchange{written: r.age}, m.bounds.Exchanges)
	s.forget()
	return s
}

// report returns the age of the newest request that had certainly been reported
// when a proof of the given age was written.
func (m trustModel) report(s trustState, proof int8) (written int8, known bool) {
	before := proof + halfTick + 1
	switch {
	case m.rules.NoHalfTick:
		before = proof
	case m.rules.ExactHalfTick:
		before = proof + halfTick
	}
	for _, one := range s.heard {
		if one == noExchange || !one.always && one.answered < before {
			break
		}
		written, known = one.written, true
	}
	return written, known
}

// server executes a request, or reports to its leader.
func (m trustModel) server(s trustState, step func(string, trustState)) {
	for i, r := range s.requests {
		if r.kind == none || r.executed || i > 0 && !s.requests[0].executed {
			continue
		}
		where := s.where
		if r.kind == hello {
			where = r.to
		}
		if where == deposed && r.kind == write {
			continue // it commits nothing
		}
		to := s
		to.requests[i].executed = true
		switch {
		case where == leader, where == follower && r.kind == hello: // the follower asks the leader
			to.unheard = 0
		case where == follower:
			to.touched = true
		}
		if r.kind == hello {
			to.touched, to.reported = false, 0
		}
		step("a server executes "+[]string{hello: "the hello", ping: "the ping", write: "the write"}[r.kind], to)
	}
	if s.where == follower && (s.touched || s.reported > 0) {
		to := s
		if to.touched {
			to.unheard = 0
		}
		to.touched, to.reported = false, 0
		step("the follower reports", to)
	}
}

// faults: the connection or its server ends, or another leader is elected.
func (m trustModel) faults(s trustState, step func(string, trustState)) {
	lost := func(s trustState) trustState {
		s.where, s.requests, s.touched, s.reported = nowhere, [2]trustRequest{}, false, 0
		s.heard = nothingHeard // the next hello begins anew
		return s
	}
	if s.where != nowhere || s.requests[0].kind == hello {
		step("the client's server dies, or the connection is lost", lost(s))
	}
	if int(s.elections) == m.bounds.Elections {
		return
	}
	elected := s
	elected.elections++
	elected.unheard = 0 // a new leader gives each session its whole timeout
	elected.survived = elected.survived || s.trust >= 0
	step("another leader is elected, and the servers close their connections", lost(elected))
	if s.where == leader || s.where == follower {
		elected.where, elected.touched, elected.reported = deposed, false, 0
		step("another leader is elected, and the client's server does not know", elected)
	}
}
