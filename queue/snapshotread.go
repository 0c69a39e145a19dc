package queue

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

// How the front of the queue is read. One request shows which of the next items
// still exist, what they hold, which items are claimed, and how many have been
// put since the last list. So a consumer neither reads items one by one that
// others took, nor lists the queue for that.
const (
	// readFor is how long a read item may be claimed without another read. If a
	// consumer uses up its read items in that time, it reads twice as many the
	// next time, and otherwise half as many.
	readFor   = 100 * time.Millisecond
	maxRead   = 64
	readBytes = 256 << 10 // the approximate maximum size of an answer
	// smallDirectory is the maximum size of the items' directory's own data, in
	// bytes, for the directory's stat to be read along.
	smallDirectory = 4096
)

// refused is an item that may not be read.
type refused struct {
	name
	err error
}

// takeUnread removes the next items to be read from the backlog, for a consumer
// that claims up to limit of them at a time. The caller holds mu.
func (p *snapshot) takeUnread(limit int) []name {
	if len(p.front) > 0 { // read only the items that come before it
		return p.firstWhile(blindRead, p.comesFirst)
	}
	n := p.width(limit)
	if !p.contended() {
		return p.first(n)
	}
	reach := n * p.spread()
	if p.list.alike {
		// Consumers that take from the front have taken about as many as are
		// gone or claimed.
		p.pass(p.list.gone + p.list.claims - p.list.claimed - reach/2)
	}
	names := p.firstLater(n)
	if p.at < len(p.listed) {
		names = append(names, p.randomRun(n*p.gapFactor, reach)...)
	}
	return names
}

// read reads items, and adds the unclaimed ones to the front. It returns the
// items that may not be read.
func (p *snapshot) read(ctx context.Context, s *core.Session, names []name, woken bool) ([]refused, error) {
	q := p.q
	ops := make([]core.ReadOp, 0, len(names)+2)
	for _, n := range names {
		ops = append(ops, core.ReadOp{Path: znode.Join(q.items, n.text)})
	}
	p.mu.Lock()
	counted, still := !p.largeDirectory, p.claimsUnchanged()
	p.mu.Unlock()
	if counted {
		ops = append(ops, core.ReadOp{Path: q.items})
	}
	if still == nil { // the claims come last: see load
		ops = append(ops, core.ReadOp{Path: q.claims, Children: true})
	}
	results, err := s.ReadTogether(ctx, ops)
	var claims []string
	switch {
	case err != nil:
	case still == nil:
		last := results[len(ops)-1]
		if claims = last.Children; !errors.Is(last.Err, core.ErrNoNode) {
			err = last.Err
		}
	case !still(): // an item may have been claimed before it was read
		claims, err = q.claimants(ctx, s)
		still = nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.s != s {
		return nil, core.ErrSessionEnded
	}
	if err != nil {
		for _, n := range names {
			p.putBack(n)
		}
		return nil, err
	}
	if counted && results[len(names)].Err == nil {
		dir := results[len(names)]
		p.list.since(dir.Stat)
		p.largeDirectory = len(dir.Data) > smallDirectory
	} else {
		p.list.created = 1 // unknown: there may be new items
	}
	var claimed map[string]bool // of the items that were read; empty while the list of claims holds
	if still == nil {
		claimed = p.tookClaims(claims)
	}
	hidden := p.sortAnswers(names, results, claimed)
	p.noteVain(woken)
	return hidden, nil
}

// claimsUnchanged returns a function that reports whether the last list of the
// claims still holds, or nil if it does not. As long as it holds, an answer
// shows no items as claimed except those in the list. The caller holds mu.
func (p *snapshot) claimsUnchanged() (still func() bool) {
	switch w := p.claims.(type) {
	case *core.Watch:
		if !fired(w) {
			return func() bool { return !fired(w) }
		}
	case *changes:
		return w.still()
	}
	return nil
}

// tookClaims takes a list of the claims. Items whose claims have gone become
// available again: they may still exist. The caller holds mu.
func (p *snapshot) tookClaims(claims []string) (claimed map[string]bool) {
	p.list.claims = len(claims)
	claimed = make(map[string]bool, len(claims))
	for _, c := range claims {
		claimed[c] = true
	}
	for text, n := range p.theirs {
		if !claimed[text] {
			delete(p.kept, text)
			delete(p.theirs, text)
			p.putBack(n)
		}
	}
	return claimed
}

// sortAnswers sorts the items that were read: gone, hidden, claimed, or ready
// to be claimed. The caller holds mu.
func (p *snapshot) sortAnswers(names []name, results []core.ReadResult, claimed map[string]bool) (hidden []refused) {
	bytes, live, now := 0, 0, time.Now()
	for i, n := range names {
		switch r := results[i]; {
		case errors.Is(r.Err, core.ErrNoNode):
			delete(p.quarantined, n.text)
		case r.Err != nil:
			hidden = append(hidden, refused{n, r.Err})
		case claimed[n.text]:
			p.theirs[n.text] = n
			p.busy = true
		default:
			p.front = append(p.front, candidate{n, r.Data, r.Stat, now})
			bytes += len(r.Data)
			live++
		}
	}
	slices.SortFunc(p.front, func(a, b candidate) int { return before(a.name, b.name, p.start) })
	p.hasRead(len(names), live, bytes)
	return hidden
}
