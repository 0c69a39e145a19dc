package standing

import (
	"context"
	"errors"
	"time"

	"github.com/docent-go/docent/internal/chance"
	"github.com/docent-go/docent/internal/core"
)

// Pauses: between requests that a server refuses, which it may grant later,
// and between creates of a node that keeps vanishing. A node that has stood for
// calm has not vanished too soon.
const (
	leastRetry = 500 * time.Millisecond
	mostRetry  = 30 * time.Second
	leastPause = 50 * time.Millisecond
	mostPause  = 10 * time.Second
	calm       = time.Minute
)

// keeping is what the keeper knows from one session to the next.
type keeping struct {
	opening  bool      // Open waits
	replaced bool      // another process has taken our place: its node is not timed
	first    int64     // the czxid with which the node stood first; 0 before
	creates  int       // in a row, of nodes that did not stand for long
	failures int       // in a row
	since    time.Time // when the node began to stand
	ghost    string    // the sequential node of the session before
	rival    rival
}

// rival is the node of somebody else in our place, and until when it is waited
// for.
type rival struct {
	czxid int64
	until time.Time
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

// round is the node in one session.
type round struct {
	*Node
	s *core.Session

	path    string // empty while a sequential node has no name
	maybe   bool   // a node of ours may stand
	doubt   bool   // the outcome of a write is unknown: a server has to catch up before it can tell
	written uint64 // the revision that the node holds; 0 when that is not known
	stood   bool   // the node has stood in this session
	removed bool   // the node was given up and has gone
	watch   *core.Watch
}

// follow keeps the node until the session ends, or the node is given up and
// removed.
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
			r.sleep(growing(r.failures-1, leastRetry, mostRetry), r.wake)
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

// step brings the node nearer to standing with the newest data. Where nothing
// is left to do, it waits for a reason.
func (r *round) step() error {
	if !r.maybe {
		return r.create()
	}
	seen, err := r.look()
	switch {
	case err != nil:
		return err
	case seen.gone:
		r.lost()
		return nil
	case seen.stat.EphemeralOwner != r.s.ID():
		return r.contest(seen)
	}
	r.recognise(seen.data)
	if r.written == 0 && !r.stood {
		// The answer to the create was lost: the data may be older than what is
		// wanted now, or that of another keeper whose create was lost as well.
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

// attend writes what Set brings, until the node may have changed.
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
		case err != nil: // the node stands all the same
			r.refuse(rev, err)
			r.failures++
			if !r.wait(growing(r.failures-1, leastRetry, mostRetry)) {
				return nil
			}
		}
	}
}

// lost notes that our node is not there.
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

// refused deals with an answer that may be another one later.
func (r *round) refused(err error) {
	if r.opening {
		r.cancel(err) // Open is told once nothing of ours stands
		return
	}
	r.away(err)
	r.refuse(everyone, err)
	r.failures++
	r.sleep(growing(r.failures-1, leastRetry, mostRetry), r.wake)
}

// paced waits before a create that follows others too soon. The first few do
// not wait: one may have found its directory missing, one have met a node that
// was about to go.
func (r *round) paced() {
	if !r.since.IsZero() && time.Since(r.since) >= calm {
		r.creates = 0
	}
	r.since = time.Time{}
	if r.creates++; r.creates > 3 {
		r.sleep(growing(r.creates-4, leastPause, mostPause), nil)
	}
}

// wait waits for a reason to look at the node again, or no longer than limit if
// that is not zero. It reports whether Set was the reason: then the node need
// not be looked at.
func (r *round) wait(limit time.Duration) (set bool) {
	var fired <-chan struct{}
	if r.watch != nil {
		fired = r.watch.Done()
	}
	var over <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		over = timer.C
	}
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

// sleep waits before something is tried again that came to nothing. Wake cuts
// it short, and so does a change of the node.
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

// growing is the n-th pause of those that double from least up to most, and are
// spread so that many who were refused together do not come back together.
func growing(n int, least, most time.Duration) time.Duration {
	bound := most
	if n < 32 && least<<n < most {
		bound = least << n
	}
	return bound/2 + chance.N(bound/2)
}

// ended reports whether an operation failed because its session has ended.
func ended(err error) bool { return errors.Is(err, core.ErrSessionEnded) }
