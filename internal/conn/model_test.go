package conn

import (
	"bytes"
	"io"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/docent-go/docent/internal/wire"
)

// tap is a network that accepts as many bytes as the test allows, and records
// them.
type tap struct {
	chunks
	left   []byte // what has left
	budget int    // after so many bytes more a write fails
	during func() // called in the middle of the next write
	closed bool
}

func (n *tap) SetDeadline(time.Time) error { n.closed = true; return nil }

func (n *tap) Write(p []byte) (int, error) {
	if n.closed {
		return 0, io.ErrClosedPipe
	}
	took := min(len(p), n.budget)
	n.left = append(n.left, p[:took]...)
	n.budget -= took
	if during := n.during; during != nil {
		n.during = nil
		during()
	}
	if took < len(p) {
		return took, io.ErrClosedPipe
	}
	return took, nil
}

// modelCall is a call and the model's record of it.
type modelCall struct {
	*Call
	frame     []byte // without an xid
	ends      int
	withdrawn bool // before it left
}

// fatesModel drives one connection by hand: only the model's steps run.
type fatesModel struct {
	net     *tap
	c       *Conn
	calls   []*modelCall
	answers map[*modelCall]bool
	flush   []func()
	writing bool
}

// Each call ends exactly once, and its fate agrees with the written bytes.
func TestFates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &fatesModel{net: &tap{budget: 1 << 20}, answers: make(map[*modelCall]bool)}
		m.net.t = t
		m.c = New(m.net, Config{Owner: new(owner), Patience: patience,
			Go: func(f func()) { m.flush = append(m.flush, f) }, Closing: atOnce})
		if _, err := m.c.Write(bytes.Clone(theHello)); err != nil {
			t.Fatal(err)
		}
		m.net.left = nil
		if _, err := m.c.learn(theGrant, 0); err != nil {
			t.Fatal(err)
		}
		t.Repeat(map[string]func(*rapid.T){
			"send":     m.send,
			"withdraw": m.withdraw,
			"write":    m.write,
			"answer":   m.answer,
			"event": func(t *rapid.T) {
				if _, err := m.c.learn(event(wire.EventCreated, "/a"), 0); err != nil {
					t.Fatal(err)
				}
			},
			"ping": func(*rapid.T) { _, _ = m.c.Write(bytes.Clone(thePing)) },
			"cut":  func(t *rapid.T) { m.net.budget = rapid.IntRange(0, 120).Draw(t, "bytes") },
			"during": func(t *rapid.T) {
				m.net.during = func() {
					m.writing = true
					defer func() { m.writing = false }()
					rapid.SampledFrom([]func(*rapid.T){m.send, m.withdraw, m.close}).Draw(t, "what")(t)
				}
			},
			"close": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "really") == 0 {
					m.close(t)
				}
			},
			"": m.check,
		})
		m.close(t)
		m.write(t)
		m.check(t)
		for i, call := range m.calls {
			if call.ends != 1 {
				t.Fatalf("call %d has ended %d times", i, call.ends)
			}
		}
	})
}

func (m *fatesModel) send(t *rapid.T) {
	var calls []*Call
	for range rapid.IntRange(1, 3).Draw(t, "calls") {
		mc := &modelCall{frame: wire.Delete("/a", int32(len(m.calls)))}
		mc.Call = NewCall(bytes.Clone(mc.frame), func(call *Call) {
			mc.ends++
			if call != mc.Call || call.Fate() == Pending {
				t.Fatal("a call is told of before it ends")
			}
		})
		m.calls = append(m.calls, mc)
		calls = append(calls, mc.Call)
	}
	m.c.Send(calls...)
}

// pick returns a random call that satisfies the condition, or nil.
func (m *fatesModel) pick(t *rapid.T, pass func(*modelCall) bool) *modelCall {
	var some []*modelCall
	for _, call := range m.calls {
		if pass(call) {
			some = append(some, call)
		}
	}
	if len(some) == 0 {
		return nil
	}
	return some[rapid.IntRange(0, len(some)-1).Draw(t, "call")]
}

func (m *fatesModel) withdraw(t *rapid.T) {
	call := m.pick(t, func(*modelCall) bool { return true })
	if call == nil {
		return
	}
	before, sent := call.ends, m.sent(call)
	switch fate := call.Await(ctxOver(), nil); {
	case before > 0 && fate != call.Fate():
		t.Fatalf("it had ended as %v, and is %v now", call.Fate(), fate)
	case before > 0:
	case fate == Unsent && sent:
		t.Fatal("a request that has left is taken back")
	case fate == Unsent:
		call.withdrawn = true
	case fate != Lost:
		t.Fatalf("a call that nobody waits for is %v", fate)
	}
}

// sent reports whether the call's request was written as a whole. Only the
// versions in the requests distinguish them.
func (m *fatesModel) sent(call *modelCall) bool {
	for rest := m.net.left; len(rest) >= len(call.frame) || len(rest) >= len(thePing); {
		size := 4 + int(rest[3])
		if len(rest) < size {
			return false
		}
		if bytes.Equal(rest[8:size], call.frame[8:]) {
			return true
		}
		rest = rest[size:]
	}
	return false
}

func (m *fatesModel) write(*rapid.T) {
	for len(m.flush) > 0 && !m.writing {
		f := m.flush[0]
		m.flush = m.flush[1:]
		f()
	}
}

// answer answers the oldest written request.
func (m *fatesModel) answer(t *rapid.T) {
	for _, call := range m.calls {
		if !m.sent(call) || m.answers[call] {
			continue
		}
		before := call.ends
		if _, err := m.c.learn(answer(call.xid, wire.Code(-101)), 0); err != nil {
			t.Fatal(err)
		}
		m.answers[call] = before == 0
		if before == 0 && (call.ends != 1 || call.Fate() != Answered) {
			t.Fatalf("an answer was given, and the call is %v", call.Fate())
		}
		return
	}
}

func (m *fatesModel) close(*rapid.T) { m.c.Close() }

func (m *fatesModel) check(t *rapid.T) {
	for i, call := range m.calls {
		want := Unsent
		switch {
		case m.answers[call]:
			want = Answered
		case m.sent(call):
			want = Lost
		}
		if call.withdrawn && m.sent(call) {
			t.Fatalf("call %d was taken back, and has left", i)
		}
		if call.ends > 1 || call.ends == 1 && call.Fate() != want {
			t.Fatalf("call %d has ended %d times as %v, not as %v", i, call.ends, call.Fate(), want)
		}
	}
}
