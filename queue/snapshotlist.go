package queue

import (
	"container/heap"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/docent-go/docent/internal/base/backoff"
	"github.com/docent-go/docent/internal/core"
)

// list is what is known of the last list of the items.
type list struct {
	at      time.Time
	cost    time.Duration
	stat    core.Stat // of the directory
	size    int       // how many items there were
	claimed int       // how many of them were claimed
	alike   bool      // whether all items have the same priority

	created int // how many items have been put, or put back, since
	gone    int // how many items have gone since
	claims  int // how many claims there were at last
}

// since computes created and gone from the directory's present stat. A server
// counts creates and deletes in a directory together.
func (l *list) since(stat core.Stat) {
	changes := stat.Cversion - l.stat.Cversion
	grown := stat.NumChildren - l.stat.NumChildren
	l.created = max(0, int((changes+grown)/2)) // below zero for a server that lags
	l.gone = max(0, int((changes-grown)/2))
}

// load lists the items and the claims. An idle snapshot has no items at hand,
// and needs an event when a claim goes. If it was woken and finds that others
// were faster, it waits a moment the next time.
//
// The claims are listed second. An item that is listed and not claimed may have
// gone, which a read shows. In the other order, it could have been claimed, and
// only a refused write would show that.
func (p *snapshot) load(ctx context.Context, s *core.Session, idle, woken bool) error {
	p.mu.Lock()
	vain := 0
	if woken && idle {
		vain = p.vain
	}
	p.mu.Unlock()
	if err := backoff.Contention.Wait(ctx, vain-1); err != nil {
		return err
	}
	p.mu.Lock()
	p.dirty, p.doubted = false, false // items that come back from here on may be missing in the list
	wasItems, wasClaims, ended := p.items, p.claims, p.s != s
	p.mu.Unlock()
	if ended {
		return core.ErrSessionEnded
	}
	l := list{}
	start := time.Now()
	texts, stat, items, err := p.listItems(ctx, s, wasItems, idle)
	if err != nil {
		return err
	}
	var claimed []string
	claims := wasClaims
	if len(texts) > 0 {
		if claimed, claims, err = p.listClaims(ctx, s, wasClaims, idle); err != nil {
			items.Stop()
			return err
		}
	} else if _, lasting := claims.(*changes); !lasting {
		claims = nil
	}
	names := p.q.parse(texts)
	l.stat, l.size, l.claims = stat, len(names), len(claimed)

	p.mu.Lock()
	defer p.mu.Unlock()
	if p.s != s {
		return core.ErrSessionEnded
	}
	replace(&p.items, items)
	replace(&p.claims, claims)
	p.sort(names, claimed, &l)
	if p.consumers == 0 || len(p.listed) > maxFollowed {
		p.unfollow()
	}
	l.at, l.cost = time.Now(), time.Since(start)
	p.list, p.takes = l, 0
	p.noteVain(woken)
	return nil
}

// sort makes a list the backlog. The caller holds mu.
func (p *snapshot) sort(names []name, claimed []string, l *list) {
	taken := make(map[string]struct{}, len(claimed))
	for _, c := range claimed {
		taken[c] = struct{}{}
	}
	read := make(map[string]candidate, len(p.front))
	for _, c := range p.front {
		read[c.text] = c
	}
	p.backlog = backlog{start: oldest(names)}
	p.front, p.waiting, p.retries, p.busy = nil, waiting{}, nil, false
	clear(p.theirs)
	p.forgetGone(names)
	maps.DeleteFunc(p.kept, func(text string, _ error) bool { _, still := taken[text]; return !still })
	now := time.Now()
	l.alike = true
	rest := names[:0] // in place: a list may be long
	var priority int32
	if len(names) > 0 {
		priority = names[0].priority
	}
	for _, n := range names {
		l.alike = l.alike && n.priority == priority
		_, mine := p.mine[n.text]
		_, other := taken[n.text]
		c, seen := read[n.text]
		switch {
		case mine:
		case other:
			p.busy = true
			p.theirs[n.text] = n
			l.claimed++
		case n.due > now.UnixMilli():
			p.waiting.names = append(p.waiting.names, n)
		case p.quarantined[n.text] != nil && p.quarantined[n.text].at.After(now):
			p.retries = append(p.retries, p.quarantined[n.text])
		case seen:
			p.front = append(p.front, c)
		default:
			rest = append(rest, n)
		}
	}
	p.backlog.listed = rest
	order := func(a, b name) int { return before(a, b, p.start) }
	slices.SortFunc(p.backlog.listed, order)
	slices.SortFunc(p.front, func(a, b candidate) int { return order(a.name, b.name) })
	heap.Init(&p.waiting)
	heap.Init(&p.retries)
}

// maxFollowed bounds how many items may be at hand while persistent watches are
// set. A consumer with many items at hand needs no events.
const maxFollowed = 256

// replace replaces a watch, and stops the old one unless it is the same.
func replace(w *watch, by watch) {
	if was := *w; was != nil && was != by {
		was.Stop()
	}
	*w = by
}

// parse returns the items among the children of a directory. All other znodes
// are left out.
func (q *Queue) parse(texts []string) []name {
	names := make([]name, 0, len(texts))
	for _, text := range texts {
		if n, ok := q.layout.parse(text); ok {
			names = append(names, n)
		}
	}
	return names
}

// listItems lists the directory of the items, with a watch that fires when the
// directory changes, or when a missing one is created.
func (p *snapshot) listItems(ctx context.Context, s *core.Session, was watch, idle bool) ([]string, core.Stat, watch, error) {
	dir := p.q.items
	if lasting, err := p.lasting(ctx, s, was, dir, idle); err != nil {
		return nil, core.Stat{}, nil, err
	} else if lasting != nil {
		texts, stat, err := s.Children(ctx, dir)
		if err != nil && !errors.Is(err, core.ErrNoNode) {
			lasting.Stop()
			return nil, core.Stat{}, nil, err
		}
		return texts, stat, lasting, nil
	}
	for {
		texts, stat, watch, err := s.ChildrenW(ctx, dir)
		if !errors.Is(err, core.ErrNoNode) {
			return texts, stat, watch, err
		}
		_, found, watch, err := s.ExistsW(ctx, dir)
		if err != nil || !found {
			return nil, core.Stat{}, watch, err
		}
		watch.Stop() // it was created in between
	}
}

// listClaims lists the claimed items' names, with a watch if the consumer is
// idle.
func (p *snapshot) listClaims(ctx context.Context, s *core.Session, was watch, idle bool) (texts []string, _ watch, err error) {
	lasting, err := p.lasting(ctx, s, was, p.q.claims, idle)
	if err != nil {
		return nil, nil, err
	}
	if lasting == nil && idle {
		texts, _, watch, err := s.ChildrenW(ctx, p.q.claims)
		switch {
		case err == nil:
			return texts, watch, nil
		case errors.Is(err, core.ErrNoNode):
			return nil, nil, nil // without the directory there is no claim whose end could be missed
		}
		return nil, nil, err
	}
	texts, err = p.q.claimants(ctx, s)
	switch {
	case lasting == nil:
		return texts, nil, err
	case err != nil:
		lasting.Stop()
		return nil, nil, err
	}
	return texts, lasting, nil
}

// claimants lists the names of the items that are claimed.
func (q *Queue) claimants(ctx context.Context, s *core.Session) ([]string, error) {
	texts, _, err := s.Children(ctx, q.claims)
	if errors.Is(err, core.ErrNoNode) {
		return nil, nil
	}
	return texts, err
}
