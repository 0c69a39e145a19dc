package queue

import (
	"cmp"
	"container/heap"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/docent-go/docent/internal/base/chance"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

// Pauses between two tries of an item in quarantine. Servers send no event if
// an ACL changes, so only a try shows whether the item can be taken. The pause
// doubles with each try, up to maxQuarantine. With n items in quarantine it
// grows up to n*quarantineShare at least, so that their tries together stay
// rare.
const (
	minQuarantine   = time.Second
	maxQuarantine   = 10 * time.Second
	quarantineShare = 50 * time.Millisecond
)

// Skipped is an item that Take passes over.
type Skipped struct {
	ID   ID
	Path string // of the item's znode
	// Err says what was rejected, such as a session.ErrNoAuth for the read of
	// the znode.
	Err error
}

// OnSkipped sets a function that the Queue calls with each item that it begins
// to pass over. It is called once for each kind of operation that was rejected:
// the read of the item, its claim, its acknowledgement, or the creation of its
// dead letter. It is also called for an item whose claim is not ephemeral
// (session.ErrNotEphemeral), which a Take finds that waits for a second. The Queue
// tries the item again after a second, then after longer pauses of ten seconds and
// more. Skipped returns the items that are passed over
// at present. A Take, Ack, Release or Reject calls f on its goroutine and waits
// for f, several calls at a time. f must return soon.
func OnSkipped(f func(Skipped)) Option {
	misuse.NilFunc(f == nil, "queue.OnSkipped")
	return func(o *options) { o.onSkipped = f }
}

// Skipped returns the items that this Queue passes over at present, sorted by
// path. A Queue learns of them in Take, so the result is empty before the first
// Take. Skipped sends no request.
func (q *Queue) Skipped() []Skipped {
	q.made()
	p := &q.snapshot
	p.mu.Lock()
	defer p.mu.Unlock()
	skipped := make([]Skipped, 0, len(p.quarantined))
	for _, e := range p.quarantined {
		if _, mine := p.mine[e.name.text]; !mine || e.trying {
			skipped = append(skipped, q.skipped(e.name, e.err))
		}
	}
	for text, err := range p.kept {
		if n, theirs := p.theirs[text]; theirs {
			skipped = append(skipped, q.skipped(n, err))
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

// quarantined is an item in quarantine. It is kept until the item is settled or
// deleted.
type quarantined struct {
	name   name
	doing  string // what was refused
	err    error
	pause  time.Duration
	at     time.Time // of the next try
	trying bool      // the try is under way, and has not made a claim
}

// skip puts an item into quarantine that we may have claimed, and reports it
// once. It returns errNotOurs, so that other items are chosen. If the session
// has ended, the item is not at fault: skip returns the error as it is.
func (q *Queue) skip(s *core.Session, n name, doing string, err error) error {
	if s.Err() != nil || errors.Is(err, core.ErrSessionEnded) {
		q.snapshot.giveBack(s, n, n)
		return err
	}
	q.quarantine(s, n, doing, err)()
	return errNotOurs
}

// skipUnreadable puts items into quarantine that may not be read. It reports
// them once all are there.
func (q *Queue) skipUnreadable(s *core.Session, items []refused) {
	reports := make([]func(), len(items))
	for n, i := range items {
		reports[n] = q.quarantine(s, i.name, "read", i.err)
	}
	for _, report := range reports {
		report()
	}
}

// quarantine withholds an item from pick for a while. The caller calls report
// once it holds nothing that the user's function may need.
func (q *Queue) quarantine(s *core.Session, n name, doing string, err error) (report func()) {
	if !q.snapshot.quarantine(s, n, doing, err) || q.o.onSkipped == nil {
		return func() {}
	}
	return func() { q.o.onSkipped(q.skipped(n, err)) }
}

// quarantine is Queue.quarantine, and returns whether the refusal is a new one.
func (p *snapshot) quarantine(s *core.Session, n name, doing string, err error) (news bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.s != s {
		return false
	}
	delete(p.mine, n.text)
	e := p.quarantined[n.text]
	if e == nil {
		e = &quarantined{name: n}
		p.quarantined[n.text] = e
	}
	news = e.doing != doing
	longest := max(maxQuarantine, quarantineShare*time.Duration(len(p.quarantined)))
	e.doing, e.err, e.trying = doing, err, false
	e.pause = min(max(minQuarantine, 2*e.pause), longest)
	e.at = time.Now().Add(e.pause*3/4 + chance.N(e.pause/2))
	heap.Push(&p.retries, e)
	if p.retries[0] == e { // a waiting Take has to wake for it
		p.wake()
	}
	return news
}

// promoteRetries makes the items available whose next try has come. The caller
// holds mu.
func (p *snapshot) promoteRetries(now time.Time) {
	for len(p.retries) > 0 && !p.retries[0].at.After(now) {
		p.putBack(heap.Pop(&p.retries).(*quarantined).name)
	}
}

// retryAll makes every item in quarantine due at once, in a new session. The
// caller holds mu.
func (p *snapshot) retryAll() {
	for _, e := range p.quarantined {
		e.pause, e.at, e.trying = 0, time.Time{}, false
	}
}

// forgetGone forgets the items in quarantine that are not among the names. The
// caller holds mu.
func (p *snapshot) forgetGone(names []name) {
	if len(p.quarantined) == 0 {
		return
	}
	there := make(map[string]*quarantined, len(p.quarantined))
	for _, n := range names {
		if e := p.quarantined[n.text]; e != nil {
			there[n.text] = e
		}
	}
	p.quarantined = there
}

// retries is a heap of the items in quarantine, ordered by the time of the next
// try.
type retries []*quarantined

func (h retries) Len() int           { return len(h) }
func (h retries) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h retries) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *retries) Push(x any)        { *h = append(*h, x.(*quarantined)) }
func (h *retries) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return e
}
