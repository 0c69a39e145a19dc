package queue

import (
	"context"
	"errors"

	"github.com/docent-go/docent/internal/core"
)

// Take waits for an item and claims it. Items come by priority, the smallest
// number first, and within a priority in the order in which they were put. With
// several consumers that order is approximate. The caller must Ack, Release or
// Reject the item. If its process dies instead, the item goes to another
// consumer when the session has expired.
//
// A queue that does not exist is an empty one: Take waits for its first item,
// also at a wrong path. session.Manager.Exists tells whether there is a queue.
//
// ctx bounds the wait, not the claim. If ctx is done and an item is there, Take
// fails. Take waits through lost connections and ended sessions. Errors: ctx's;
// session.ErrClosed; an invalid path or option; what the server answers, such
// as session.ErrNoAuth if the directories may not be read, or claims may not be
// created.
//
// An item that may not be read or claimed is passed over. So is an ephemeral
// znode with the name of an item, and an item with a claim that is not ephemeral.
// Take goes on with the items after
// it, and waits if nothing is left to take. OnSkipped reports the item, Skipped
// lists it, and Take's error names it. The Queue tries it again, at intervals
// of a second at first and of about ten seconds later. An item that cannot be
// decoded becomes a dead letter.
func (q *Queue) Take(ctx context.Context) (*Item, error) {
	q.made()
	return q.takeOne(ctx, "take from queue", true)
}

// TryTake is Take that returns ErrEmpty if there is nothing to take now: no
// item at all, or none that is due and unclaimed. It does wait for a server;
// ctx bounds that. Reads may lag, so TryTake may miss an item that another
// client put a moment ago.
func (q *Queue) TryTake(ctx context.Context) (*Item, error) {
	q.made()
	return q.takeOne(ctx, "try take from queue", false)
}

func (q *Queue) takeOne(ctx context.Context, op string, wait bool) (*Item, error) {
	items, err := q.take(ctx, 1, wait, spawn)
	if err != nil {
		return nil, q.failed(ctx, op, err)
	}
	return items[0], nil
}

// spawner starts a goroutine for f. f may outlast the ctx of the caller, which
// waits for it in another way if it has to.
type spawner func(f func())

func spawn(f func()) { go f() }

// take takes up to n items, and one at least.
func (q *Queue) take(ctx context.Context, n int, wait bool, spawn spawner) ([]*Item, error) {
	if q.err != nil {
		return nil, q.err
	}
	for tries := 0; ; tries++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s, err := q.sm.Session(ctx)
		if err != nil {
			return nil, err
		}
		items, err := q.next(ctx, s, n, wait, spawn)
		switch {
		case err == nil:
			return items, nil
		case errors.Is(err, errNotOurs) && ctx.Err() == nil:
			tries = 0
			continue
		case !errors.Is(err, core.ErrSessionEnded) && !errors.Is(err, core.ErrLost) || ctx.Err() != nil:
			return nil, q.withSkipped(err)
		}
		if err := pauses.Wait(ctx, tries-1); err != nil {
			return nil, q.withSkipped(err)
		}
	}
}

// errNotOurs says that the chosen items cannot be delivered now. It is not
// returned to users: other items are chosen.
var errNotOurs = errors.New("the items are not ours")

// errCallbackEnded says that a user's function has ended the goroutine of a
// claim.
var errCallbackEnded = errors.New("OnDead or OnSkipped has ended the goroutine that it was called on")

// next chooses items and claims them. The claim runs on a goroutine of its own,
// which lasts until the outcome is known, at the latest until the session ends.
// It releases the claim if the caller has given up.
func (q *Queue) next(ctx context.Context, s *core.Session, n int, wait bool, spawn spawner) ([]*Item, error) {
	chosen, err := q.snapshot.pick(ctx, s, n, wait)
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
				releaseUndelivered(r.items)
			}
		}()
		r.items, r.err = q.claim(s, chosen)
	})
	select {
	case r := <-claimed:
		if len(r.items) > 0 && ctx.Err() != nil {
			spawn(func() { releaseUndelivered(r.items) })
			return nil, ctx.Err()
		}
		return r.items, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// releaseUndelivered releases items that were not delivered to the caller: the
// attempt does not count. An item whose release fails was lost, and comes back
// by itself.
func releaseUndelivered(items []*Item) {
	for _, i := range items {
		_ = i.Release(WithoutAttempt())
	}
}
