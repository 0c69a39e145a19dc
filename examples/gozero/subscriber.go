package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/session"
)

// Subscriber follows a key, for go-zero's configuration center. It has the
// methods of core/configcenter/subscriber.Subscriber, and needs nothing of
// go-zero. It is safe for concurrent use.
type Subscriber struct {
	value  *config.Value[string]
	log    *slog.Logger
	ctx    context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
}

// OpenSubscriber opens the key at path, and waits for a value that check
// accepts. ctx bounds OpenSubscriber alone. The configuration center would take
// every later value, also one that it cannot parse. So check has to parse the
// value as the program does.
func OpenSubscriber(ctx context.Context, sm *session.Manager, path string, check func(string) error, log *slog.Logger) (*Subscriber, error) {
	v, err := config.Open(ctx, sm, path, config.Text(), config.Validate(check), config.Wait[string]())
	if err != nil {
		return nil, err
	}
	s := &Subscriber{value: v, log: log}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// Value returns the last good value. It sends no request, and works during an
// outage of ZooKeeper. The error is always nil.
func (s *Subscriber) Value() (string, error) { return s.value.Load().Value, nil }

// AddListener calls listener after each change, on a goroutine of its own, until
// Close. The first call comes at once: the value may have changed since the
// caller has read it. AddListener returns an error after Close.
func (s *Subscriber) AddListener(listener func()) error {
	if s.ctx.Err() != nil {
		return errors.New("listen to " + s.value.Path() + ": the subscriber is closed")
	}
	s.work.Go(func() {
		for _, err := range s.value.Changes(s.ctx) {
			if err != nil {
				s.log.Error("the last good configuration stays", "error", err)
				continue
			}
			listener()
		}
	})
	return nil
}

// Close ends the calls of the listeners, and waits for them. So do not call it
// from a listener. The error is always nil.
func (s *Subscriber) Close() error {
	s.cancel()
	s.work.Wait()
	return s.value.Close()
}
