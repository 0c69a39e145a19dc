package inspect

import (
	"context"
	"slices"
	"strings"
	"time"

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
	// Report is what was looked at. Where it is not complete, a deadlock may
	// have been missed.
	Report *Report `json:"-"`
}

// Deadlocks looks for sessions that wait for each other over the locks, locks
// for readers and writers, and semaphores below path: each holds one and waits
// for another.
//
// A session counts as one client. In a process in which many goroutines or
// threads share a session, one may hold while another waits, so that a ring is
// none and opens by itself. Hence a ring is reported only if it still stands,
// with the very same nodes, when it is looked at again after the time that the
// option Confirm gives, and so does all that it depends on: who holds the permits of a semaphore
// in it, and what those wait for. Deadlock.Since tells how old it is. For the same reason a session that waits
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
	o := newOptions(opts)
	r, err := newScan(sm, o, nil).take(ctx, path)
	if err != nil {
		return nil, fail(ctx, path, err)
	}
	was := newGraph(r)
	found := &DeadlockReport{Report: r, Deadlocks: was.rings()}
	if len(found.Deadlocks) == 0 {
		return found, nil
	}
	timer := time.NewTimer(o.confirm)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return nil, fail(ctx, path, ctx.Err())
	}
	o.only = was.grounds()
	again, err := newScan(sm, o, nil).take(ctx, path)
	if gone(err) {
		found.Deadlocks = nil
		return found, nil
	}
	if err != nil {
		return nil, fail(ctx, path, err)
	}
	g := newGraph(again)
	g.keep(was)
	found.Deadlocks = slices.DeleteFunc(found.Deadlocks, func(d Deadlock) bool { return !g.confirms(d) })
	return found, nil
}

// concerns reports whether a node has to be looked at: all have, unless only
// some recipes are wanted. kazoo's semaphores have their line beside them.
func (o *options) concerns(path string) bool {
	if o.only == nil {
		return true
	}
	return slices.ContainsFunc(o.only, func(recipe string) bool {
		beside := recipe + "-" + kazooLock
		return path == recipe || path == beside || strings.HasPrefix(recipe, path+"/") ||
			strings.HasPrefix(path, recipe+"/") || strings.HasPrefix(path, beside+"/")
	})
}
