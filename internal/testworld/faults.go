package testworld

import (
	"time"

	"github.com/docent-go/docent/zktest"
)

// Meddle loses the answer to the next request that match accepts. The process
// stays cut off for two seconds then, in the midst of which f runs: what others
// do before the process can look what has become of its request.
func (p *Process) Meddle(match func(zktest.Request) bool, f func()) {
	id := p.Current().ID()
	p.W.Once(func(r zktest.Request) bool { return r.Session == id && match(r) }, func() zktest.Action {
		p.Link.Refuse(true)
		time.AfterFunc(time.Second, f)
		time.AfterFunc(2*time.Second, func() { p.Link.Refuse(false) })
		return zktest.LoseReply
	})
}

// Is matches the requests of a kind, for a node if path is not empty.
func Is(op zktest.Op, path string) func(zktest.Request) bool {
	return func(r zktest.Request) bool { return r.Op == op && (path == "" || r.Path == path) }
}

// Throttle has the server answer every other request of each kind that it has
// not executed it, since it is throttled.
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
