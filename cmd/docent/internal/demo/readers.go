package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docent-go/docent/lock"
)

// readers: two readers hold the lock at the same time. A writer waits for both,
// and a later reader waits for the writer. The writer becomes a reader, and no
// other writer holds the lock in between.
func readers(ctx context.Context, s *stage) error {
	const path = "/demo/prices"
	locks := make(map[string]*lock.RWMutex)
	for _, name := range []string{"ann", "ben", "cleo", "dan", "eve"} {
		p, err := s.enter(ctx, name)
		if err != nil {
			return err
		}
		locks[name] = lock.NewRWMutex(p.Manager, path, lock.ID(name))
	}
	var reading []*lock.Hold
	for _, name := range []string{"ann", "ben"} {
		h, err := locks[name].RLock(ctx)
		if err != nil {
			return err
		}
		s.say(name, "READS")
		reading = append(reading, h)
	}
	cleo := wants(ctx, s, "cleo", "write", locks["cleo"].Lock)
	if err := inLine(ctx, locks["ann"], 1); err != nil {
		return err
	}
	dan := wants(ctx, s, "dan", "read", locks["dan"].RLock)
	if err := inLine(ctx, locks["ann"], 2); err != nil {
		return err
	}
	_, err := locks["eve"].TryRLock(ctx)
	if err := s.claim(errors.Is(err, lock.ErrHeld), "no new reader gets the lock while a writer waits: cleo is not starved"); err != nil {
		return err
	}
	for i, h := range reading {
		s.say([]string{"ann", "ben"}[i], "is done")
		if err := h.Release(); err != nil {
			return err
		}
	}
	writer, err := await(ctx, "cleo's turn", cleo)
	if err != nil || writer.err != nil {
		return errors.Join(err, writer.err)
	}
	s.say("cleo", "WRITES, with token %d", writer.hold.Token())
	if err := s.claim(len(dan) == 0, "no other process has the lock"); err != nil {
		return err
	}
	eve := wants(ctx, s, "eve", "write", locks["eve"].Lock)
	if err := inLine(ctx, locks["ann"], 2); err != nil {
		return err
	}
	down, err := writer.hold.Downgrade(ctx)
	if err != nil {
		return err
	}
	s.say("cleo", "has written, and READS on with the same token %d", down.Token())
	reader, err := await(ctx, "dan's turn", dan)
	if err != nil || reader.err != nil {
		return errors.Join(err, reader.err)
	}
	s.say("dan", "READS beside cleo")
	if err := s.claim(len(eve) == 0 && down.Err() == nil, "no writer came in between"); err != nil {
		return err
	}
	if err := errors.Join(down.Release(), reader.hold.Release()); err != nil {
		return err
	}
	last, err := await(ctx, "eve's turn", eve)
	if err != nil || last.err != nil {
		return errors.Join(err, last.err)
	}
	s.say("eve", "WRITES, with token %d", last.hold.Token())
	first, second := down.Token(), last.hold.Token()
	return errors.Join(s.claim(second > first, "the writers' tokens grew: %d, %d", first, second), last.hold.Release())
}

// turn is the result of a wait for a lock.
type turn[H any] struct {
	hold H
	err  error
}

func wants[H any](ctx context.Context, s *stage, name, what string, acquire func(context.Context) (H, error)) <-chan turn[H] {
	s.say(name, "wants to %s", what)
	got := make(chan turn[H], 1)
	go func() {
		h, err := acquire(ctx)
		got <- turn[H]{h, err}
	}()
	return got
}

// inLine waits until n contenders wait for the lock.
func inLine(ctx context.Context, m *lock.RWMutex, n int) error {
	for {
		waiters, err := m.Waiters(ctx)
		if err != nil || len(waiters) >= n {
			return err
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("waiting for %d in line: %w", n, context.Cause(ctx))
		}
	}
}
