package core

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/conn"
	"github.com/docent-go/docent/internal/wire"
)

// request is one request to the server.
type request[T any] struct {
	// frame encodes the request. Each attempt needs a frame of its own.
	frame func() []byte
	// parse reads the body of an answer without an error.
	parse func(body []byte) (T, error)
	// known, unless it is nil, turns a code into a value if the code is a
	// result and not an error.
	known func(code wire.Code) (T, bool)
	// queue, unless it is nil, replaces frame: it encodes the request and
	// queues it.
	queue func(link *conn.Conn) (*conn.Call, conn.Queued)
	// limit, unless it is zero, bounds the memory of the answer in bytes. The
	// error of a larger answer is a *largeAnswer.
	limit int
	// track, unless it is nil, is called before each attempt is queued. The
	// function that it returns, or nil, takes the call once it has ended.
	track func() func(*conn.Call)
}

// call returns the call of one attempt, which the caller sends.
func (r request[T]) call() *conn.Call {
	var then func(*conn.Call)
	if r.track != nil {
		then = r.track()
	}
	call := conn.NewCall(r.frame(), then)
	call.LimitReply(r.limit)
	return call
}

// largeAnswer says that an answer was larger than request.limit. It was dropped.
type largeAnswer struct{ bytes int }

func (e *largeAnswer) Error() string {
	return fmt.Sprintf("the answer of %d bytes was dropped", e.bytes)
}

// send encodes the request and queues it on the link.
func (r request[T]) send(link *conn.Conn) *conn.Call {
	if r.queue != nil {
		call, queued := r.queue(link)
		queued.Write()
		return call
	}
	call := r.call()
	link.Send(call)
	return call
}

// nothing is the parse function for answers whose body is empty or not needed.
func nothing([]byte) (none struct{}, err error) { return none, nil }

// errConnectionLost is the error of a request that has no answer.
var errConnectionLost = errors.New("the connection was lost before the answer")

// attempt sends one request and waits for its answer, for the end of ctx, or
// for the end of the session.
func attempt[T any](ctx context.Context, s *Session, r request[T]) (value T, o outcome, err error) {
	link, err := s.waitUp(ctx)
	if err != nil {
		return value, skipped, err
	}
	return outcomeOf(ctx, s, r, r.send(link))
}

// outcomeOf waits for the outcome of a call that was sent.
func outcomeOf[T any](ctx context.Context, s *Session, r request[T], call *conn.Call) (value T, o outcome, err error) {
	switch call.Await(ctx, s.ctx.Done()) {
	case conn.Unsent:
		return value, skipped, s.interrupted(ctx)
	case conn.Lost:
		return value, unanswered, s.interrupted(ctx)
	case conn.Unreadable:
		return value, open, call.Err()
	}
	return readAnswer(s, r, call)
}

// interrupted returns the reason why a call has no answer.
func (s *Session) interrupted(ctx context.Context) error {
	if s.ctx.Err() != nil {
		return ended(context.Cause(s.ctx))
	}
	if ctx.Err() != nil {
		return fmt.Errorf("no answer from ZooKeeper: %w", ctxend.Err(ctx))
	}
	return errConnectionLost
}

// readAnswer decodes the answer to a call. An answer that cannot be decoded
// closes the connection: its server is broken, or is not a ZooKeeper server.
func readAnswer[T any](s *Session, r request[T], call *conn.Call) (value T, o outcome, err error) {
	reply := call.Reply()
	if reply.Code == wire.CodeSessionExpired {
		return value, refused, ended(context.Cause(s.ctx))
	}
	if r.known != nil {
		if value, ok := r.known(reply.Code); ok {
			return value, executed, nil
		}
	}
	if o, err = classify(reply.Code); o != executed {
		return value, o, err
	}
	if reply.Dropped > 0 {
		return value, refused, &largeAnswer{reply.Dropped}
	}
	value, err = r.parse(reply.Body)
	switch {
	case err == nil:
		return value, executed, nil
	case errors.As(err, new(*refusedOp)):
		return value, refused, err
	}
	call.Conn().Fail(fmt.Errorf("the server's answer cannot be read: %w", err))
	return value, open, err
}

// over reports whether no further attempt can help.
func (s *Session) over(ctx context.Context) bool { return ctx.Err() != nil || s.ctx.Err() != nil }

// last returns the error of the last attempt. If ctx or the session has ended
// since the attempt failed with err, that end is the reason. said is the error
// of the attempt before, or nil.
func (s *Session) last(ctx context.Context, err, said error) error {
	switch {
	case errors.Is(err, ErrSessionEnded):
		return because(err, said)
	case ctxend.Is(ctx, err):
		return because(err, said)
	case ctx.Err() != nil:
		return because(ctxend.Err(ctx), said)
	}
	return because(ended(context.Cause(s.ctx)), said)
}

// read sends a request that changes nothing. It repeats the request over lost
// connections and while the server throttles, until it is answered, ctx ends or
// the session ends.
func read[T any](ctx context.Context, s *Session, op, path string, r request[T]) (T, error) {
	start := time.Now()
	if err := s.fits(wire.RequestHeader + wire.StringSize(s.abs(path)) + 1); err != nil {
		var none T
		return none, s.refuse(op, path, err)
	}
	var said error
	for n := 0; ; n++ {
		value, o, err := attempt(ctx, s, r)
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
// not executed is sent again. If it may have been executed, the error is
// ErrUnknownOutcome: a second attempt could hit a node that another client has
// created or changed since the first.
//
// A repeatable request is sent again even if it may have been executed. A
// request is repeatable if it does not matter how often it is executed, nor
// whether another client executes it.
func write[T any](ctx context.Context, s *Session, op, path string, repeatable bool, r request[T]) (T, error) {
	value, _, err := writeAgain(ctx, s, op, path, repeatable, r)
	return value, err
}

// writeAgain is write that also returns whether an attempt without an answer
// may have been executed. The error may then be the refusal of a later attempt.
func writeAgain[T any](ctx context.Context, s *Session, op, path string, repeatable bool, r request[T]) (_ T, maybeDone bool, _ error) {
	start := time.Now()
	var said error
	for n := 0; ; n++ {
		value, o, err := attempt(ctx, s, r)
		maybeDone = maybeDone || o.doubtful()
		switch {
		case o.final():
			return value, maybeDone, s.report(op, path, start, err)
		case s.over(ctx), maybeDone && !repeatable:
			if s.over(ctx) {
				err = s.last(ctx, err, said)
			}
			if maybeDone {
				err = unknown(err)
			}
			return value, maybeDone, s.report(op, path, start, err)
		}
		said = err
		s.sleep(ctx, n)
	}
}

// unknown marks the outcome of a write as unknown, for the given reason.
func unknown(reason error) error { return &unknownOutcome{reason} }

type unknownOutcome struct{ reason error }

func (e *unknownOutcome) Error() string {
	return ErrUnknownOutcome.Error() + ": " + reasonText(e.reason)
}
func (e *unknownOutcome) Unwrap() []error { return []error{ErrUnknownOutcome, e.reason} }

// report wraps an error in an OpError, and calls the hooks.
func (s *Session) report(op, path string, start time.Time, err error) error {
	id := s.ID()
	if err != nil {
		err = &OpError{op, path, id, err}
	}
	if len(s.m.cfg.Hooks) > 0 {
		info := OpInfo{op, path, id, time.Since(start), err}
		tell(s.m.cfg.Hooks, func(h HookOp) { h.OnOp(info) })
	}
	return err
}
