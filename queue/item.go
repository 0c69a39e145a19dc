package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/oneline"
	"github.com/docent-go/docent/internal/base/stamp"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/session"
)

// Item is an item that was taken: its data, and the claim on it. The claim is a
// session.Hold. Its Context ends before another consumer can have the item,
// Token grows with each claim of the item, and Path is the path of the claim's
// znode. The claim lasts until Ack, Release or Reject, or until the session
// ends. The methods of an Item are safe for concurrent use; its fields must not
// be written to.
type Item struct {
	session.Hold
	ID   ID
	Data []byte
	// Attempt is how often the item has been delivered, including this time: 1
	// for the first. Only consumers of this package count.
	Attempt  int
	Priority int
	// Put is when the item's znode was created, by the clock of the ensemble's
	// leader. A Release with After or WithoutAttempt creates it again.
	Put time.Time

	q       *Queue
	s       *core.Session
	node    *core.Node
	name    name
	now     name     // the znode's name after a release
	raw     []byte   // the data of the item's znode
	who     []byte   // the data of the claim
	rest    [][]byte // the payloads after Data in the same znode
	version int32
	counted bool       // the claim has changed the version
	czxid   int64      // of the item's znode
	acl     []core.ACL // of the item's znode, once it was read; nil: the configured one
	guard   *guard
	settled atomic.Int32
	forget  sync.Once
	died    *DeadLetter // the dead letter that this settlement has made; nil: none
}

// How an item has been settled.
const (
	acked = iota + 1
	released
	rejected
)

func putTime(stat core.Stat) time.Time { return stamp.Millis(stat.Ctime) }

func (i *Item) itemPath() string  { return znode.Join(i.q.items, i.name.text) }
func (i *Item) claimPath() string { return znode.Join(i.q.claims, i.name.text) }

// Ack takes the item out of the queue for good, and ends the claim. It is one
// transaction, which is rejected if the claim has gone. If the answer is lost,
// Ack finds out the outcome. So nil means that this claim has deleted the item,
// and that the item never comes again.
//
// Ack needs no context: it takes at most as long as the session can last
// without a server. All calls return the same. Errors: session.ErrLost if the
// claim was lost before: nothing was deleted, and another consumer gets the
// item; session.ErrLost and session.ErrUnknownOutcome if the session ended
// during the request; session.ErrReleased if the item was released or rejected
// before; session.ErrNoAuth. After any error the item may come again.
func (i *Item) Ack() error {
	misuse.ZeroValue(i == nil || i.q == nil, "or nil queue.Item", "Queue.Take")
	err := i.settle("acknowledge", acked, func() error {
		if len(i.rest) > 0 {
			if err := i.keepACL(); err != nil {
				return oneline.Join(err, i.unclaim())
			}
		}
		return i.transact(i.others(), nil)
	})
	if how := i.settled.Load(); err == nil && how != acked {
		text := "it was released before"
		if how == rejected {
			text = "it was rejected before"
		}
		return i.failed("acknowledge", core.Worded(text, core.ErrReleased))
	}
	return err
}

// keepACL reads the ACL of the item's znode, for the znode that replaces it:
// the item created again, or the dead letter. A session that may not read the
// item must not be able to read the replacement.
func (i *Item) keepACL() (err error) {
	i.acl, err = i.s.KeptACL(context.Background(), i.itemPath()) // the request ends with the session
	return err
}

// remove returns the operations that delete the item and its claim. They come
// before all others of a transaction, the item first: it has our version only
// until another consumer claims it. So the server refuses one of these two if
// the claim was lost. If it refuses another operation, the claim was ours.
func (i *Item) remove() []core.Op {
	return []core.Op{core.DeleteOp(i.itemPath(), i.version), core.DeleteOp(i.claimPath(), core.AnyVersion)}
}

// others returns the operation, if any, that leaves further payloads in the
// item's place, as an item with no attempts. Its name is different: it is due a
// millisecond after the old one. Under the same name, a consumer that has read
// the old znode could take the new one for it, and write back the payload that
// is gone.
func (i *Item) others() []core.Op {
	if len(i.rest) == 0 {
		return nil
	}
	i.now.due++
	i.now.text = i.q.layout.prefix(i.now) + string(i.now.id())
	return []core.Op{core.CreateOp(znode.Join(i.q.items, i.now.text), frame(i.rest...), core.Persistent).WithExactACL(i.acl)}
}

// Release gives the item back: it can be taken again at once, in its old place,
// with its priority, its ID, its ACL and its count of attempts. If it has been
// delivered as often as MaxAttempts allows, it becomes a dead letter instead.
// Release after Ack, Release or Reject does nothing; all calls return the same.
//
// Release needs no context: it takes at most as long as the session can last
// without a server. The error is session.ErrLost if the claim was lost before.
// Then the item comes back by itself.
func (i *Item) Release(opts ...ReleaseOption) error {
	misuse.ZeroValue(i == nil || i.q == nil, "or nil queue.Item", "Queue.Take")
	var o releaseOptions
	misuse.Apply("Item.Release", &o, opts)
	return i.settle("release", released, func() error { return i.release(o) })
}

// ReleaseOption changes how an item is released.
type ReleaseOption func(*releaseOptions)

type releaseOptions struct {
	after     time.Duration
	uncounted bool
	reason    string
}

// After withholds the released item for d, by the wall clock. Its place,
// priority, ID and attempts stay. Only Curator's format has delays. If d is not
// above zero, After has no effect.
func After(d time.Duration) ReleaseOption { return func(o *releaseOptions) { o.after = d } }

// WithoutAttempt takes this delivery off the count of attempts. Use it if the
// item was not worked on. Without After, the item keeps its old delay, which
// has passed.
func WithoutAttempt() ReleaseOption { return func(o *releaseOptions) { o.uncounted = true } }

// Reason sets the reason for the dead letter that the item becomes if this was
// its last attempt.
func Reason(reason string) ReleaseOption { return func(o *releaseOptions) { o.reason = reason } }

// unacknowledged is the reason of a dead letter that was delivered too often.
func unacknowledged(attempts int) string { return "not acknowledged in " + plural(attempts, "attempt") }

func (i *Item) release(o releaseOptions) error {
	if !o.uncounted && i.q.o.attempts > 0 && i.Attempt >= i.q.o.attempts {
		reason := unacknowledged(i.Attempt)
		if o.reason != "" {
			reason += ": " + o.reason
		}
		return i.reject(reason)
	}
	to, attempts := i.name, int(i.version)
	if o.uncounted && attempts > 0 {
		attempts--
	}
	if o.after > 0 {
		due, err := i.q.dueAt(later(time.Now(), o.after))
		if err != nil {
			return oneline.Join(err, i.unclaim())
		}
		to.due = due
		to.text = i.q.layout.prefix(to) + string(to.id())
	}
	if to == i.name && attempts == int(i.version) {
		return i.unclaim()
	}
	err := i.keepACL()
	if err != nil {
		return oneline.Join(err, i.unclaim())
	}
	err = i.transact(i.rewrite(to, attempts), nil)
	if err == nil {
		i.now = to
	}
	return err
}

// maxRewritten bounds the count of attempts that survives a release that
// creates the znode again. Each attempt costs one write in the request.
const maxRewritten = 1000

// rewrite returns the operations that create the item's znode again, perhaps
// under another name, with a version that counts the attempts. If so many
// writes do not fit into a request, the count is lower.
func (i *Item) rewrite(to name, attempts int) []core.Op {
	for {
		ops := i.rewritten(to, attempts)
		if attempts == 0 || i.q.sm.Fits(slices.Concat(i.remove(), ops)...) == nil {
			return ops
		}
		attempts = min(attempts, maxRewritten) * 3 / 4
	}
}

func (i *Item) rewritten(to name, attempts int) []core.Op {
	path := znode.Join(i.q.items, to.text)
	attempts = min(attempts, maxRewritten)
	first := i.raw
	if attempts > 0 {
		first = nil
	}
	ops := []core.Op{core.CreateOp(path, first, core.Persistent).WithExactACL(i.acl)}
	for n := 1; n <= attempts; n++ {
		var data []byte
		if n == attempts {
			data = i.raw
		}
		ops = append(ops, core.SetOp(path, data, core.AnyVersion))
	}
	return ops
}

// Reject makes the item a dead letter, whatever MaxAttempts says. Like Release,
// it needs no context, does nothing after an Ack, Release or Reject, and
// returns session.ErrLost if the claim was lost before.
func (i *Item) Reject(reason string) error {
	misuse.ZeroValue(i == nil || i.q == nil, "or nil queue.Item", "Queue.Take")
	return i.settle("reject", rejected, func() error { return i.reject(reason) })
}

// settle ends the claim: by f, or if the claim was lost before, by unclaim
// alone.
func (i *Item) settle(op string, how int32, f func() error) error {
	ours := false
	err := bridge.CoreHold(&i.Hold).ReleaseBy(func(lost error) error {
		unguarded := i.unguard()
		if lost != nil {
			return oneline.Join(i.unclaim(), unguarded)
		}
		i.settled.Store(how)
		ours = true
		return oneline.Join(f(), unguarded)
	})
	refused := func() {}
	i.forget.Do(func() {
		if errors.Is(i.Hold.Err(), core.ErrDeleted) {
			i.abandonGuard() // ReleaseBy has not called its function
		}
		switch {
		case err == nil && i.settled.Load() == acked && len(i.rest) == 0:
			i.q.snapshot.drop(i.s, i.name)
		case errors.Is(err, core.ErrNoAuth):
			// Otherwise it would be delivered again at once, and be refused
			// again.
			refused = i.q.quarantine(i.s, i.name, "settle", err)
		default:
			i.q.snapshot.giveBack(i.s, i.name, i.now)
		}
	})
	if ours && i.died != nil {
		i.q.reportDead(*i.died) // which may settle the item again
	}
	refused()
	return i.failed(op, i.lost(err))
}

// failed returns the error of a verb, which names the item. It returns nil for
// nil.
func (i *Item) failed(op string, err error) error {
	if err == nil {
		return nil
	}
	return core.Failed(op, i.q.path, fmt.Errorf("item %s: %w", i.ID, err))
}

// transact ends the claim by a transaction, which deletes the item and the claim
// and then does the other operations. transact repeats it until it is known to
// be done or refused, or until the session has ended. If the answer was lost
// and the item has gone, proven, if not nil, decides whether it was done.
func (i *Item) transact(others []core.Op, proven func(context.Context) error) error {
	ctx := context.Background() // every request ends with the session
	ops := append(i.remove(), others...)
	for n := 0; ; n++ {
		if err := pauses.Wait(ctx, n-2); err != nil {
			return err
		}
		err := i.send(ctx, ops, n == 0)
		if core.InDoubt(err) {
			done, looked := i.gone(ctx)
			switch {
			case done && proven != nil:
				return proven(ctx)
			case done:
				return nil
			case looked == nil:
				continue
			}
			err = fmt.Errorf("%w: %w", err, looked)
		}
		op, _ := core.RefusedOp(err)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, core.ErrSessionEnded):
			return err
		case errors.Is(err, core.ErrBadVersion), errors.Is(err, core.ErrNoNode) && op == 0:
			err = lostTo(err)
		case errors.Is(err, core.ErrNoNode) && op == 1:
			return core.ErrDeleted
		case errors.Is(err, core.ErrNoNode): // only the directory of the dead letters can be missing
			if err = i.s.EnsureDir(ctx, i.q.dead); err == nil {
				continue
			}
		}
		// An operation that fails must not withhold the item from other
		// consumers.
		return oneline.Join(err, i.unclaim())
	}
}

// lostTo returns the error of a claim that has proved to be lost: another
// client has deleted it.
func lostTo(err error) error {
	return core.Worded("the claim was lost, and nothing was done: another consumer has claimed the item, or the item is gone", core.ErrLost, err)
}

// lost returns the error of a claim that was lost before its end, or during the
// requests for that. It says whether the item comes again. It returns any other
// error as it is.
func (i *Item) lost(err error) error {
	over := errors.Is(err, core.ErrSessionEnded)
	if !over && (!errors.Is(err, core.ErrLost) || errors.Is(err, core.ErrBadVersion) || errors.Is(err, core.ErrNoNode)) {
		return err // also lostTo
	}
	text := "the claim was lost, and nothing was done, so the item comes again: %v"
	if errors.Is(err, core.ErrUnknownOutcome) {
		text = "the claim was lost before the answer, so the item comes again unless the request was done: %v"
	}
	cause := i.s.Err()
	if held := i.Hold.Err(); cause == nil && errors.Is(held, core.ErrLost) {
		cause = held
	} else if cause == nil {
		cause = core.ErrDeleted
	}
	return core.Worded(fmt.Sprintf(text, cause), core.ErrLost, err)
}

// send sends a transaction. If together is set, a plain acknowledgement is sent
// together with others.
func (i *Item) send(ctx context.Context, ops []core.Op, together bool) error {
	if together && len(ops) == 2 {
		if err := i.q.acks.send(ctx, i.s, ops); err != errAlone {
			return err
		}
	}
	_, err := i.s.Txn(ctx, ops...)
	return err
}

// unclaim deletes the claim, and never another consumer's. The next claim of
// the item has a znode with the same name. So the delete is bound to the item's
// version, which that claim would have changed. unclaim reads the claim in
// three cases: the guard refuses the delete, its answer was lost, or claims are
// not counted. If the claim may not be read, the delete that is bound to the
// version is repeated after a lost answer.
func (i *Item) unclaim() error {
	ctx := context.Background() // every request ends with the session
	for n := 0; ; n++ {
		if err := pauses.Wait(ctx, n-2); err != nil {
			return err
		}
		err := core.ErrLost // claims that are not counted go the way of a refused guard
		if i.counted {
			_, err = i.s.Txn(ctx, core.GuardOp(i.itemPath(), i.version), core.DeleteOp(i.claimPath(), core.AnyVersion))
		}
		switch {
		case core.InDoubt(err):
			var ours bool
			if ours, err = i.claimed(ctx); ours && err == nil || errors.Is(err, core.ErrNoAuth) {
				continue
			}
		case errors.Is(err, core.ErrLost): // another consumer has claimed the item, or it has gone
			var ours bool
			if ours, err = i.claimed(ctx); errors.Is(err, core.ErrNoAuth) {
				ours, err = i.claimedUnseen(ctx, err)
			}
			if ours && err == nil {
				err = i.node.Remove(ctx)
			}
		}
		if errors.Is(err, core.ErrNoNode) || errors.Is(err, core.ErrSessionEnded) {
			return nil // it goes with the session
		}
		return err
	}
}

// gone reports whether the znode that we have taken no longer exists. After
// Confirm, no request of an earlier connection is under way, and the session
// has lasted until then. So only the transaction with the unknown outcome can
// have removed it.
func (i *Item) gone(ctx context.Context) (bool, error) {
	if err := i.s.Confirm(ctx, i.itemPath()); err != nil {
		return false, err
	}
	stat, found, err := i.s.StatOf(ctx, i.itemPath())
	return err == nil && (!found || stat.Czxid != i.czxid), err
}
