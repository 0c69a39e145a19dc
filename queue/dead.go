package queue

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/internal/oneline"
	"github.com/docent-go/docent/internal/znode"
)

// DeadLetter is a dead letter: an item that will not be delivered again.
type DeadLetter struct {
	// ID identifies the letter among the dead letters of the queue, for Redrive
	// and Discard. It begins with the name of the item's znode.
	ID string
	// Item is the ID that the item had.
	Item     ID
	Data     []byte // of a malformed item, all that its znode held
	Reason   string
	Attempts int
	Priority int
	Put      time.Time // as in Item
	Died     time.Time // by the clock of the ensemble's leader
	// Malformed says that the item could not be decoded, and so was never
	// delivered.
	Malformed bool
	// Hidden says that the letter's ACL does not let this session read it.
	// Fields that cannot be derived from the ID are zero then.
	Hidden bool
}

// header is the first line of a dead letter's data. The data of the item follow
// after the line feed.
type header struct {
	Reason    string `json:"reason"`
	Attempts  int    `json:"attempts"`
	Put       int64  `json:"put"` // in milliseconds since 1970
	Malformed bool   `json:"malformed,omitempty"`
	// Burial identifies the transaction if the item was not claimed: other
	// consumers may make the same letter of it.
	Burial string `json:"burial,omitempty"`
}

// maxReason keeps a letter within the size that Put has reserved for it.
const maxReason = 256

// letterMark separates the item's name, in a letter's name, from the zxid of
// the item's create. The zxid distinguishes items with the same name.
const letterMark = "."

// letter returns the dead letter that the item becomes, and the data of its
// znode.
func (i *Item) letter(reason string, data []byte, malformed bool, burial string) (DeadLetter, []byte) {
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "")
	}
	if !utf8.ValidString(reason) {
		reason = strings.ToValidUTF8(reason, "?")
	}
	l := DeadLetter{
		ID: fmt.Sprintf("%s%s%x", i.name.text, letterMark, i.czxid), Item: i.name.id(), Data: data, Reason: reason,
		Attempts: i.Attempt, Priority: int(i.name.priority), Put: i.Put, Died: time.Now(), Malformed: malformed,
	}
	head, err := json.Marshal(header{reason, l.Attempts, l.Put.UnixMilli(), malformed, burial})
	if err != nil {
		panic(err) // a string, numbers and a bool always have a JSON form
	}
	return l, slices.Concat(head, []byte{'\n'}, data)
}

// createLetter returns the operation that creates the dead letter.
func (i *Item) createLetter(l DeadLetter, raw []byte) core.Op {
	return core.CreateOp(znode.Join(i.q.dead, l.ID), raw, core.Persistent).WithExactACL(i.acl)
}

// reject makes an item that we have claimed a dead letter.
func (i *Item) reject(reason string) error {
	if err := i.keepACL(); err != nil {
		return oneline.Join(err, i.unclaim())
	}
	l, raw := i.letter(reason, i.Data, false, "")
	if err := i.transact([]core.Op{i.createLetter(l, raw)}, i.remove()); err != nil {
		return err
	}
	i.died = &l
	return nil
}

func (q *Queue) tellDead(l DeadLetter) {
	if q.o.onDead != nil {
		q.o.onDead(l)
	}
}

// bury makes an unclaimed item a dead letter. The transaction creates a claim
// and deletes it, so it is refused if another consumer has a claim. If the
// answer is lost, bury finds out whether it was done: OnDead is called once for
// each letter made.
func (q *Queue) bury(i *Item, reason string, data []byte, malformed bool) error {
	ctx := context.Background() // every request ends with the session
	if err := i.keepACL(); err != nil {
		q.picture.giveBack(i.s, i.name, i.name)
		return err
	}
	l, raw := i.letter(reason, data, malformed, znode.NewGUID())
	ops := append([]core.Op{
		core.CreateOp(i.claimPath(), q.layout.claimData(q.o.consumer), core.Ephemeral), i.createLetter(l, raw),
	}, i.remove()...)
	for {
		_, err := i.s.Txn(ctx, ops...)
		op, _ := core.RefusedOp(err)
		switch {
		case err == nil, core.InDoubt(err) && i.buried(ctx, l, raw):
			q.picture.giveBack(i.s, i.name, i.now) // the znode may hold more items
			q.tellDead(l)
			return errNotOurs
		case core.InDoubt(err):
			// The next read finds the item, or does not.
			q.picture.giveBack(i.s, i.name, i.name)
			return errNotOurs
		case errors.Is(err, core.ErrNodeExists) && op == 0:
			q.picture.missed(i.s, i.name, true)
			return errNotOurs
		case errors.Is(err, core.ErrBadVersion), errors.Is(err, core.ErrNoNode) && op == 2:
			q.picture.giveBack(i.s, i.name, i.name)
			return errNotOurs
		case errors.Is(err, core.ErrNodeExists) && op == 1:
			// Another consumer has made the letter already, and what we have read is
			// old. Or the znode of another client is in the letter's place.
			gone, looked := i.gone(ctx)
			if gone {
				q.picture.missed(i.s, i.name, false)
				return errNotOurs
			}
			err = oneline.Join(err, looked)
		case errors.Is(err, core.ErrNoNode) && op < 2:
			if err = oneline.Join(i.s.EnsureDir(ctx, q.claims), i.s.EnsureDir(ctx, q.dead)); err == nil {
				continue
			}
		}
		return q.passOver(i.s, i.name, "bury", fmt.Errorf("item %s cannot be made a dead letter: %w", i.name.id(), err))
	}
}

// buried reports whether a burial with an unknown outcome was done: whether its
// letter exists. After Confirm the transaction is not under way. If the letter
// has been redriven or deleted by then, or cannot be read, buried returns
// false.
func (i *Item) buried(ctx context.Context, l DeadLetter, raw []byte) bool {
	path := znode.Join(i.q.dead, l.ID)
	if i.s.Confirm(ctx, path) != nil {
		return false
	}
	data, _, err := i.s.Get(ctx, path)
	return err == nil && bytes.Equal(data, raw)
}

// Redrive puts dead letters back into the queue: those with the given IDs, or
// without IDs all that can be delivered. Each is put at the end, with its old
// priority, no attempts, a new ID and the letter's ACL. One transaction puts
// the item and deletes the letter, so that no item is lost or doubled. Redrive
// returns how many were put back. Letters that have gone meanwhile are passed
// over. If an ID is given, and its letter is malformed, that is an error. A
// Limit is not applied. ctx bounds the requests.
func (q *Queue) Redrive(ctx context.Context, ids ...string) (int, error) {
	q.made()
	all := len(ids) == 0
	if all {
		var err error
		if ids, err = q.letters(ctx); err != nil {
			return 0, q.failed(ctx, "redrive", err)
		}
	}
	return each(ctx, q, "redrive", q.read(ctx, ids), func(l letter) (bool, error) { return q.redrive(ctx, l, all) })
}

// Discard deletes the dead letters with the given IDs for good, and returns how
// many it has deleted. It also deletes letters that may not be read. It cannot
// discard all letters at once: only letters that the caller has seen in Dead
// are deleted. Letters that have gone meanwhile are passed over, so Discard may
// be repeated, for instance after a session.ErrUnknownOutcome. ctx bounds the
// requests.
func (q *Queue) Discard(ctx context.Context, ids ...string) (int, error) {
	q.made()
	return each(ctx, q, "discard", q.checked(ids), func(id string) (bool, error) {
		err := q.sm.Delete(ctx, znode.Join(q.dead, id), core.AnyVersion)
		if errors.Is(err, core.ErrNoNode) {
			return false, nil
		}
		return err == nil, err
	})
}

// checked yields the IDs, and an error in place of an invalid one.
func (q *Queue) checked(ids []string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, id := range ids {
			var err error
			if _, ok := q.itemOf(id); !ok {
				err = noLetter(id)
			}
			if !yield(id, err) {
				return
			}
		}
	}
}

// each calls do for one letter after the other until it fails, and counts the
// letters for which it returned true.
func each[L any](ctx context.Context, q *Queue, verb string, letters iter.Seq2[L, error], do func(L) (bool, error)) (int, error) {
	if q.err != nil {
		return 0, q.failed(ctx, verb, q.err)
	}
	n := 0
	for l, err := range letters {
		done := false
		if err == nil {
			done, err = do(l)
		}
		if err != nil {
			return n, q.failed(ctx, verb, fmt.Errorf("after %d letters: %w", n, err))
		}
		if done {
			n++
		}
	}
	return n, nil
}

func noLetter(id string) error { return fmt.Errorf("%q is not the ID of a dead letter", id) }

// redrive puts back a letter as it was read. If another client has written to
// the letter since, redrive reads it again.
func (q *Queue) redrive(ctx context.Context, l letter, skip bool) (done bool, err error) {
	for tries := 0; ; tries++ {
		switch {
		case (l.Malformed || l.Hidden) && skip:
			return false, nil
		case l.Hidden:
			return false, fmt.Errorf("letter %s: %w", l.ID, core.ErrNoAuth)
		case l.Malformed:
			return false, fmt.Errorf("letter %s is malformed: it cannot be delivered", l.ID)
		}
		if err := line.Pause(ctx, tries-2, leastPause, mostPause); err != nil {
			return false, err
		}
		s, err := q.sm.Session(ctx)
		if err != nil {
			return false, err
		}
		path := znode.Join(q.dead, l.ID)
		acl, err := s.KeptACL(ctx, path)
		if err == nil {
			n := l.name
			n.due = 0
			_, err = s.Txn(ctx,
				core.DeleteOp(path, l.version),
				core.CreateOp(znode.Join(q.items, q.layout.prefix(n)), q.layout.encode(l.Data), core.Sequential).WithExactACL(acl))
		}
		op, _ := core.RefusedOp(err)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, core.ErrUnknownOutcome):
			return false, err
		case errors.Is(err, core.ErrSessionEnded) && ctx.Err() == nil:
		case errors.Is(err, core.ErrNoNode) && op == 0:
			return false, nil // another client was faster
		case errors.Is(err, core.ErrBadVersion):
			again, err := q.readSome(ctx, []string{l.ID})
			if err != nil || len(again) == 0 {
				return false, err
			}
			l = again[0]
		case errors.Is(err, core.ErrNoNode):
			if err := s.EnsureDir(ctx, q.items); err != nil {
				return false, err
			}
		default:
			return false, err
		}
	}
}
