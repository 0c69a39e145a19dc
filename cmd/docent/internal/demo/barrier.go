package demo

import (
	"context"
	"sync"
	"time"

	"github.com/docent-go/docent/barrier"
)

// rendezvous: three workers compute in rounds. No worker begins a round before
// all have ended the last one. A gate holds all of them at the start.
func rendezvous(ctx context.Context, s *stage) error {
	const path, rounds = "/demo/epoch", 2
	names := []string{"ann", "ben", "cleo"}
	operator, err := s.enter(ctx, "operator")
	if err != nil {
		return err
	}
	start := barrier.New(operator.Manager, "/demo/start")
	s.say("operator", "sets the gate")
	if err := start.Set(ctx); err != nil {
		return err
	}
	record := roundsTaken{members: len(names)}
	var workers sync.WaitGroup
	failed := make(chan error, len(names))
	for i, name := range names {
		p, err := s.enter(ctx, name)
		if err != nil {
			return err
		}
		workers.Go(func() {
			s.say(name, "waits at the gate")
			if err := barrier.New(p.Manager, "/demo/start").Wait(ctx); err != nil {
				failed <- err
				return
			}
			double := barrier.NewDouble(p.Manager, path, len(names), barrier.ID(name))
			for round := range rounds {
				if err := double.Do(ctx, record.work(s, name, round, time.Duration(10+40*i)*time.Millisecond)); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	if err := s.claim(record.count() == 0, "the gate is set: no worker has begun"); err != nil {
		return err
	}
	s.say("operator", "lifts the gate")
	if err := start.Lift(ctx); err != nil {
		return err
	}
	workers.Wait()
	if err := joined(failed); err != nil {
		return err
	}
	if err := s.claim(record.count() == rounds*len(names), "each of the %d worked in %d rounds", len(names), rounds); err != nil {
		return err
	}
	return s.claim(!record.mixed, "no worker began round 2 before all had ended round 1")
}

// roundsTaken counts the workers that have begun and ended each round.
type roundsTaken struct {
	mu      sync.Mutex
	members int
	begun   int
	ended   map[int]int // by round
	mixed   bool
}

func (r *roundsTaken) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.begun
}

// work returns what a worker does in a round.
func (r *roundsTaken) work(s *stage, name string, round int, takes time.Duration) func(context.Context, *barrier.Visit) error {
	return func(ctx context.Context, v *barrier.Visit) error {
		s.say(name, "is in round %d, with number %d", round+1, v.Token())
		r.mu.Lock()
		r.begun++
		r.mixed = r.mixed || round > 0 && r.ended[round-1] < r.members
		r.mu.Unlock()
		work := time.NewTimer(takes)
		defer work.Stop()
		select {
		case <-work.C:
		case <-ctx.Done():
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.ended == nil {
			r.ended = make(map[int]int)
		}
		r.ended[round]++
		return context.Cause(ctx)
	}
}
