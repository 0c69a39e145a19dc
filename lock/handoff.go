package lock

import (
	"container/list"
	"context"
	"errors"
	"sync"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/once"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/waitqueue"
)

// Handoff has the goroutines that share the Mutex value queue within the
// process. One contender waits for the lock on behalf of all of them. A Release
// hands the lock on to the next goroutine, up to n times, without a request to
// the server. Then, or if no goroutine waits, the lock is released to the other
// processes. Handoff is for a lock that many goroutines of a process want at a
// time. Handoff(0) is the default: off. With a negative n, every
// call returns an error.
//
// The queue belongs to the value that NewMutex returns: goroutines that are to
// share it must share the value. They get the lock in the order in which they
// asked.
//
// What it costs the other processes: the lock is not fair between processes.
// The first waiter, if a local holder has just got the lock, waits for that
// holder and at most n more.
//
// What it does to tokens: all holds on one znode have the znode's Token. Tokens
// still never go back, and a hold that was acquired from ZooKeeper has a
// greater token than all earlier holds. But the store must accept equal tokens.
// It cannot tell the writes of two holds apart if one was handed on to the
// other. A hold that is handed on ends only by its own Release, or together
// with the holds that follow. So the store cannot reject one kind of write: a
// write that a holder sent before its own Release and that arrives after it. If
// that can happen, compare the pair of Token and Hold.Turn, which grows from
// hold to hold. A greater token for each hold is not possible: the waiting
// contenders of other processes already have tokens that are less than the zxid
// of any later write.
//
// A hold whose Guard was called is not handed on: its transactions must be
// rejected once it has ended, and a check of the znode could not do that. After
// a Revoker has asked for the lock, it is not handed on. If the lock is lost,
// the waiting goroutines queue again, after the contenders of other processes.
func Handoff(n int) MutexOption { return option(func(o *options) { o.handoff = n }) }

// localQueue is where the goroutines of one Mutex wait for each other. The
// contender and its znode belong to the queue and not to a goroutine: a
// goroutine that gives up costs the others nothing.
//
//	idle ── first Lock ──> acquiring ── first in line ──> held <──────────────┐
//	 ^ ^                    │  ^  ^                        │                   │
//	 │ └─ no waiters, or    │  │  └── lost, or n times, ───┤ Release           │
//	 │    an error ─────────┘  │      and waiters remain    ├── handed on ──────┘
//	 │                         │                            │
//	 └─────────────────────────┴────────────── no waiters ──┘
type localQueue struct {
	sm    *core.Manager
	line  *waitqueue.Queue
	path  string
	limit int // how often a znode is handed on

	mu      sync.Mutex
	waiting list.List          // of *localWaiter
	busy    bool               // not idle
	holder  *turn              // of the znode, while it is held
	giveUp  context.CancelFunc // ends the acquisition; nil if none is under way

	blocker waitqueue.Blocker // what the acquisition waits for
}

// localWaiter is one Lock call under way.
type localWaiter struct {
	place  *list.Element // nil once it was served; guarded by the queue's mu
	served chan outcome  // holds one
}

type outcome struct {
	hold *Hold
	err  error
}

// turn is one hold of a znode that is handed on.
type turn struct {
	queue   *localQueue
	number  int
	unlink  func() bool
	release once.Once
	result  error
}

// Turn returns how often the lock had been handed on within the process before
// this hold got it. It is 0 for a hold that came from ZooKeeper, and for every
// hold without Handoff. Of two holds with the same Token, the later has the
// greater Turn.
func (h *Hold) Turn() int {
	h.made()
	if h.turn == nil {
		return 0
	}
	return h.turn.number
}

// Release ends the hold and gives the lock up: see session.Hold.Release. With
// Handoff, it hands the lock on if a goroutine of the process waits for it and
// fewer than n holds were handed on. A late Release has no effect on the holds
// that follow.
func (h *Hold) Release() error {
	h.made()
	t := h.turn
	if t == nil {
		return h.Hold.Release()
	}
	t.release.Do(func() { t.result = t.queue.release(h) })
	return t.result
}

func newLocalQueue(m *Mutex) *localQueue {
	return &localQueue{sm: m.sm, line: m.line, path: m.path, limit: m.options.handoff}
}

// lock is Mutex.Lock with Handoff.
func (q *localQueue) lock(ctx context.Context) (*Hold, error) { return q.observed(ctx, false, q.join) }

// tryLock is Mutex.TryLock with Handoff.
func (q *localQueue) tryLock(ctx context.Context) (*Hold, error) { return q.observed(ctx, true, q.try) }

// observed reports a wait for the lock to the hooks.
func (q *localQueue) observed(ctx context.Context, try bool, acquire func(context.Context) (*Hold, error)) (*Hold, error) {
	over := q.sm.Waiting(ctx, q.path, try)
	h, err := acquire(ctx)
	if err != nil {
		over(nil, err)
		return nil, err
	}
	over(bridge.CoreHold(&h.Hold), nil)
	return h, nil
}

func (q *localQueue) join(ctx context.Context) (*Hold, error) {
	if err := ctxend.Err(ctx); err != nil {
		return nil, err
	}
	w := &localWaiter{served: make(chan outcome, 1)}
	q.mu.Lock()
	w.place = q.waiting.PushBack(w)
	if !q.busy {
		q.busy = true
		go q.acquire() // ends when it has the lock, or when no goroutine waits
	}
	q.mu.Unlock()
	select {
	case got := <-w.served:
		if got.err != nil || ctx.Err() == nil {
			return got.hold, got.err
		}
		giveBack(got.hold)
	case <-ctx.Done():
		err := q.blocker.Err(ctxend.Err(ctx))
		if !q.leave(w) { // served at this very moment
			if got := <-w.served; got.err == nil {
				giveBack(got.hold)
			}
		}
		return nil, err
	}
	return nil, ctxend.Err(ctx)
}

// giveBack releases a hold whose waiter was cancelled before it was delivered.
// That may have to wait for a server, at most for as long as the session lasts.
// No caller is left who could use the error.
func giveBack(h *Hold) { go func() { _ = h.Release() }() }

// leave takes a waiter out, unless it was served. If it was the last, the
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

// first takes the first waiter out, and returns nil without waiters. The caller
// holds mu.
func (q *localQueue) first() *localWaiter {
	at := q.waiting.Front()
	if at == nil {
		return nil
	}
	w := q.waiting.Remove(at).(*localWaiter)
	w.place = nil
	return w
}

// acquire contends for the lock for as long as goroutines wait here, and serves
// the first of them.
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

		h, err := q.line.JoinTelling(ctx, &q.blocker)
		q.mu.Lock()
		q.giveUp = nil
		abandoned := ctx.Err() != nil
		q.mu.Unlock()
		cancel()
		switch {
		case err == nil && q.serve(h, 0):
			return
		case err == nil:
			_ = h.Release() // all waiters have given up
		case !abandoned:
			q.failAll(err)
			return
		}
	}
}

// failAll gives an error to all waiters: each would meet the same one.
func (q *localQueue) failAll(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for w := q.first(); w != nil; w = q.first() {
		w.served <- outcome{err: err}
	}
	q.busy = false
}

// serve gives the first waiter a hold that lasts. It returns false if no
// goroutine waits, or if the hold has already ended.
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
	hold.revocation() // so that release knows whether the lock has been asked for
	return hold
}

// take ends a turn for the queue. taken is false if the turn has ended before.
func (q *localQueue) take(t *turn) (taken, wanted bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.holder != t {
		return false, false
	}
	q.holder = nil
	return true, q.waiting.Len() > 0
}

// ended is called when a hold ends otherwise than by Hold.Release. The waiters
// go on at once, even if the holder has not noticed yet.
func (q *localQueue) ended(t *turn) {
	if taken, _ := q.take(t); taken {
		q.goOn()
	}
}

// goOn starts a new acquisition if goroutines wait.
func (q *localQueue) goOn() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.busy = q.waiting.Len() > 0
	if q.busy {
		go q.acquire()
	}
}

// release ends a turn, and hands the znode on or removes it.
func (q *localQueue) release(h *Hold) error {
	t := h.turn
	taken, wanted := q.take(t)
	if !taken { // lost: ended has gone on already
		return h.Hold.Release()
	}
	t.unlink()
	if wanted && t.number < q.limit && h.revocation().Err() == nil {
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
			// All waiters have given up, or the next hold is lost already. That
			// loss is not an error of this hold.
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

// try takes the lock if no contender has it or waits for it, in this process or
// another.
func (q *localQueue) try(ctx context.Context) (*Hold, error) {
	if err := ctxend.Err(ctx); err != nil {
		return nil, err
	}
	q.mu.Lock()
	if q.busy {
		q.mu.Unlock()
		return nil, asHeld(waitqueue.ErrTaken)
	}
	q.busy = true
	q.mu.Unlock()
	h, err := q.line.Try(ctx)
	if err != nil {
		q.goOn()
		return nil, asHeld(err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.hold(h, 0), nil
}
