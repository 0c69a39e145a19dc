package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// Sessions are short, since the story waits for the end of some, and long
// enough for a busy machine.
const (
	sessionTimeout = 2 * time.Second
	tick           = 200 * time.Millisecond
)

// stage is the setting of a chapter: a server, and processes with their own
// sessions and network paths.
type stage struct {
	*narrator
	server *zktest.Server

	mu   sync.Mutex
	cast []*process
}

// process plays a process. Processes share the server alone.
type process struct {
	*session.Manager
	name string
	link *zktest.Link
}

func newStage(n *narrator) (*stage, error) {
	server, err := zktest.Start(zktest.Tick(tick), zktest.SessionTimeouts(sessionTimeout, sessionTimeout))
	if err != nil {
		return nil, fmt.Errorf("start the embedded server: %w", err)
	}
	return &stage{narrator: n, server: server}, nil
}

// enter starts a process: it connects to the server by a link of its own.
func (s *stage) enter(ctx context.Context, name string) (*process, error) {
	link := s.server.Link()
	sm, err := session.Dial(ctx, session.Config{
		Servers: []string{"embedded:2181"}, Timeout: sessionTimeout, Dialer: link.DialContext,
		Logger: slog.New(slog.DiscardHandler), // the demo itself tells what happens to sessions
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p := &process{sm, name, link}
	s.mu.Lock()
	s.cast = append(s.cast, p)
	s.mu.Unlock()
	return p, nil
}

// close ends all processes at once, and then the server.
func (s *stage) close() error {
	var all sync.WaitGroup
	var first error
	for _, p := range s.cast {
		all.Go(func() {
			p.link.Heal()
			if err := p.Close(); err != nil {
				s.mu.Lock()
				defer s.mu.Unlock()
				first = err
			}
		})
	}
	all.Wait()
	if err := s.server.Close(); err != nil {
		return err
	}
	return first
}

// removal returns a channel that gets the time at which the server removes a
// node. The server reports the removal before any client can know of it.
func (s *stage) removal(path string) <-chan time.Time {
	removed := make(chan time.Time, 1)
	s.server.OnChange(func(c zktest.Change) {
		if c.Kind == zktest.Deleted && c.Path == path {
			select {
			case removed <- time.Now():
			default: // only the first counts
			}
		}
	})
	return removed
}

// await waits for one value.
func await[T any](ctx context.Context, what string, from <-chan T) (T, error) {
	select {
	case value := <-from:
		return value, nil
	case <-ctx.Done():
		var none T
		return none, fmt.Errorf("waiting for %s: %w", what, context.Cause(ctx))
	}
}

// seconds rounds a time for people.
func seconds(d time.Duration) string { return fmt.Sprintf("%.3fs", d.Seconds()) }

// joined closes a channel of errors, and returns them all, joined.
func joined(failed chan error) error {
	close(failed)
	var errs []error
	for err := range failed {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
