package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
)

// queueWork makes every process put and take. Afterwards the observer takes the
// remaining items, and finds the queue empty.
func queueWork(ctx context.Context, rd *round) {
	w := &itemWork{round: rd}
	rd.each(func(p *process, rng *rand.Rand) {
		q := queue.New(p.Manager, rd.path)
		var producing sync.WaitGroup
		producing.Go(func() { w.produce(ctx, p.id, source(rd.seed, rd.name, rd.n, p.id, "put"), q) })
		for ctx.Err() == nil {
			wait, cancel := context.WithTimeout(ctx, between(rng, 500*time.Millisecond, 6*time.Second))
			w.consume(ctx, p, rng, func() (*queue.Item, error) { return q.Take(wait) })
			cancel()
		}
		producing.Wait()
	})
	w.drain()
}

// itemWork is a round of work on one queue.
type itemWork struct {
	*round
	mu  sync.Mutex
	all []string // each item passed to Put
}

func (w *itemWork) produce(ctx context.Context, who int, rng *rand.Rand, q *queue.Queue) {
	for n := 0; ctx.Err() == nil; n++ {
		item := fmt.Sprintf("%d-%d", who, n)
		w.mu.Lock()
		w.all = append(w.all, item)
		w.mu.Unlock()
		wait, cancel := context.WithTimeout(ctx, between(rng, time.Second, 4*time.Second))
		call := w.clock.now()
		_, err := q.Put(wait, []byte(item), queue.Priority(rng.IntN(3)))
		ret := w.clock.now()
		cancel()
		switch {
		case err == nil:
			w.journal.add(who, itemOp{item, itemPut, 0}, nil, call, ret)
			w.done()
		case errors.Is(err, session.ErrUnknownOutcome):
			w.journal.add(who, itemOp{item, itemPut, 0}, nil, call, never)
			w.count(w.name, func(t *tally) { t.unknown++ }) // items are checked one by one: unknown outcomes do not multiply
		default:
			w.failed("put", err)
		}
		pause(ctx, between(rng, 20*time.Millisecond, 100*time.Millisecond))
	}
}

// consume takes one item, and usually acknowledges it.
func (w *itemWork) consume(ctx context.Context, p *process, rng *rand.Rand, takeOne func() (*queue.Item, error)) {
	call := w.clock.now()
	item, err := takeOne()
	ret := w.clock.now()
	if err != nil {
		w.failed("take", err)
		return
	}
	alive := item.Err() == nil
	end := endOf(item.Context())
	if rng.IntN(30) == 0 {
		pause(ctx, between(rng, 100*time.Millisecond, 3*time.Second))
	}
	data, token := string(item.Data), item.Token()
	note := func(kind itemKind, call, ret int64) { w.journal.add(p.id, itemOp{data, kind, token}, nil, call, ret) }
	note(itemTake, call, ret)
	if p.proxy != nil && rng.IntN(300) == 0 {
		defer w.nemesis.strikeAck(p, rng)()
	}
	begin := w.clock.now()
	kind := itemAck
	if rng.IntN(10) == 0 {
		kind = itemGive
		err = item.Release()
	} else {
		err = item.Ack()
	}
	finish := w.clock.now()
	if err == nil {
		note(kind, begin, finish)
		w.done()
		return
	}
	lostAt := min(begin, w.clock.at(end()))
	if !alive {
		lostAt = call // the claim was lost at once
	}
	switch {
	case errors.Is(err, session.ErrUnknownOutcome) && kind == itemAck:
		note(itemMaybe, begin, never)
		note(itemLose, lostAt, never)
		w.count(w.name, func(t *tally) { t.unknown++ })
	case errors.Is(err, session.ErrLost):
		note(itemGive, lostAt, never)
		w.count(w.name, func(t *tally) { t.lost++ })
	default:
		w.tb.Errorf("%s: %s of %s: %v\n%s", w.path, kind, data, err, w.nemesis.recently())
	}
}

// drain takes the remaining items and notes that the queue is empty then. Some
// items come back only with the end of a session.
func (w *itemWork) drain() {
	ctx := within(w.tb, 2*patience)
	q := queue.New(w.watcher, w.path)
	rng := source(w.seed, w.name, w.n, "drain")
	last := &process{Manager: w.watcher, id: len(w.procs)}
	for ctx.Err() == nil {
		call := w.clock.now()
		err := w.watcher.Sync(ctx, w.path)
		left := 0
		if err == nil {
			left, err = q.Len(ctx)
		}
		if err == nil && left == 0 {
			ret := w.clock.now()
			for _, item := range w.all {
				w.journal.add(last.id, itemOp{item, itemEmpty, 0}, nil, call, ret)
			}
			return
		}
		wait, cancel := context.WithTimeout(ctx, time.Second)
		w.consume(ctx, last, rng, func() (*queue.Item, error) { return q.Take(wait) })
		cancel()
	}
	w.tb.Errorf("%s: not empty after %v\n%s", w.path, 2*patience, w.nemesis.recently())
}
