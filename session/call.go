package session

import (
	"context"
	"errors"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/internal/wire"
)

// result is what one request to the server came to.
type result[T any] struct {
	value T
	err   error
}

// attempt sends one request and waits for its answer, for ctx or for the end
// of the session. The client's calls take no context: the request runs on a
// goroutine of its own, which ends at the latest with the session, and hands
// its result over as a value, so that nobody shares memory with a request that
// was given up.
func attempt[T any](ctx context.Context, s *Session, f func(*zk.Conn) (T, error)) (value T, o outcome, err error) {
	if err := s.waitUp(ctx); err != nil {
		return value, skipped, err
	}
	done := make(chan result[T], 1)
	s.run(func() {
		value, err := f(s.client)
		done <- result[T]{value, err}
	})
	select {
	case r := <-done:
		return judge(s, r)
	case <-ctx.Done():
		return value, unanswered, ctx.Err()
	case <-s.ctx.Done():
		select {
		case r := <-done:
			return judge(s, r)
		default:
			return value, unanswered, ended(context.Cause(s.ctx))
		}
	}
}

func judge[T any](s *Session, r result[T]) (value T, o outcome, err error) {
	o, err = verdict(r.err)
	if o != unanswered {
		return r.value, o, err
	}
	if errors.Is(err, zk.ErrSessionExpired) {
		s.end(ErrExpired)
	}
	if s.ctx.Err() != nil {
		err = ended(context.Cause(s.ctx))
	}
	return r.value, unanswered, err
}

// over reports whether no further attempt can help.
func (s *Session) over(ctx context.Context) bool { return ctx.Err() != nil || s.ctx.Err() != nil }

// last is the error of an attempt after which there is none any more. What kept
// us from another may have come right behind what the attempt failed with. said
// is the last answer of a server that has kept the call from its end, or nil.
func (s *Session) last(ctx context.Context, err, said error) error {
	switch {
	case errors.Is(err, ErrSessionEnded):
		return because(err, said)
	case ctx.Err() != nil:
		return because(ctx.Err(), said)
	}
	return because(ended(context.Cause(s.ctx)), said)
}

// read sends a request that changes nothing, again and again over lost
// connections and while the server throttles, until it is answered, ctx ends or
// the session ends.
func read[T any](ctx context.Context, s *Session, op, path string, f func(*zk.Conn) (T, error)) (T, error) {
	start := time.Now()
	if err := s.fits(wire.RequestHeader + wire.StringSize(s.abs(path)) + 1); err != nil {
		var none T
		return none, s.refuse(op, path, err)
	}
	var said error
	for n := 0; ; n++ {
		value, o, err := attempt(ctx, s, f)
		switch {
		case o.final(), o == open:
			return value, s.report(op, path, start, err)
		case s.over(ctx):
			return value, s.report(op, path, start, s.last(ctx, err, said))
		}
		said = err
		s.sleep(ctx, n)
	}
}

// write sends a request that changes something. A request that certainly was
// not executed is sent again. One that may have been is ErrUnknownOutcome: a
// second try may hit what others have put in the place of what the first has
// changed.
//
// It is sent again only if it is repeatable: where it does not matter how often
// it is done, nor by whom.
func write[T any](ctx context.Context, s *Session, op, path string, repeatable bool, f func(*zk.Conn) (T, error)) (T, error) {
	start := time.Now()
	maybeDone := false
	var said error
	for n := 0; ; n++ {
		value, o, err := attempt(ctx, s, f)
		maybeDone = maybeDone || o.doubtful()
		switch {
		case o.final():
			return value, s.report(op, path, start, err)
		case s.over(ctx), maybeDone && !repeatable:
			if s.over(ctx) {
				err = s.last(ctx, err, said)
			}
			if maybeDone {
				err = unknown(err)
			}
			return value, s.report(op, path, start, err)
		}
		said = err
		s.sleep(ctx, n)
	}
}

// unknown marks the outcome of a write as unknown, for the given reason.
func unknown(reason error) error { return &unknownOutcome{reason} }

type unknownOutcome struct{ reason error }

func (e *unknownOutcome) Error() string {
	return ErrUnknownOutcome.Error() + ": " + e.reason.Error()
}
func (e *unknownOutcome) Unwrap() []error { return []error{ErrUnknownOutcome, e.reason} }

// report dresses an error for the caller, and tells the hooks.
func (s *Session) report(op, path string, start time.Time, err error) error {
	id := s.ID()
	if err != nil {
		err = &OpError{op, path, id, err}
	}
	info := OpInfo{op, path, id, time.Since(start), err}
	tell(s.m.cfg.Hooks, func(h HookOp) { h.OnOp(info) })
	return err
}
