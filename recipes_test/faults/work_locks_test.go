package faults

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// handoffs is how often the test's mutex is handed on within a process.
const handoffs = 3

// handoffWork makes two goroutines of each process share a mutex.
func handoffWork(ctx context.Context, rd *round) {
	rd.contend(ctx, 2, func(p *process) acquirer {
		m := lock.NewMutex(p.Manager, rd.path, lock.Handoff(handoffs))
		return func(ctx context.Context, _ *rand.Rand) (held, error) {
			h, err := m.Lock(ctx)
			if err != nil {
				return held{}, err
			}
			op := handTake{p.id, h.Token(), h.Turn()}
			return held{h.Context(), h.Token(), op, handGive(op), shortWork, h.Release}, nil
		}
	})
}

// readWriteWork makes all processes read, write, and downgrade.
func readWriteWork(ctx context.Context, rd *round) {
	rd.contend(ctx, 1, func(p *process) acquirer {
		m := lock.NewRWMutex(p.Manager, rd.path)
		return func(ctx context.Context, rng *rand.Rand) (held, error) {
			switch rng.IntN(6) {
			case 0:
				return rd.downgraded(ctx, p, rng, m)
			case 1, 2:
				h, err := m.Lock(ctx)
				if err != nil {
					return held{}, err
				}
				return held{h.Context(), h.Token(), writeTake{h.Token()}, writeGive{h.Token()}, shortWork, h.Release}, nil
			}
			h, err := m.RLock(ctx)
			if err != nil {
				return held{}, err
			}
			return held{h.Context(), h.Token(), readTake{h.Token()}, readGive{h.Token()}, longWork, h.Release}, nil
		}
	})
}

// downgraded writes, and returns the hold for reading that follows.
func (rd *round) downgraded(ctx context.Context, p *process, rng *rand.Rand, m *lock.RWMutex) (held, error) {
	call := rd.clock.now()
	h, err := m.Lock(ctx)
	ret := rd.clock.now()
	if err != nil {
		return held{}, err
	}
	alive := h.Err() == nil
	end := endOf(h.Context())
	rd.journal.add(p.id, writeTake{h.Token()}, nil, call, ret)
	pause(h.Context(), between(rng, 0, shortWork))
	begin := rd.clock.now()
	reading, err := h.Downgrade(within(rd.tb, patience))
	finish := rd.clock.now()
	if err == nil {
		rd.journal.add(p.id, downgrade{h.Token()}, nil, begin, finish)
		return held{reading.Context(), h.Token(), nil, readGive{h.Token()}, longWork, reading.Release}, nil
	}
	lostAt := min(begin, rd.clock.at(end()))
	if !alive {
		lostAt = call // the hold was lost at once
	}
	rd.journal.add(p.id, writeGive{h.Token()}, nil, lostAt, never)
	if errors.Is(err, session.ErrLost) {
		rd.count(rd.name, func(t *tally) { t.lost++ })
		err = errors.Join(context.Canceled, err) // expected
	}
	return held{}, err
}

// The times of the test's job: the interval, and the minimum between the calls
// that begin two runs.
const (
	jobEvery = 2 * time.Second
	jobApart = jobEvery / 2
)

// onceWork makes all processes call for a job much more often than it is due.
func onceWork(ctx context.Context, rd *round) {
	rd.contend(ctx, 1, func(p *process) acquirer {
		now, waits := lock.NewOnce(p.Manager, rd.path, jobEvery), lock.NewOnce(p.Manager, rd.path, jobEvery, lock.WaitForRun())
		return func(ctx context.Context, rng *rand.Rand) (held, error) {
			for ctx.Err() == nil {
				job := now
				if rng.IntN(4) == 0 {
					job = waits
				}
				run, err := rd.startRun(ctx, p, job)
				if err == nil {
					op := onceRun{run.Token(), run.Called().UnixMilli()}
					return held{run.Context(), run.Token(), op, onceEnd{run.Token()}, longWork, func() error { return run.End(nil) }}, nil
				}
				if !errors.Is(err, lock.ErrNotDue) {
					return held{}, err
				}
				pause(ctx, between(rng, 50*time.Millisecond, 400*time.Millisecond))
			}
			return held{}, ctx.Err()
		}
	})
}

// startRun calls for the job once, and notes why it is not due.
func (rd *round) startRun(ctx context.Context, p *process, job *lock.Once) (*lock.Run, error) {
	before := p.Health().Session
	call := rd.clock.now()
	run, err := job.Start(ctx)
	ret := rd.clock.now()
	var why *lock.NotDueError
	notDue := errors.As(err, &why)
	if notDue {
		rd.journal.add(p.id, onceNotDue{why.Run.Called.UnixMilli()}, nil, call, ret)
	}
	rd.maybe(p, onceMaybe{}, call, err != nil && !notDue, before)
	return run, err
}
