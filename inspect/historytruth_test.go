package inspect

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/simulation"
)

// blocked returns the wait that keeps a thread from going on, of those in dead,
// or nil.
func (t *thread) blocked(dead map[*claim]bool) *claim {
	for t.child != nil {
		t = t.child
	}
	if t.wait != nil && dead[t.wait] {
		return t.wait
	}
	return nil
}

// dead returns the waits that can never end, if every thread that can go on
// releases what it holds.
func (h *history) dead() map[*claim]bool {
	dead := make(map[*claim]bool)
	for _, t := range h.threads {
		if t.wait != nil && !t.wait.impatient {
			dead[t.wait] = true
		}
	}
	return least(dead, func(c *claim) bool {
		goesOn := func(other *claim) bool { return other.of.blocked(dead) == nil }
		if c.lock.kind == KindSemaphore {
			return len(c.lock.permits) < c.lock.limit || slices.ContainsFunc(c.lock.permits, goesOn)
		}
		before := c.lock.queue[:slices.Index(c.lock.queue, c)]
		return !slices.ContainsFunc(before, func(other *claim) bool { return !(c.reads && other.reads) && !goesOn(other) })
	})
}

// visible returns those of the dead waits that Deadlocks can tell from the waits
// of busy sessions. By its documentation, a session does not wait for itself,
// and a wait does not keep the holds at its own path. A semaphore that has
// changed counts as free.
func (h *history) visible(dead map[*claim]bool, changed map[*recipeLock]bool) map[*claim]bool {
	all := make(map[*claim]bool)
	for c := range dead {
		all[c] = true
	}
	return least(all, func(c *claim) bool {
		keeps := func(holder *claim) bool {
			b := holder.of.blocked(all)
			return b != nil && b.lock != c.lock && b.of.session != c.of.session
		}
		if c.lock.kind == KindSemaphore {
			return changed[c.lock] || slices.ContainsFunc(c.lock.permits, func(p *claim) bool { return !keeps(p) })
		}
		return !slices.ContainsFunc(c.lock.holders(), keeps)
	})
}

// least removes claims that can end, until there is none.
func least(all map[*claim]bool, canEnd func(*claim) bool) map[*claim]bool {
	for again := true; again; {
		again = false
		for c := range all {
			if canEnd(c) {
				delete(all, c)
				again = true
			}
		}
	}
	return all
}

// look is what one read shows.
type look struct {
	graph   *graph
	dead    map[*claim]bool
	holds   map[*claim]bool
	passing map[*claim]bool          // holds, and waits of impatient threads
	first   map[*recipeLock]*claim   // the first waiter of each semaphore
	taken   map[*recipeLock][]*claim // the permits
}

func (h *history) look() *look {
	l := &look{
		graph: newGraph(h.report()), dead: h.dead(), holds: make(map[*claim]bool), passing: make(map[*claim]bool),
		first: make(map[*recipeLock]*claim), taken: make(map[*recipeLock][]*claim),
	}
	for _, r := range h.locks {
		for _, c := range r.holders() {
			l.holds[c], l.passing[c] = true, true
		}
		for _, c := range r.queue {
			if c.impatient {
				l.passing[c] = true
			}
		}
		if r.kind == KindSemaphore && len(r.queue) > 0 {
			l.first[r] = r.queue[0]
		}
		l.taken[r] = slices.Clone(r.permits)
	}
	return l
}

// confirm lets the threads run until every hold and every impatient wait of the
// look has ended, except the holds of threads that can never go on.
func (h *history) confirm(t *testing.T, l *look) {
	t.Helper()
	for rounds := 0; ; rounds++ {
		require.Less(t, rounds, 100_000)
		dead := h.dead()
		running := false
		for c := range l.passing {
			stands := slices.Contains(c.lock.queue, c) || slices.Contains(c.lock.permits, c)
			running = running || stands && (c.impatient && c.of.wait == c || c.of.blocked(dead) == nil)
		}
		if rounds >= 4 && !running {
			return
		}
		h.round()
	}
}

// end lets each thread release what it holds, until none can go on, and returns
// the waits that are left.
func (h *history) end() map[*claim]bool {
	h.closing = true
	for range 200 {
		h.round()
	}
	left := make(map[*claim]bool)
	for _, t := range h.threads {
		if t.wait != nil {
			left[t.wait] = true
		}
	}
	return left
}

// keeps reports whether a wait leads to another: the other keeps a hold of those
// that an earlier read has shown.
func (c *claim) keeps(other *claim, held map[*claim]bool) bool {
	return other.lock != c.lock && other.of.session != c.of.session &&
		slices.ContainsFunc(c.lock.holders(), func(p *claim) bool {
			return held[p] && (p.of.session == other.of.session || slices.Contains(other.of.parents, p.of.session))
		})
}

// maxBrute is the number of cycles after which cyclesOf ends.
const maxBrute = 300

// cyclesOf lists the cycles of the waits by brute force: each as its sessions
// and paths.
func cyclesOf(waits []*claim, held map[*claim]bool) map[string]bool {
	all := make(map[string]bool)
	var path []*claim
	var extend func()
	extend = func() {
		at := path[len(path)-1]
		for _, next := range waits {
			switch {
			case len(all) == maxBrute || !at.keeps(next, held):
			case next == path[0]:
				var names []string
				for _, c := range path {
					names = append(names, fmt.Sprint(c.of.session, c.lock.path))
				}
				all[inTurn(names)] = true
			case !slices.ContainsFunc(path, func(c *claim) bool { return c.of.session == next.of.session }):
				path = append(path, next)
				extend()
				path = path[:len(path)-1]
			}
		}
	}
	for _, c := range waits {
		path = []*claim{c}
		extend()
	}
	return all
}

// inTurn joins names, beginning with the least.
func inTurn(names []string) string {
	at := slices.Index(names, slices.Min(names))
	return strings.Join(slices.Concat(names[at:], names[:at]), " ")
}

// tally counts what the histories have shown.
type tally struct{ deadlocks, cycles, shared, cut, passing, commands, unseen int }

// Random histories of threads that hold and wait: in the layouts of Docent,
// Curator and kazoo, with several threads for a session, with locks that are
// taken in one order, with impatient waiters, and with commands that run below
// a lock. Two reads, between which all holds pass that can pass, show exactly
// the cycles that never open. Ground truth comes from the threads: which of
// them can never go on.
func TestDeadlockSimulation(t *testing.T) {
	var n tally
	for _, seed := range simulation.Seeds(t, 400) {
		checkHistory(t, seed, &n)
		if t.Failed() {
			return
		}
	}
	t.Logf("%+v", n)
	for _, count := range []int{n.deadlocks, n.shared, n.passing, n.commands} {
		require.NotZero(t, count, "%+v", n)
	}
}

// claimOf returns the claim of a wait in a cycle.
func claimOf(all []*claim, w Wait) *claim {
	for _, c := range all {
		if c.zxid == w.Waiter.Token && c.lock.path == w.Lock {
			return c
		}
	}
	return nil
}

func checkHistory(t *testing.T, seed uint64, n *tally) {
	t.Helper()
	about := []any{"DOCENT_SEED=%d repeats this", seed}
	h := newHistory(seed)
	for range 2 + h.rand.IntN(30) {
		h.round()
	}
	was := h.look()
	once := was.graph.cycles()
	h.confirm(t, was)
	now := h.look()
	g := now.graph
	g.keep(was.graph)

	changed := make(map[*recipeLock]bool)
	for r, first := range was.first {
		changed[r] = now.first[r] != first
	}
	stuck := make(map[int64]bool)
	for _, w := range g.waits {
		if w.stuck {
			stuck[w.who.Token] = true
		}
	}
	var standing []*claim
	for _, th := range h.threads {
		if c := th.wait; c != nil && stuck[c.zxid] {
			require.True(t, now.dead[c], about...)
			standing = append(standing, c)
			delete(stuck, c.zxid)
		}
	}
	require.Empty(t, stuck, about...)
	for c := range h.visible(was.dead, changed) {
		require.True(t, slices.Contains(standing, c), append([]any{"session %d never gets %s. DOCENT_SEED=%d repeats this", c.of.session, c.lock.path}, seed)...)
	}

	want := cyclesOf(standing, was.holds)
	whole := len(want) < maxBrute
	found := g.cycles()
	cut := false
	for _, d := range found {
		var names []string
		for i, w := range d.Cycle {
			names = append(names, fmt.Sprint(w.Waiter.Session, w.Lock))
			from, to := claimOf(standing, w), claimOf(standing, d.Cycle[(i+1)%len(d.Cycle)])
			require.True(t, from != nil && to != nil && from.keeps(to, was.holds), about...)
		}
		_, wanted := want[inTurn(names)]
		require.True(t, wanted || !whole, about...)
		delete(want, inTurn(names))
		cut = cut || d.More
		n.commands += min(1, len(d.Cycle[0].Waiter.ParentSessions))
	}
	if cut {
		require.Greater(t, len(found)+len(want), maxApart, about...)
	} else {
		require.Empty(t, want, about...)
	}
	for c := range was.dead {
		require.True(t, now.dead[c], about...)
	}
	require.Equal(t, now.dead, h.end(), about...)

	n.deadlocks += min(1, len(found))
	n.cycles += len(found)
	if cut {
		n.cut++
	}
	if len(found) > len(g.components()) {
		n.shared++
	}
	if len(once) > len(found) {
		n.passing++
	}
	if len(was.dead) > 0 && len(found) == 0 {
		n.unseen++
	}
}
