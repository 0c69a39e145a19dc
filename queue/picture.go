package queue

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/line"
)

// How a picture is kept fresh. A list costs as much as it is long, and every
// put and every acknowledgement makes it old. So with items at hand it is made
// anew after a share of them was taken, or after some time; with none at hand,
// whenever a watch says that something has changed.
const (
	leastTakes = 16 // per list, as long as there are items at hand
	takesShare = 8  // of a list's items: 1/takesShare are taken before the next list
	freshFor   = 100 * time.Millisecond
	costFactor = 20 // a list is good for this many times what it took
	// clockStep bounds how long is waited for an item to be due without a look
	// at the wall clock, which may be set.
	clockStep = time.Minute
)

// picture is what one process knows of the items of a queue. It is made anew
// with each session, by whoever needs it, and belongs to nobody.
type picture struct {
	q *Queue

	mu sync.Mutex
	view
	aside map[string]*aside // by the name of the item's znode
	heat  int
	late  int // how often in a row it was woken for nothing, up to mostLate
}

// view is what was seen in one session.
type view struct {
	s       *core.Session
	ready   ready
	waiting waiting
	mine    map[string]struct{} // items that we are about to claim, or have
	retries retries             // items that were set aside, and wait for the next try
	busy    bool                // whether others have claims
	items   *core.Watch         // nil before the first list
	claims  *core.Watch         // nil unless it is waited for
	dirty   bool                // an item of ours has come back
	loading chan struct{}       // closed when the list that is being made is there
	changed chan struct{}       // closed when those who wait should look again

	size  int // of the list
	takes int // since the list
	at    time.Time
	cost  time.Duration // of the list
}

// pick chooses the item to claim next, and waits for one if need be; without
// wait it returns ErrEmpty instead. Nobody else of this process gets the same
// until drop or giveBack is called.
func (p *picture) pick(ctx context.Context, s *core.Session, wait bool) (name, error) {
	woken := false
	for {
		p.mu.Lock()
		if err := p.enter(s); err != nil {
			p.mu.Unlock()
			return name{}, err
		}
		p.mature(time.Now())
		p.retry(time.Now())
		if p.loading == nil && p.old() {
			idle := p.ready.Len() == 0
			late := 0
			if woken && idle {
				late = p.late
			}
			done := make(chan struct{})
			p.loading = done
			p.mu.Unlock()
			err := p.load(ctx, s, idle, late, woken)
			p.mu.Lock()
			if p.loading == done {
				p.loading = nil
				p.dirty = p.dirty || err != nil // nothing has been seen
			}
			close(done)
			p.mu.Unlock()
			if err != nil {
				return name{}, err
			}
			woken = false
			continue
		}
		if p.ready.Len() > 0 {
			n := p.choose()
			p.mu.Unlock()
			return n, nil
		}
		if !wait && p.loading == nil {
			p.mu.Unlock()
			return name{}, ErrEmpty
		}
		waiting := p.await()
		p.mu.Unlock()
		err := waiting(ctx)
		if err != nil {
			return name{}, err
		}
		woken = true
	}
}

// enter makes the picture that of the session. The caller holds mu.
func (p *picture) enter(s *core.Session) error {
	if s.Err() != nil {
		return core.ErrSessionEnded
	}
	if p.s == s {
		return nil
	}
	if p.changed != nil {
		close(p.changed)
	}
	p.view = view{s: s, mine: make(map[string]struct{}), changed: make(chan struct{})}
	p.anew()
	return nil
}

// mature moves what has become due. The caller holds mu.
func (p *picture) mature(now time.Time) {
	for ms := now.UnixMilli(); p.waiting.next() <= ms; {
		heap.Push(&p.ready, heap.Pop(&p.waiting))
	}
}

// old reports whether a list is needed. The caller holds mu.
func (p *picture) old() bool {
	switch {
	case p.items == nil:
		return true
	case p.ready.Len() == 0:
		return p.dirty || fired(p.items) || fired(p.claims) || p.busy && p.claims == nil
	case !p.dirty && !fired(p.items):
		return false
	}
	return p.takes >= max(leastTakes, p.size/takesShare) || time.Since(p.at) >= freshFor+costFactor*p.cost
}

func fired(w *core.Watch) bool {
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

// load lists the items and the claims. An idle one has nothing at hand, and has
// to hear of it when a claim goes.
//
// The claims are listed second: an item that is seen and not claimed may have
// gone, which a read tells; were it the other way round it could have been
// claimed, which costs a write to find out.
func (p *picture) load(ctx context.Context, s *core.Session, idle bool, late int, woken bool) error {
	if err := line.Pause(ctx, late-1, leastWait, mostWait); err != nil {
		return err
	}
	p.mu.Lock()
	p.dirty = false // what comes back from here on may be missed below
	p.mu.Unlock()
	start := time.Now()
	texts, items, err := p.q.listItems(ctx, s)
	if err != nil {
		return err
	}
	var claimed []string
	var claims *core.Watch
	if len(texts) > 0 {
		if claimed, claims, err = p.q.listClaims(ctx, s, idle); err != nil {
			items.Stop()
			return err
		}
	}
	names := p.q.parse(texts)
	taken := make(map[string]struct{}, len(claimed))
	for _, c := range claimed {
		taken[c] = struct{}{}
	}

	p.mu.Lock()
	defer p.mu.Unlock()
	if p.s != s {
		return core.ErrSessionEnded
	}
	stop(p.items)
	stop(p.claims)
	p.items, p.claims = items, claims
	p.busy = false
	p.ready, p.waiting, p.retries = ready{start: oldest(names)}, waiting{}, nil
	p.listed(names)
	now := time.Now()
	for _, n := range names {
		_, mine := p.mine[n.text]
		_, other := taken[n.text]
		switch {
		case mine:
		case other:
			p.busy = true
		case n.due > now.UnixMilli():
			p.waiting.names = append(p.waiting.names, n)
		case p.aside[n.text] != nil && p.aside[n.text].at.After(now):
			p.retries = append(p.retries, p.aside[n.text])
		default:
			p.ready.names = append(p.ready.names, n)
		}
	}
	heap.Init(&p.ready)
	heap.Init(&p.waiting)
	heap.Init(&p.retries)
	p.size, p.takes, p.at, p.cost = len(names), 0, time.Now(), time.Since(start)
	if woken && p.ready.Len() == 0 {
		p.late = min(p.late+1, mostLate) // others were quicker
	}
	return nil
}

func stop(w *core.Watch) {
	if w != nil {
		w.Stop()
	}
}

// await returns what waits until the picture may have changed. The caller holds mu.
func (p *picture) await() func(ctx context.Context) error {
	s, changed, loading := p.s, p.changed, p.loading
	items, claims := doneOf(p.items), doneOf(p.claims)
	if loading != nil {
		items, claims = nil, nil // they may have fired already
	}
	var due <-chan time.Time
	var timer *time.Timer
	if len(p.waiting.names) > 0 || len(p.retries) > 0 {
		wait := clockStep
		if len(p.waiting.names) > 0 {
			wait = min(wait, time.Until(time.UnixMilli(p.waiting.next())))
		}
		if len(p.retries) > 0 {
			wait = min(wait, time.Until(p.retries[0].at))
		}
		timer = time.NewTimer(max(0, wait))
		due = timer.C
	}
	return func(ctx context.Context) error {
		if timer != nil {
			defer timer.Stop()
		}
		select {
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

func doneOf(w *core.Watch) <-chan struct{} {
	if w == nil {
		return nil
	}
	return w.Done()
}

// drop forgets an item that we have acknowledged.
func (p *picture) drop(s *core.Session, n name) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.s == s {
		delete(p.mine, n.text)
		delete(p.aside, n.text)
	}
}

// giveBack makes an item available again that is no longer ours, under its
// present name. Should it have gone, a read tells.
func (p *picture) giveBack(s *core.Session, was, is name) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.s != s {
		return
	}
	delete(p.mine, was.text)
	delete(p.aside, was.text)
	if is.due > time.Now().UnixMilli() {
		heap.Push(&p.waiting, is)
	} else {
		heap.Push(&p.ready, is)
	}
	p.dirty = true // a list that is being made may not show it
	p.wake()
}

// wake has everybody look again who waits. The caller holds mu.
func (p *picture) wake() {
	close(p.changed)
	p.changed = make(chan struct{})
}
