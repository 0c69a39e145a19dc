// Package grace bounds how long a Close waits for callbacks of the user.
//
// A Close waits for everything that it closes. But a user's callback may run
// there: it may hang, or may itself have called that Close. So a Close waits
// for callbacks for a limited time only.
package grace

import "time"

// Period is how long a Close waits for callbacks that are running.
const Period = time.Second

// For waits until all of the channels are closed, or the Period is over.
func For(done ...<-chan struct{}) {
	timer := time.NewTimer(Period)
	defer timer.Stop()
	for _, d := range done {
		select {
		case <-d:
		case <-timer.C:
			return
		}
	}
}

// Done returns a channel that is closed when wait has returned.
func Done(wait func()) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		wait()
		close(done)
	}()
	return done
}
