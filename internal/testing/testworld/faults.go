package testworld

import (
	"time"

	"github.com/docent-go/docent/zktest"
)

// Meddle loses the answer to the next request that match accepts, and cuts the
// process off for two seconds. Halfway through, f runs: other processes act
// before the process can learn what became of its request.
func (p *Process) Meddle(match func(zktest.Request) bool, f func()) {
	id := p.Current().ID()
	p.W.Once(func(r zktest.Request) bool { return r.Session == id && match(r) }, func() zktest.Action {
		p.Link.Refuse(true)
		time.AfterFunc(time.Second, f)
		time.AfterFunc(2*time.Second, func() { p.Link.Refuse(false) })
		return zktest.LoseReply
	})
}

// Sever cuts the process off until its session has ended, on both sides.
func (p *Process) Sever() {
	p.W.Helper()
	s := p.Current()
	p.Link.Cut(zktest.Both)
	<-s.Done()
	time.Sleep(s.Timeout())
}

// Always returns a function that returns the action.
func Always(a zktest.Action) func() zktest.Action { return func() zktest.Action { return a } }

// Is matches the requests of a kind, for a node if path is not empty.
func Is(op zktest.Op, path string) func(zktest.Request) bool {
	return func(r zktest.Request) bool { return r.Op == op && (path == "" || r.Path == path) }
}

// Throttle makes the server answer every other request of each kind with -127:
// it is throttled, and has not executed the request.
func (w *World) Throttle() {
	seen := make(map[zktest.Op]int)
	w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
		if r.Op == zktest.OpPing || r.Op == zktest.OpCloseSession {
			return zktest.Pass
		}
		if seen[r.Op]++; seen[r.Op]%2 == 1 {
			return zktest.Fail(zktest.CodeThrottledOp)
		}
		return zktest.Pass
	}))
}
