package testworld

import (
	"sync"
	"testing"
	"time"

	"github.com/docent-go/docent/zktest"
)

// Twice calls f from two goroutines at once, while the server takes a second
// for each request, and returns both errors. The functions of also run at the
// same time, such as one that ends the session. If one caller waits for the
// other except on a channel, the time of the bubble stops, and the test fails.
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

// EachEnd calls f for each event that may hit the session of a process while f
// ends something Twice. end causes the event. Each call has a world of its own.
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
