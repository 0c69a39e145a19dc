package election_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/sessiontest"
	"github.com/docent-go/docent/zktest"
)

const dir = "/leaders/a"

// layouts are the layouts with a queue of candidates.
var layouts = []election.Option{func(*election.Election) {}, election.Layout(election.LeaderSelector)}

// world is a testworld with what tests of elections do over and over.
type world struct{ *testworld.World }

func inWorld(t *testing.T, f func(t *testing.T, w *world), opts ...zktest.Option) {
	t.Helper()
	testworld.Run(t, func(w *testworld.World) { f(w.T, &world{w}) }, opts...)
}

// inEachWorld is inWorld, once for each version of the server.
func inEachWorld(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	testworld.EachRelease(t, func(w *testworld.World, _ zktest.Release) { f(w.T, &world{w}) })
}

// process is a process whose elections are in dir.
type process struct{ *testworld.Process }

func (w *world) process(tweaks ...func(*session.Config)) *process {
	w.Helper()
	return &process{w.Process(tweaks...)}
}

func (p *process) election(id string, opts ...election.Option) *election.Election {
	return election.New(p.Manager, dir, append(opts, election.ID(id))...)
}

// lead campaigns and demands to win within an hour.
func (p *process) lead(id string) *election.Term {
	p.W.Helper()
	t, err := p.election(id).Campaign(p.W.Within(testworld.Patience))
	require.NoError(p.W, err)
	return t
}

// candidate is a Campaign under way.
type candidate = testworld.Call[*election.Term]

// campaign starts a Campaign and returns when it stands in the line.
func (p *process) campaign(id string, opts ...election.Option) *candidate {
	return start(p.W, p.election(id, opts...))
}

func start(w *testworld.World, e *election.Election) *candidate { return testworld.Go(w, e.Campaign) }

// nodes lists the nodes in the directory.
func (w *world) nodes() []string { return w.Children(dir) }

// running is a Run under way. The function of its terms works until its context
// ends, or until stop says what it shall return.
type running struct {
	*sessiontest.Call

	stop  chan error
	mu    sync.Mutex
	begun []*election.Term
	why   []error // the causes with which the contexts of the terms ended
	ends  []error // what OnTermEnd was told
}

func (p *process) run(id string, opts ...election.Option) *running {
	r := &running{stop: make(chan error)}
	told := election.OnTermEnd(func(_ *election.Term, err error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.ends = append(r.ends, err)
	})
	e := p.election(id, append([]election.Option{told}, opts...)...)
	r.Call = p.W.Go(func(ctx context.Context) error { return e.Run(ctx, r.term) })
	return r
}

// term is the function of the terms.
func (r *running) term(ctx context.Context, t *election.Term) error {
	r.mu.Lock()
	r.begun = append(r.begun, t)
	r.mu.Unlock()
	select {
	case err := <-r.stop:
		return err
	case <-ctx.Done():
		r.mu.Lock()
		defer r.mu.Unlock()
		r.why = append(r.why, context.Cause(ctx))
		return ctx.Err()
	}
}

// terms lists the terms that have begun.
func (r *running) terms() []*election.Term {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.begun)
}

// causes lists the causes of contexts that ended while the function still ran.
func (r *running) causes() []error {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.why)
}

// told lists what OnTermEnd was told.
func (r *running) told() []error {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.ends)
}

// leads reports whether the newest term lasts.
func (r *running) leads() bool {
	terms := r.terms()
	return len(terms) > 0 && terms[len(terms)-1].Err() == nil
}

// neverLeads is the function of a candidate that must not lead.
func neverLeads(context.Context, *election.Term) error { return errors.New("it leads") }
