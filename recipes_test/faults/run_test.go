package faults

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// run is a test under a nemesis. Several processes run all workloads at the
// same time. The faults of clients spare the observer.
type run struct {
	tb      testing.TB
	procs   []*process
	watcher *session.Manager
	nemesis *nemesis
	clock   clock
	seed    uint64

	mu      sync.Mutex
	tallies map[string]*tally
}

// tally counts the results of one workload's operations.
type tally struct {
	rounds, operations, done, unknown, failed, lost int
	gaps                                            []time.Duration // times from the end of a lost hold's context to the next holder
}

func newRun(tb testing.TB, seed uint64, clients int, opts ...ensemble.Option) *run {
	e := ensemble.Start(tb, 3, opts...)
	r := &run{tb: tb, clock: clock{time.Now()}, seed: seed, tallies: map[string]*tally{}}
	r.watcher = observer(tb, e)
	for id := range clients {
		r.procs = append(r.procs, startProcess(tb, e, id))
	}
	r.nemesis = &nemesis{tb: tb, e: e, procs: r.procs, clock: r.clock, seed: r.seed, counts: map[string]int{}}
	tb.Logf("DOCENT_SEED=%d", r.seed)
	return r
}

// workload is the work of the processes, and its model.
type workload struct {
	name  string
	model porcupine.Model
	play  func(ctx context.Context, rd *round)
}

// start makes the processes work until ctx ends. finish waits for their end and
// returns the results.
func (r *run) start(ctx context.Context, all []workload) (finish func()) {
	var work sync.WaitGroup
	for _, w := range all {
		work.Go(func() { r.rounds(ctx, w) })
	}
	return func() {
		work.Wait()
		r.report()
	}
}

// progress waits until every workload has made progress.
func (r *run) progress(when string) {
	r.tb.Helper()
	done := func() map[string]int {
		r.mu.Lock()
		defer r.mu.Unlock()
		all := map[string]int{}
		for name, t := range r.tallies {
			all[name] = t.done
		}
		return all
	}
	before := done()
	ensemble.Eventually(r.tb, patience, "operations are answered "+when, func() bool {
		for name, now := range done() {
			if now <= before[name] {
				return false
			}
		}
		return true
	})
}

// round is a few seconds of one workload on its own path. So histories stay
// short, and an unknown outcome in one round does not affect the next.
type round struct {
	journal journal
	*run
	name string
	path string
	n    int
	stop context.CancelFunc

	doubts atomic.Int32
}

// mostDoubts ends a round: each operation with an unknown outcome can double
// the number of orders that could explain a history.
const mostDoubts = 8

// rounds runs round after round until ctx ends, and an operation is done: on a
// busy machine faults may leave no time for one before. The operations of each
// round are checked against the model.
func (r *run) rounds(ctx context.Context, w workload) {
	rng := source(r.seed, w.name)
	var healed context.Context
	for n := 0; ctx.Err() == nil || !r.doneAny(w.name); n++ {
		of := ctx
		if ctx.Err() != nil {
			if healed == nil {
				healed = within(r.tb, patience)
			}
			if of = healed; healed.Err() != nil {
				return // the report complains
			}
		}
		rd := &round{run: r, name: w.name, path: fmt.Sprintf("/faults/%s/%04d", w.name, n), n: n}
		playing, stop := context.WithTimeout(of, between(rng, 5*time.Second, 12*time.Second))
		rd.stop = stop
		w.play(playing, rd)
		stop()
		verify(r.tb, fmt.Sprintf("%s-%d-%d", w.name, r.seed, n), w.model, rd.journal.ops, r.nemesis.recently)
		r.count(w.name, func(t *tally) {
			t.rounds++
			t.operations += len(rd.journal.ops)
		})
	}
}

// each runs f for every process at once, and waits for all.
func (rd *round) each(f func(p *process, rng *rand.Rand)) {
	var wg sync.WaitGroup
	for _, p := range rd.procs {
		wg.Go(func() { f(p, source(rd.seed, rd.name, rd.n, p.id)) })
	}
	wg.Wait()
}

func (r *run) count(name string, f func(t *tally)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.tallies[name]
	if t == nil {
		t = &tally{}
		r.tallies[name] = t
	}
	f(t)
}

func (r *run) doneAny(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.tallies[name]
	return t != nil && t.done > 0
}

func (rd *round) done() {
	rd.count(rd.name, func(t *tally) { t.done++ })
}

// failed counts an operation that is known to have had no effect.
func (rd *round) failed(what string, err error) {
	rd.count(rd.name, func(t *tally) { t.failed++ })
	if !expected(err) {
		rd.tb.Errorf("%s: %s: %v\n%s", rd.path, what, err, rd.nemesis.recently())
	}
}

// unknown counts an operation with an unknown outcome.
func (rd *round) unknown() {
	rd.count(rd.name, func(t *tally) { t.unknown++ })
	if rd.doubts.Add(1) == mostDoubts {
		rd.stop()
	}
}

// report logs the faults and the results.
func (r *run) report() {
	if r.tb.Failed() {
		r.tb.Logf("the whole schedule:\n%s", r.nemesis.schedule(math.MaxInt32))
	}
	faults, total := r.nemesis.report()
	r.tb.Logf("%v, DOCENT_SEED=%d, %d faults: %s", time.Since(r.clock.start).Round(time.Second), r.seed, total, faults)
	r.mu.Lock()
	defer r.mu.Unlock()
	var names []string
	for name := range r.tallies {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		t := r.tallies[name]
		if t.done == 0 {
			r.tb.Errorf("%s: nothing was done", name)
		}
		line := fmt.Sprintf("%s: %d operations in %d histories; %d done, %d unknown, %d failed", name, t.operations, t.rounds, t.done, t.unknown, t.failed)
		if t.lost > 0 {
			line += fmt.Sprintf(", %d holds lost", t.lost)
		}
		if len(t.gaps) > 0 {
			line += fmt.Sprintf("; the next holder came %v after a context's end at the earliest", slices.Min(t.gaps).Round(time.Millisecond))
		}
		r.tb.Log(line)
	}
}
