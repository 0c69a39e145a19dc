package suite_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/docent-go/docent/internal/testing/simulation"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// book is the known state of every item of a queue, by its data.
type book struct {
	w        *simulation.World
	attempts int // of the queue's MaxAttempts

	mu     sync.Mutex
	put    map[string]bool  // true when the put was acknowledged
	acked  map[string]int64 // the token under which it was acknowledged
	doubt  map[string]bool  // the acknowledgement has an unknown outcome
	claims map[string]*queue.Item
	dead   map[string]bool // the dead letters that OnDead was called with, by ID

	standing map[string]int64 // the claims' paths, and the zxids that made them
	guarded  int
}

func newBook(w *simulation.World, attempts int) *book {
	return &book{
		w: w, attempts: attempts, put: make(map[string]bool), acked: make(map[string]int64),
		doubt: make(map[string]bool), claims: make(map[string]*queue.Item), dead: make(map[string]bool),
		standing: make(map[string]int64),
	}
}

// guardedBy is the node that guarded transactions write to.
const guardedBy = simulation.GuardedDir + "/queue"

// guard writes in a guarded transaction.
func (b *book) guard(a *simulation.Actor, i *queue.Item) {
	ctx, cancel := a.Within(10 * time.Second)
	defer cancel()
	ops, err := i.Guard(ctx)
	if err == nil {
		a.Work() // the process may be paused here
		text := fmt.Sprintf("%s %d", i.Path(), i.Token())
		_, err = a.Txn(ctx, append(ops, session.SetOp(guardedBy, []byte(text), session.AnyVersion))...)
	}
	switch {
	case err == nil, ctx.Err() != nil:
	case errors.Is(err, session.ErrLost), errors.Is(err, session.ErrUnknownOutcome), errors.Is(err, session.ErrSessionEnded):
	default:
		b.w.Break("errors", "a guarded transaction: %v", err)
	}
}

// changed checks every change on the server, in order. A guarded transaction is
// done only while its claim exists. If another client has deleted the claim, it
// may be done until another consumer claims the item.
func (b *book) changed(ch zktest.Change) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case ch.Kind == zktest.Created && strings.HasPrefix(ch.Path, "/a/queue/claims/"):
		b.standing[ch.Path] = ch.Zxid
	case ch.Kind == zktest.Deleted:
		delete(b.standing, ch.Path)
	case ch.Kind == zktest.DataChanged && ch.Path == guardedBy:
		b.guarded++
		path, token, _ := strings.Cut(string(ch.Data), " ")
		czxid, claimed := b.standing[path]
		if claimed && token != fmt.Sprint(czxid) || !claimed && !b.w.Forced {
			b.w.Break("guards", "a transaction guarded by token %s is done, but %s has token %d", token, path, czxid)
		}
	}
}

// took checks every item that a consumer takes.
func (b *book) took(i *queue.Item) {
	b.mu.Lock()
	defer b.mu.Unlock()
	data := string(i.Data)
	last := b.claims[data]
	acked, done := b.acked[data]
	switch _, known := b.put[data]; {
	case i.Err() != nil:
		return
	case !known:
		b.w.Break("nothing is made up", "item %s was never put", data)
	// Force can take a claim from a consumer that does not know it yet: the
	// consumer has the item from before, as its token shows. A consumer that
	// has lost its claim, and the answer to its acknowledgement, may take
	// another's deletion for its own.
	case done && (!b.w.Forced || i.Token() > acked) && !b.w.Robbed(acked):
		b.w.Break("acknowledged once", "item %s comes again after its acknowledgement", data)
	case last != nil && last.Err() == nil && !b.w.Forced:
		b.w.Break("one holder", "item %s is taken twice", data)
	case last != nil && i.Token() <= last.Token() && !b.w.Forced:
		b.w.Break("tokens grow", "item %s: token %d comes after %d", data, i.Token(), last.Token())
	}
	b.claims[data] = i
}

func (b *book) ack(i *queue.Item) error {
	err := i.Ack()
	b.mu.Lock()
	defer b.mu.Unlock()
	data := string(i.Data)
	first, done := b.acked[data]
	switch {
	case err == nil && done && !b.w.Robbed(first) && !b.w.Robbed(i.Token()):
		b.w.Break("acknowledged once", "item %s is acknowledged twice", data)
	case err == nil:
		b.acked[data] = i.Token()
	case errors.Is(err, session.ErrUnknownOutcome):
		b.doubt[data] = true
	}
	return err
}

// died checks that each dead letter is reported once.
func (b *book) died(l queue.DeadLetter) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dead[l.ID] {
		b.w.Break("reported once", "OnDead is called twice with the dead letter %s", l.ID)
	}
	b.dead[l.ID] = true
}

// settle takes the remaining items and compares the books.
func (b *book) settle(q *queue.Queue) {
	if !b.redrive(q) {
		return
	}
	time.Sleep(time.Minute) // until delayed items are due
	for {
		i, err := q.TryTake(context.Background())
		if errors.Is(err, queue.ErrEmpty) {
			break
		}
		if err != nil {
			b.w.Break("errors", "take the remaining items: %v", err)
			return
		}
		b.took(i)
		if err := b.ack(i); err != nil {
			b.w.Break("errors", "acknowledge the remaining items: %v", err)
			return
		}
	}
	done := func(data string) bool { _, ok := b.acked[data]; return ok }
	b.mu.Lock()
	defer b.mu.Unlock()
	for data, certain := range b.put {
		if certain && !done(data) && !b.doubt[data] {
			b.w.Break("nothing is lost", "item %s was put and never acknowledged, and is gone", data)
		}
	}
	if len(b.acked) == 0 {
		b.w.Break("progress", "no item was acknowledged")
	}
}

// redrive checks the dead letters and puts them back. Malformed letters, which
// no consumer has got, are discarded.
func (b *book) redrive(q *queue.Queue) (ok bool) {
	ctx := context.Background()
	for l, err := range q.Dead(ctx) {
		if err == nil && l.Malformed {
			_, err = q.Discard(ctx, l.ID)
		}
		switch {
		case err != nil:
			b.w.Break("errors", "read the dead letters: %v", err)
			return false
		case l.Attempts > b.attempts:
			b.w.Break("attempts", "item %s was delivered %d times instead of %d", l.Data, l.Attempts, b.attempts)
		}
	}
	if _, err := q.Redrive(ctx); err != nil {
		b.w.Break("errors", "put back the dead letters: %v", err)
		return false
	}
	return true
}
