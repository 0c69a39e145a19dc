package queue

import (
	"slices"
	"time"

	"github.com/docent-go/docent/internal/chance"
	"github.com/docent-go/docent/internal/core"
)

// How consumers avoid each other. A consumer whose claims collide takes a run
// of items at a random place among the first. The more often claims collide,
// the more runs it chooses among, up to 2^mostHeat. A consumer that is woken
// and finds nothing left waits a random moment before it looks the next time. A
// consumer without rivals takes the first items, at once.
const (
	heatStep  = 16 // of heat: the number of runs doubles
	mostHeat  = 6
	hot       = heatStep     // added for a claim that was refused
	warm      = heatStep / 4 // added for an item that had gone
	cool      = 2            // taken off for a claim that was made
	crowdRead = 4            // how many items a consumer reads at a time if it has to spread
	blindRead = 16           // how many items it reads at first, when it does not know their size
	mostRun   = 8            // how many items it reads at most for each one that exists
	mostLate  = 7
	leastWait = 2 * time.Millisecond
	mostWait  = 128 * time.Millisecond
)

// pace is how much a consumer reads and claims at a time, and how it spreads.
type pace struct {
	heat    int
	ahead   int  // how many items it reads at a time
	claimed int  // how many it may claim at a time, in one request
	failed  int  // how many claims were refused in a row
	sparse  int  // how many it reads for each one that exists, if it has to spread
	average int  // the average size of an item, in bytes; 0: none was read
	crammed bool // the items' directory holds so much data of its own that its stat is not read along
	takes   int  // since the list
	readAt  time.Time
}

func newPace() pace { return pace{ahead: 1, claimed: mostClaims, sparse: 1} }

// mostClaims bounds how many items are claimed in one request.
const mostClaims = 64

func (p *pace) crowded() bool { return p.heat >= heatStep }

// spread is the number of runs among which one is chosen.
func (p *pace) spread() int { return 1 << (p.heat / heatStep) }

// rivals is the approximate number of consumers: a run is chosen among eight
// for each.
func (p *pace) rivals() int { return max(1, p.spread()/8) }

// width is how many items to read now, for a consumer that takes up to most.
func (p *pace) width(most int) int {
	now := time.Now()
	switch since := now.Sub(p.readAt); {
	case since > 2*readFor:
		p.ahead = 1
	case since > readFor:
		p.ahead = max(1, p.ahead/2)
	default:
		p.ahead = min(2*p.ahead, mostRead)
	}
	p.readAt = now
	n := p.ahead
	if p.crowded() {
		n = crowdRead
	}
	n = max(n, min(most, p.claimed))
	if p.average == 0 {
		return min(n, blindRead)
	}
	return min(n, max(1, readBytes/p.average))
}

// hasRead records how many of the read items can be claimed, and their size.
func (p *pace) hasRead(read, live, bytes int) {
	if live > 0 {
		p.average = max(1, (p.average+bytes/live)/2)
	}
	switch {
	case live*2 < read:
		p.sparse = min(2*p.sparse, mostRun)
	case live*4 > read*3:
		p.sparse = max(1, p.sparse/2)
	}
}

// collided records that a claim was refused, because another consumer has
// claimed the item or the item has gone.
func (p *pace) collided(claimed bool) {
	step := warm
	if claimed {
		step = hot
	}
	p.heat = min(max(p.heat, 2*step)+step, (mostHeat+1)*heatStep-1)
	if p.failed++; p.failed > 1 { // a single refusal may be chance
		p.claimed = max(1, p.claimed/2)
	}
}

// succeeded records that one transaction has claimed one item or several.
func (p *pace) succeeded() {
	p.heat = max(p.heat-cool, 0)
	p.claimed, p.failed = min(2*p.claimed, mostClaims), 0
}

// choose takes at most most items out of the front: the first, or if the
// consumer has to spread, consecutive items at a random place. The caller holds
// mu.
func (p *picture) choose(most int) []candidate {
	n := min(most, p.claimed, len(p.front))
	from := 0
	if p.crowded() {
		from = chance.N(len(p.front) - n + 1)
	}
	chosen := slices.Clone(p.front[from : from+n])
	p.front = slices.Delete(p.front, from, from+n)
	for _, c := range chosen {
		p.mine[c.text] = struct{}{}
		if a := p.aside[c.text]; a != nil {
			a.trying = true
		}
	}
	p.takes += n
	return chosen
}

// missed gives up an item that another consumer has claimed, or that has gone.
// Items that were read at the same time are as old, and are read again.
func (p *picture) missed(s *core.Session, n name, claimed bool) {
	p.drop(s, n)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.collided(claimed)
	if p.s != s {
		return
	}
	if claimed {
		p.busy = true
		p.theirs[n.text] = n // until a read shows no claim
		switch {
		case p.claimsKnown() != nil:
			// The watch of the claims has not fired, so the item has no claim, and another client
			// has only written to the item, or else the watch fails. A new list shows it.
			replace(&p.claims, nil)
		case p.claims != nil && !fired(p.claims):
			// The same may be true: while transactions of ours are under way, the event of
			// a claim counts as theirs. If no other item is at hand, a new list shows it.
			p.doubted = true
		}
	}
	p.reread(time.Now())
}

// won records that items were claimed.
func (p *picture) won(s *core.Session, items []*Item) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, i := range items {
		if a := p.aside[i.name.text]; a != nil && p.s == s {
			a.trying = false
		}
	}
	p.succeeded()
	p.late = max(p.late-1, 0)
}

// outrun records whether a consumer that was woken has found nothing, because
// others were faster. The caller holds mu.
func (p *picture) outrun(woken bool) {
	if woken && !p.atHand() {
		p.late = min(p.late+1, mostLate)
	}
}
