package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/internal/oneline"
)

// claim makes items ours that were read a moment ago: all of them in one transaction, or
// none. It returns errNotOurs when there is nothing to report: an item has gone, is
// another's, or has become a dead letter. Items for which no claim was tried are there
// for whoever chooses next.
//
// The claim of an item is an ephemeral node that bears the item's name, and a write of
// the item's own data to itself. The write makes the version of the node count the
// attempts, whatever becomes of who made them, and gives the token. It is refused when
// the item has gone or was claimed since it was read.
func (q *Queue) claim(s *core.Session, chosen []candidate) ([]*Item, error) {
	b, rest, decoded := claims{q: q, s: s}, chosen, false
	defer func() {
		if !decoded { // an error, or a callback has ended the goroutine
			b.spare()
			q.picture.spare(s, namesOf(rest))
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

// decode reads what the item's node holds. An item that nobody can have is passed over,
// or becomes a dead letter: the error is errNotOurs then.
func (i *Item) decode(stat core.Stat) error {
	q := i.q
	if stat.EphemeralOwner != 0 {
		return q.passOver(i.s, i.name, "recognise", fmt.Errorf("%s is not an item: it belongs to the session 0x%x; check the path of the items",
			i.itemPath(), uint64(stat.EphemeralOwner)))
	}
	payloads, malformed := q.layout.decode(i.raw)
	if malformed != nil {
		return q.bury(i, "malformed: "+malformed.Error(), i.raw, true)
	}
	i.Data, i.rest = payloads[0], payloads[1:]
	if q.o.attempts > 0 && int(i.version) >= q.o.attempts {
		i.Attempt = int(i.version)
		return q.bury(i, fmt.Sprintf("not acknowledged in %d attempts", i.Attempt), i.Data, false)
	}
	return nil
}

// claims is claims that are made together.
type claims struct {
	q     *Queue
	s     *core.Session
	items []*Item
	// counted says that the claims count the attempts.
	counted bool
}

// spare leaves the items to whoever chooses next, all but those given.
func (b *claims) spare(but ...*Item) {
	var names []name
	for _, i := range b.items {
		if !slices.Contains(but, i) {
			names = append(names, i.name)
		}
	}
	b.q.picture.spare(b.s, names)
}

// giveBack is spare for items that may have been claimed.
func (b *claims) giveBack() {
	for _, i := range b.items {
		b.q.picture.giveBack(b.s, i.name, i.name)
	}
}

// ops returns the operations of the claims: two for each item. Items that do not fit
// into one request are left to others.
func (b *claims) ops() (ops []core.Op, err error) {
	for _, i := range b.items {
		i.who = b.q.layout.claimant(b.q.o)
		if i.node, err = b.s.Own(i.claimPath()); err != nil {
			return nil, err
		}
		ops = append(ops, core.SetOp(i.itemPath(), i.raw, i.version), core.CreateOp(i.claimPath(), i.who, core.Ephemeral))
	}
	n := len(b.items)
	for n > 1 && b.q.sm.Fits(ops[:2*n]...) != nil {
		n /= 2
	}
	b.spare(b.items[:n]...)
	b.items, ops = b.items[:n], ops[:2*n]
	if b.counted = n > 1 || b.q.sm.Fits(ops...) == nil; !b.counted {
		// Somebody else's item, so large that it cannot be written once more
		// along with a claim: its attempts are not counted.
		ops[0] = core.CheckOp(b.items[0].itemPath(), b.items[0].version)
	}
	return ops, nil
}

// make does the transaction.
func (b *claims) make(ctx context.Context) ([]*Item, error) {
	ops, err := b.ops()
	if err != nil {
		b.spare()
		return nil, err
	}
	for n := 0; ; n++ {
		if err := line.Pause(ctx, n-2, leastPause, mostPause); err != nil {
			return nil, err
		}
		end := b.q.picture.changing(b.s, 0, len(b.items))
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

// refused deals with a transaction that was not done: with the item for which it was
// refused, and with the others. again says that it is worth another try.
func (b *claims) refused(ctx context.Context, err error) (again bool, _ error) {
	p := &b.q.picture
	op, _ := core.RefusedOp(err)
	first := max(0, op) / 2 // whose operation was refused
	i, item := b.items[first], op%2 == 0
	switch {
	case errors.Is(err, core.ErrNodeExists):
		p.missed(b.s, i.name, true)
	case errors.Is(err, core.ErrNoNode) && item:
		p.missed(b.s, i.name, false)
	case errors.Is(err, core.ErrBadVersion): // somebody has claimed it, and has it or gave it back
		p.missed(b.s, i.name, true)
	case errors.Is(err, core.ErrNoAuth) && item: // for the item, and not for the directory of the claims
		b.spare(i)
		return false, b.q.passOver(b.s, i.name, "claim", err)
	case errors.Is(err, core.ErrNoNode):
		if err = b.s.EnsureDir(ctx, b.q.claims); err == nil {
			return true, nil
		}
		fallthrough
	default:
		b.giveBack()
		return false, err
	}
	b.spare(i)
	return false, errNotOurs
}

// stand reports whether the claims stand. They were made together or not at all; those
// that a stranger has deleted since are given back.
func (b *claims) stand(ctx context.Context) (bool, error) {
	if err := b.s.Confirm(ctx, b.items[0].claimPath()); err != nil { // as in claimed, for all
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
			b.q.picture.giveBack(b.s, i.name, i.name)
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
	b.q.picture.won(b.s, held)
	return held, nil
}

// claimed reports whether the claim that stands is this one. After Confirm,
// nothing that was sent on an earlier connection is under way any more.
func (i *Item) claimed(ctx context.Context) (bool, error) {
	if err := i.s.Confirm(ctx, i.claimPath()); err != nil {
		return false, err
	}
	return i.shown(ctx)
}

// shown is claimed as far as the server knows that we are connected to.
func (i *Item) shown(ctx context.Context) (bool, error) {
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
