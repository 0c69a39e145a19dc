package session

import (
	"context"
	"time"
)

// The user's own code is called by hooks, the log handler, Dialer, LookupHost,
// the callbacks of Config.TLS, watch functions and Node.OnWrite. None of it runs
// under a lock of this package, and each of them may close the Manager. So Close
// cannot wait until all of them have returned.

// callbackGrace is how long Close waits for callbacks that are running.
const callbackGrace = time.Second

// withGrace waits until done is closed, or until grace ends.
func withGrace(grace context.Context, done <-chan struct{}) {
	select {
	case <-done:
	case <-grace.Done():
	}
}

// doneWhen returns a channel that is closed when wait has returned.
func doneWhen(wait func()) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		wait()
		close(done)
	}()
	return done
}
