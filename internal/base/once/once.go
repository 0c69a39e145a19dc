// Package once has a sync.Once for functions that wait for a server.
package once

import "sync"

// Once is a sync.Once whose callers wait on a channel for the first call. In a
// bubble of testing/synctest, such a wait counts as idle and time advances. A
// wait for a sync.Once stops the bubble's time, and with it the first call.
//
// The zero value is ready for use. A Once must not be copied. A function that
// calls Do of its own Once deadlocks.
type Once struct {
	mu    sync.Mutex // not held while a function runs
	begun bool
	over  bool
	wait  chan struct{} // closed when the first call is over; made by the first waiting caller
}

// Do calls f if this is the first call, and otherwise returns when the first
// call has returned or panicked. It is safe for concurrent use.
func (o *Once) Do(f func()) {
	o.mu.Lock()
	switch {
	case !o.begun:
		o.begun = true
		o.mu.Unlock()
		defer o.end()
		f()
	case o.over:
		o.mu.Unlock()
	default:
		if o.wait == nil {
			o.wait = make(chan struct{})
		}
		o.mu.Unlock()
		<-o.wait
	}
}

func (o *Once) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.over = true
	if o.wait != nil {
		close(o.wait)
	}
}
