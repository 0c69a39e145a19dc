package core_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// moment is when a fault of the matrix happens, relative to one request.
type moment struct {
	w  *world
	p  *process
	n  *netTrace
	op zktest.Op // of the request
}

// on has the server handle the request specially each time it arrives.
func (m *moment) on(act func(nth int) zktest.Action) {
	nth := 0
	m.w.Cleanup(m.w.Srv.Intercept(func(r zktest.Request) zktest.Action {
		if r.Op != m.op || r.Path == "/way" {
			return zktest.Pass
		}
		nth++
		return act(nth)
	}))
}

// first has the server handle the request specially when it first arrives.
func (m *moment) first(act zktest.Action) {
	m.on(func(nth int) zktest.Action {
		if nth == 1 {
			return act
		}
		return zktest.Pass
	})
}

// soon is while the request is outstanding, and late is after the end of the
// shorter ctx.
const (
	soon = 500 * time.Millisecond
	late = 3 * time.Second
)

func after(d time.Duration, f func()) { time.AfterFunc(d, f) }

// lifeFaults are the faults in the life of a request, from before its write
// until its answer is read. Each prepares its fault before the call.
var lifeFaults = map[string]func(m *moment){
	"none": func(*moment) {},

	// Before it is written.
	"no connection for a while": func(m *moment) { m.disconnected(); after(late, func() { m.p.link.Refuse(false) }) },
	"no connection":             func(m *moment) { m.disconnected() },
	"the end of the connection": func(m *moment) { m.p.link.Disconnect() },
	"handshakes hang for a while": func(m *moment) {
		m.p.link.HangHandshakes(true)
		m.p.link.Disconnect()
		after(late, func() { m.p.link.HangHandshakes(false) })
	},
	"writes stall for a while, behind another": func(m *moment) { m.w.blocked(m.p, m.n); after(late, m.n.flow) },
	"writes stall, behind another, then the end": func(m *moment) {
		m.w.blocked(m.p, m.n)
		after(soon, func() { m.p.link.Disconnect(); m.n.flow() })
	},
	"writes stall for good, behind another": func(m *moment) { m.w.blocked(m.p, m.n) },

	// While it is written, and on its way.
	"writes stall for a while":        func(m *moment) { m.n.stall(); after(late, m.n.flow) },
	"writes stall, then the end":      func(m *moment) { m.n.stall(); after(soon, func() { m.p.link.Disconnect(); m.n.flow() }) },
	"cut to the server for a while":   func(m *moment) { m.p.link.Cut(zktest.ToServer); after(late, m.p.link.Heal) },
	"cut to the server, then the end": func(m *moment) { m.p.link.Cut(zktest.ToServer); after(soon, m.lost) },
	"cut to the server":               func(m *moment) { m.p.link.Cut(zktest.ToServer) },
	"partition to the server for a while": func(m *moment) {
		id := m.p.session().ID()
		m.w.Srv.Partition(id, zktest.ToServer)
		after(late, func() { m.w.Srv.Heal(id) })
	},
	"a long way":     func(m *moment) { m.p.link.Delay(600 * time.Millisecond) },
	"longer a way":   func(m *moment) { m.p.link.Delay(1100 * time.Millisecond) },
	"frozen a while": func(m *moment) { m.w.Srv.Freeze(); after(late, m.w.Srv.Thaw) },

	// At the server.
	"request lost":                func(m *moment) { m.first(zktest.DropRequest) },
	"request lost in silence":     func(m *moment) { m.first(zktest.DropRequest.Silent()) },
	"delayed":                     func(m *moment) { m.first(zktest.Delay(soon)) },
	"delayed for long":            func(m *moment) { m.first(zktest.Delay(late)) },
	"delayed, and the end":        func(m *moment) { m.first(zktest.Delay(2 * soon)); after(soon, m.p.link.Disconnect) },
	"throttled":                   func(m *moment) { m.throttled(zktest.CodeThrottledOp, 3) },
	"throttled for good":          func(m *moment) { m.throttled(zktest.CodeThrottledOp, 1<<30) },
	"session moved":               func(m *moment) { m.throttled(zktest.CodeSessionMoved, 3) },
	"no right":                    func(m *moment) { m.first(zktest.Fail(zktest.CodeNoAuth)) },
	"out of quota":                func(m *moment) { m.first(zktest.Fail(zktest.CodeQuotaExceeded)) },
	"an error of the server":      func(m *moment) { m.first(zktest.Fail(zktest.CodeSystemError)) },
	"a connection loss behind it": func(m *moment) { m.first(zktest.Fail(zktest.CodeConnectionLoss)) },
	"an unknown code":             func(m *moment) { m.first(zktest.Fail(-4711)) },
	"a restart":                   func(m *moment) { m.first(zktest.Delay(2 * soon)); after(soon, m.w.Srv.Restart) },
	"expired before":              func(m *moment) { m.w.Srv.Expire(m.p.session().ID()) },
	"expired meanwhile": func(m *moment) {
		id := m.p.session().ID()
		m.first(zktest.Delay(2 * soon))
		after(soon, func() { m.w.Srv.Expire(id) })
	},
	"a lagging server":            func(m *moment) { m.w.Srv.Lag(m.p.session().ID()) },
	"a slow quorum":               func(m *moment) { m.w.Srv.SlowQuorum(soon) },
	"a slower quorum":             func(m *moment) { m.w.Srv.SlowQuorum(late) },
	"no quorum for a while":       func(m *moment) { m.w.Srv.LoseQuorum(true); after(late, func() { m.w.Srv.LoseQuorum(false) }) },
	"no quorum, then an election": func(m *moment) { m.quorumLost() },
	"a deposed leader":            func(m *moment) { m.w.Srv.Depose(m.p.link) },

	// Its answer.
	"answer lost":                     func(m *moment) { m.first(zktest.LoseReply) },
	"answer lost in silence":          func(m *moment) { m.first(zktest.LoseReply.Silent()) },
	"cut to the client for a while":   func(m *moment) { m.p.link.Cut(zktest.ToClient); after(late, m.p.link.Heal) },
	"cut to the client, then the end": func(m *moment) { m.p.link.Cut(zktest.ToClient); after(soon, m.lost) },
	"cut to the client":               func(m *moment) { m.p.link.Cut(zktest.ToClient) },
	"partition to the client": func(m *moment) {
		id := m.p.session().ID()
		m.w.Srv.Partition(id, zktest.ToClient)
		after(late, func() { m.w.Srv.Heal(id) })
	},

	// The caller's side.
	"closed before":    func(m *moment) { require.NoError(m.w, m.p.Close()) },
	"closed meanwhile": func(m *moment) { m.first(zktest.Delay(late)); after(soon, func() { m.p.Close() }) },
	"closed while cut off": func(m *moment) {
		m.p.link.Cut(zktest.Both)
		after(soon, func() { m.p.Close() })
	},
	"closed while writes stall": func(m *moment) {
		m.w.blocked(m.p, m.n)
		after(soon, func() { m.p.Close() })
		after(late, m.n.flow)
	},
}

// disconnected leaves the process without a connection.
func (m *moment) disconnected() {
	m.p.link.Refuse(true)
	m.p.link.Disconnect()
	m.w.eventually("suspended", func() bool { return m.p.State() == core.Suspended })
}

// lost ends the connection and drops everything on its way. The next connection
// works.
func (m *moment) lost() {
	m.p.link.Disconnect()
	m.p.link.Heal()
}

func (m *moment) throttled(code zktest.Code, times int) {
	m.on(func(nth int) zktest.Action {
		if nth <= times {
			return zktest.Fail(code)
		}
		return zktest.Pass
	})
}

func (m *moment) quorumLost() {
	m.w.Srv.LoseQuorum(true)
	after(soon, func() { m.w.Srv.Restart(); m.w.Srv.LoseQuorum(false) })
}

// Under every fault, the call of a request returns a true result. A done
// request is done once. A refused or unsent request is not done, neither now
// nor later. Only for a written request is the outcome unknown.
func TestOutcomesWhateverHappens(t *testing.T) {
	for name, fault := range lifeFaults {
		for _, c := range simpleCalls {
			for _, limit := range []time.Duration{time.Second, 10 * time.Second, time.Hour} {
				t.Run(c.name+"/"+name+"/"+limit.String(), func(t *testing.T) {
					inWorld(t, func(w *world) {
						w.planted()
						p, n := w.traced(timeout(30 * time.Second))
						s := p.session()
						m := &moment{w, p, n, c.op}
						fault(m)
						done := make(chan error, 2)
						start := time.Now()
						go func() { done <- c.call(w.Within(limit), s) }()
						err := <-done
						require.LessOrEqual(w, time.Since(start), limit)
						w.checkOutcome(c.op, c.path, c.change, n, err)

						// The result stays true after the fault.
						n.flow()
						p.link.Heal()
						p.link.Refuse(false)
						before := w.transactions()
						time.Sleep(10 * time.Minute)
						synctest.Wait()
						require.Empty(w, done, "it returns once")
						if !errors.Is(err, core.ErrUnknownOutcome) {
							require.Equal(w, before, w.transactions(), "%v", err)
						}
						w.checkOutcome(c.op, c.path, c.change, n, err)
					})
				})
			}
		}
	}
}

// checkOutcome compares the result of a call with the requests on the network
// and at the server.
func (w *world) checkOutcome(op zktest.Op, path string, change bool, n *netTrace, err error) {
	w.Helper()
	sent, done := n.count(op, path), w.transactions()
	switch {
	case errors.Is(err, core.ErrUnknownOutcome):
		require.True(w, change, "a read has no outcome: %v", err)
		require.NotZero(w, sent, "%v, and it was never written", err)
		require.LessOrEqual(w, done, 1)
	case err == nil && change:
		require.Equal(w, 1, done, "%d times written", sent)
	case err == nil:
		require.NotZero(w, sent)
	default:
		require.Zero(w, done, "%v", err)
		require.True(w, isReason(err), "%v", err)
	}
}

// isReason reports whether an error is a refusal, or has the end that came
// before the request could be done.
func isReason(err error) bool {
	var code *core.CodeError
	for _, reason := range []error{context.DeadlineExceeded, core.ErrSessionEnded, core.ErrClosed, zk.ErrNoAuth} {
		if errors.Is(err, reason) {
			return true
		}
	}
	return errors.As(err, &code)
}
