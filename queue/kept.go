package queue

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

// An item may have a claim that is not ephemeral, made by hand or by another
// program. The end of no session gives the item back: it is passed over until the
// claim is deleted. A Take that waits looks for such claims.
const (
	// lookLate is how long a Take waits before the Queue looks at the claims of
	// others, and lookAgain the least time until it looks again.
	lookLate  = time.Second
	lookAgain = 10 * time.Second
	// maxLooks bounds how many claims it looks at.
	maxLooks = 64
)

// lookAtClaims returns the function that looks at the claims of others. It returns
// nil without such claims, and if a Take has looked a moment ago. The caller holds
// mu.
func (p *snapshot) lookAtClaims(s *core.Session) func(ctx context.Context) {
	if len(p.theirs) == 0 || time.Since(p.lookedAt) < lookAgain {
		return nil
	}
	return func(ctx context.Context) {
		for _, report := range p.findKept(ctx, s) {
			report()
		}
	}
}

// findKept looks at the claims of others, and returns the reports of the lasting
// ones that are news.
func (p *snapshot) findKept(ctx context.Context, s *core.Session) (reports []func()) {
	p.mu.Lock()
	names := slices.SortedFunc(maps.Values(p.theirs), func(a, b name) int { return before(a, b, p.start) })
	names = names[:min(maxLooks, len(names))]
	again := p.s != s || time.Since(p.lookedAt) < lookAgain // another Take has looked
	p.lookedAt = time.Now()
	p.mu.Unlock()
	if again {
		return nil
	}
	paths := make([]string, len(names))
	for i, n := range names {
		paths[i] = znode.Join(p.q.claims, n.text)
	}
	seen, err := s.SeeOwners(ctx, paths)
	if err != nil {
		return nil // the wait goes on, and its reason stays unknown
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, claim := range seen {
		text := names[i].text
		if _, theirs := p.theirs[text]; !theirs || claim == nil || !core.Lasting(claim.Stat) {
			continue
		}
		if p.kept[text] == nil {
			if p.kept == nil {
				p.kept = make(map[string]error)
			}
			p.kept[text] = fmt.Errorf("its claim %s: %w", paths[i], core.ErrNotEphemeral)
			if f := p.q.o.onSkipped; f != nil {
				skipped := p.q.skipped(names[i], p.kept[text])
				reports = append(reports, func() { f(skipped) })
			}
		}
	}
	return reports
}
