package queue

import (
	"cmp"
	"container/heap"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/docent-go/docent/internal/chance"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/znode"
)

// Pauses between two tries of an item that was set aside. Servers send no event
// if an ACL changes, so only a try shows whether the item can be taken. The
// pause doubles with each try, up to mostAside. With n items set aside it grows
// up to n*asideShare at least, so that their tries together stay rare.
const (
	leastAside = time.Second
	mostAside  = 10 * time.Second
	asideShare = 50 * time.Millisecond
)

// Skipped is an item that Take passes over.
type Skipped struct {
	ID   ID
	Path string // of the item's znode
	// Err says what was refused, such as a session.ErrNoAuth for the read of
	// the znode.
	Err error
}

// OnSkipped has f called with each item that this Queue begins to pass over. It
// is called once for each kind of operation that was refused: the read of the
// item, its claim, its acknowledgement, or the creation of its dead letter. The
// Queue tries the item again after a second, then after longer pauses of ten
// seconds and more. f is called on a goroutine of a Take, Ack, Release or
// Reject. It may be called by several goroutines at a time, and must return
// soon.
func OnSkipped(f func(Skipped)) Option {
	misuse.NilFunc(f == nil, "queue.OnSkipped")
	return func(o *options) { o.onSkipped = f }
}

// Skipped returns the items that this Queue passes over at present, sorted by
// path. A Queue learns of them in Take, so the result is empty before the first
// Take. Skipped sends no request.
func (q *Queue) Skipped() []Skipped {
	q.made()
	p := &q.picture
	p.mu.Lock()
	defer p.mu.Unlock()
	skipped := make([]Skipped, 0, len(p.aside))
	for _, a := range p.aside {
		if _, mine := p.mine[a.name.text]; !mine || a.trying {
			skipped = append(skipped, q.skipped(a.name, a.err))
		}
	}
	slices.SortFunc(skipped, func(a, b Skipped) int { return cmp.Compare(a.Path, b.Path) })
	return skipped
}

func (q *Queue) skipped(n name, err error) Skipped {
	return Skipped{ID: n.id(), Path: znode.Join(q.items, n.text), Err: err}
}

// withSkipped adds the items that were passed over to an error of Take.
func (q *Queue) withSkipped(err error) error {
	skipped := q.Skipped()
	switch len(skipped) {
	case 0:
		return err
	case 1:
		return fmt.Errorf("%w; item %s is passed over: %v", err, skipped[0].ID, skipped[0].Err)
	}
	return fmt.Errorf("%w; %d items are passed over, the first of them %s: %v", err, len(skipped), skipped[0].ID, skipped[0].Err)
}

// aside is an item that was set aside. It is kept until the item is settled or
// deleted.
type aside struct {
	name   name
	doing  string // what was refused
	err    error
	pause  time.Duration
	at     time.Time // of the next try
	trying bool      // the try is under way, and has not made a claim
}

// passOver sets aside an item that we may have claimed, and reports it once. It
// returns errNotOurs, so that other items are chosen. If the session has ended,
// the item is not at fault: passOver returns the error as it is.
func (q *Queue) passOver(s *core.Session, n name, doing string, err error) error {
	if s.Err() != nil || errors.Is(err, core.ErrSessionEnded) {
		q.picture.giveBack(s, n, n)
		return err
	}
	q.setAside(s, n, doing, err)()
	return errNotOurs
}

// hide passes over items that may not be read, and reports them once all are
// set aside.
func (q *Queue) hide(s *core.Session, items []refused) {
	tell := make([]func(), len(items))
	for n, i := range items {
		tell[n] = q.setAside(s, i.name, "read", i.err)
	}
	for _, f := range tell {
		f()
	}
}

// setAside withholds an item from pick for a while. The caller calls tell once
// it holds nothing that the user's function may need.
func (q *Queue) setAside(s *core.Session, n name, doing string, err error) (tell func()) {
	if !q.picture.setAside(s, n, doing, err) || q.o.onSkipped == nil {
		return func() {}
	}
	return func() { q.o.onSkipped(q.skipped(n, err)) }
}

// setAside is Queue.setAside, and returns whether the refusal is a new one.
func (p *picture) setAside(s *core.Session, n name, doing string, err error) (news bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.s != s {
		return false
	}
	delete(p.mine, n.text)
	a := p.aside[n.text]
	if a == nil {
		a = &aside{name: n}
		p.aside[n.text] = a
	}
	news = a.doing != doing
	most := max(mostAside, asideShare*time.Duration(len(p.aside)))
	a.doing, a.err, a.trying = doing, err, false
	a.pause = min(max(leastAside, 2*a.pause), most)
	a.at = time.Now().Add(a.pause*3/4 + chance.N(a.pause/2))
	heap.Push(&p.retries, a)
	if p.retries[0] == a { // a waiting Take has to wake for it
		p.wake()
	}
	return news
}

// retry makes the items available whose next try has come. The caller holds mu.
func (p *picture) retry(now time.Time) {
	for len(p.retries) > 0 && !p.retries[0].at.After(now) {
		p.putBack(heap.Pop(&p.retries).(*aside).name)
	}
}

// anew makes every item that was set aside due at once, in a new session. The
// caller holds mu.
func (p *picture) anew() {
	for _, a := range p.aside {
		a.pause, a.at, a.trying = 0, time.Time{}, false
	}
}

// still forgets the items that were set aside and are not among the names. The
// caller holds mu.
func (p *picture) still(names []name) {
	if len(p.aside) == 0 {
		return
	}
	there := make(map[string]*aside, len(p.aside))
	for _, n := range names {
		if a := p.aside[n.text]; a != nil {
			there[n.text] = a
		}
	}
	p.aside = there
}

// retries is a heap of the items that were set aside, ordered by the time of
// the next try.
type retries []*aside

func (h retries) Len() int           { return len(h) }
func (h retries) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h retries) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *retries) Push(x any)        { *h = append(*h, x.(*aside)) }
func (h *retries) Pop() any {
	last := len(*h) - 1
	a := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return a
}
