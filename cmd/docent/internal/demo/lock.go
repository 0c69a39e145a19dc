package demo

import (
	"context"
	"sync"
	"time"

	"github.com/docent-go/docent/lock"
)

// contendedLock: four processes want one lock, twice each. One has it at a
// time, and the tokens grow.
func contendedLock(ctx context.Context, s *stage) error {
	const path, turns = "/demo/lock", 2
	names := []string{"ann", "ben", "cleo", "dan"}
	var record turnsTaken
	var workers sync.WaitGroup
	failed := make(chan error, len(names))
	for _, name := range names {
		p, err := s.enter(ctx, name)
		if err != nil {
			return err
		}
		workers.Go(func() {
			for range turns {
				s.say(name, "waits for %s", path)
				if err := lock.NewMutex(p.Manager, path, lock.ID(name)).Do(ctx, record.work(s, name)); err != nil {
					failed <- err
					return
				}
				s.say(name, "has released it")
			}
		})
	}
	workers.Wait()
	if err := joined(failed); err != nil {
		return err
	}
	if err := s.claim(len(record.tokens) == turns*len(names), "each of the %d had the lock %d times", len(names), turns); err != nil {
		return err
	}
	if err := s.claim(record.most == 1, "never more than one held it"); err != nil {
		return err
	}
	grow := true
	for i := 1; i < len(record.tokens); i++ {
		grow = grow && record.tokens[i] > record.tokens[i-1]
	}
	return s.claim(grow, "the fencing tokens grew from holder to holder: %v", record.tokens)
}

// turnsTaken records the holders' tokens, and how many held at once.
type turnsTaken struct {
	mu        sync.Mutex
	now, most int
	tokens    []int64
}

// work returns what a process does while it holds.
func (r *turnsTaken) work(s *stage, name string) func(context.Context, *lock.Hold) error {
	return func(ctx context.Context, h *lock.Hold) error {
		r.mu.Lock()
		r.now++
		r.most = max(r.most, r.now)
		r.tokens = append(r.tokens, h.Token())
		r.mu.Unlock()
		s.say(name, "HOLDS it, with token %d", h.Token())
		work := time.NewTimer(60 * time.Millisecond)
		defer work.Stop()
		select {
		case <-work.C:
		case <-ctx.Done():
		}
		r.mu.Lock()
		r.now--
		r.mu.Unlock()
		return context.Cause(ctx)
	}
}
