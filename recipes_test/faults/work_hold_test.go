package faults

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// held is a lock, a term, or permits.
type held struct {
	context context.Context
	token   int64
	n       int
	work    time.Duration // the usual maximum duration of the hold
	release func() error
}

// Short work keeps the wait queue moving. Permits have to be held for longer
// than it takes to get them: otherwise there are always enough.
const (
	shortWork = 10 * time.Millisecond
	longWork  = 150 * time.Millisecond
)

func mutexWork(ctx context.Context, rd *round) {
	gaps := rd.contend(ctx, func(p *process) func(context.Context, *rand.Rand) (held, error) {
		m := lock.NewMutex(p.Manager, rd.path)
		return func(ctx context.Context, _ *rand.Rand) (held, error) {
			h, err := m.Lock(ctx)
			if err != nil {
				return held{}, err
			}
			return held{h.Context(), h.Token(), 1, shortWork, h.Release}, nil
		}
	})
	rd.count(rd.name, func(t *tally) { t.gaps = append(t.gaps, gaps...) })
}

func electionWork(ctx context.Context, rd *round) {
	gaps := rd.contend(ctx, func(p *process) func(context.Context, *rand.Rand) (held, error) {
		e := election.New(p.Manager, rd.path)
		return func(ctx context.Context, _ *rand.Rand) (held, error) {
			t, err := e.Campaign(ctx)
			if err != nil {
				return held{}, err
			}
			return held{t.Context(), t.Token(), 1, shortWork, t.Resign}, nil
		}
	})
	rd.count(rd.name, func(t *tally) { t.gaps = append(t.gaps, gaps...) })
}

// permitLimit is the number of permits of the test's semaphore.
const permitLimit = 3

func semaphoreWork(ctx context.Context, rd *round) {
	rd.contend(ctx, func(p *process) func(context.Context, *rand.Rand) (held, error) {
		s := lock.NewSemaphore(p.Manager, rd.path, lock.Permits(permitLimit))
		return func(ctx context.Context, rng *rand.Rand) (held, error) {
			h, err := s.Acquire(ctx, 1+rng.IntN(permitLimit))
			if err != nil {
				return held{}, err
			}
			return held{h.Context(), h.Token(), h.N(), longWork, h.Release}, nil
		}
	})
}

// contend makes all processes take and give until ctx ends. Afterwards the
// observer takes once, which shows that nothing blocks the way. It returns the
// times from the end of each lost hold to the next hold; they have a meaning
// only for a single holder.
func (rd *round) contend(ctx context.Context, with func(p *process) func(context.Context, *rand.Rand) (held, error)) []time.Duration {
	ends := &lostEnds{}
	rd.each(func(p *process, rng *rand.Rand) {
		acquire := with(p)
		for ctx.Err() == nil {
			wait, cancel := context.WithTimeout(ctx, between(rng, 500*time.Millisecond, 6*time.Second))
			rd.turn(p, rng, ends, func() (held, error) { return acquire(wait, rng) })
			cancel()
		}
	})
	last := &process{Manager: rd.watcher, id: len(rd.procs)}
	acquire := with(last)
	rng := source(rd.seed, rd.name, rd.n, "last")
	rd.turn(last, rng, ends, func() (held, error) {
		h, err := acquire(within(rd.tb, patience), rng)
		if err != nil {
			rd.tb.Errorf("%s: still not free after %v: %v\n%s", rd.path, patience, err, rd.nemesis.recently())
		}
		return h, err
	})
	return ends.gaps()
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
	switch n := rng.IntN(20); {
	case n == 0 && p.proxy != nil: // cut off while it holds, and working until the context ends
		rd.nemesis.strike(p, rng, h.context)
	case n == 1:
		pause(h.context, between(rng, 100*time.Millisecond, time.Second))
	default:
		pause(h.context, between(rng, 0, h.work))
	}
	begin := rd.clock.now()
	err = h.release()
	finish := rd.clock.now()
	rd.journal.add(p.id, take{h.token, h.n}, nil, call, ret)
	switch {
	case err == nil:
		rd.journal.add(p.id, give{h.token, h.n}, nil, begin, finish)
		ends.add(h.token, ret, begin, false)
		rd.done()
	case errors.Is(err, session.ErrLost):
		lostAt := min(begin, rd.clock.at(end()))
		if !alive {
			lostAt = call // the hold was lost at once
		}
		rd.journal.add(p.id, give{h.token, h.n}, nil, lostAt, never)
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
