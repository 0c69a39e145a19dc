package queue

import (
	"context"
	"errors"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/line"
)

// Take waits for an item and claims it. Items come by priority, the smallest
// number first, and within a priority in the order in which they were put; with
// several consumers that order is approximate. The caller must Ack, Release or
// Reject the item; if its process dies instead, the item goes to another consumer
// when its session has expired.
//
// ctx bounds the wait, not the claim. A ctx that is done beats an item that is
// there. Take waits through lost connections and ended sessions. Errors: ctx's;
// session.ErrClosed; an invalid path or option; what the server answers, such
// as session.ErrNoAuth where the directories may not be read, or no claim may
// be made.
//
// An item that may not be read or claimed is passed over, and so is an ephemeral
// znode that bears the name of an item. Take goes on with the items after it, and
// waits if there are none. OnSkipped tells of the item, Skipped lists it, and Take's
// error names it. The Queue tries it again, at intervals of a second at first and
// of about ten seconds later. An item that cannot be decoded becomes a dead letter.
func (q *Queue) Take(ctx context.Context) (*Item, error) {
	q.made()
	return one(q.take(ctx, 1, true, spawn))
}

// TryTake is Take that returns ErrEmpty when there is nothing to take now: no
// item at all, or none that is due and that nobody has claimed. It does wait
// for a server; ctx bounds that. An item that somebody else put a moment ago may be
// missed, since reads may lag behind.
func (q *Queue) TryTake(ctx context.Context) (*Item, error) {
	q.made()
	return one(q.take(ctx, 1, false, spawn))
}

// one returns the only item of a take.
func one(items []*Item, err error) (*Item, error) {
	if err != nil {
		return nil, err
	}
	return items[0], nil
}

// spawner starts a goroutine. What it runs may outlast the ctx of its caller, who may
// wait for it by another way.
type spawner func(f func())

func spawn(f func()) { go f() }

// take takes up to most items, and one at least.
func (q *Queue) take(ctx context.Context, most int, wait bool, spawn spawner) ([]*Item, error) {
	if q.err != nil {
		return nil, q.fail("take from", q.err)
	}
	for n := 0; ; n++ {
		if err := ctx.Err(); err != nil {
			return nil, q.failed(ctx, "take from", err)
		}
		s, err := q.sm.Session(ctx)
		if err != nil {
			return nil, q.failed(ctx, "take from", err)
		}
		items, err := q.next(ctx, s, most, wait, spawn)
		switch {
		case err == nil:
			return items, nil
		case errors.Is(err, errNotOurs) && ctx.Err() == nil:
			n = 0
			continue
		case !errors.Is(err, core.ErrSessionEnded) && !errors.Is(err, core.ErrLost) || ctx.Err() != nil:
			return nil, q.failed(ctx, "take from", q.withSkipped(err))
		}
		if err := line.Pause(ctx, n-1, leastPause, mostPause); err != nil {
			return nil, q.failed(ctx, "take from", q.withSkipped(err))
		}
	}
}

// errNotOurs says that the items which were chosen went another way. It reaches
// nobody: others are chosen.
var errNotOurs = errors.New("the items are not ours")

// errCallbackEnded says that a user's function has ended the goroutine of a claim.
var errCallbackEnded = errors.New("OnDead or OnSkipped has ended the goroutine that it was called on")

// next chooses items and claims them. The claim runs on a goroutine of its own,
// which lasts until the outcome is known, at the latest until the session ends:
// a caller who does not wait for that must leave no claim behind.
func (q *Queue) next(ctx context.Context, s *core.Session, most int, wait bool, spawn spawner) ([]*Item, error) {
	chosen, err := q.picture.pick(ctx, s, most, wait)
	if err != nil {
		return nil, err
	}
	type result struct {
		items []*Item
		err   error
	}
	claimed := make(chan result)
	spawn(func() {
		r := result{err: errCallbackEnded}
		defer func() {
			select {
			case claimed <- r:
			case <-ctx.Done():
				unseen(r.items)
			}
		}()
		r.items, r.err = q.claim(s, chosen)
	})
	select {
	case r := <-claimed:
		if len(r.items) > 0 && ctx.Err() != nil {
			spawn(func() { unseen(r.items) })
			return nil, ctx.Err()
		}
		return r.items, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// unseen releases items that nobody has seen: the attempt does not count. An item whose
// release fails was lost, and comes back by itself.
func unseen(items []*Item) {
	for _, i := range items {
		_ = i.Release(Uncounted())
	}
}
