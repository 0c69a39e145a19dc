package queue

import (
	"context"
	"sync"
)

// slots counts how many more items may be claimed. A claim takes all free slots
// at once, and waits until enough are free for one request to be worthwhile.
// The slots of items on their way to be acknowledged are free again soon.
type slots struct {
	all, low int

	mu      sync.Mutex
	free    int
	changed chan struct{} // closed when something has changed
}

func newSlots(all, low int) *slots {
	return &slots{all: all, low: low, free: all, changed: make(chan struct{})}
}

// take takes all free slots, once enough are free. ctx bounds the wait.
func (s *slots) take(ctx context.Context) (n int, err error) {
	err = s.await(ctx, func() bool { return s.free >= s.low }, func() { n, s.free = s.free, 0 })
	return n, err
}

// give gives slots back.
func (s *slots) give(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free += n
	close(s.changed)
	s.changed = make(chan struct{})
}

// wait waits until all slots are free.
func (s *slots) wait() {
	_ = s.await(context.Background(), func() bool { return s.free == s.all }, func() {})
}

// await calls then once so returns true.
func (s *slots) await(ctx context.Context, so func() bool, then func()) error {
	for {
		s.mu.Lock()
		if so() {
			then()
			s.mu.Unlock()
			return nil
		}
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
