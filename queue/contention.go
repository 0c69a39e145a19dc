package queue

import (
	"slices"
	"time"

	"github.com/docent-go/docent/internal/base/chance"
	"github.com/docent-go/docent/internal/core"
)

// How consumers avoid each other. A consumer whose claims collide takes a run
// of items at a random place among the first. Each collision adds to its
// contention penalty, and each claim takes off a little. The higher the
// penalty, the more runs the consumer chooses among, up to 2^maxDoublings. A
// consumer that is woken and finds nothing left waits a random moment before it
// looks the next time. A consumer without rivals takes the first items, at
// once.
const (
	penaltyStep    = 16 // for each step of the penalty, the number of runs doubles
	maxDoublings   = 6
	penaltyClaimed = penaltyStep     // for an item that another consumer had claimed
	penaltyGone    = penaltyStep / 4 // for an item that had gone
	penaltyRelief  = 2               // taken off for a claim that was made

	contendedRead = 4  // how many items a consumer reads at a time if it has to spread
	blindRead     = 16 // how many items it reads at first, when it does not know their size
	maxGapFactor  = 8  // how many items it reads at most for each item that exists

	maxVain = 7
)

// maxClaims bounds how many items are claimed in one request.
const maxClaims = 64

// pace is how much a consumer reads and claims at a time, and how it spreads.
type pace struct {
	penalty   int // for contention
	readAhead int // how many items it reads at a time
	claimSize int // how many items it may claim at a time, in one request
	refusals  int // how many claims were refused in a row
	gapFactor int // how many items it reads for each item that exists, if it has to spread
	itemSize  int // the average size of an item, in bytes; 0: none was read
	takes     int // since the list
	readAt    time.Time
	// largeDirectory says that the items' directory holds so much data of its
	// own that its stat is not read along.
	largeDirectory bool
}

func newPace() pace { return pace{readAhead: 1, claimSize: maxClaims, gapFactor: 1} }

func (p *pace) contended() bool { return p.penalty >= penaltyStep }

// spread is the number of runs among which one is chosen.
func (p *pace) spread() int { return 1 << (p.penalty / penaltyStep) }

// rivals is the approximate number of consumers: a run is chosen among eight
// for each.
func (p *pace) rivals() int { return max(1, p.spread()/8) }

// width is how many items to read now, for a consumer that takes up to n.
func (p *pace) width(n int) int {
	now := time.Now()
	switch since := now.Sub(p.readAt); {
	case since > 2*readFor:
		p.readAhead = 1
	case since > readFor:
		p.readAhead = max(1, p.readAhead/2)
	default:
		p.readAhead = min(2*p.readAhead, maxRead)
	}
	p.readAt = now
	width := p.readAhead
	if p.contended() {
		width = contendedRead
	}
	width = max(width, min(n, p.claimSize))
	if p.itemSize == 0 {
		return min(width, blindRead)
	}
	return min(width, max(1, readBytes/p.itemSize))
}

// hasRead records how many of the read items can be claimed, and their size.
func (p *pace) hasRead(read, live, bytes int) {
	if live > 0 {
		p.itemSize = max(1, (p.itemSize+bytes/live)/2)
	}
	switch {
	case live*2 < read:
		p.gapFactor = min(2*p.gapFactor, maxGapFactor)
	case live*4 > read*3:
		p.gapFactor = max(1, p.gapFactor/2)
	}
}

// collided records that a claim was refused, because another consumer has
// claimed the item or the item has gone.
func (p *pace) collided(claimed bool) {
	step := penaltyGone
	if claimed {
		step = penaltyClaimed
	}
	p.penalty = min(max(p.penalty, 2*step)+step, (maxDoublings+1)*penaltyStep-1)
	if p.refusals++; p.refusals > 1 { // a single refusal may be chance
		p.claimSize = max(1, p.claimSize/2)
	}
}

// succeeded records that one transaction has claimed one item or several.
func (p *pace) succeeded() {
	p.penalty = max(p.penalty-penaltyRelief, 0)
	p.claimSize, p.refusals = min(2*p.claimSize, maxClaims), 0
}

// choose takes at most limit items out of the front: the first, or if the
// consumer has to spread, consecutive items at a random place. The caller holds
// mu.
func (p *snapshot) choose(limit int) []candidate {
	n := min(limit, p.claimSize, len(p.front))
	from := 0
	if p.contended() {
		from = chance.N(len(p.front) - n + 1)
	}
	chosen := slices.Clone(p.front[from : from+n])
	p.front = slices.Delete(p.front, from, from+n)
	for _, c := range chosen {
		p.mine[c.text] = struct{}{}
		if e := p.quarantined[c.text]; e != nil {
			e.trying = true
		}
	}
	p.takes += n
	return chosen
}

// missed gives up an item that another consumer has claimed, or that has gone.
// Items that were read at the same time are as old, and are read again.
func (p *snapshot) missed(s *core.Session, n name, claimed bool) {
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
		case p.claimsUnchanged() != nil:
			// The watch of the claims has not fired, so the item has no claim,
			// and another client has only written to the item, or else the
			// watch fails. A new list shows it.
			replace(&p.claims, nil)
		case p.claims != nil && !fired(p.claims):
			// The same may be true: while transactions of ours are under way,
			// the event of a claim counts as theirs. If no other item is at
			// hand, a new list shows it.
			p.doubted = true
		}
	}
	p.dropReadBefore(time.Now())
}

// won records that items were claimed.
func (p *snapshot) won(s *core.Session, items []*Item) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, i := range items {
		if e := p.quarantined[i.name.text]; e != nil && p.s == s {
			e.trying = false
		}
	}
	p.succeeded()
	p.vain = max(p.vain-1, 0)
}

// noteVain records whether a consumer that was woken has found nothing, because
// others were faster. The caller holds mu.
func (p *snapshot) noteVain(woken bool) {
	if woken && !p.atHand() {
		p.vain = min(p.vain+1, maxVain)
	}
}
