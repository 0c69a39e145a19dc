package session

import (
	"fmt"
	"strings"
	"time"
)

// Health is the state of a Manager at one moment, for readiness probes, status
// pages and metrics. See Manager.Health.
type Health struct {
	State State
	// Confirmed says that a server is connected, and that a quorum has committed
	// a request of the session on this connection. It is never true after
	// Deadline. A leader that loses its quorum needs up to syncLimit ticks to
	// notice; until then Confirmed stays true for a session without holds.
	Confirmed bool
	// Since is the time since which Confirmed has its value, without a gap.
	Since time.Time
	// Session and Timeout are the current session and the timeout that the
	// servers have granted. They are zero without a session.
	Session ID
	Timeout time.Duration
	// Deadline is when the session ends unless an answer moves it: with holds the
	// trust deadline, which only a quorum moves; without holds, any answer of a
	// server moves it. It is zero without a session, and has a monotonic clock
	// reading.
	Deadline time.Time
	// Holds is the number of holds of the session: locks, permits, terms, items,
	// partitions.
	Holds int
	// Server is the address of the present connection, or of the last one.
	Server string
	// Err says why Confirmed is false. It is nil if Confirmed is true.
	Err error
}

// Health returns the present health. It sends nothing, does not block, and is
// safe for concurrent use.
//
// From the first call on, a quorum has to confirm each connection of the
// Manager, as in a loop over ConfirmedStates: one check for each connection,
// which is an entry in the servers' logs. Without it, a session that only reads
// could not tell a server with a quorum from one without.
//
// Health is for readiness, and not for liveness: a program that is restarted
// because ZooKeeper is away starts without ZooKeeper.
func (m *Manager) Health() Health {
	h := m.of().Health()
	return Health{
		State: State(h.State), Confirmed: h.Confirmed, Since: h.Since, Session: ID(h.Session), Timeout: h.Timeout,
		Deadline: h.Deadline, Holds: h.Holds, Server: h.Server, Err: h.Err,
	}
}

// String returns one line for people, such as "confirmed by a quorum for 2m3s;
// session 0x1000a2f4c8e0003, timeout 10s, deadline in 5.8s, 1 hold, server
// zk1:2181".
func (h Health) String() string {
	var b strings.Builder
	if h.Confirmed {
		b.WriteString("confirmed by a quorum for ")
	} else {
		fmt.Fprintf(&b, "%v, not confirmed by a quorum for ", h.State)
	}
	fmt.Fprint(&b, time.Since(h.Since).Round(100*time.Millisecond))
	if h.Err != nil {
		fmt.Fprintf(&b, ": %v", h.Err)
	}
	if h.Session == 0 {
		return b.String()
	}
	holds := "holds"
	if h.Holds == 1 {
		holds = "hold"
	}
	fmt.Fprintf(&b, "; session %v, timeout %v, deadline in %v, %d %s, server %s",
		h.Session, h.Timeout, max(0, time.Until(h.Deadline)).Round(100*time.Millisecond), h.Holds, holds, h.Server)
	return b.String()
}

// Stats counts the requests of a Manager since Dial or Start, over all of its
// sessions. See Manager.Stats.
type Stats struct {
	// Done, Refused, NotExecuted and Unknown count answers. Refused includes
	// errors that a program expects, such as ErrNoNode. An answer of NotExecuted
	// says that the server has not processed the request, for example because it
	// throttles: the request is sent again. An answer of Unknown is an error that
	// does not tell whether the request was executed.
	Done, Refused, NotExecuted, Unknown uint64
	// Unanswered counts requests that were sent and have no answer that can be
	// read. Their connections have ended.
	Unanswered uint64
	// Probes counts the checks that prove the session and its holds, once they
	// have ended. ProbesFailed counts those that no quorum has committed.
	Probes, ProbesFailed uint64
}

// Stats returns the counts. It sends nothing, does not block, and is safe for
// concurrent use.
func (m *Manager) Stats() Stats {
	s := m.of().Stats()
	return Stats{
		Done: s.Done, Refused: s.Refused, NotExecuted: s.NotExecuted, Unknown: s.Unknown, Unanswered: s.Unanswered,
		Probes: s.Probes, ProbesFailed: s.ProbesFailed,
	}
}
