package demo

import (
	"context"
	"sync"
	"time"

	"github.com/docent-go/docent/lock"
)

// permits: seven processes share three permits. One process takes all three at
// once. Then the goroutines of one process hand a lock on to each other.
func permits(ctx context.Context, s *stage) error {
	const path, limit = "/demo/permits", 3
	var counted headcount
	var guests sync.WaitGroup
	names := []string{"ann", "ben", "cleo", "dan", "eve", "fay", "everyone"}
	failed := make(chan error, len(names))
	for _, name := range names {
		p, err := s.enter(ctx, name)
		if err != nil {
			return err
		}
		n := 1
		if name == "everyone" {
			n = limit
		}
		guests.Go(func() {
			pool := lock.NewSemaphore(p.Manager, path, lock.Permits(limit), lock.ID(name))
			err := pool.Do(ctx, n, func(ctx context.Context, held *lock.Permit) error {
				s.say(name, "has %d of %d permits", held.N(), limit)
				counted.change(n)
				defer counted.change(-n)
				return work(ctx, 50*time.Millisecond)
			})
			failed <- err
		})
	}
	guests.Wait()
	if err := joined(failed); err != nil {
		return err
	}
	if err := s.claim(counted.most == limit, "%d asked, and up to %d permits were held at a time, never more", len(names), counted.most); err != nil {
		return err
	}
	return handedOn(ctx, s)
}

// headcount counts the held permits.
type headcount struct {
	mu        sync.Mutex
	now, most int
}

func (c *headcount) change(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now += n
	c.most = max(c.most, c.now)
}

// handedOn: a hundred goroutines of one process take one lock in turns.
func handedOn(ctx context.Context, s *stage) error {
	const path, workers = "/demo/handoff", 100
	p, err := s.enter(ctx, "crowd")
	if err != nil {
		return err
	}
	m := lock.NewMutex(p.Manager, path, lock.Handoff(workers))
	first, err := m.Lock(ctx)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	turns := []int{first.Turn()}
	var crowd sync.WaitGroup
	failed := make(chan error, workers)
	for range workers {
		crowd.Go(func() {
			failed <- m.Do(ctx, func(_ context.Context, h *lock.Hold) error {
				mu.Lock()
				defer mu.Unlock()
				turns = append(turns, h.Turn())
				return nil
			})
		})
	}
	s.say("crowd", "%d goroutines want %s, which is held by another", workers, path)
	if err := work(ctx, 20*time.Millisecond); err != nil { // so that the others wait
		return err
	}
	server := s.server
	server.ResetCounts()
	began := time.Now()
	if err := first.Release(); err != nil {
		return err
	}
	crowd.Wait()
	close(failed)
	for err := range failed {
		if err != nil {
			return err
		}
	}
	requests := 0
	for _, n := range server.Counts() {
		requests += n
	}
	s.say("crowd", "all have had it after %s", seconds(time.Since(began)))
	if err := s.claim(len(turns) == workers+1, "each had its turn"); err != nil {
		return err
	}
	return s.claim(requests < workers, "that took %d requests in all, pings of other sessions included", requests)
}

// work takes a while, or until ctx ends.
func work(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
