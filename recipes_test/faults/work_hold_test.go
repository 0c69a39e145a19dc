package faults

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// held is a lock, a term, permits, or whatever else can be taken and given.
type held struct {
	context    context.Context
	token      int64
	take, give any           // the operations on the model; a nil take is in the journal already
	work       time.Duration // the usual maximum duration of the hold
	release    func() error
}

// taken is a hold that a take and a give describe.
func taken(h interface {
	Context() context.Context
	Token() int64
}, n int, work time.Duration, release func() error) held {
	return held{h.Context(), h.Token(), take{h.Token(), n}, give{h.Token(), n}, work, release}
}

// Short work keeps the wait queue moving. Permits have to be held for longer
// than it takes to get them: otherwise there are always enough.
const (
	shortWork = 10 * time.Millisecond
	longWork  = 150 * time.Millisecond
)

func mutexWork(ctx context.Context, rd *round)   { lockWork(ctx, rd, newMutex) }
func oneNodeWork(ctx context.Context, rd *round) { lockWork(ctx, rd, newOneNode) }

func newMutex(p *process, path string) lock.Locker   { return lock.NewMutex(p.Manager, path) }
func newOneNode(p *process, path string) lock.Locker { return lock.NewOneNode(p.Manager, path) }

func lockWork(ctx context.Context, rd *round, lockOf func(p *process, path string) lock.Locker) {
	gaps := rd.contend(ctx, 1, func(p *process) acquirer {
		m := lockOf(p, rd.path)
		return func(ctx context.Context, _ *rand.Rand) (held, error) {
			h, err := m.Lock(ctx)
			if err != nil {
				return held{}, err
			}
			return taken(h, 1, shortWork, h.Release), nil
		}
	})
	rd.count(rd.name, func(t *tally) { t.gaps = append(t.gaps, gaps...) })
}

func electionWork(ctx context.Context, rd *round) { campaigns(ctx, rd) }
func oneNodeElectionWork(ctx context.Context, rd *round) {
	campaigns(ctx, rd, election.Layout(election.OneNode))
}

func campaigns(ctx context.Context, rd *round, opts ...election.Option) {
	gaps := rd.contend(ctx, 1, func(p *process) acquirer {
		e := election.New(p.Manager, rd.path, opts...)
		return func(ctx context.Context, _ *rand.Rand) (held, error) {
			t, err := e.Campaign(ctx)
			if err != nil {
				return held{}, err
			}
			return taken(t, 1, shortWork, t.Resign), nil
		}
	})
	rd.count(rd.name, func(t *tally) { t.gaps = append(t.gaps, gaps...) })
}

// permitLimit is the number of permits of the test's semaphore.
const permitLimit = 3

func semaphoreWork(ctx context.Context, rd *round) {
	rd.contend(ctx, 1, func(p *process) acquirer {
		s := lock.NewSemaphore(p.Manager, rd.path, lock.Permits(permitLimit))
		return func(ctx context.Context, rng *rand.Rand) (held, error) {
			h, err := s.Acquire(ctx, 1+rng.IntN(permitLimit))
			if err != nil {
				return held{}, err
			}
			return held{h.Context(), h.Token(), take{h.Token(), h.N()}, give{h.Token(), h.N()}, longWork, h.Release}, nil
		}
	})
}

// acquirer waits for a hold.
type acquirer func(ctx context.Context, rng *rand.Rand) (held, error)

// contend makes all processes take and give until ctx ends, each in as many
// goroutines as there are lanes. The goroutines of a process share an acquirer.
// Afterwards the observer takes once, which shows that nothing blocks the way.
// It returns the times from the end of each lost hold to the next hold; they
// have a meaning only for a single holder.
func (rd *round) contend(ctx context.Context, lanes int, with func(p *process) acquirer) []time.Duration {
	ends := &lostEnds{}
	rd.each(func(p *process, _ *rand.Rand) {
		acquire := with(p)
		var working sync.WaitGroup
		for lane := range lanes {
			working.Go(func() {
				rng := source(rd.seed, rd.name, rd.n, p.id, "lane", lane)
				for ctx.Err() == nil {
					wait, cancel := context.WithTimeout(ctx, between(rng, 500*time.Millisecond, 6*time.Second))
					rd.turn(p, rng, ends, func() (held, error) { return acquire(wait, rng) })
					cancel()
				}
			})
		}
		working.Wait()
	})
	last := &process{Manager: rd.watcher, id: len(rd.procs)}
	acquire := with(last)
	rng := source(rd.seed, rd.name, rd.n, "last")
	rd.turn(last, rng, ends, func() (held, error) {
		h, err := acquire(within(rd.tb, patience), rng)
		if err != nil {
			rd.tb.Errorf("%s: still not free after %v: %v\n%s\n%s", rd.path, patience, err, rd.standing(), rd.nemesis.recently())
		}
		return h, err
	})
	return ends.gaps()
}

// standing lists the znodes of the round with the sessions that own them, and
// the present sessions of all processes.
func (rd *round) standing() string {
	ctx := within(rd.tb, patience)
	text := fmt.Sprintf("the observer has session %v", rd.watcher.Health().Session)
	for _, p := range rd.procs {
		text += fmt.Sprintf("; client %d %v", p.id, p.Health().Session)
	}
	for todo := []string{rd.path}; len(todo) > 0; todo = todo[1:] {
		_, stat, err := rd.watcher.Get(ctx, todo[0])
		text += fmt.Sprintf("\n%s: owner %#x, czxid %#x, %v", todo[0], uint64(stat.EphemeralOwner), stat.Czxid, err)
		children, _, err := rd.watcher.Children(ctx, todo[0])
		if err != nil {
			text += fmt.Sprintf("; no children: %v", err)
		}
		for _, child := range children {
			todo = append(todo, path.Join(todo[0], child))
		}
	}
	return text
}

// turn is one hold, from take to give.
func (rd *round) turn(p *process, rng *rand.Rand, ends *lostEnds, acquire func() (held, error)) {
	call := rd.clock.now()
	h, err := acquire()
	ret := rd.clock.now()
	if err != nil {
		rd.failed("acquire", err)
		return
	}
	alive := h.context.Err() == nil
	end := endOf(h.context)
	switch n := rng.IntN(60); {
	case n == 0 && p.proxy != nil: // cut off while it holds, and working until the context ends
		rd.nemesis.strike(p, rng, h.context)
	case n <= 3:
		pause(h.context, between(rng, 100*time.Millisecond, time.Second))
	default:
		pause(h.context, between(rng, 0, h.work))
	}
	begin := rd.clock.now()
	err = h.release()
	finish := rd.clock.now()
	if h.take != nil {
		rd.journal.add(p.id, h.take, nil, call, ret)
	}
	switch {
	case err == nil:
		rd.journal.add(p.id, h.give, nil, begin, finish)
		ends.add(h.token, ret, begin, false)
		rd.done()
	case errors.Is(err, session.ErrLost):
		lostAt := min(begin, rd.clock.at(end()))
		if !alive {
			lostAt = call // the hold was lost at once
		}
		rd.journal.add(p.id, h.give, nil, lostAt, never)
		ends.add(h.token, ret, lostAt, alive)
		rd.count(rd.name, func(t *tally) { t.lost++ })
	default:
		rd.tb.Errorf("%s: release: %v\n%s", rd.path, err, rd.nemesis.recently())
	}
}

// lostEnds records the ends of holds. They show how long after the end of a
// context the next holder came.
type lostEnds struct {
	mu  sync.Mutex
	all []holdSpan
}

type holdSpan struct {
	token      int64
	begin, end int64
	lost       bool
}

func (l *lostEnds) add(token, begin, end int64, lost bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, holdSpan{token, begin, end, lost})
}

// gaps are the times from the end of a lost hold to the next hold by token.
func (l *lostEnds) gaps() []time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.SortFunc(l.all, func(a, b holdSpan) int { return cmp.Compare(a.token, b.token) })
	var gaps []time.Duration
	for i, h := range l.all {
		if h.lost && i+1 < len(l.all) {
			gaps = append(gaps, time.Duration(l.all[i+1].begin-h.end))
		}
	}
	return gaps
}
