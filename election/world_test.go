package election_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

const dir = "/leaders/a"

// layouts are the layouts with a queue of candidates.
var layouts = []election.Option{func(*election.Election) {}, election.Layout(election.LeaderSelector)}

// world is a server and its processes, in virtual time.
type world struct {
	*testing.T
	srv *zktest.Server
}

func inWorld(t *testing.T, f func(t *testing.T, w *world), opts ...zktest.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f(t, &world{t, zktest.New(t, opts...)})
	})
}

// process is a manager with a network path of its own.
type process struct {
	*session.Manager
	w    *world
	link *zktest.Link
}

func (w *world) process(tweaks ...func(*session.Config)) *process {
	w.Helper()
	link := w.Srv.Link()
	cfg := session.Config{Servers: []string{"zk1"}, Dialer: link.DialContext, Logger: slog.New(slog.DiscardHandler)}
	for _, tweak := range tweaks {
		tweak(&cfg)
	}
	m, err := session.Dial(w.Context(), cfg)
	require.NoError(w, err)
	w.Cleanup(func() { _ = m.Close() })
	return &process{m, w, link}
}

func (p *process) session() int64 {
	s, err := p.Session(p.W.Context())
	require.NoError(p.W, err)
	return int64(s.ID)
}

func (p *process) election(id string, opts ...election.Option) *election.Election {
	return election.New(p.Manager, dir, append(opts, election.ID(id))...)
}

// lead campaigns and demands to win within an hour.
func (p *process) lead(id string) *election.Term {
	p.W.Helper()
	ctx, cancel := context.WithTimeout(p.W.Context(), time.Hour)
	defer cancel()
	t, err := p.election(id).Campaign(ctx)
	require.NoError(p.W, err)
	return t
}

// candidate is a Campaign under way.
type candidate struct {
	w      *world
	cancel context.CancelFunc
	done   chan struct{}
	term   *election.Term
	err    error
}

// campaign starts a Campaign and returns when it stands in the line.
func (p *process) campaign(id string, opts ...election.Option) *candidate {
	return start(p.W, p.election(id, opts...))
}

func start(w *world, e *election.Election) *candidate {
	ctx, cancel := context.WithCancel(w.Context())
	c := &candidate{w: w, cancel: cancel, done: make(chan struct{})}
	w.Cleanup(cancel)
	go func() {
		defer close(c.done)
		c.term, c.err = e.Campaign(ctx)
	}()
	synctest.Wait()
	return c
}

func (c *candidate) waiting() bool {
	synctest.Wait()
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

func (c *candidate) get() *election.Term {
	c.w.Helper()
	select {
	case <-c.done:
	case <-time.After(time.Hour):
		require.Fail(c.w, "it still waits after an hour")
	}
	require.NoError(c.w, c.err)
	return c.term
}

// nodes lists the nodes in the directory.
func (w *world) nodes() []string {
	info, _ := w.Srv.Node(dir)
	return info.Children
}

// count returns how often each kind of request was made while f ran, pings left
// out.
func (w *world) count(f func()) map[string]int {
	synctest.Wait()
	w.Srv.ResetCounts()
	f()
	synctest.Wait()
	counts := make(map[string]int)
	for op, n := range w.Srv.Counts() {
		if op != zktest.OpPing {
			counts[op.String()] = n
		}
	}
	return counts
}

// running is a Run under way. The function of its terms works until its context
// ends, or until stop says what it shall return.
type running struct {
	w      *world
	id     string
	cancel context.CancelFunc
	stop   chan error
	mu     sync.Mutex
	begun  []*election.Term
	why    []error // the causes with which the contexts of the terms ended
	ends   []error // what OnTermEnd was told
	done   chan struct{}
	err    error
}

func (p *process) run(id string, opts ...election.Option) *running {
	ctx, cancel := context.WithCancel(p.W.Context())
	r := &running{w: p.W, id: id, cancel: cancel, stop: make(chan error), done: make(chan struct{})}
	p.W.Cleanup(func() {
		cancel()
		<-r.done
	})
	go func() {
		defer close(r.done)
		told := election.OnTermEnd(func(_ *election.Term, err error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.ends = append(r.ends, err)
		})
		r.err = p.election(id, append([]election.Option{told}, opts...)...).Run(ctx, func(ctx context.Context, t *election.Term) error {
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
		})
	}()
	synctest.Wait()
	return r
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
