package election

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/session"
)

// Election is an election on a path. It keeps nothing of a single campaign and
// is safe for concurrent use: each Campaign or Run is a candidate of its own.
type Election struct {
	sm      *core.Manager
	path    string
	id      string
	payload *string // nil: the node holds the id
	layout  layout
	told    func(*Term, error) // may be nil

	place  place
	wishes *wishes // nil where there is no line
	err    error   // why nothing can be done
}

// Option changes how an election is taken part in.
type Option func(*Election)

// ID names the candidate for those who ask who leads. It need not be unique.
// The default is the host's name and the process id, "host-4711".
func ID(id string) Option { return func(e *Election) { e.id = id } }

// OnTermEnd has f called by Run at the end of each term, after the term's
// function has returned and the term was resigned, and before the next
// campaign. err is what the function returned, joined with why the term was
// lost if it was. Run waits for f.
func OnTermEnd(f func(t *Term, err error)) Option {
	misuse.NilFunc(f == nil, "election.OnTermEnd")
	return func(e *Election) { e.told = f }
}

// New returns the election at path, which is below sm's root. It does no I/O;
// a path that cannot be used is reported by every call on the Election.
func New(sm *session.Manager, path string, opts ...Option) *Election {
	e := &Election{sm: bridge.Core(sm), path: path, layout: latch}
	misuse.Apply("election.New", e, opts)
	if e.id == "" {
		e.id = defaultID()
	}
	e.settle()
	return e
}

func defaultID() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown-host" // it is only shown to people
	}
	return fmt.Sprintf("%s-%d", host, os.Getpid())
}

// Path returns the path of the election.
func (e *Election) Path() string {
	misuse.ZeroValue(e == nil, "or nil election.Election", "election.New")
	return e.path
}

// ID returns the name of the candidates that this value sends into the race.
func (e *Election) ID() string {
	misuse.ZeroValue(e == nil, "or nil election.Election", "election.New")
	return e.id
}

// made panics for an Election that New has not made, or was given no Manager.
func (e *Election) made() {
	misuse.ZeroValue(e == nil || e.place == nil, "or nil election.Election", "election.New")
	misuse.If(e.sm == nil, "election.New was given a nil Manager: give the one of core.Dial or core.Start")
}

// Campaign waits until we lead. It waits through lost connections and ended
// sessions; when its session ends, it lines up again in the next. When it is
// first in line while a transfer names another candidate, it lets that one
// pass, and lines up again too: hooks then see a hold that is released at once.
//
// ctx bounds the wait, not the term. When it ends, the error matches ctx.Err()
// and context.Cause(ctx), and our node is removed in the background. Other
// errors: session.ErrClosed; an invalid path; what the server answers, such as
// session.ErrNoAuth when we may not create below path.
//
// The caller must Resign the Term.
func (e *Election) Campaign(ctx context.Context) (*Term, error) {
	e.made()
	h, err := e.campaign(ctx)
	if err != nil {
		return nil, e.fail("campaign on", err)
	}
	return &Term{Hold: bridge.Hold(h), election: e}, nil
}

func (e *Election) campaign(ctx context.Context) (*core.Hold, error) {
	if e.err != nil {
		return nil, e.err
	}
	if e.wishes == nil {
		return e.place.Join(ctx)
	}
	prepare, stop := context.WithCancel(ctx)
	defer stop()
	var passed string // whom we have let pass: nobody passes twice, whatever is wished for
	for {
		go e.wishes.prepare(prepare, e.sm) // while we wait, so that nothing is left to ask when we are first
		h, err := e.place.Join(ctx)
		if err != nil {
			return nil, err
		}
		switch other, err := e.wishes.another(ctx, h); {
		case err == nil && (other == "" || other == passed):
			return h, nil
		case err == nil:
			passed = other
		case ctx.Err() == nil && h.Err() == nil:
			return h, nil // the server will not tell: then nothing keeps us
		}
		if err := e.leave(ctx, h); err != nil {
			return nil, err
		}
	}
}

// leave gives up a hold that nobody has seen. When ctx ends, that goes on in
// the background: until the node is gone, at the latest with its session.
func (e *Election) leave(ctx context.Context, h *core.Hold) error {
	left := make(chan error, 1)
	go func() { left <- h.Release() }()
	select {
	case err := <-left:
		if err != nil && !errors.Is(err, core.ErrLost) {
			return err // our node stands in the way, and cannot be removed
		}
		return gaveUp(ctx)
	case <-ctx.Done():
		return gaveUp(ctx)
	}
}

// gaveUp is nil while ctx lasts, and then says all of why it ended.
func gaveUp(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return line.GaveUp(ctx, ctx.Err())
}

func (e *Election) fail(op string, err error) error {
	return fmt.Errorf("%s %s: %w", op, e.path, err)
}
