package faults

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/session"
)

func counterWork(ctx context.Context, rd *round) {
	rd.each(func(p *process, rng *rand.Rand) {
		c := counter.New(p.Manager, rd.path)
		last := int64(0)
		for ctx.Err() == nil {
			call, cancel := context.WithTimeout(ctx, between(rng, time.Second, 4*time.Second))
			last = rd.countOnce(call, p.id, rng, c, last)
			cancel()
			pause(ctx, between(rng, 0, 40*time.Millisecond))
		}
	})
}

// countOnce does one operation on the counter, and returns the number that it
// knows then.
func (rd *round) countOnce(ctx context.Context, who int, rng *rand.Rand, c *counter.Counter, last int64) int64 {
	var in any
	var out number
	var err error
	call := rd.clock.now()
	switch rng.IntN(4) {
	case 0:
		var v counter.Value
		v, err = c.Get(ctx)
		in, out.n = getOp{}, v.N
		last = v.N
	case 1:
		op := casOp{last, rng.Int64N(1_000_000)}
		out.swapped, err = c.CompareAndSet(ctx, op.from, op.to)
		in = op
		if out.swapped {
			last = op.to
		}
	default:
		op := addOp{1 + rng.Int64N(1000)}
		out.n, err = c.Add(ctx, op.n)
		in = op
		last = out.n
	}
	ret := rd.clock.now()
	switch {
	case err == nil:
		rd.journal.add(who, in, out, call, ret)
		rd.done()
	case errors.Is(err, session.ErrUnknownOutcome):
		rd.journal.add(who, in, number{unknown: true}, call, never)
		rd.unknown()
	default:
		rd.failed("count", err)
	}
	return last
}
