package election

import (
	"context"
	"fmt"
	"os"

	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/session"
)

// latchTag is the layout of Curator's LeaderLatch.
const latchTag = "latch-"

// Election is an election on a path. It keeps nothing of a single campaign and
// is safe for concurrent use: each Campaign or Run is a candidate of its own.
type Election struct {
	sm   *session.Manager
	line *line.Line
	path string
	id   string
	told func(*Term, error) // may be nil
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
func OnTermEnd(f func(t *Term, err error)) Option { return func(e *Election) { e.told = f } }

// New returns the election at path, which is below sm's root. It does no I/O;
// a path that cannot be used is reported by every call on the Election.
func New(sm *session.Manager, path string, opts ...Option) *Election {
	e := &Election{sm: sm, path: path}
	for _, opt := range opts {
		opt(e)
	}
	if e.id == "" {
		e.id = defaultID()
	}
	e.line = line.New(line.Config{Manager: sm, Dir: path, Tag: latchTag, Data: []byte(e.id)})
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
func (e *Election) Path() string { return e.path }

// ID returns the name of the candidates that this value sends into the race.
func (e *Election) ID() string { return e.id }

// Term is one leadership, from the moment it was won until it ends. See
// session.Hold for what it can do: Context, Done, Err, Guard, Deadline and
// others. Token is the number of the term: greater than that of every earlier
// term on the path.
type Term struct{ *session.Hold }

// Resign ends the term: first its context, then the candidate's node, so that
// the next candidate leads. It needs no context, and may be called any number
// of times, late and concurrently; all calls return the same. The error is nil
// if the term lasted until the first call, and otherwise matches
// session.ErrLost, or says why the node cannot be removed.
func (t *Term) Resign() error { return t.Release() }

// Campaign waits until we lead. It waits through lost connections and ended
// sessions; when its session ends, it lines up again in the next.
//
// ctx bounds the wait, not the term. When it ends, the error matches ctx.Err()
// and context.Cause(ctx), and our node is removed in the background. Other
// errors: session.ErrClosed; an invalid path; what the server answers, such as
// zk.ErrNoAuth when we may not create below path.
//
// The caller must Resign the Term.
func (e *Election) Campaign(ctx context.Context) (*Term, error) {
	h, err := e.line.Join(ctx)
	if err != nil {
		return nil, e.fail("campaign on", err)
	}
	return &Term{h}, nil
}

func (e *Election) fail(op string, err error) error {
	return fmt.Errorf("%s %s: %w", op, e.path, err)
}
