// Package once has a sync.Once for functions that wait for a server.
package once

import "sync"

// Once is a sync.Once whose callers wait on a channel for the first call. A
// bubble of testing/synctest takes such a wait for idle, and lets its time go
// on; a wait for a sync.Once stops the bubble's time, and with it what the first
// call waits for.
//
// The zero value is ready for use. A Once must not be copied. A function that
// calls Do of its own Once waits for itself.
type Once struct {
	mu    sync.Mutex // never held while a function runs
	begun bool
	over  bool
	wait  chan struct{} // closed when it is over; made by the first caller that waits
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
