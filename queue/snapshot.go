package queue

import (
	"container/heap"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/docent-go/docent/internal/core"
)

// How the snapshot is kept fresh. The cost of a list grows with its length, and
// every put and every acknowledgement makes it old. So while items are at hand,
// a new list is made after a share of them was taken, or after some time. No
// list is made unless items have been put or come back since. Without items at
// hand, a new list is made whenever a watch fires.
const (
	minTakes   = 16 // per list, as long as items are at hand
	takesShare = 8  // 1/takesShare of a list's items are taken before the next list
	freshFor   = 100 * time.Millisecond
	costFactor = 20 // a list is used for this many times as long as it took
	// clockStep bounds the wait for an item to be due. After that, the wall
	// clock is read again, because it may be set.
	clockStep = time.Minute
)

// snapshot is what one process knows of the items of a queue. All goroutines
// share it. The first call in a session makes it anew.
type snapshot struct {
	q *Queue

	mu sync.Mutex
	view
	quarantined map[string]*quarantined // by the name of the item's znode
	kept        map[string]error        // items whose claims are lasting, by the name
	lookedAt    time.Time               // when the claims of others were looked at last
	pace
	vain      int // how often in a row it was woken in vain, up to maxVain
	consumers int // how many calls of Consume are under way
}

// view is what was read in one session.
type view struct {
	s *core.Session
	backlog
	front        []candidate         // read a moment ago and not claimed, in order
	waiting      waiting             // items that are not due yet
	retries      retries             // items in quarantine, ordered by their next try
	mine         map[string]struct{} // items that we are about to claim, or have
	theirs       map[string]name     // items that others had claimed when they were read
	busy         bool                // whether others have claims
	items        watch               // nil before the first list
	claims       watch               // nil unless the end of a claim is awaited
	unfollowable bool                // the servers have no persistent watches
	dirty        bool                // an item of ours has come back
	doubted      bool                // an item in theirs may have no claim, so that no event ends it
	loading      chan struct{}       // closed when the read under way has ended
	changed      chan struct{}       // closed when waiting calls should look again

	list list
}

// candidate is an item that was read and can be claimed.
type candidate struct {
	name
	data []byte
	stat core.Stat
	at   time.Time // when it was read
}

func namesOf(items []candidate) []name {
	names := make([]name, len(items))
	for n, i := range items {
		names[n] = i.name
	}
	return names
}

// pick chooses up to n items to claim next. If none is at hand, it waits for
// one, or returns ErrEmpty if wait is false. Another call of pick in this
// process does not get the same items until unpick, drop or giveBack is called.
func (p *snapshot) pick(ctx context.Context, s *core.Session, n int, wait bool) ([]candidate, error) {
	woken := false
	for {
		p.mu.Lock()
		if err := p.useSession(s); err != nil {
			p.mu.Unlock()
			return nil, err
		}
		p.promoteDue(time.Now())
		p.promoteRetries(time.Now())
		if look, list := p.nextRead(n, woken); look != nil {
			done := make(chan struct{})
			p.loading = done
			p.mu.Unlock()
			hidden, err := look(ctx, s)
			p.mu.Lock()
			if p.loading == done {
				p.loading = nil
				p.dirty = p.dirty || err != nil // the read may have missed a change
			}
			woken = woken && list && p.atHand()
			close(done)
			p.mu.Unlock()
			if err != nil {
				return nil, err
			}
			if s.Err() == nil {
				p.q.skipUnreadable(s, hidden)
			}
			continue
		}
		if len(p.front) > 0 {
			chosen := p.choose(n)
			p.mu.Unlock()
			return chosen, nil
		}
		if !wait && p.loading == nil {
			p.mu.Unlock()
			return nil, ErrEmpty
		}
		waiting := p.await()
		p.mu.Unlock()
		if err := waiting(ctx); err != nil {
			return nil, fmt.Errorf("waiting for an item: %w", err)
		}
		woken = true
	}
}

// nextRead returns the read that is needed before an item can be chosen, and
// whether it is a list. It returns nil if no read is needed. The caller holds
// mu.
func (p *snapshot) nextRead(n int, woken bool) (look func(context.Context, *core.Session) ([]refused, error), list bool) {
	switch {
	case p.loading != nil:
		return nil, false
	case p.needsList():
		idle := !p.atHand()
		woken := woken && !p.listOverdue()
		return func(ctx context.Context, s *core.Session) ([]refused, error) {
			return nil, p.load(ctx, s, idle, woken)
		}, true
	}
	p.dropReadBefore(time.Now().Add(-readFor))
	next, more := p.next()
	if !more || len(p.front) > 0 && !p.comesFirst(next) {
		return nil, false
	}
	names := p.takeUnread(n)
	return func(ctx context.Context, s *core.Session) ([]refused, error) {
		return p.read(ctx, s, names, woken)
	}, false
}

// dropReadBefore removes the items from the front that were read before until,
// so that they are read again. The caller holds mu.
func (p *snapshot) dropReadBefore(until time.Time) {
	p.front = slices.DeleteFunc(p.front, func(c candidate) bool {
		old := !c.at.After(until)
		if old {
			p.putBack(c.name)
		}
		return old
	})
}

// comesFirst reports whether an item is to be taken before the items of the
// front. If the consumer has to spread, only the priority counts.
func (p *snapshot) comesFirst(n name) bool {
	first := p.front[0].name
	if p.contended() {
		return n.priority < first.priority
	}
	return before(n, first, p.start) < 0
}

// useSession begins a new view if the session is a new one. The caller holds
// mu.
func (p *snapshot) useSession(s *core.Session) error {
	if s.Err() != nil {
		return core.ErrSessionEnded
	}
	if p.s == s {
		return nil
	}
	if p.changed != nil {
		close(p.changed)
	}
	p.view = view{s: s, mine: make(map[string]struct{}), theirs: make(map[string]name), changed: make(chan struct{})}
	p.retryAll()
	return nil
}

// promoteDue makes the items available that have become due. The caller holds
// mu.
func (p *snapshot) promoteDue(now time.Time) {
	for ms := now.UnixMilli(); p.waiting.next() <= ms; {
		p.add(heap.Pop(&p.waiting).(name))
	}
}

// putBack makes an item available again, once it is due. The caller holds mu.
func (p *snapshot) putBack(n name) {
	if n.due > time.Now().UnixMilli() {
		heap.Push(&p.waiting, n)
	} else {
		p.add(n)
	}
}

// atHand reports whether items can be taken at once. The caller holds mu.
func (p *snapshot) atHand() bool {
	_, more := p.next()
	return more || len(p.front) > 0
}

// needsList reports whether a list is needed. The caller holds mu.
func (p *snapshot) needsList() bool {
	switch {
	case p.items == nil:
		return true
	case !p.atHand():
		return p.dirty || p.doubted || fired(p.items) || fired(p.awaitedClaims()) || p.busy && p.claims == nil || p.listOverdue()
	case !p.dirty && !p.passed && p.list.created == 0:
		return false
	}
	return p.takes >= max(minTakes, p.list.size/takesShare) ||
		time.Since(p.list.at) >= freshFor+costFactor*p.list.cost*time.Duration(p.rivals())
}

// awaitedClaims returns the watch of the claims if the end of a claim may make
// an item available: an item that other consumers have, or that was passed. Our
// own items come back by giveBack. The caller holds mu.
func (p *snapshot) awaitedClaims() watch {
	if len(p.theirs) == 0 && !p.passed {
		return nil
	}
	return p.claims
}

func fired(w watch) bool {
	if w == nil {
		return false
	}
	select {
	case <-w.Done():
		return true
	default:
		return false
	}
}

// await returns a function that waits until the snapshot may be old. The
// caller holds mu.
func (p *snapshot) await() func(ctx context.Context) error {
	s, changed, loading := p.s, p.changed, p.loading
	items, claims := doneOf(p.items), doneOf(p.awaitedClaims())
	if loading != nil {
		items, claims = nil, nil // the read under way may replace watches that have fired
	}
	var due <-chan time.Time
	var timer *time.Timer
	if listAt, lasting := p.listAnyhow(); lasting || len(p.waiting.names) > 0 || len(p.retries) > 0 {
		wait := clockStep
		if !listAt.IsZero() && loading == nil {
			wait = min(wait, time.Until(listAt))
		}
		if len(p.waiting.names) > 0 {
			wait = min(wait, time.Until(time.UnixMilli(p.waiting.next())))
		}
		if len(p.retries) > 0 {
			wait = min(wait, time.Until(p.retries[0].at))
		}
		timer = time.NewTimer(max(0, wait))
		due = timer.C
	}
	look := p.lookAtClaims(s)
	return func(ctx context.Context) error {
		if timer != nil {
			defer timer.Stop()
		}
		var slow <-chan time.Time
		if look != nil {
			late := time.NewTimer(lookLate)
			defer late.Stop()
			slow = late.C
		}
		for {
			select {
			case <-slow:
				look(ctx)
				slow = nil
				continue
			case <-items:
			case <-claims:
			case <-loading:
			case <-changed:
			case <-due:
			case <-ctx.Done():
				return ctx.Err()
			case <-s.Done():
				return core.ErrSessionEnded
			}
			return nil
		}
	}
}

func doneOf(w watch) <-chan struct{} {
	if w == nil {
		return nil
	}
	return w.Done()
}

// drop forgets an item that we have acknowledged.
func (p *snapshot) drop(s *core.Session, n name) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.s == s {
		delete(p.mine, n.text)
		delete(p.quarantined, n.text)
	}
}

// giveBack makes an item available again after its claim has ended, under its
// present name. If it has gone, the next read shows that.
func (p *snapshot) giveBack(s *core.Session, was, is name) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.s != s {
		return
	}
	delete(p.mine, was.text)
	delete(p.quarantined, was.text)
	p.putBack(is)
	p.dirty = true // a list under way may not show it
	p.wake()
}

// unpick makes items available again that were chosen, but not claimed.
func (p *snapshot) unpick(s *core.Session, names []name) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.s != s || len(names) == 0 {
		return
	}
	for _, n := range names {
		delete(p.mine, n.text)
		p.putBack(n)
	}
	p.wake()
}

// wake has all waiting calls look again. The caller holds mu.
func (p *snapshot) wake() {
	close(p.changed)
	p.changed = make(chan struct{})
}
