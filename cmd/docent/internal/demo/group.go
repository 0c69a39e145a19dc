package demo

import (
	"context"
	"fmt"
	"sync"

	"github.com/docent-go/docent/groupmembership"
)

// workers: a monitor watches two workers come, tell their progress, lose a
// connection, lose a session, and go.
func workers(ctx context.Context, s *stage) error {
	const path = "/demo/workers"
	m, err := s.monitor(ctx, path)
	if err != nil {
		return err
	}
	defer m.stop()
	ann, err := s.work(ctx, path, "ann")
	if err == nil {
		err = m.sees(ctx, "ann joined: idle")
	}
	if err != nil {
		return err
	}
	ben, err := s.work(ctx, path, "ben")
	if err == nil {
		err = m.sees(ctx, "ben joined: idle")
	}
	if err != nil {
		return err
	}
	s.say("ann", "is half way through")
	if err := ann.UpdatePayload(ctx, []byte("50 %")); err != nil {
		return err
	}
	if err := m.sees(ctx, "ann updated: 50 %"); err != nil {
		return err
	}

	s.say("network", "the connections of both break")
	ann.link.Disconnect()
	ben.link.Disconnect()
	s.say("ben", "is half way through")
	if err := ben.UpdatePayload(ctx, []byte("50 %")); err != nil {
		return err
	}
	if err := m.sees(ctx, "ben updated: 50 %"); err != nil {
		return err
	}
	if err := s.claim(true, "the monitor saw ben's update, and nothing of the lost connections"); err != nil {
		return err
	}

	id, token := ben.State().Session, ben.State().Token
	s.say("server", "expires ben's session")
	s.server.Expire(int64(id))
	if err := m.sees(ctx, "ben left: 50 %"); err != nil {
		return err
	}
	if err := m.sees(ctx, "ben joined: 50 %"); err != nil {
		return err
	}
	for state, err := range ben.Changes(ctx) {
		if err != nil {
			return err
		}
		if state.In && state.Session != id {
			if err := s.claim(state.Token > token, "ben is in again by itself, in a new session, with its newest payload"); err != nil {
				return err
			}
			break
		}
	}
	s.say("ann", "leaves")
	if err := ann.Leave(context.Background()); err != nil {
		return err
	}
	return m.sees(ctx, "ann left: 50 %")
}

// worker is a process that is a member.
type worker struct {
	*process
	*groupmembership.Membership
}

func (s *stage) work(ctx context.Context, path, name string) (*worker, error) {
	p, err := s.enter(ctx, name)
	if err != nil {
		return nil, err
	}
	s.say(name, "joins")
	m, err := groupmembership.NewGroup(p.Manager, path).Join(ctx, name, []byte("idle"))
	if err != nil {
		return nil, err
	}
	return &worker{p, m}, nil
}

// monitor is a process that watches a group.
type monitor struct {
	view chan string
	stop func()
}

func (s *stage) monitor(ctx context.Context, path string) (*monitor, error) {
	p, err := s.enter(ctx, "monitor")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	m := &monitor{view: make(chan string, 16), stop: func() {
		cancel()
		running.Wait()
	}}
	running.Go(func() {
		for change, err := range groupmembership.NewGroup(p.Manager, path).Changes(ctx) {
			if err != nil {
				m.tell(ctx, s, "error: "+err.Error())
			}
			for _, e := range change.Events {
				m.tell(ctx, s, fmt.Sprintf("%s %s: %s", e.Member.ID, e.Kind, e.Member.Payload))
			}
		}
	})
	return m, nil
}

func (m *monitor) tell(ctx context.Context, s *stage, what string) {
	s.say("monitor", "sees: %s", what)
	select {
	case m.view <- what:
	case <-ctx.Done():
	}
}

// sees waits until the monitor has seen the next thing, which has to be this.
func (m *monitor) sees(ctx context.Context, want string) error {
	got, err := await(ctx, "the monitor to see "+want, m.view)
	if err == nil && got != want {
		err = fmt.Errorf("the monitor sees %q instead of %q", got, want)
	}
	return err
}
