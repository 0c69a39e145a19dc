package inspect

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/session"
)

// Deadlock is a ring of sessions of which each waits for the next.
type Deadlock struct {
	// Ring has the sessions in turn; the last waits for the first.
	Ring []Wait `json:"ring"`
	// Since is when the ring was closed, by the clock of the ensemble's leader: when the
	// last of them began to wait.
	Since time.Time `json:"since"`
	// Behind are further sessions that cannot go on before the ring is opened.
	Behind []SessionID `json:"behind,omitempty"`
	// More says that the sessions behind are in further rings, which are not
	// listed: their number is bounded.
	More bool `json:"more,omitempty"`
}

// Wait is one session that waits for the next in a ring.
type Wait struct {
	// Lock is the path that it waits at, Kind what stands there.
	Lock string `json:"lock"`
	Kind Kind   `json:"kind"`
	// Waiter is its node there.
	Waiter Party `json:"waiter"`
	// Holder is that of the next session, which holds; or that of one which holds
	// until the next has ended (Party.Under).
	Holder Party `json:"holder"`
	// MayBeElection is that of the Lock.
	MayBeElection bool `json:"mayBeElection,omitempty"`
}

// DeadlockReport is what Deadlocks has found.
type DeadlockReport struct {
	Deadlocks []Deadlock `json:"deadlocks"`
	// Report is what was looked at.
	Report *Report `json:"-"`
	// Entangled says that so many sessions hold and wait at the same paths that
	// some of their waits were left out.
	Entangled bool `json:"entangled,omitempty"`
}

// Complete reports whether everything was looked at. If not, a deadlock may
// have been missed.
func (r *DeadlockReport) Complete() bool {
	misuse.ZeroValue(r == nil || r.Report == nil, "or nil inspect.DeadlockReport", "inspect.Deadlocks")
	return r.Report.Complete() && !r.Entangled
}

// Deadlocks looks for sessions that wait for each other over the locks, locks
// for readers and writers, and semaphores below path: each holds one and waits
// for another.
//
// A session counts as one client. In a process in which many goroutines or
// threads share a session, one may hold while another waits, so that a ring is
// none and opens by itself. Hence everything is looked at again after the time that the
// option Confirm gives, and rings are searched for among the nodes that are the very same in
// both readings: who waits, who holds, and who holds the permits of a semaphore.
// So every ring that lasts is found, whatever comes and goes beside it. Deadlock.Since tells how old it is. For the same reason a session that waits
// for the lock that it holds itself is no ring, nor are sessions that both hold and
// wait at one and the same path. A session that is under others (Party.Under) counts
// as one client with each of them.
//
// Whoever waits for a permit of a semaphore is stuck only if all who hold one
// are; one that wants several permits may be stuck earlier and is not found
// then. Waiters of one-node locks, and whoever waits otherwise than in a line,
// cannot be seen. Candidates in elections with nodes of their own kind (Election) do not count as waiting;
// where a Lock may be an election, its waiters do.
//
// ctx bounds it; the errors are those of Take.
func Deadlocks(ctx context.Context, sm *session.Manager, path string, opts ...Option) (*DeadlockReport, error) {
	misuse.NilManager(sm == nil, "inspect.Deadlocks")
	o := newOptions("inspect.Deadlocks", opts)
	r, err := newScan(bridge.Core(sm), o, nil).take(ctx, path)
	if err != nil {
		return nil, fail(ctx, path, err)
	}
	was := newGraph(r)
	found := &DeadlockReport{Report: r, Entangled: was.cut}
	o.only = newGrounds(was.grounds())
	if o.only == nil {
		return found, nil
	}
	timer := time.NewTimer(o.confirm)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return nil, fail(ctx, path, ctx.Err())
	}
	again, err := newScan(bridge.Core(sm), o, nil).take(ctx, path)
	if gone(err) {
		return found, nil
	}
	if err != nil {
		return nil, fail(ctx, path, err)
	}
	g := newGraph(again)
	g.keep(was)
	found.Deadlocks, found.Entangled = g.rings(), found.Entangled || g.cut
	return found, nil
}

// grounds are the recipes that a second reading is about, by their paths.
type grounds struct{ recipes, above map[string]bool }

// newGrounds returns nil for none.
func newGrounds(recipes []string) *grounds {
	if len(recipes) == 0 {
		return nil
	}
	g := &grounds{make(map[string]bool), make(map[string]bool)}
	for _, path := range recipes {
		g.recipes[path] = true
		g.recipes[path+"-"+kazooLock] = true // the line of kazoo's semaphores lies beside them
		for dir := range ancestors(path) {
			g.above[dir] = true
		}
	}
	return g
}

// ancestors yields the paths above one, without the root.
func ancestors(path string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for at := strings.LastIndexByte(path, '/'); at > 0; at = strings.LastIndexByte(path, '/') {
			if path = path[:at]; !yield(path) {
				return
			}
		}
	}
}

// concerns reports whether a node has to be looked at: all have, unless only
// some recipes are wanted.
func (o *options) concerns(path string) bool {
	if o.only == nil || o.only.recipes[path] || o.only.above[path] {
		return true
	}
	for dir := range ancestors(path) {
		if o.only.recipes[dir] {
			return true
		}
	}
	return false
}
