package testworld

import (
	"sync"
	"testing"
	"time"

	"github.com/docent-go/docent/zktest"
)

// Twice calls f from two goroutines at once, while the server takes a second for
// each request, and returns both errors. What else is given runs at the same time,
// such as what ends the session. A caller that waits for another otherwise than
// on a channel stops the time of the bubble, and so the test.
func (w *World) Twice(f func() error, also ...func()) (errs [2]error) {
	w.Helper()
	defer w.Srv.Intercept(func(r zktest.Request) zktest.Action {
		if r.Op == zktest.OpPing {
			return zktest.Pass
		}
		return zktest.Delay(time.Second)
	})()
	var work sync.WaitGroup
	for _, f := range also {
		work.Go(f)
	}
	for i := range errs {
		work.Go(func() { errs[i] = f() })
	}
	work.Wait()
	return errs
}

// EachEnd calls f in a world of its own for each thing that may happen to the
// session of a process while something is ended Twice.
func EachEnd(t *testing.T, f func(w *World, p *Process, end func())) {
	for name, end := range map[string]func(p *Process, id int64){
		"alone":     func(*Process, int64) {},
		"expired":   func(p *Process, id int64) { p.W.Srv.Expire(id) },
		"closed":    func(p *Process, _ int64) { _ = p.Close() }, // always nil
		"cut off":   func(p *Process, _ int64) { p.Link.Cut(zktest.Both) },
		"reconnect": func(p *Process, _ int64) { p.Link.Disconnect() },
	} {
		t.Run(name, func(t *testing.T) {
			Run(t, func(w *World) {
				p := w.Process()
				id := p.Current().ID()
				f(w, p, func() { end(p, id) })
			})
		})
	}
}
