package inspect

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/session"
)

// Deadlock is a cycle of sessions: each session waits for the next.
type Deadlock struct {
	// Cycle has the sessions of the cycle in turn. The last waits for the
	// first.
	Cycle []Wait `json:"ring"`
	// Since is the time since which all sessions of the cycle have waited, by
	// the clock of the ensemble's leader. The cycle may be younger: no znode
	// tells since when a session holds. It existed at the first read.
	Since time.Time `json:"since"`
	// Behind are further sessions that wait for the cycle, directly or through
	// others.
	Behind []session.ID `json:"behind,omitempty"`
	// More says that the sessions of Cycle and Behind are in further cycles,
	// which are not listed: the search is limited. It is set for the last cycle
	// of connected sessions.
	More bool `json:"more,omitempty"`
}

// Wait is one session of a cycle, which waits for the next.
type Wait struct {
	// Lock is the path of the recipe at which the session waits, and Kind its
	// kind.
	Lock string `json:"lock"`
	Kind Kind   `json:"kind"`
	// Waiter is the session's znode there.
	Waiter Owner `json:"waiter"`
	// Holder is the holder's znode. It belongs to the next session, or to a
	// session whose holds last until the next session has ended
	// (Owner.ParentSessions).
	Holder Owner `json:"holder"`
	// MayBeElection is Lock.MayBeElection of the recipe.
	MayBeElection bool `json:"mayBeElection,omitempty"`
}

// DeadlockReport is the result of Deadlocks.
type DeadlockReport struct {
	Deadlocks []Deadlock `json:"deadlocks"`
	// Passing is the number of cycles of the first read that have opened before
	// the second. These are no deadlocks. The limits of the search bound it.
	Passing int `json:"passing,omitempty"`
	// Report is the report that was searched.
	Report *Report `json:"-"`
	// Entangled says that some waits were left out, since too many sessions
	// hold and wait at the same paths.
	Entangled bool `json:"entangled,omitempty"`
}

// Complete reports whether the whole tree was searched. If not, a deadlock may
// have been missed.
func (r *DeadlockReport) Complete() bool {
	misuse.ZeroValue(r == nil || r.Report == nil, "or nil inspect.DeadlockReport", "inspect.Deadlocks")
	return r.Report.Complete() && !r.Entangled
}

// Deadlocks searches the locks, read/write locks and semaphores below path for
// sessions that wait for each other: each holds one recipe and waits for
// another.
//
// A session counts as a single client. If several goroutines or threads share a
// session, one may hold while another waits: such a cycle is not a deadlock,
// and ends by itself. So Deadlocks reads the tree again after the time of the
// option Confirm. It searches among the znodes that are the same in both reads:
// waiters, holders, and the holders of permits. Every cycle that lasts is
// found, whatever other znodes come and go. For the same reason, a session that waits for its own lock is not a cycle. Sessions
// that both hold and wait at the same path are not a cycle either. A session
// under other sessions (Owner.ParentSessions) and each of these count as a
// single client.
//
// A waiter for a permit is blocked only if all holders of permits are. A waiter
// for several permits may be blocked earlier, which is not found. Waiters
// without a znode are not seen, such as waiters of one-node locks. Candidates
// of an Election do not count as waiting. The waiters of a Lock that may be an
// election do.
//
// ctx bounds the call. The errors are those that Read lists. Deadlocks is safe
// for concurrent use.
func Deadlocks(ctx context.Context, sm *session.Manager, path string, opts ...Option) (*DeadlockReport, error) {
	misuse.NilManager(sm == nil, "inspect.Deadlocks")
	o := newOptions("inspect.Deadlocks", opts)
	r, err := newScan(bridge.Core(sm), o, nil).report(ctx, path)
	if err != nil {
		return nil, fail(ctx, path, err)
	}
	was := newGraph(r)
	found := &DeadlockReport{Report: r, Entangled: was.cut}
	o.scope = newScope(was.dependencies())
	if o.scope == nil {
		return found, nil
	}
	timer := time.NewTimer(o.confirm)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return nil, fail(ctx, path, ctx.Err())
	}
	again, err := newScan(bridge.Core(sm), o, nil).report(ctx, path)
	if gone(err) {
		found.Passing = len(was.cycles())
		return found, nil
	}
	if err != nil {
		return nil, fail(ctx, path, err)
	}
	g := newGraph(again)
	g.keep(was)
	found.Deadlocks, found.Entangled = g.cycles(), found.Entangled || g.cut
	found.Passing = g.opened(was)
	return found, nil
}

// scope is the paths of the recipes that the second read is limited to.
type scope struct{ recipes, above map[string]bool }

// newScope returns nil without recipes.
func newScope(recipes []string) *scope {
	if len(recipes) == 0 {
		return nil
	}
	s := &scope{make(map[string]bool), make(map[string]bool)}
	for _, path := range recipes {
		s.recipes[path] = true
		s.recipes[path+"-"+kazooLock] = true // the wait queue of kazoo's semaphore is its sibling
		for dir := range ancestors(path) {
			s.above[dir] = true
		}
	}
	return s
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

// concerns reports whether a node must be read: any node, unless the read is
// limited to some recipes.
func (o *options) concerns(path string) bool {
	if o.scope == nil || o.scope.recipes[path] || o.scope.above[path] {
		return true
	}
	for dir := range ancestors(path) {
		if o.scope.recipes[dir] {
			return true
		}
	}
	return false
}
