package views

import (
	"errors"
	"time"

	"github.com/docent-go/docent/internal/core"
)

// follow reads whenever there is a reason to, until the session or the tree
// ends.
func (t *Tree) follow(s *core.Session) {
	// If a state is known from another session, the server of this session may
	// be behind that state.
	t.behind = t.believed != nil
	if !t.watch(s) {
		return
	}
	t.begin()
	t.look.acls, t.look.last = t.look.acls || s.UsesACLs(), time.Now()
	defer func() {
		t.release(t.root) // its watches are no longer needed
		if t.lasting != nil {
			t.lasting.Stop()
		}
	}()
	for t.rest(s) {
		if t.again {
			t.begin()
		}
		t.round(s)
	}
}

// watch sets the persistent watch of the tree, if the servers support it. It
// returns false if the session or the tree has ended.
func (t *Tree) watch(s *core.Session) bool {
	for {
		watch, err := s.Follow(t.ctx, t.cfg.Path, true, t.hear)
		switch {
		case err == nil, errors.Is(err, core.ErrUnimplemented):
			t.lasting = watch
			return true
		case t.ctx.Err() != nil || s.Context().Err() != nil:
			return false
		}
		t.report(err)
		t.sleep(s, t.pause(), true)
	}
}

// rest waits until there is a reason to read. It returns false if the session
// or the tree has ended.
func (t *Tree) rest(s *core.Session) bool {
	for {
		if t.ctx.Err() != nil || s.Context().Err() != nil {
			return false
		}
		t.absorb()
		wait, reason := t.until()
		if reason && wait <= 0 {
			return true
		}
		t.sleep(s, wait, reason)
	}
}

// sleep waits for news. With reason, it waits no longer than wait.
func (t *Tree) sleep(s *core.Session, wait time.Duration, reason bool) {
	var over <-chan time.Time
	if reason {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-over:
	case <-t.wake:
	case <-t.ctx.Done():
	case <-s.Done():
	}
}

// until returns the time until the next round, if there is a reason for a
// round.
func (t *Tree) until() (wait time.Duration, reason bool) {
	var at time.Time
	switch look, looks := t.look.at(); {
	case t.again:
	case len(t.dirty) > 0:
		at = t.readable()
	case t.due():
	case !t.retryAt.IsZero() && (!looks || t.retryAt.Before(look)):
		at = t.retryAt
	case looks && t.lasting != nil:
		at = look
	case !t.retryAt.IsZero():
		at = t.retryAt
	default:
		return 0, false
	}
	if at.Before(t.holdOff) {
		at = t.holdOff
	}
	return time.Until(at), true
}

// readable returns when the stained readings may be read. All are read
// together, which makes it likely that nothing changes between the first and
// the last answer.
func (t *Tree) readable() time.Time {
	if t.readAt.IsZero() {
		return time.Time{}
	}
	return t.readAt.Add(max(t.cfg.Pause, min(longFactor*t.limits.took, longest)))
}

// longFactor is how many times longer than it took a read is used, while a
// directory has children beyond Limit. A server sends a list as a whole, and each
// change of that directory needs it: without this, a client that changes a
// directory of a million znodes would keep every reader busy.
const longFactor = 10

// longest is the longest pause that longFactor makes. A server that hangs once
// does not delay changes for longer.
const longest = 10 * time.Second

// measure notes how long reads took, for readable. links is from before them. A
// connection that is lost meanwhile says nothing about the list.
func (t *Tree) measure(links uint64, took time.Duration) {
	if len(t.limits.short) == 0 || t.links.Load() != links {
		took = 0
	}
	t.limits.took = took
}

// round reads everything that is stained. If nothing in the tree has changed by
// the time of the last answer, the draft is the state at that instant, and is
// published. The package documentation has the proof.
func (t *Tree) round(s *core.Session) {
	waiting := t.takeWaiting()
	links := t.links.Load()
	err := t.prepare(s, waiting)
	if err == nil && time.Until(t.readable()) > 0 && len(t.dirty) > 0 {
		t.giveBack(waiting)
		return
	}
	if err == nil && !t.again {
		began := time.Now()
		t.readAll(s, t.nextReadings())
		t.measure(links, time.Since(began))
	}
	if t.ctx.Err() != nil || s.Context().Err() != nil {
		t.giveBack(waiting)
		return
	}
	t.absorb()
	torn := len(t.dirty) > 0
	if err == nil && (t.again || torn && !t.outOfPatience()) {
		t.giveBack(waiting)
		return
	}
	if err == nil {
		err = t.settle(s, torn)
	}
	if err != nil {
		t.holdOff = time.Now().Add(t.pause())
		t.report(err)
	} else {
		t.unrest = time.Time{}
		t.confirmed.Store(links)
	}
	t.follower.release(waiting, 0)
}

// prepare ensures that the round shows every change that it must show. It has
// the server catch up if the server may be behind, and sends a request if the
// round has no other. The events of all changes that its answer could show have
// arrived with it.
//
// With a persistent watch, no further answer is needed, because the reason for
// the round came with an answer: either the answer to the write of a waiter, or
// the proof that a quorum supports the connection. On the same connection, the
// events of earlier changes came before it. If it was an answer of an earlier
// connection, Resumed has everything read again. A server that has lost its
// quorum closes its connections. So all reads on this connection before the
// proof were answered by a server that had a quorum.
func (t *Tree) prepare(s *core.Session, waiting []*waiter) error {
	defer t.absorb()
	if t.behind || foreign(waiting, s) {
		if err := s.Sync(t.ctx, t.cfg.Path); err != nil {
			return err
		}
		t.behind = false
		for _, w := range waiting {
			w.in = s // whose server now knows the write
		}
		return nil
	}
	if t.lasting != nil {
		t.lookAround()
	}
	if len(t.dirty) > 0 || t.retry() || t.lasting != nil {
		return nil
	}
	_, _, err := s.Exists(t.ctx, t.cfg.Path)
	return err
}

// retry reports whether it is time to repeat the refused readings.
func (t *Tree) retry() bool { return !t.retryAt.IsZero() && time.Until(t.retryAt) <= 0 }

// nextReadings begins the readings that are due.
func (t *Tree) nextReadings() []*reading {
	if t.retry() {
		for r := range t.refused {
			t.dirty[r] = struct{}{}
		}
		t.retryAt = time.Time{}
	}
	if len(t.dirty) == 0 {
		return nil
	}
	t.readAt = time.Now()
	due := make([]*reading, 0, len(t.dirty))
	for r := range t.dirty {
		due = append(due, t.ask(r.n, r.part))
	}
	return due
}

// outOfPatience reports whether a state without a proven instant has to be
// published.
func (t *Tree) outOfPatience() bool {
	if t.unrest.IsZero() {
		t.unrest = time.Now()
	}
	return time.Since(t.unrest) >= max(t.cfg.Patience, 2*t.cfg.Pause)
}
