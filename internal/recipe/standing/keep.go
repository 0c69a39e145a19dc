package standing

import (
	"context"
	"errors"
	"time"

	"github.com/docent-go/docent/internal/base/backoff"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/rival"
)

// Pauses between requests that a server refuses but may grant later, and
// between creates of a node that keeps being deleted. A deletion after calm
// does not count as too soon.
const (
	minRetry = 500 * time.Millisecond
	maxRetry = 30 * time.Second
	minPause = 50 * time.Millisecond
	maxPause = 10 * time.Second
	calm     = time.Minute
)

// keeping is what the keeper knows from one session to the next.
type keeping struct {
	opening  bool      // Open is still waiting
	replaced bool      // another process has taken our path: its node is waited for without a limit
	first    int64     // the czxid of the first node; 0 before it
	creates  int       // creates in a row of nodes that were soon deleted
	failures int       // failures in a row
	since    time.Time // when the node began to stand
	ghost    string    // the sequential node of the previous session
	rival    rival.Rival
}

// keep keeps the node through one session after the other.
func (n *Node) keep() {
	for {
		s, err := n.cfg.Manager.Session(n.ctx)
		if err != nil {
			if n.ctx.Err() != nil {
				err = context.Cause(n.ctx)
			}
			n.end(err)
			return
		}
		r := &round{Node: n, s: s}
		if !n.cfg.Sequential {
			r.path = n.cfg.Path
		}
		r.follow()
		if r.removed {
			n.end(context.Cause(n.ctx))
			return
		}
	}
}

// round is the keeper's work in one session.
type round struct {
	*Node
	s *core.Session

	path    string // empty while a sequential node has no name
	maybe   bool   // a node of ours may exist
	doubt   bool   // the outcome of a write is unknown: a sync has to precede the next read
	written uint64 // the revision that the node holds; 0 when that is not known
	stood   bool   // the node has stood in this session
	removed bool   // the node was closed and is deleted
	watch   *core.Watch
}

// follow keeps the node until the session ends, or until the node is closed and
// deleted.
func (r *round) follow() {
	defer r.release()
	for {
		switch err := r.s.Err(); {
		case err != nil && r.ctx.Err() != nil:
			r.removed = true // the node goes with its session
			return
		case err != nil:
			r.away(err)
			return
		}
		if r.ctx.Err() == nil {
			if err := r.step(); err != nil && !ended(err) {
				r.refused(err)
			}
			continue
		}
		asked := r.asked()
		err := r.remove()
		switch {
		case err == nil:
			r.removed = true
			return
		case !ended(err):
			r.failures++
			r.tellOpen(context.Cause(r.ctx))
			r.tellClosers(asked, err)
			r.sleep(growing(r.failures-1, minRetry, maxRetry), r.wake)
		}
	}
}

// release gives back what the round holds in this process.
func (r *round) release() {
	r.unwatch()
	if r.cfg.Sequential && r.path != "" {
		r.ghost = r.path
		r.unclaim(r.path)
	}
}

func (r *round) unwatch() {
	if r.watch != nil {
		r.watch.Stop()
		r.watch = nil
	}
}

// step makes the next request towards a node that stands with the newest data.
// If nothing is left to do, it waits for a reason.
func (r *round) step() error {
	if !r.maybe {
		return r.create()
	}
	seen, err := r.look()
	switch {
	case err != nil:
		return err
	case seen.gone:
		r.rivalOf.Store(0)
		r.lost()
		return nil
	case seen.stat.EphemeralOwner != r.s.ID():
		return r.contest(seen)
	}
	r.recognise(seen.data)
	if r.written == 0 && !r.stood {
		// The answer to the create was lost. The data may be outdated, or
		// another keeper's whose create was lost as well.
		if again, err := r.write(r.wanted()); again || err != nil {
			return err
		}
	}
	if !r.stood || r.State().Czxid != seen.stat.Czxid {
		r.since = time.Now()
	}
	if r.first == 0 {
		r.first = seen.stat.Czxid
	}
	r.stood, r.failures = true, 0
	r.stands(r.s, r.path, seen.stat.Czxid)
	r.tellOpen(nil)
	return r.attend()
}

// attend writes the data of later Sets, until the node may have changed.
func (r *round) attend() error {
	for {
		data, rev := r.wanted()
		r.holds(r.written)
		if r.written == rev {
			r.failures = 0
			if !r.wait(0) {
				return nil
			}
			continue
		}
		again, err := r.write(data, rev)
		switch {
		case ended(err), again:
			return nil
		case err != nil: // the node still stands
			r.refuse(rev, err)
			r.failures++
			if !r.wait(growing(r.failures-1, minRetry, maxRetry)) {
				return nil
			}
		}
	}
}

// lost notes that our node is missing.
func (r *round) lost() {
	r.maybe = false
	if r.cfg.Sequential && r.path != "" {
		r.unclaim(r.path)
		r.path = ""
	}
	if r.stood {
		r.away(core.ErrDeleted)
	}
}

// refused handles an answer that may change later.
func (r *round) refused(err error) {
	if r.opening {
		r.cancel(err) // Open fails once no node of ours exists
		return
	}
	r.away(err)
	r.refuse(everyone, err)
	r.failures++
	r.sleep(growing(r.failures-1, minRetry, maxRetry), r.wake)
}

// paced waits before a create that follows others too soon. The first few do
// not wait: the first may have found its directory missing, the second may have
// met a node that was about to be deleted.
func (r *round) paced() {
	if !r.since.IsZero() && time.Since(r.since) >= calm {
		r.creates = 0
	}
	r.since = time.Time{}
	if r.creates++; r.creates > 3 {
		r.sleep(growing(r.creates-4, minPause, maxPause), nil)
	}
}

// wait waits for a reason to read the node again, at most for limit if that is
// not zero. It reports whether Set was the reason: then the node need not be
// read.
func (r *round) wait(limit time.Duration) (set bool) {
	var fired <-chan struct{}
	if r.watch != nil {
		fired = r.watch.Done()
	}
	over, stop := backoff.After(limit)
	defer stop()
	select {
	case <-r.wake:
		return r.ctx.Err() == nil
	case <-over:
		return true
	case <-fired:
	case <-r.ctx.Done():
	case <-r.s.Done():
	}
	return false
}

// sleep waits before a failed step is tried again. Wake and a change of the
// node end the wait early.
func (r *round) sleep(pause time.Duration, wake <-chan struct{}) {
	var fired, given <-chan struct{}
	if r.watch != nil {
		fired = r.watch.Done()
	}
	if r.ctx.Err() == nil {
		given = r.ctx.Done()
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-wake:
	case <-fired:
	case <-given:
	case <-r.s.Done():
	}
}

// growing is the n-th of pauses that double from min up to max. They are
// random, so that processes that were refused together do not come back
// together.
func growing(n int, min, max time.Duration) time.Duration {
	return backoff.Backoff{Min: min, Max: max, Floor: min / 2}.Pause(n)
}

// ended reports whether an operation failed because its session has ended.
func ended(err error) bool { return errors.Is(err, core.ErrSessionEnded) }
