package lock

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/ctxend"
	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/internal/once"
)

// Handoff has the goroutines that share the Mutex value queue within the
// process: one of them stands in the line of the lock for all, and a Release
// hands the lock on to the next of them, up to n times, without a request to the server. Then, or when none
// of them waits, the lock goes back into the line. It is for a lock that many
// goroutines of a process want at a time. Handoff(0) is the default: off.
//
// The queue belongs to the value that New returns: goroutines that are to share
// it must share the value. They get the lock in the order in which they asked.
//
// What it costs the others: the lock is not fair any more between processes. Whoever stands
// first in the line when a local holder has just got the lock waits for that
// holder and at most n more.
//
// What it does to tokens: all holds on one node have the same Token, that of the
// node. Tokens still never go back, and a hold that was acquired from the line has a
// greater one than all holds before it; but the store must accept an equal one, and
// cannot tell apart the writes of two holds of which one was handed on to the
// other. Such a hold only ends by its own Release, or together with those that
// follow: what the store then cannot refuse is a write that a holder sent
// before its own Release and that arrives after it. Where that can happen,
// compare the pair of Token and Hold.Turn, which grows from hold to hold.
// A greater token for each hold is not to be had: whoever stands in the line
// already has a token that lies before that of any later write.
//
// A hold whose Guard was called is not handed on: its transactions must be
// refused once it has ended, and a check of the node could not tell. When a
// Revoker has asked for the lock, it is not handed on any more. When it
// is lost, those who wait stand in the line again, behind the others.
func Handoff(n int) Option { return func(o *options) { o.handoff = n } }

// localQueue is where the goroutines of one Mutex wait for each other. The place
// in the line, and the node, belong to the queue and not to any of them: one
// that gives up costs the others nothing.
//
//	idle ── first Lock ──> acquiring ── first in line ──> held <──────────────┐
//	 ^ ^                    │  ^  ^                        │                   │
//	 │ └─ nobody waits any  │  │  └── lost, or n times, ───┤ Release           │
//	 │    more, or an error ┘  │      and somebody waits    ├── handed on ──────┘
//	 │                         │                            │
//	 └─────────────────────────┴────────────── nobody waits ┘
type localQueue struct {
	line *line.Line
	most int // how often a node is handed on

	mu      sync.Mutex
	waiting list.List          // of *localWaiter
	busy    bool               // not idle
	holder  *turn              // of the node, while it is held
	giveUp  context.CancelFunc // while acquiring; ends that
}

// localWaiter is one Lock under way.
type localWaiter struct {
	place  *list.Element // nil once it was served; guarded by the queue's mu
	served chan outcome  // holds one
}

type outcome struct {
	hold *Hold
	err  error
}

// turn is one hold of a node that is handed on.
type turn struct {
	queue   *localQueue
	number  int
	unlink  func() bool
	release once.Once
	result  error
}

// Turn says how often the lock had been handed on within the process before
// this hold got it: 0 for a hold that came from the line, as all do without
// Handoff. Of two holds with the same Token the later has the greater Turn.
func (h *Hold) Turn() int {
	h.made()
	if h.turn == nil {
		return 0
	}
	return h.turn.number
}

// Release ends the hold and gives the lock up: see session.Hold.Release. With
// Handoff it hands the lock on, if a goroutine of the process waits for it and
// its turn has come. A late Release has no effect on those it was handed on to.
func (h *Hold) Release() error {
	h.made()
	t := h.turn
	if t == nil {
		return h.Hold.Release()
	}
	t.release.Do(func() { t.result = t.queue.release(h) })
	return t.result
}

func (m *Mutex) join(ctx context.Context) (*Hold, error) {
	if m.local != nil {
		over := m.sm.Waiting(ctx, m.path, false)
		h, err := m.local.lock(ctx)
		over(inner(h), err)
		return h, err
	}
	h, err := m.line.Join(ctx)
	if err != nil {
		return nil, err
	}
	return newHold(h), nil
}

func (m *Mutex) try(ctx context.Context) (*Hold, error) {
	if m.local != nil {
		over := m.sm.Waiting(ctx, m.path, true)
		h, err := m.local.try(ctx)
		over(inner(h), err)
		return h, err
	}
	h, err := try(ctx, m.line)
	if err != nil {
		return nil, err
	}
	return newHold(h), nil
}

func inner(h *Hold) *core.Hold {
	if h == nil {
		return nil
	}
	return bridge.CoreHold(&h.Hold)
}

func (q *localQueue) check(ctx context.Context) error {
	if q.most < 0 {
		return fmt.Errorf("Handoff(%d): a lock cannot be handed on a negative number of times", q.most)
	}
	if err := ctx.Err(); err != nil {
		return ctxend.Join(ctx, err)
	}
	return nil
}

func (q *localQueue) lock(ctx context.Context) (*Hold, error) {
	if err := q.check(ctx); err != nil {
		return nil, err
	}
	w := &localWaiter{served: make(chan outcome, 1)}
	q.mu.Lock()
	w.place = q.waiting.PushBack(w)
	if !q.busy {
		q.busy = true
		go q.acquire() // ends when it has the lock, or nobody waits for it any more
	}
	q.mu.Unlock()
	select {
	case got := <-w.served:
		if got.err != nil || ctx.Err() == nil {
			return got.hold, got.err
		}
		giveBack(got.hold)
	case <-ctx.Done():
		if !q.leave(w) { // served at this very moment
			if got := <-w.served; got.err == nil {
				giveBack(got.hold)
			}
		}
	}
	return nil, ctxend.Err(ctx)
}

// giveBack releases a hold that nobody got to see. That may have to wait for a
// server, at most for as long as the session lasts; whatever becomes of it
// concerns nobody.
func giveBack(h *Hold) { go func() { _ = h.Release() }() }

// leave takes a waiter out, unless it was served. With the last one the
// acquisition ends.
func (q *localQueue) leave(w *localWaiter) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if w.place == nil {
		return false
	}
	q.waiting.Remove(w.place)
	if q.waiting.Len() == 0 && q.giveUp != nil {
		q.giveUp()
	}
	return true
}

// first takes the first waiter out; there may be none. The caller holds mu.
func (q *localQueue) first() *localWaiter {
	at := q.waiting.Front()
	if at == nil {
		return nil
	}
	w := q.waiting.Remove(at).(*localWaiter)
	w.place = nil
	return w
}

// acquire stands in the line for as long as anybody waits here, and serves the
// first of them.
func (q *localQueue) acquire() {
	for {
		q.mu.Lock()
		if q.waiting.Len() == 0 {
			q.busy = false
			q.mu.Unlock()
			return
		}
		ctx, cancel := context.WithCancel(context.Background())
		q.giveUp = cancel
		q.mu.Unlock()

		h, err := q.line.Join(ctx)
		q.mu.Lock()
		q.giveUp = nil
		abandoned := ctx.Err() != nil
		q.mu.Unlock()
		cancel()
		switch {
		case err == nil && q.serve(h, 0):
			return
		case err == nil:
			_ = h.Release() // nobody waits any more
		case !abandoned:
			q.failAll(err)
			return
		}
	}
}

// failAll tells an error to all who wait: each would meet with it by itself.
func (q *localQueue) failAll(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for w := q.first(); w != nil; w = q.first() {
		w.served <- outcome{err: err}
	}
	q.busy = false
}

// serve gives the first waiter a hold that lasts. It is false when there is no
// waiter, or the hold has ended already.
func (q *localQueue) serve(h *core.Hold, number int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if h.Err() != nil {
		return false
	}
	w := q.first()
	if w == nil {
		return false
	}
	w.served <- outcome{hold: q.hold(h, number)}
	return true
}

// hold begins a turn. The caller holds mu.
func (q *localQueue) hold(h *core.Hold, number int) *Hold {
	t := &turn{queue: q, number: number}
	q.holder = t
	t.unlink = context.AfterFunc(h.Context(), func() { q.ended(t) })
	hold := newHold(h)
	hold.turn = t
	hold.revocation() // to know at the release whether somebody has asked for the lock
	return hold
}

// take ends a turn for the queue. It is false when that has been done already.
func (q *localQueue) take(t *turn) (taken, wanted bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.holder != t {
		return false, false
	}
	q.holder = nil
	return true, q.waiting.Len() > 0
}

// ended is called when a hold ends otherwise than by Hold.Release: those who
// wait need not wait for its holder to notice.
func (q *localQueue) ended(t *turn) {
	if taken, _ := q.take(t); taken {
		q.goOn()
	}
}

// goOn acquires anew if anybody waits.
func (q *localQueue) goOn() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.busy = q.waiting.Len() > 0
	if q.busy {
		go q.acquire()
	}
}

// release ends a turn, and hands the node on or removes it.
func (q *localQueue) release(h *Hold) error {
	t := h.turn
	taken, wanted := q.take(t)
	if !taken { // lost, and seen to
		return h.Hold.Release()
	}
	t.unlink()
	if wanted && t.number < q.most && h.revocation().Err() == nil {
		next, err := bridge.CoreHold(&h.Hold).HandOn()
		if err == nil && q.serve(next, t.number+1) {
			return nil
		}
		if errors.Is(err, core.ErrGuarded) {
			err = h.Hold.Release()
			q.goOn()
			return err
		}
		if err == nil {
			// Nobody waits any more, or the next is lost already, which is not
			// the doing of this one.
			if err = next.Release(); errors.Is(err, core.ErrLost) {
				err = nil
			}
		}
		q.goOn()
		return err
	}
	err := h.Hold.Release()
	q.goOn()
	return err
}

// try takes the lock if nobody of the process has it or waits for it, and
// nobody else.
func (q *localQueue) try(ctx context.Context) (*Hold, error) {
	if err := q.check(ctx); err != nil {
		return nil, err
	}
	q.mu.Lock()
	if q.busy {
		q.mu.Unlock()
		return nil, &held{line.ErrTaken}
	}
	q.busy = true
	q.mu.Unlock()
	h, err := try(ctx, q.line)
	if err != nil {
		q.goOn()
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.hold(h, 0), nil
}
