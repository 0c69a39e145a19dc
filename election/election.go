package election

import (
	"context"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/owner"
	"github.com/docent-go/docent/session"
)

// Election is an election on a path. Each Campaign or Run is a separate
// candidate. An Election is safe for concurrent use. Use New: the methods of a
// nil or zero Election panic.
type Election struct {
	sm        *core.Manager
	path      string
	id        string
	payload   []byte // nil: the node holds the id
	format    Format
	onTermEnd func(*Term, error) // may be nil

	place    place
	requests *requestView // nil in the OneNode layout
	err      error        // every call returns it; nil if the options are valid
}

// Option changes an Election.
type Option func(*Election)

// ID is the candidate's id, which Leader, Changes and Participants show. It
// need not be unique. Without an id, or with "", it is the name of the host and
// the process id, "host-4711".
func ID(id string) Option { return func(e *Election) { e.id = id } }

// OnTermEnd sets a function that Run calls at the end of each term, after the
// term's function has returned and the term was resigned, and before the next
// campaign. err is the function's error, joined with the reason if the term was
// lost or transferred. After the end of Run's ctx, the error of ctx counts as
// nil. Run calls f on its own goroutine, one call at a time, and waits for f.
func OnTermEnd(f func(t *Term, err error)) Option {
	misuse.NilFunc(f == nil, "election.OnTermEnd")
	return func(e *Election) { e.onTermEnd = f }
}

// New returns the election at path, which is relative to sm's root. It does no
// I/O. If the path or the options are invalid, every call on the Election
// returns the error.
func New(sm *session.Manager, path string, opts ...Option) *Election {
	e := &Election{sm: bridge.Core(sm), path: path}
	misuse.Apply("election.New", e, opts)
	if e.id == "" {
		e.id = owner.DefaultID()
	}
	e.settle()
	return e
}

// Path returns the path of the election.
func (e *Election) Path() string {
	misuse.ZeroValue(e == nil || e.place == nil, "or nil election.Election", "election.New")
	return e.path
}

// ID returns the id of this Election's candidates.
func (e *Election) ID() string {
	misuse.ZeroValue(e == nil || e.place == nil, "or nil election.Election", "election.New")
	return e.id
}

// made panics for an Election that New has not made, or has made without a
// Manager.
func (e *Election) made() {
	misuse.ZeroValue(e == nil || e.place == nil, "or nil election.Election", "election.New")
	misuse.NilManager(e.sm == nil, "election.New")
}

// Campaign joins the election and waits until its candidate leads. The wait
// goes on through lost connections and ended sessions: in the next session the
// candidate joins again. If the candidate is first while a transfer names
// another one, it lets that one pass and joins again. Hooks then see a hold
// that is released at once.
//
// ctx bounds the wait, not the term. When ctx ends, the error matches ctx.Err()
// and context.Cause(ctx), and the candidate's znode is removed in the
// background. Other errors: session.ErrClosed; an invalid path or option;
// session.ErrForeign if the path is a gate or the record of a lock.Once;
// session.ErrNotEphemeral in the OneNode layout, if a znode without a session
// is at the path; session.ErrNoChildrenForEphemerals in the other layouts, if an
// ephemeral znode is at the path; an error of the server, such as
// session.ErrNoAuth if the session may not create below path. Campaign is safe
// for concurrent use.
//
// The caller must Resign the Term.
func (e *Election) Campaign(ctx context.Context) (*Term, error) {
	e.made()
	h, err := e.campaign(ctx)
	if err != nil {
		return nil, e.failed("campaign", e.otherLayout(err))
	}
	return &Term{Hold: bridge.Hold(h), election: e}, nil
}

// otherLayout adds to an error what to do if candidates of another layout use
// the path.
func (e *Election) otherLayout(err error) error {
	switch {
	case e.format == OneNode && errors.Is(err, core.ErrNotEphemeral):
		return fmt.Errorf("%w; if candidates use it, give the Layout that they have", err)
	case errors.Is(err, core.ErrNoChildrenForEphemerals):
		return fmt.Errorf("%w; if a candidate has made it, give Layout(OneNode)", err)
	}
	return err
}

func (e *Election) campaign(ctx context.Context) (*core.Hold, error) {
	if e.err != nil {
		return nil, e.err
	}
	if e.requests == nil {
		return e.place.Join(ctx)
	}
	prepare, stop := context.WithCancel(ctx)
	defer stop()
	var passed string // the candidate that has passed already: it does not pass twice
	for {
		go e.requests.prepare(prepare, e.sm) // during the wait, so that the first candidate need not ask
		h, err := e.place.Join(ctx)
		if err != nil {
			return nil, err
		}
		switch other, err := e.requests.another(ctx, h); {
		case err == nil && (other == "" || other == passed):
			return h, nil
		case err == nil:
			passed = other
		case ctx.Err() == nil && h.Err() == nil:
			return h, nil // the server refuses the read: the request does not count
		}
		if err := e.leave(ctx, h); err != nil {
			return nil, err
		}
	}
}

// leave releases a hold that Campaign does not return. If ctx ends first, the
// release goes on in the background until the node is gone, at the latest with
// its session.
func (e *Election) leave(ctx context.Context, h *core.Hold) error {
	left := make(chan error, 1)
	go func() { left <- h.Release() }()
	select {
	case err := <-left:
		if err != nil && !errors.Is(err, core.ErrLost) {
			return err // our node cannot be removed, and blocks its successors
		}
	case <-ctx.Done():
	}
	return ctxend.Err(ctx)
}

func (e *Election) failed(op string, err error) error { return core.Failed(op, e.path, err) }
