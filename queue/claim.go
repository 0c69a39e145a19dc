package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/docent-go/docent/internal/base/oneline"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
)

// claim claims items that were read a moment ago: all of them in one
// transaction, or none. It returns errNotOurs if there is nothing to report: an
// item has gone, is claimed by another consumer, or has become a dead letter.
// Items for which no claim was tried can be chosen again.
//
// The claim of an item is an ephemeral znode with the item's name, and a write
// of the item's unchanged data. By this write, the version of the znode counts
// the attempts, even if the consumer dies. The write also gives the token. It
// is refused if the item has gone or was claimed since it was read.
func (q *Queue) claim(s *core.Session, chosen []candidate) ([]*Item, error) {
	b, rest, decoded := claims{q: q, s: s}, chosen, false
	defer func() {
		if !decoded { // an error, or a callback has ended the goroutine
			b.unpick()
			q.snapshot.unpick(s, namesOf(rest))
		}
	}()
	for _, c := range chosen {
		rest = rest[1:]
		i := &Item{
			q: q, s: s, name: c.name, now: c.name, raw: c.data, version: c.stat.Version, czxid: c.stat.Czxid,
			Put: putTime(c.stat), guard: newGuard(),
		}
		switch err := i.decode(c.stat); err {
		case nil:
			b.items = append(b.items, i)
		case errNotOurs:
		default:
			return nil, err
		}
	}
	decoded = true
	if len(b.items) == 0 {
		return nil, errNotOurs
	}
	return b.make(context.Background()) // every request ends with the session
}

// decode decodes the data of the item's znode. If the item cannot be delivered,
// it is passed over or becomes a dead letter, and the error is errNotOurs.
func (i *Item) decode(stat core.Stat) error {
	q := i.q
	if stat.EphemeralOwner != 0 {
		return q.skip(i.s, i.name, "recognise", fmt.Errorf("%s is not an item: it belongs to the session %v; check the path of the items",
			i.itemPath(), core.SessionID(stat.EphemeralOwner)))
	}
	payloads, malformed := q.layout.decode(i.raw)
	if malformed != nil {
		return q.bury(i, "malformed: "+malformed.Error(), i.raw, true)
	}
	i.Data, i.rest = payloads[0], payloads[1:]
	if q.o.attempts > 0 && int(i.version) >= q.o.attempts {
		i.Attempt = int(i.version)
		return q.bury(i, unacknowledged(i.Attempt), i.Data, false)
	}
	return nil
}

// claims is several claims that are made together.
type claims struct {
	q     *Queue
	s     *core.Session
	items []*Item
	// counted says that the claims count the attempts.
	counted bool
}

// unpick makes the items available to the next pick, except those to keep.
func (b *claims) unpick(keep ...*Item) {
	var names []name
	for _, i := range b.items {
		if !slices.Contains(keep, i) {
			names = append(names, i.name)
		}
	}
	b.q.snapshot.unpick(b.s, names)
}

// giveBack is unpick for items that may have been claimed.
func (b *claims) giveBack() {
	for _, i := range b.items {
		b.q.snapshot.giveBack(b.s, i.name, i.name)
	}
}

// ops returns the operations of the claims: two for each item. Items that do
// not fit into one request are left for the next pick.
func (b *claims) ops() (ops []core.Op, err error) {
	for _, i := range b.items {
		i.who = b.q.layout.claimData(b.q.o.consumer)
		if i.node, err = b.s.Own(i.claimPath()); err != nil {
			return nil, err
		}
		ops = append(ops, core.SetOp(i.itemPath(), i.raw, i.version), core.CreateOp(i.claimPath(), i.who, core.Ephemeral))
	}
	n := len(b.items)
	for n > 1 && b.q.sm.Fits(ops[:2*n]...) != nil {
		n /= 2
	}
	b.unpick(b.items[:n]...)
	b.items, ops = b.items[:n], ops[:2*n]
	if b.counted = n > 1 || b.q.sm.Fits(ops...) == nil; !b.counted {
		// An item of another program, so large that it cannot be written again
		// along with a claim: its attempts are not counted.
		ops[0] = core.CheckOp(b.items[0].itemPath(), b.items[0].version)
	}
	return ops, nil
}

// make sends the transaction until its outcome is known.
func (b *claims) make(ctx context.Context) ([]*Item, error) {
	ops, err := b.ops()
	if err != nil {
		b.unpick()
		return nil, err
	}
	for n := 0; ; n++ {
		if err := pauses.Wait(ctx, n-2); err != nil {
			return nil, err
		}
		end := b.q.snapshot.changing(b.s, 0, len(b.items))
		results, err := b.s.Txn(ctx, ops...)
		end(err == nil)
		if core.InDoubt(err) {
			var made bool
			if made, err = b.stand(ctx); err == nil && !made {
				continue
			}
			results = nil
		}
		if err == nil {
			return b.begin(ctx, results)
		}
		if again, err := b.refused(ctx, err); !again {
			return nil, err
		}
	}
}

// refused handles a transaction that was not done: the item that caused the
// refusal, and the other items. again says that another try may succeed.
func (b *claims) refused(ctx context.Context, err error) (again bool, _ error) {
	p := &b.q.snapshot
	op, _ := core.RefusedOp(err)
	first := max(0, op) / 2 // whose operation was refused
	i, item := b.items[first], op%2 == 0
	switch {
	case errors.Is(err, core.ErrNodeExists):
		p.missed(b.s, i.name, true)
	case errors.Is(err, core.ErrNoNode) && item:
		p.missed(b.s, i.name, false)
	case errors.Is(err, core.ErrBadVersion): // another consumer has claimed it, and may have given it back
		p.missed(b.s, i.name, true)
	case errors.Is(err, core.ErrNoAuth) && item: // refused for the item, and not for the directory of the claims
		b.unpick(i)
		return false, b.q.skip(b.s, i.name, "claim", err)
	case errors.Is(err, core.ErrNoNode):
		if err = b.s.EnsureDir(ctx, b.q.claims); err == nil {
			return true, nil
		}
		fallthrough
	default:
		b.giveBack()
		return false, err
	}
	b.unpick(i)
	return false, errNotOurs
}

// stand reports whether the claims exist. They were made together or not at
// all. A claim that another client has deleted since is given back.
func (b *claims) stand(ctx context.Context) (bool, error) {
	if err := b.s.Confirm(ctx, b.items[0].claimPath()); err != nil { // as in claimed; once for all
		return false, err
	}
	var standing []*Item
	for _, i := range b.items {
		made, err := i.shown(ctx)
		if err != nil {
			return false, err
		}
		if made {
			standing = append(standing, i)
		}
	}
	if len(standing) == 0 {
		return false, nil
	}
	for _, i := range b.items {
		if !slices.Contains(standing, i) {
			b.q.snapshot.giveBack(b.s, i.name, i.name)
		}
	}
	b.items = standing
	return true, nil
}

// begin starts the holds on the claims, and returns the items that are held.
func (b *claims) begin(ctx context.Context, results []core.OpResult) (held []*Item, err error) {
	for n, i := range b.items {
		var its []core.OpResult
		if results != nil {
			its = results[2*n : 2*n+2]
		}
		if failed := i.begin(ctx, its, b.counted); failed == nil {
			held = append(held, i)
		} else if err == nil {
			err = failed
		}
	}
	if len(held) == 0 {
		return nil, err
	}
	b.q.snapshot.won(b.s, held)
	return held, nil
}

// claimed reports whether the existing claim is this one. After Confirm, no
// request of an earlier connection is under way.
func (i *Item) claimed(ctx context.Context) (bool, error) {
	if err := i.s.Confirm(ctx, i.claimPath()); err != nil {
		return false, err
	}
	return i.shown(ctx)
}

// shown is claimed as far as the connected server knows.
func (i *Item) shown(ctx context.Context) (bool, error) {
	data, stat, err := i.s.Get(ctx, i.claimPath())
	if errors.Is(err, core.ErrNoNode) {
		return false, nil
	}
	return err == nil && stat.EphemeralOwner == i.s.ID() && bytes.Equal(data, i.who), err
}

// claimedUnseen is claimed for a claim that may not be read, for the reason
// hidden. A claim of this session is this one, unless the session has claimed
// the item again, by another Queue. That claim has changed the item's version,
// or the item is another one.
func (i *Item) claimedUnseen(ctx context.Context, hidden error) (bool, error) {
	owned, err := i.s.OwnsAt(ctx, i.claimPath())
	if err != nil || !owned {
		return false, err
	}
	stat, found, err := i.s.StatOf(ctx, i.itemPath())
	switch {
	case errors.Is(err, core.ErrNoAuth): // the session could not claim it again
		return true, nil
	case err != nil:
		return false, err
	case found && (stat.Czxid != i.czxid || stat.Version != i.version):
		return false, hidden
	}
	return true, nil
}

// watchAfter is how long an item is held before its claim is watched. Most
// items are settled by then.
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
	// The claim was lost before it was delivered. If the session lives on, as
	// it does under OnDisconnect, the claim still exists. It must go, and not
	// count.
	if i.s.Err() == nil {
		if kept := i.keepACL(); kept != nil {
			err = oneline.Join(err, kept, i.unclaim())
		} else {
			err = oneline.Join(err, i.transact(i.rewrite(i.name, i.Attempt-1), nil))
		}
	}
	i.q.snapshot.giveBack(i.s, i.name, i.name)
	return err
}

// seen returns the token, and records the Czxid of the znode that we have
// claimed. The znode may have been created again since it was read, with the
// same data and version. Both come with the answer to the claim. If that was
// lost, or the claim wrote nothing, they are read.
func (i *Item) seen(ctx context.Context, results []core.OpResult, counted bool) (token int64, err error) {
	if results != nil && counted {
		stat := results[0].Stat
		i.czxid = stat.Czxid
		return stat.Mzxid, nil // the zxid of the transaction, and so the claim's Czxid
	}
	item, _, err := i.s.StatOf(ctx, i.itemPath())
	if err != nil {
		return 0, err
	}
	i.czxid = item.Czxid
	claim, err := i.node.Watch(ctx)
	return claim.Czxid, err
}
