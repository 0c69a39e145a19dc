package inspect

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// Two sessions wait for each other for good, and other goroutines of the same
// sessions take turns at a third lock. Each turn closes a cycle that opens by
// itself, and that is as short as the one that stays.
func TestFault30_RingBesideLocksThatMove(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b, watcher := w.Process(), w.Process(), w.Process()
		held(w, a, "/l/2", "a")
		held(w, b, "/l/3", "b")
		lockWaiting(w, a, "/l/3", "a")
		lockWaiting(w, b, "/l/2", "b")
		for i, p := range []*testworld.Process{a, b, a, b} {
			id := fmt.Sprint("turn", i)
			testworld.Go(w, func(ctx context.Context) (int, error) {
				m := lock.NewMutex(p.Manager, "/l/1", lock.ID(id))
				for {
					h, err := m.Lock(ctx)
					if err != nil {
						return 0, err
					}
					time.Sleep(130 * time.Millisecond)
					if err := h.Release(); err != nil {
						return 0, err
					}
				}
			})
		}
		for i := range 16 {
			time.Sleep(170 * time.Millisecond)
			r, err := Deadlocks(w.Context(), watcher.Manager, "/")
			require.NoError(t, err)
			require.Len(t, r.Deadlocks, 1, "look %d", i)
			require.Equal(t, "a>/l/3>b>/l/2>", cycle(r.Deadlocks[0]))
			require.True(t, r.Complete())
		}
	})
}

// scene is what sessions hold and want over some mutexes, locks for readers and
// semaphores, as two readings show it.
type scene struct {
	locks  []*sceneLock
	serial int64
}

type sceneLock struct {
	path          string
	kind          int // 0 mutex, 1 readers and writers, 2 semaphore
	limit         int
	holders, wait []Owner
}

func (s *scene) node(path string, id int) Owner {
	s.serial++
	return Owner{Owner: session.Owner{
		Path: fmt.Sprintf("%s/%d", path, s.serial), Session: session.ID(id), Token: s.serial, Since: time.UnixMilli(s.serial),
	}}
}

func (s *scene) report() *Report {
	r := new(Report)
	for _, l := range s.locks {
		head := Header{Path: l.path}
		switch l.kind {
		case 0:
			f := &Lock{Header: head, Waiters: slices.Clone(l.wait)}
			if len(l.holders) > 0 {
				f.Holder = &l.holders[0]
			}
			r.Findings = append(r.Findings, f)
		case 1:
			r.Findings = append(r.Findings, &RWLock{Header: head, Holders: slices.Clone(l.holders), Waiters: slices.Clone(l.wait)})
		case 2:
			r.Findings = append(r.Findings, &Semaphore{
				Header: head, Holders: slices.Clone(l.holders), Waiters: slices.Clone(l.wait), Limit: l.limit, Used: len(l.holders),
			})
		}
	}
	return r
}

// drawScene draws what lasts.
func drawScene(t *rapid.T) *scene {
	s := new(scene)
	sessions := rapid.IntRange(2, 7).Draw(t, "sessions")
	who := rapid.IntRange(1, sessions)
	for i := range rapid.IntRange(2, 6).Draw(t, "locks") {
		l := &sceneLock{path: fmt.Sprintf("/l/%d", i), kind: rapid.IntRange(0, 2).Draw(t, "kind"), limit: 1}
		most := 1
		if l.kind > 0 {
			most = 3
		}
		for range rapid.IntRange(0, most).Draw(t, "holders") {
			l.holders = append(l.holders, s.node(l.path, who.Draw(t, "holder")))
		}
		l.limit = max(1, len(l.holders))
		for range rapid.IntRange(0, 3).Draw(t, "waiters") {
			p := s.node(l.path, who.Draw(t, "waiter"))
			if rapid.IntRange(0, 4).Draw(t, "nested") == 0 {
				p.ParentSessions = []session.ID{session.ID(who.Draw(t, "under"))}
			}
			l.wait = append(l.wait, p)
		}
		s.locks = append(s.locks, l)
	}
	return s
}

// pass adds nodes that exist for one read alone: contenders after the lasting
// ones, and locks without a lasting contender.
func (s *scene) pass(t *rapid.T) *Report {
	now := &scene{serial: s.serial + 1000}
	for _, l := range s.locks {
		c := *l
		c.holders, c.wait = slices.Clone(l.holders), slices.Clone(l.wait)
		if l.kind == 1 && len(l.holders) > 0 && rapid.Bool().Draw(t, "reader") {
			c.holders = append(c.holders, now.node(l.path, rapid.IntRange(1, 9).Draw(t, "reading")))
		}
		for range rapid.IntRange(0, 2).Draw(t, "passing") {
			c.wait = append(c.wait, now.node(l.path, rapid.IntRange(1, 9).Draw(t, "passer")))
		}
		now.locks = append(now.locks, &c)
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "turns") {
		l := &sceneLock{path: fmt.Sprintf("/a/%d", i)}
		l.holders = append(l.holders, now.node(l.path, rapid.IntRange(1, 9).Draw(t, "turn")))
		l.wait = append(l.wait, now.node(l.path, rapid.IntRange(1, 9).Draw(t, "next")))
		now.locks = append(now.locks, l)
	}
	s.serial = now.serial
	return now.report()
}

// truth finds the stuck sessions and the sessions in cycles by brute force: by
// the definition, pair by pair, among the nodes that last.
func (s *scene) truth() (stuck, cyclic map[int64]bool) {
	type waiting struct {
		l *sceneLock
		p Owner
	}
	var all []waiting
	for _, l := range s.locks {
		for _, p := range l.wait {
			all = append(all, waiting{l, p})
		}
	}
	stuck = make(map[int64]bool)
	for _, w := range all {
		stuck[w.p.Token] = true
	}
	behind := func(w waiting, h Owner) (next []waiting) { // waits that keep the holder
		for _, o := range all {
			keeps := o.p.Session == h.Session || slices.Contains(o.p.ParentSessions, h.Session)
			if keeps && stuck[o.p.Token] && o.l != w.l && o.p.Session != w.p.Session {
				next = append(next, o)
			}
		}
		return next
	}
	for changed := true; changed; {
		changed = false
		for _, w := range all {
			n := 0
			for _, h := range w.l.holders {
				if len(behind(w, h)) > 0 {
					n++
				}
			}
			if ok := n > 0 && (w.l.kind != 2 || n == len(w.l.holders) && n >= w.l.limit); stuck[w.p.Token] && !ok {
				stuck[w.p.Token], changed = false, true
			}
		}
	}
	cyclic = make(map[int64]bool)
	for _, w := range all {
		seen := make(map[int64]bool)
		for todo := []waiting{w}; stuck[w.p.Token] && len(todo) > 0; todo = todo[1:] {
			for _, h := range todo[0].l.holders {
				for _, o := range behind(todo[0], h) {
					cyclic[w.p.Token] = cyclic[w.p.Token] || o.p.Token == w.p.Token
					if !seen[o.p.Token] {
						seen[o.p.Token] = true
						todo = append(todo, o)
					}
				}
			}
		}
	}
	return stuck, cyclic
}

// Whatever passes beside it: every cycle that lasts is found, and no other.
func TestFault30_FindsEveryRingThatLasts(t *testing.T) {
	cycles := 0
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t)
		was := newGraph(s.pass(t))
		g := newGraph(s.pass(t))
		g.keep(was)
		stuck, cyclic := s.truth()
		for _, w := range g.waits {
			require.Equal(t, stuck[w.who.Token], w.stuck, "%s of %d", w.who.Path, w.who.Session)
		}
		found := g.cycles()
		covered := make(map[session.ID]bool)
		for _, d := range found {
			cycles++
			require.False(t, d.More)
			for i, link := range d.Cycle {
				next := d.Cycle[(i+1)%len(d.Cycle)].Waiter
				require.True(t, cyclic[link.Waiter.Token])
				require.True(t, next.Session == link.Holder.Session || slices.Contains(next.ParentSessions, link.Holder.Session))
				at := slices.IndexFunc(s.locks, func(l *sceneLock) bool { return l.path == link.Lock })
				require.GreaterOrEqual(t, at, 0, "%s is not a lock of the scene", link.Lock)
				require.True(t, slices.ContainsFunc(s.locks[at].holders, func(h Owner) bool { return same(h, link.Holder) }))
				require.True(t, slices.ContainsFunc(s.locks[at].wait, func(p Owner) bool { return same(p, link.Waiter) }))
				covered[link.Waiter.Session] = true
			}
			for _, id := range d.Behind {
				covered[id] = true
			}
		}
		for _, l := range s.locks {
			for _, p := range l.wait {
				if stuck[p.Token] {
					require.NotEmpty(t, found)
					require.True(t, covered[p.Session] || !cyclic[p.Token], "session %d is in a cycle", p.Session)
				}
			}
		}
		if !slices.Contains(slices.Collect(maps.Values(cyclic)), true) {
			require.Empty(t, found)
		}
	})
	require.NotZero(t, cycles, "no scene had a cycle: nothing was tried")
}

// crowd is two locks for readers and writers, each held by n sessions that all
// want the other.
func crowd(n int, bothHold bool) *Report {
	s := new(scene)
	one, other := &sceneLock{path: "/1", kind: 1}, &sceneLock{path: "/2", kind: 1}
	s.locks = []*sceneLock{one, other}
	for i := 1; i <= n; i++ {
		one.holders = append(one.holders, s.node("/1", i))
		other.wait = append(other.wait, s.node("/2", i))
		other.holders = append(other.holders, s.node("/2", n+i))
		one.wait = append(one.wait, s.node("/1", n+i))
		if bothHold { // and want what they hold
			one.wait = append(one.wait, s.node("/1", i))
			other.wait = append(other.wait, s.node("/2", n+i))
		}
	}
	return s.report()
}

// What it costs grows with the nodes, not with the pairs of holders and
// waiters.
func TestFault30_CostOfACrowd(t *testing.T) {
	size := func(g *graph) (edges int) {
		for _, h := range g.hubs {
			for _, to := range h.holders {
				edges += 1 + len(to.to)
			}
		}
		return edges
	}
	g := newGraph(crowd(450, false))
	require.Equal(t, 4*450, size(g))
	g.keep(newGraph(crowd(450, false)))
	var set []*wait
	for _, component := range g.components() {
		require.Empty(t, set)
		set = component
	}
	require.Len(t, set, 900)
	left := make(map[*wait]bool)
	for _, w := range set {
		left[w] = true
	}
	require.Len(t, g.cycle(set, left, maxSteps), 2)
	require.Less(t, g.steps, 10*900)
	found := g.cycles()
	require.Len(t, found, maxApart)
	for i, d := range found {
		require.Len(t, d.Cycle, 2)
		require.Len(t, d.Behind, 898)
		require.Equal(t, found[i].More, d.More)
	}
	require.True(t, slices.ContainsFunc(found, func(d Deadlock) bool { return d.More }))

	// A long cycle: the search for the shortest way ends at its bound.
	s := new(scene)
	const long = 3000
	for i := range long {
		path := fmt.Sprint("/", i)
		s.locks = append(s.locks, &sceneLock{
			path: path, holders: []Owner{s.node(path, i+1)}, wait: []Owner{s.node(path, (i+1)%long+1)},
		})
	}
	g = newGraph(s.report())
	found = g.cycles()
	require.Len(t, found, 1)
	require.Len(t, found[0].Cycle, long)
	require.False(t, found[0].More)
}

// Where sessions hold and wait at the same path, the search has to distinguish
// pairs. The report says if there are too many.
func TestFault30_EntangledCrowd(t *testing.T) {
	g := newGraph(crowd(100, true))
	require.False(t, g.cut)
	require.NotEmpty(t, g.cycles())
	g = newGraph(crowd(1500, true))
	require.True(t, g.cut)
	require.NotEmpty(t, g.cycles(), "what is left is looked at")
}
