package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/docent-go/docent/election"
)

// failover: the first of three leaders dies. The second resigns for the
// candidate that an operator names, and that one resigns too. Two observers see
// each leader, and the vacancies.
func failover(ctx context.Context, s *stage) error {
	const path = "/demo/leader"
	w, err := s.observe(ctx, path, "observer1", "observer2")
	if err != nil {
		return err
	}
	defer w.stop()
	if err := w.all(ctx, vacant); err != nil {
		return err
	}
	candidates, err := s.campaign(ctx, path, "ann", "ben", "cleo")
	if err != nil {
		return err
	}
	ann, err := await(ctx, "ann's term", candidates[0].won)
	if err != nil || ann.err != nil {
		return errors.Join(err, ann.err)
	}
	s.say("ann", "LEADS, term %d", ann.term.Token())
	if err := w.all(ctx, "ann"); err != nil {
		return err
	}

	cut := time.Now()
	candidates[0].link.Refuse(true)
	candidates[0].link.Disconnect()
	s.say("network", "ann is gone, as after kill -9")
	ended := make(chan time.Time, 1)
	stop := context.AfterFunc(ann.term.Context(), func() { ended <- time.Now() })
	defer stop()
	ben, err := await(ctx, "ben's term", candidates[1].won)
	if err != nil || ben.err != nil {
		return errors.Join(err, ben.err)
	}
	began := time.Now()
	annEnded, err := await(ctx, "the end of ann's term", ended)
	if err != nil {
		return err
	}
	s.say("ben", "LEADS, term %d, %s after that", ben.term.Token(), seconds(began.Sub(cut)))
	if err := w.all(ctx, "ben"); err != nil {
		return err
	}
	if err := s.claim(annEnded.Before(began), "ann's term had ended %s before ben's began", seconds(began.Sub(annEnded))); err != nil {
		return err
	}

	operator, err := s.enter(ctx, "operator")
	if err != nil {
		return err
	}
	s.say("operator", "names cleo")
	transferred := make(chan error, 1)
	go func() { transferred <- election.New(operator.Manager, path).Transfer(ctx, "cleo") }()
	if _, err := await(ctx, "ben to be asked", ben.term.Transferred()); err != nil {
		return err
	}
	if err := s.claim(ben.term.Err() == nil, "ben is asked to make room, and leads until it has finished"); err != nil {
		return err
	}
	s.say("ben", "has finished, and resigns")
	if err := ben.term.Resign(); err != nil {
		return err
	}
	cleo, err := await(ctx, "cleo's term", candidates[2].won)
	if err != nil || cleo.err != nil {
		return errors.Join(err, cleo.err)
	}
	s.say("cleo", "LEADS, term %d", cleo.term.Token())
	done, err := await(ctx, "the transfer", transferred)
	if err := errors.Join(err, done); err != nil {
		return err
	}
	if err := w.all(ctx, "cleo"); err != nil {
		return err
	}
	s.say("cleo", "resigns; there is no other candidate")
	if err := cleo.term.Resign(); err != nil {
		return err
	}
	if err := w.all(ctx, vacant); err != nil {
		return err
	}
	terms := []int64{ann.term.Token(), ben.term.Token(), cleo.term.Token()}
	if err := s.claim(slices.IsSorted(terms) && terms[0] < terms[1] && terms[1] < terms[2], "the term numbers grew: %v", terms); err != nil {
		return err
	}
	return s.claim(true, "both observers saw %s", strings.Join(w.seen, ", "))
}

// candidate is a process that campaigns.
type candidate struct {
	*process
	won <-chan victory
}

type victory struct {
	term *election.Term
	err  error
}

// campaign starts the candidates one after the other, so that the queue has
// them in this order.
func (s *stage) campaign(ctx context.Context, path string, names ...string) ([]candidate, error) {
	var all []candidate
	for i, name := range names {
		p, err := s.enter(ctx, name)
		if err != nil {
			return nil, err
		}
		s.say(name, "campaigns")
		e := election.New(p.Manager, path, election.ID(name))
		won := make(chan victory, 1)
		go func() {
			term, err := e.Campaign(ctx)
			won <- victory{term, err}
		}()
		all = append(all, candidate{p, won})
		for {
			participants, err := e.Participants(ctx)
			if err != nil {
				return nil, err
			}
			if len(participants) > i {
				break
			}
		}
	}
	return all, nil
}

// vacant is the view of an observer that sees no leader.
const vacant = "no leader"

// observers watch an election.
type observers struct {
	names []string
	views map[string]chan string
	seen  []string
	stop  func()
}

// observe starts observers, each in a process of its own.
func (s *stage) observe(ctx context.Context, path string, names ...string) (*observers, error) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	o := &observers{names: names, views: make(map[string]chan string), stop: func() {
		cancel()
		running.Wait()
	}}
	for _, name := range names {
		p, err := s.enter(ctx, name)
		if err != nil {
			o.stop()
			return nil, err
		}
		view := make(chan string, 16)
		o.views[name] = view
		running.Go(func() {
			for leader, err := range election.New(p.Manager, path).Changes(ctx) {
				now := leader.ID
				switch {
				case err != nil:
					now = "error: " + err.Error()
				case !leader.Exists:
					now = vacant
				}
				s.say(name, "sees: %s", now)
				select {
				case view <- now:
				case <-ctx.Done():
				}
			}
		})
	}
	return o, nil
}

// all waits until every observer has seen the same.
func (o *observers) all(ctx context.Context, want string) error {
	for _, name := range o.names {
		got, err := await(ctx, name+" to see "+want, o.views[name])
		if err != nil {
			return err
		}
		if got != want {
			return fmt.Errorf("%s sees %q instead of %q", name, got, want)
		}
	}
	o.seen = append(o.seen, want)
	return nil
}
