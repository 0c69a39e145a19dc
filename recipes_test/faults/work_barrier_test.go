package faults

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/session"
)

// gateWork makes all processes wait for a gate and look at it, while some set
// and lift it. In every second round one process closes it for longer than a
// session lasts. Afterwards the observer lifts it, and a wait returns.
func gateWork(ctx context.Context, rd *round) {
	busy := rd.n%2 == 0
	rd.each(func(p *process, rng *rand.Rand) {
		gate := barrier.New(p.Manager, rd.path)
		one := func(op gateOp, least time.Duration) {
			call, cancel := context.WithTimeout(ctx, between(rng, least, least+4*time.Second))
			defer cancel()
			rd.gateOnce(call, p.id, gate, op)
		}
		for ctx.Err() == nil {
			switch {
			case p.id > 1 || !busy && p.id > 0:
				one([]gateOp{gateWait, gateWait, gateOpen}[rng.IntN(3)], 2*sessionTimeout)
			case busy:
				one([]gateOp{gateSet, gateLift}[rng.IntN(2)], time.Second)
			default:
				one(gateSet, time.Second)
				pause(ctx, between(rng, sessionTimeout, 4*sessionTimeout))
				one(gateLift, time.Second)
			}
			pause(ctx, between(rng, 0, 60*time.Millisecond))
		}
	})
	gate := barrier.New(rd.watcher, rd.path)
	last := within(rd.tb, patience)
	for rd.gateOnce(last, len(rd.procs), gate, gateLift) != nil && last.Err() == nil {
		pause(last, 50*time.Millisecond)
	}
	rd.gateOnce(last, len(rd.procs), gate, gateWait)
}

// gateOnce does one operation on the gate. gateOpen stands for a look.
func (rd *round) gateOnce(ctx context.Context, who int, gate *barrier.Barrier, op gateOp) error {
	call := rd.clock.now()
	var err error
	switch op {
	case gateSet:
		err = gate.Set(ctx)
	case gateLift:
		err = gate.Lift(ctx)
	case gateWait:
		err = gate.Wait(ctx)
	default:
		var closed bool
		if closed, err = gate.IsSet(ctx); closed {
			op = gateClosed
		}
	}
	ret := rd.clock.now()
	switch {
	case err == nil:
		rd.journal.add(who, op, nil, call, ret)
		rd.done()
	case errors.Is(err, session.ErrUnknownOutcome) && (op == gateSet || op == gateLift):
		rd.journal.add(who, op, nil, call, never)
		rd.unknown()
	default:
		rd.failed(string(op), err)
	}
	return err
}

// meetCount is less than there are processes, so that some come too late.
const meetCount = 3

// meetingWork makes all processes enter and leave a rendezvous. Afterwards the
// observer's members enter and leave.
func meetingWork(ctx context.Context, rd *round) {
	rd.each(func(p *process, rng *rand.Rand) {
		meeting := barrier.NewDouble(p.Manager, rd.path, meetCount)
		for ctx.Err() == nil {
			wait, cancel := context.WithTimeout(ctx, between(rng, 3*time.Second, 10*time.Second))
			v := rd.enter(wait, p, meeting)
			cancel()
			if v == nil {
				pause(ctx, between(rng, 10*time.Millisecond, 100*time.Millisecond))
				continue
			}
			if rng.IntN(60) == 0 {
				rd.nemesis.strike(p, rng, v.Context())
			}
			pause(v.Context(), between(rng, 0, longWork))
			wait, cancel = context.WithTimeout(rd.tb.Context(), between(rng, time.Second, 4*time.Second))
			v.leave(wait)
			cancel()
		}
	})
	rd.meetAgain()
}

// meetAgain makes members of the observer enter and leave until each has done
// so. A process that has just given up may be counted in the place of a member,
// which then needs another round.
func (rd *round) meetAgain() {
	patient, stop := context.WithCancel(within(rd.tb, patience))
	defer stop()
	var met atomic.Int32
	var members sync.WaitGroup
	for range meetCount {
		members.Go(func() {
			meeting := barrier.NewDouble(rd.watcher, rd.path, meetCount)
			p := &process{Manager: rd.watcher, id: len(rd.procs)}
			entered := false
			for patient.Err() == nil {
				v := rd.enter(patient, p, meeting)
				if v == nil {
					pause(patient, 50*time.Millisecond)
					continue
				}
				v.leave(within(rd.tb, patience))
				if !entered && met.Add(1) == meetCount {
					stop()
				}
				entered = true
			}
		})
	}
	members.Wait()
	if met.Load() < meetCount {
		rd.tb.Errorf("%s: %d members of %d have met after %v\n%s", rd.path, met.Load(), meetCount, patience, rd.nemesis.recently())
	}
}

// member is a visit that a round records.
type member struct {
	*barrier.Visit
	rd    *round
	who   int
	call  int64 // of Enter
	alive bool  // when Enter returned
	end   func() time.Time
}

// enter returns the visit, or nil.
func (rd *round) enter(ctx context.Context, p *process, meeting *barrier.Double) *member {
	before := p.Health().Session
	call := rd.clock.now()
	v, err := meeting.Enter(ctx)
	ret := rd.clock.now()
	full := errors.Is(err, barrier.ErrFull)
	rd.maybe(p, meetMaybe{}, call, err != nil && !full, before)
	if err != nil {
		if !full {
			rd.failed("enter", err)
		}
		return nil
	}
	rd.journal.add(p.id, meetCome{v.Token()}, nil, call, ret)
	rd.journal.add(p.id, meetIn{v.Token()}, nil, call, ret)
	return &member{v, rd, p.id, call, v.Err() == nil, endOf(v.Context())}
}

// maybe notes what a failed call may do, and what a call may have done in a
// session that ended before it returned. A model counts both from the call on.
func (rd *round) maybe(p *process, op any, call int64, failed bool, before session.ID) {
	moved := p.Health().Session != before
	for _, may := range []bool{failed, moved} {
		if may {
			rd.journal.add(p.id, op, nil, call, call)
			rd.count(rd.name, func(t *tally) { t.unknown++ })
		}
	}
}

func (m *member) leave(ctx context.Context) {
	begin := m.rd.clock.now()
	err := m.Leave(ctx)
	finish := m.rd.clock.now()
	token := m.Token()
	switch {
	case err == nil:
		m.rd.journal.add(m.who, meetGo{token}, nil, begin, finish)
		m.rd.journal.add(m.who, meetOut{token}, nil, begin, finish)
		m.rd.done()
	case errors.Is(err, session.ErrLost):
		lostAt := min(begin, m.rd.clock.at(m.end()))
		if !m.alive {
			lostAt = m.call // the visit was lost at once
		}
		m.rd.journal.add(m.who, meetGo{token}, nil, lostAt, never)
		m.rd.count(m.rd.name, func(t *tally) { t.lost++ })
	default: // gone, but others may be inside
		m.rd.journal.add(m.who, meetGo{token}, nil, begin, never)
		m.rd.failed("leave", err)
	}
}
