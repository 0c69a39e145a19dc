package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/internal/oneline"
	"github.com/docent-go/docent/internal/znode"
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
	return q.take(ctx, true)
}

// TryTake is Take that returns ErrEmpty when there is nothing to take now: no
// item at all, or none that is due and that nobody has claimed. It does wait
// for a server; ctx bounds that. An item that somebody else put a moment ago may be
// missed, since reads may lag behind.
func (q *Queue) TryTake(ctx context.Context) (*Item, error) {
	q.made()
	return q.take(ctx, false)
}

func (q *Queue) take(ctx context.Context, wait bool) (*Item, error) {
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
		item, err := q.next(ctx, s, wait)
		switch {
		case err == nil:
			return item, nil
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

// errNotOurs says that an item which was chosen went another way. It reaches
// nobody: another item is chosen.
var errNotOurs = errors.New("the item is not ours")

// next chooses an item and claims it. The claim runs on a goroutine of its own,
// which lasts until the outcome is known, at the latest until the session ends:
// a caller who does not wait for that must leave no claim behind.
func (q *Queue) next(ctx context.Context, s *core.Session, wait bool) (*Item, error) {
	n, err := q.picture.pick(ctx, s, wait)
	if err != nil {
		return nil, err
	}
	type result struct {
		item *Item
		err  error
	}
	claimed := make(chan result)
	go func() {
		item, err := q.claim(s, n)
		select {
		case claimed <- result{item, err}:
		case <-ctx.Done():
			if item != nil {
				// Nobody has seen it, so the attempt does not count. If that
				// fails it was lost, and comes back by itself.
				_ = item.Release(Uncounted())
			}
		}
	}()
	select {
	case r := <-claimed:
		if r.item != nil && ctx.Err() != nil {
			_ = r.item.Release(Uncounted()) // as above
			return nil, ctx.Err()
		}
		return r.item, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// claim makes the item ours. It returns errNotOurs when there is nothing to
// report: the item has gone, is another's, or has become a dead letter.
//
// The claim is one transaction: an ephemeral node that bears the item's name,
// and a write of the item's own data to itself. The write makes the version of
// the node count the attempts, whatever becomes of who made them, and gives the
// token. It is refused when the item has gone or was claimed since it was read.
func (q *Queue) claim(s *core.Session, n name) (*Item, error) {
	ctx := context.Background() // every request ends with the session
	path := znode.Join(q.items, n.text)
	for {
		data, stat, err := s.Get(ctx, path)
		switch {
		case errors.Is(err, core.ErrNoNode):
			q.picture.missed(s, n, false)
			return nil, errNotOurs
		case errors.Is(err, core.ErrNoAuth):
			return nil, q.passOver(s, n, "read", err)
		case err != nil:
			q.picture.giveBack(s, n, n)
			return nil, err
		}
		if stat.EphemeralOwner != 0 {
			return nil, q.passOver(s, n, "recognise", fmt.Errorf(
				"%s is not an item: it belongs to the session 0x%x; check the path of the items", path, uint64(stat.EphemeralOwner)))
		}
		i := &Item{q: q, s: s, name: n, now: n, raw: data, version: stat.Version, czxid: stat.Czxid, Put: putTime(stat), guard: newGuard()}
		payloads, malformed := q.layout.decode(data)
		switch {
		case malformed != nil:
			return nil, q.bury(i, "malformed: "+malformed.Error(), data, true)
		case q.o.attempts > 0 && int(stat.Version) >= q.o.attempts:
			i.Data, i.rest, i.Attempt = payloads[0], payloads[1:], int(stat.Version)
			return nil, q.bury(i, fmt.Sprintf("not acknowledged in %d attempts", i.Attempt), i.Data, false)
		}
		i.Data, i.rest = payloads[0], payloads[1:]
		again, err := i.claim(ctx)
		if again {
			continue
		}
		if err != nil {
			return nil, err
		}
		q.picture.won(s, n)
		return i, nil
	}
}

// claim does the transaction. again says that the item has to be read anew.
func (i *Item) claim(ctx context.Context) (again bool, err error) {
	q, s := i.q, i.s
	claim := i.claimPath()
	i.who = q.layout.claimant(q.o)
	if i.node, err = s.Own(claim); err != nil {
		return false, err
	}
	ops := []core.Op{
		core.SetOp(i.itemPath(), i.raw, i.version),
		core.CreateOp(claim, i.who, core.Ephemeral),
	}
	counted := q.sm.Fits(ops...) == nil
	if !counted {
		// Somebody else's item, so large that it cannot be written once more
		// along with a claim: its attempts are not counted.
		ops[0] = core.CheckOp(i.itemPath(), i.version)
	}
	for n := 0; ; n++ {
		if err := line.Pause(ctx, n-2, leastPause, mostPause); err != nil {
			return false, err
		}
		results, err := s.Txn(ctx, ops...)
		if core.InDoubt(err) {
			var made bool
			if made, err = i.claimed(ctx); err == nil && !made {
				continue
			}
			results = nil
		}
		op, _ := core.RefusedOp(err)
		switch {
		case err == nil:
		case errors.Is(err, core.ErrNodeExists):
			q.picture.missed(s, i.name, true)
			return false, errNotOurs
		case errors.Is(err, core.ErrBadVersion):
			return true, nil
		case errors.Is(err, core.ErrNoAuth) && op == 0: // for the item, and not for the directory of the claims
			return false, q.passOver(s, i.name, "claim", err)
		case errors.Is(err, core.ErrNoNode) && op == 0:
			q.picture.missed(s, i.name, false)
			return false, errNotOurs
		case errors.Is(err, core.ErrNoNode):
			if err = s.EnsureDir(ctx, q.claims); err == nil {
				continue
			}
			fallthrough
		default:
			q.picture.giveBack(s, i.name, i.name)
			return false, err
		}
		return false, i.begin(ctx, results, counted)
	}
}

// claimed reports whether the claim that stands is this one. After Confirm,
// nothing that was sent on an earlier connection is under way any more.
func (i *Item) claimed(ctx context.Context) (bool, error) {
	if err := i.s.Confirm(ctx, i.claimPath()); err != nil {
		return false, err
	}
	data, stat, err := i.s.Get(ctx, i.claimPath())
	if errors.Is(err, core.ErrNoNode) {
		return false, nil
	}
	return err == nil && stat.EphemeralOwner == i.s.ID() && bytes.Equal(data, i.who), err
}

// watchAfter is how long an item is held before its claim is watched: most are
// done with by then.
const watchAfter = 100 * time.Millisecond

// begin starts the hold on a claim that has been made.
func (i *Item) begin(ctx context.Context, results []core.OpResult, counted bool) error {
	i.Attempt, i.counted = int(i.version)+1, counted
	if counted {
		i.version++
	}
	token, err := i.seen(ctx, results, counted)
	if err == nil {
		i.ID, i.Priority = i.name.id(), int(i.name.priority)
		var h *core.Hold
		if h, err = i.node.HoldWatched(ctx, token, watchAfter); err == nil {
			i.Hold = bridge.Hold(h)
			return nil
		}
	}
	// It was lost before anybody could see it. Where the session lives on, as it
	// does under OnDisconnect, the claim still stands; it must not stay, nor count.
	if i.s.Err() == nil {
		if kept := i.keepACL(); kept != nil {
			err = oneline.Join(err, kept, i.unclaim())
		} else {
			err = oneline.Join(err, i.transact(nil, i.rewrite(i.name, i.Attempt-1)))
		}
	}
	i.q.picture.giveBack(i.s, i.name, i.name)
	return err
}

// seen returns the token, and notes which node it is that we have claimed: it
// may have been made anew since it was read, with the same data and version. Both
// come with the answer to the claim; where that was lost, or wrote nothing, they are read.
func (i *Item) seen(ctx context.Context, results []core.OpResult, counted bool) (token int64, err error) {
	if results != nil && counted {
		stat := results[0].Stat
		i.czxid = stat.Czxid
		return stat.Mzxid, nil // of the transaction, and so the claim's czxid
	}
	item, _, err := i.s.StatOf(ctx, i.itemPath())
	if err != nil {
		return 0, err
	}
	i.czxid = item.Czxid
	claim, err := i.node.Watch(ctx)
	return claim.Czxid, err
}
