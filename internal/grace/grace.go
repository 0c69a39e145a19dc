// Package grace lets a Close end that is called from within a callback.
//
// A Close waits until nothing of what it closes is left running. A callback of
// the user's may run there: it may hang, or be the caller of that very Close.
// So a Close waits for what may call the user's code for a limited time.
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
