package suite_test

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/simulation"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

const path = "/a/lock"

// twoWait checks that each node in the wait queue is watched by its own session
// and the next two contenders, and by no other session.
func twoWait(w *simulation.World) {
	for _, name := range w.Children(path) {
		if n := w.Srv.WatchesOf(path + "/" + name); n > 3 {
			w.Break("two are woken", "%d sessions watch one node of the wait queue", n)
		}
	}
}

// taken is a lock that an actor has taken.
type taken struct {
	held    simulation.Held
	release func() error
	// downgrade is nil, except for a lock that is held for writing.
	downgrade func(context.Context) (taken, error)
}

// use works under the lock and releases it. An actor that writes may go on as a
// reader.
func (t taken) use(a *simulation.Actor, court *simulation.Court) {
	court.Use(a, court.Begin(a, t.held), 3*time.Second)
	if t.downgrade != nil && a.One(2) {
		ctx, cancel := a.Within(5 * time.Second)
		reads, err := t.downgrade(ctx)
		if fine(a, ctx, "downgrade", err, session.ErrLost) {
			if reads.held.Token != t.held.Token {
				a.World.Break("tokens grow", "token %d becomes %d in a downgrade", t.held.Token, reads.held.Token)
			}
			reads.use(a, court)
		}
		cancel()
	}
	let(a, "release", t.release())
}

// locks is a program of actors that take a lock, work and release it. get takes
// the lock; it may fail with lock.ErrHeld. With fair, each contender watches
// only the two before it.
func locks(fair bool, get func(a *simulation.Actor, ctx context.Context, try bool) (taken, error)) simulation.Program {
	return simulation.Program{Setup: func(w *simulation.World) {
		court := w.Court(path)
		for _, p := range w.Procs() {
			for i := range 1 + w.Dice("actors").N(2) {
				w.Go(p, string(rune('a'+i)), func(a *simulation.Actor) {
					for a.Going() {
						ctx, cancel := a.Within(20 * time.Second)
						t, err := get(a, ctx, a.One(5))
						if fine(a, ctx, "lock", err, lock.ErrHeld) {
							t.use(a, court)
						}
						cancel()
						a.Sleep(a.Ctx, time.Second)
					}
				})
			}
		}
		w.AtEnd(func() {
			for _, p := range w.Procs() {
				w.Go(p, "last", func(a *simulation.Actor) {
					// The lock has to be free: every holder has released it.
					t, err := get(a, w.Within(10*time.Minute), false)
					if err != nil {
						w.Break("comes free", "without a holder: %v", err)
						return
					}
					court.Begin(a, t.held)
					a.Sleep(a.World.Context(), 2*time.Second)
					if fair {
						twoWait(w)
					}
					let(a, "release", t.release())
				})
			}
			w.Wait()
			if court.Begun() <= len(w.Procs()) {
				w.Break("progress", "no actor held the lock during the faults")
			}
			court.CheckTokens()
		})
	}, Keeps: []string{simulation.GuardedDir}}
}

func ofLock(h *lock.Hold, err error) (taken, error) {
	if err != nil {
		return taken{}, err
	}
	return taken{held: simulation.Guarded(&h.Hold), release: h.Release}, nil
}

func mutexes(opts ...lock.MutexOption) simulation.Program {
	return locks(true, func(a *simulation.Actor, ctx context.Context, try bool) (taken, error) {
		m := lock.NewMutex(a.Manager, path, opts...)
		if try {
			return ofLock(m.TryLock(ctx))
		}
		return ofLock(m.Lock(ctx))
	})
}

// handoffs share one Mutex in each process.
func handoffs() simulation.Program {
	var mu sync.Mutex
	var shared map[*simulation.Process]*lock.Mutex
	p := locks(false, func(a *simulation.Actor, ctx context.Context, try bool) (taken, error) {
		mu.Lock()
		m := shared[a.Process]
		if m == nil {
			m = lock.NewMutex(a.Manager, path, lock.Handoff(3))
			shared[a.Process] = m
		}
		mu.Unlock()
		take := m.Lock
		if try {
			take = m.TryLock
		}
		h, err := take(ctx)
		t, err := ofLock(h, err)
		t.held.Inherits = err == nil && h.Turn() > 0 // the hold was handed on
		return t, err
	})
	setup := p.Setup
	p.Setup = func(w *simulation.World) {
		shared = make(map[*simulation.Process]*lock.Mutex)
		setup(w)
	}
	return p
}

func oneNodes() simulation.Program {
	return locks(false, func(a *simulation.Actor, ctx context.Context, try bool) (taken, error) {
		take := lock.NewOneNode(a.Manager, path).Lock
		if try {
			take = lock.NewOneNode(a.Manager, path).TryLock
		}
		h, err := take(ctx)
		if err != nil {
			return taken{}, err
		}
		return taken{held: simulation.Of(&h.Hold), release: h.Release}, nil
	})
}

func rwMutexes() simulation.Program {
	return locks(false, func(a *simulation.Actor, ctx context.Context, try bool) (taken, error) {
		m := lock.NewRWMutex(a.Manager, path)
		if a.One(2) {
			take := m.RLock
			if try {
				take = m.TryRLock
			}
			t, err := ofLock(take(ctx))
			t.held.Shared = true
			return t, err
		}
		take := m.Lock
		if try {
			take = m.TryLock
		}
		h, err := take(ctx)
		if err != nil {
			return taken{}, err
		}
		t, err := ofLock(&h.Hold, nil)
		t.downgrade = func(ctx context.Context) (taken, error) {
			reads, err := ofLock(h.Downgrade(ctx))
			reads.held.Shared, reads.held.Inherits = true, true
			return reads, err
		}
		return t, err
	})
}

func multis() simulation.Program {
	return locks(false, func(a *simulation.Actor, ctx context.Context, try bool) (taken, error) {
		// Each actor has an order of its own: there must be no deadlock.
		paths := []string{path, "/a/second", "/a/third"}
		first := a.N(3)
		var all []lock.Locker
		for i := range paths {
			all = append(all, lock.NewMutex(a.Manager, paths[(first+i)%3]))
		}
		m := lock.NewMulti(all...)
		take := m.Lock
		if try {
			take = m.TryLock
		}
		h, err := take(ctx)
		if err != nil {
			return taken{}, err
		}
		guard := func() session.Op { return guardOf(h) }
		return taken{
			held:    simulation.Held{Hold: h, Token: h.Tokens()[path], Nodes: h.Paths(), Guard: guard},
			release: h.Release,
		}, nil
	})
}

// guardOf is the guard of the lock at path.
func guardOf(h *lock.MultiHold) session.Op {
	for i, one := range h.Holds() {
		if one.Token() == h.Tokens()[path] {
			return h.Guards()[i]
		}
	}
	panic("the hold does not have the lock")
}

// forced is the program with sessions ended and nodes deleted by force.
func forced(p simulation.Program) simulation.Program {
	p.Forced = true
	return p
}

func TestMutexSimulation(t *testing.T)             { simulation.Run(t, seeds, mutexes()) }
func TestMutexForcedSimulation(t *testing.T)       { simulation.Run(t, seeds, forced(mutexes())) }
func TestHandoffSimulation(t *testing.T)           { simulation.Run(t, seeds, handoffs()) }
func TestHandoffForcedSimulation(t *testing.T)     { simulation.Run(t, seeds, forced(handoffs())) }
func TestOneNodeLockSimulation(t *testing.T)       { simulation.Run(t, seeds, oneNodes()) }
func TestOneNodeLockForcedSimulation(t *testing.T) { simulation.Run(t, seeds, forced(oneNodes())) }
func TestRWMutexSimulation(t *testing.T)           { simulation.Run(t, seeds, rwMutexes()) }
func TestRWMutexForcedSimulation(t *testing.T)     { simulation.Run(t, seeds, forced(rwMutexes())) }
func TestMultiSimulation(t *testing.T)             { simulation.Run(t, seeds, multis()) }

// TestSameSeedSameRun checks that a run can be repeated by its seed. Events at
// one instant have no order, so not all runs repeat.
func TestSameSeedSameRun(t *testing.T) {
	if os.Getenv("DOCENT_JITTER") != "" {
		t.Skip("the scheduler is random itself (internal/testing/jitter)")
	}
	if seeds <= 3 {
		t.Skip("the race detector shuffles ready goroutines")
	}
	const runs = 10
	same := 0
	for seed := range uint64(runs) {
		if repeats(t, seed) {
			same++
		}
	}
	t.Logf("%d of %d runs repeat to the nanosecond", same, runs)
	require.GreaterOrEqual(t, same, runs/2)
	require.NotEqual(t, simulation.Once(t, 1, mutexes()).Hash(), simulation.Once(t, 2, mutexes()).Hash())
}

// repeats reports whether two of some runs with a seed are alike. A busy
// machine interrupts goroutines at random, so not every run is like the others:
// there are many.
func repeats(t *testing.T, seed uint64) bool {
	first := simulation.Once(t, seed, mutexes())
	seen := map[uint64]bool{first.Hash(): true}
	for range 20 {
		next := simulation.Once(t, seed, mutexes())
		if seen[next.Hash()] {
			return true
		}
		seen[next.Hash()] = true
	}
	return false
}
