package queue

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/docent-go/docent/internal/base/oneline"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
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
	// Died is by the clock of the ensemble's leader. In OnDead it is by the
	// clock of this machine, since the letter has only just been made.
	Died time.Time
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
		Attempts: i.Attempt, Priority: int(i.name.priority), Put: i.Put, Died: time.Now().Truncate(time.Millisecond), Malformed: malformed,
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
	err := i.transact(append(i.others(), i.createLetter(l, raw)), func(ctx context.Context) error {
		// A letter that has been redriven or deleted by now was ours, or there
		// would be no reason for the item to be gone.
		if data, _, err := i.s.Get(ctx, znode.Join(i.q.dead, l.ID)); err == nil && !bytes.Equal(data, raw) {
			return lostTo(fmt.Errorf("another consumer has made the dead letter %s", l.ID))
		}
		return nil
	})
	if err != nil {
		return err
	}
	i.died = &l
	return nil
}

func (q *Queue) reportDead(l DeadLetter) {
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
		q.snapshot.giveBack(i.s, i.name, i.name)
		return err
	}
	l, raw := i.letter(reason, data, malformed, znode.NewGUID())
	ops := slices.Concat([]core.Op{core.CreateOp(i.claimPath(), q.layout.claimData(q.o.consumer), core.Ephemeral)},
		i.remove(), i.others(), []core.Op{i.createLetter(l, raw)})
	for {
		_, err := i.s.Txn(ctx, ops...)
		op, _ := core.RefusedOp(err)
		switch {
		case err == nil, core.InDoubt(err) && i.buried(ctx, l, raw):
			q.snapshot.giveBack(i.s, i.name, i.now) // the znode may hold more items
			q.reportDead(l)
			return errNotOurs
		case core.InDoubt(err):
			// The next read finds the item, or does not.
			q.snapshot.giveBack(i.s, i.name, i.name)
			return errNotOurs
		case errors.Is(err, core.ErrNodeExists) && op == 0:
			q.snapshot.missed(i.s, i.name, true)
			return errNotOurs
		case errors.Is(err, core.ErrNoNode) && op == 1:
			q.snapshot.missed(i.s, i.name, false)
			return errNotOurs
		case errors.Is(err, core.ErrBadVersion):
			q.snapshot.giveBack(i.s, i.name, i.name)
			return errNotOurs
		case errors.Is(err, core.ErrNodeExists):
			// Either another client has created the item again since it was
			// read, and the letter is of the item as it was. Or the znode of
			// another client is in the letter's place.
			gone, looked := i.gone(ctx)
			if gone {
				q.snapshot.giveBack(i.s, i.name, i.name)
				return errNotOurs
			}
			err = oneline.Join(err, looked)
		case errors.Is(err, core.ErrNoNode): // of one of the directories
			if err = oneline.Join(i.s.EnsureDir(ctx, q.claims), i.s.EnsureDir(ctx, q.dead)); err == nil {
				continue
			}
		}
		return q.skip(i.s, i.name, "bury", fmt.Errorf("item %s cannot be made a dead letter: %w", i.name.id(), err))
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
