package testworld

import (
	"sync"
	"time"

	"github.com/docent-go/docent/zktest"
)

// Twice calls f from two goroutines at once, while the server takes a second for
// each request, and returns both errors. A caller that waits for the other
// other than on a channel stops the time of the bubble, and so the test.
func (w *World) Twice(f func() error) (errs [2]error) {
	w.Helper()
	defer w.Srv.Intercept(func(r zktest.Request) zktest.Action {
		if r.Op == zktest.OpPing {
			return zktest.Pass
		}
		return zktest.Delay(time.Second)
	})()
	var work sync.WaitGroup
	for i := range errs {
		work.Go(func() { errs[i] = f() })
	}
	work.Wait()
	return errs
}
