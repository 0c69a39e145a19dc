package queue

import (
	"slices"
	"time"

	"github.com/docent-go/docent/internal/chance"
	"github.com/docent-go/docent/internal/core"
)

// How consumers keep out of each other's way. One that finds that others claim the same
// items takes a run of items at random somewhere among the first, and among more of them
// the oftener it happens: among up to 2^mostHeat runs. One that is woken and finds
// nothing left waits a moment at random the next time, before it looks. A consumer that
// is alone takes the first items, at once.
const (
	heatStep  = 16 // of heat: among twice as many runs
	mostHeat  = 6
	hot       = heatStep     // for a claim that was refused
	warm      = heatStep / 4 // for an item that had gone
	cool      = 2            // for a claim that was not
	crowdRead = 4            // how many items one reads at a time that has to spread
	blindRead = 16           // how many items it reads at first, which may be large
	mostRun   = 8            // how many items it reads for one that is there
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
	sparse  int  // how many it reads for one that is there, when it has to spread
	average int  // how long an item is, in bytes; 0: none was read
	crammed bool // the items' directory holds so much data that its stat is not read along
	takes   int  // since the list
	readAt  time.Time
}

func newPace() pace { return pace{ahead: 1, claimed: mostClaims, sparse: 1} }

// mostClaims bounds how many items are claimed in one request.
const mostClaims = 64

func (p *pace) crowded() bool { return p.heat >= heatStep }

// spread is among how many runs a run is chosen.
func (p *pace) spread() int { return 1 << (p.heat / heatStep) }

// rivals is about how many consumers there are: a run is chosen among eight for each.
func (p *pace) rivals() int { return max(1, p.spread()/8) }

// width is how many items are to be read now, for a consumer that takes up to most.
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

// hasRead notes how many of the items that were read can be claimed, and what they hold.
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

// collided notes that a claim was refused: for an item that others have claimed, or one
// that has gone.
func (p *pace) collided(claimed bool) {
	step := warm
	if claimed {
		step = hot
	}
	p.heat = min(max(p.heat, 2*step)+step, (mostHeat+1)*heatStep-1)
	if p.failed++; p.failed > 1 { // once is chance
		p.claimed = max(1, p.claimed/2)
	}
}

// succeeded notes that a claim was made, of one item or of several.
func (p *pace) succeeded() {
	p.heat = max(p.heat-cool, 0)
	p.claimed, p.failed = min(2*p.claimed, mostClaims), 0
}

// choose takes the first items out of the front, up to most of them; or some that follow
// one another, where the consumer has to spread. The caller holds mu.
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

// missed gives up an item that somebody else has claimed, or that has gone. What was read
// along with it is as old, and is read again.
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
			// No watch has told of a claim: there is none, and somebody has only written
			// into the item, or else the watch does not tell. A new list shows it.
			replace(&p.claims, nil)
		case p.claims != nil && !fired(p.claims):
			// The same may be true. While transactions of ours are under way, the event
			// of a claim counts as theirs. With nothing else at hand a new list shows it.
			p.doubted = true
		}
	}
	p.reread(time.Now())
}

// won notes that items were claimed.
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

// outrun notes whether a consumer that was woken has found nothing: others were
// quicker. The caller holds mu.
func (p *picture) outrun(woken bool) {
	if woken && !p.atHand() {
		p.late = min(p.late+1, mostLate)
	}
}
