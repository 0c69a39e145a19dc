package suite_test

import (
	"strings"
	"sync"

	"github.com/docent-go/docent/internal/testing/simulation"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/zktest"
)

// leases observes the lease znodes of a semaphore. It checks, in a forced run
// too, that
//
//   - the existing leases of permits are never more than the limit;
//   - no two permits have the same token;
//   - a token is at least the zxid of its permit's newest lease, and greater
//     than every token that was given before that lease was created;
//   - tokens grow, if the limit is one.
type leases struct {
	w     *simulation.World
	limit int // the greatest of the run

	mu      sync.Mutex
	created map[string]int64 // existing lease → zxid of its create
	given   map[string]bool  // existing leases of permits
	before  map[int64]int64  // zxid of a lease's create → the greatest token by then
	tokens  map[int64]bool
	newest  int64 // the greatest token
}

func observeLeases(w *simulation.World, limit int) *leases {
	l := &leases{
		w: w, limit: limit, created: make(map[string]int64), given: make(map[string]bool),
		before: make(map[int64]int64), tokens: make(map[int64]bool),
	}
	w.Srv.OnChange(l.changed)
	return l
}

// changed is called by the server, before any client can know of the change.
func (l *leases) changed(c zktest.Change) {
	if !strings.Contains(c.Path, "-lease-") {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch c.Kind {
	case zktest.Created:
		l.created[c.Path] = c.Zxid
		l.before[c.Zxid] = l.newest
	case zktest.Deleted:
		delete(l.created, c.Path)
		delete(l.given, c.Path)
	}
}

// admit reports permits that were acquired. The goroutine that has acquired
// them calls it.
func (l *leases) admit(p *lock.Permit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var last int64
	for _, path := range p.Paths() {
		zxid, exists := l.created[path]
		if !exists || p.Err() != nil {
			return // lost at once
		}
		last = max(last, zxid)
	}
	for _, path := range p.Paths() {
		l.given[path] = true
	}
	if len(l.given) > l.limit {
		l.w.Break("permits", "%d leases of permits exist, and the limit is %d", len(l.given), l.limit)
	}
	token := p.Token()
	switch {
	case token < last:
		l.w.Break("tokens grow", "the token %d is less than the zxid %d of a lease", token, last)
	case l.tokens[token]:
		l.w.Break("tokens grow", "two permits have the token %d", token)
	case token <= l.before[last]:
		l.w.Break("tokens grow", "the token %d is not greater than %d, which was given before the permit's last lease was created",
			token, l.before[last])
	case l.limit == 1 && token <= l.newest:
		l.w.Break("tokens grow", "the token %d comes after %d", token, l.newest)
	}
	l.tokens[token] = true
	l.newest = max(l.newest, token)
}
