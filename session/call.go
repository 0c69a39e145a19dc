package session

import (
	"context"
	"errors"
	"time"

	"github.com/go-zookeeper/zk"
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
//
// answered is false when it is not known what the server made of the request;
// sent is false when the request certainly never left.
func attempt[T any](ctx context.Context, s *Session, f func(*zk.Conn) (T, error)) (value T, answered, sent bool, err error) {
	if err := s.waitUp(ctx); err != nil {
		return value, false, false, err
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
		return value, false, true, ctx.Err()
	case <-s.ctx.Done():
		select {
		case r := <-done:
			return judge(s, r)
		default:
			return value, false, true, ended(context.Cause(s.ctx))
		}
	}
}

func judge[T any](s *Session, r result[T]) (value T, answered, sent bool, err error) {
	err, answered = verdict(r.err)
	if answered {
		return r.value, true, true, err
	}
	if errors.Is(err, zk.ErrSessionExpired) {
		s.end(ErrExpired)
	}
	if s.ctx.Err() != nil {
		return r.value, false, true, ended(context.Cause(s.ctx))
	}
	// The client drops a request with ErrNoServer before it was sent.
	return r.value, false, !errors.Is(err, zk.ErrNoServer), err
}

// over reports whether no further attempt can help.
func (s *Session) over(ctx context.Context) bool { return ctx.Err() != nil || s.ctx.Err() != nil }

// last is the error of an attempt after which there is none any more. What kept
// us from another may have come right behind what the attempt failed with.
func (s *Session) last(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, ErrSessionEnded):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return ended(context.Cause(s.ctx))
}

// read sends a request that changes nothing, again and again over lost
// connections, until it is answered, ctx ends or the session ends.
func read[T any](ctx context.Context, s *Session, op, path string, f func(*zk.Conn) (T, error)) (T, error) {
	start := time.Now()
	if err := s.fits(frameHeader + stringSize(s.abs(path)) + 1); err != nil {
		var none T
		return none, s.refuse(op, path, err)
	}
	for n := 0; ; n++ {
		value, answered, _, err := attempt(ctx, s, f)
		switch {
		case answered:
			return value, s.report(op, path, start, err)
		case s.over(ctx):
			return value, s.report(op, path, start, s.last(ctx, err))
		}
		s.sleep(ctx, n)
	}
}

// write sends a request that changes something. A request that certainly was
// not sent is sent again. One that may have been is sent again only if it is
// repeatable: then the server refuses the second when it has done the first.
// That refusal (one of doubts) does not tell whose doing it was, so it comes
// back as ErrUnknownOutcome, as does any answer that is missing.
func write[T any](ctx context.Context, s *Session, op, path string, repeatable bool, doubts []error, f func(*zk.Conn) (T, error)) (T, error) {
	start := time.Now()
	maybeDone := false
	for n := 0; ; n++ {
		value, answered, sent, err := attempt(ctx, s, f)
		maybeDone = maybeDone || sent && !answered
		switch {
		case answered && maybeDone && isOneOf(err, doubts):
			return value, s.report(op, path, start, unknown(err))
		case answered:
			return value, s.report(op, path, start, err)
		case s.over(ctx), sent && !repeatable:
			if s.over(ctx) {
				err = s.last(ctx, err)
			}
			if maybeDone {
				err = unknown(err)
			}
			return value, s.report(op, path, start, err)
		}
		s.sleep(ctx, n)
	}
}

func isOneOf(err error, targets []error) bool {
	for _, target := range targets {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
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
	notify(s.m.cfg.Hooks, func(h HookOp) {
		h.OnOp(OpInfo{op, path, id, time.Since(start), err})
	})
	return err
}
