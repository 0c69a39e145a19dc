package main

import (
	"context"
	"fmt"
	"time"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/session"
)

// waiting is a wait on ZooKeeper, with or without a limit.
type waiting struct {
	sm    *session.Manager
	limit *time.Duration // nil: without limit
	path  string
	// look returns the obstacle, such as "held by h:1", or "" if it is gone.
	look func(ctx context.Context) (string, error)
	// first calls look while f still waits, too. Its answer is used if
	// ZooKeeper does not answer at the end of the wait.
	first bool
	// late returns the error of a wait that was too short: an errNotAcquired.
	late func(obstacle string) error
}

// askTimeout limits the time for asking why a wait has failed.
const askTimeout = 2 * time.Second

// lookAfter is the time from the beginning of a wait to its first look.
const lookAfter = time.Second

// run runs f within the limit. If f is not done in time, the error is w.late's,
// with the obstacle. If no quorum answers then, and no earlier look has seen an
// obstacle, it is a *silentError: the wait may have failed for want of an
// answer alone.
func (w waiting) run(ctx context.Context, f func(ctx context.Context) error) error {
	if w.limit == nil {
		return f(ctx)
	}
	within, cancel := context.WithTimeout(ctx, *w.limit)
	defer cancel()
	seen := make(chan string, 1)
	go func() {
		defer close(seen)
		if w.first {
			w.lookOnce(within, seen)
		}
	}()
	away := make(chan time.Time, 1)
	go func() { away <- w.lastAway(within) }()
	err := f(within)
	late := err != nil && ctx.Err() == nil && within.Err() != nil
	cancel()
	before, since := <-seen, <-away
	if !late {
		return err
	}
	asked := time.Now()
	ask, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	obstacle := ""
	if err = bridge.Core(w.sm).Confirm(ask, w.path); err == nil {
		obstacle, err = w.look(ask)
	}
	switch {
	case err == nil:
		return w.late(obstacle)
	case ask.Err() == nil || ctx.Err() != nil:
		return err
	case before != "":
		return w.late(before + " when ZooKeeper answered last (now " + silence(w.sm) + ")")
	case since.IsZero():
		since = asked
	}
	return &silentError{since: since, what: silence(w.sm), last: w.sm.LastFailure()}
}

// lookOnce sends the obstacle, if there is one, once the wait has lasted for
// lookAfter.
func (w waiting) lookOnce(ctx context.Context, seen chan<- string) {
	select {
	case <-time.After(lookAfter):
	case <-ctx.Done():
		return
	}
	if obstacle, err := w.look(ctx); err == nil && obstacle != "" {
		seen <- obstacle
	}
}

// lastAway waits until ctx ends. It returns the time at which the session lost
// the quorum, or zero if it has a quorum at the end.
func (w waiting) lastAway(ctx context.Context) (since time.Time) {
	for change := range w.sm.ConfirmedStates(ctx) {
		switch {
		case change.State == session.Connected:
			since = time.Time{}
		case since.IsZero():
			since = time.Now()
		}
	}
	return since
}

// silentError is a wait that failed since ZooKeeper does not answer.
type silentError struct {
	since time.Time
	what  string
	last  error // why the last connection failed; may be nil
}

func (e *silentError) Error() string {
	text := fmt.Sprintf("ZooKeeper has not answered since %s: %s", clock(e.since, time.Now()), e.what)
	if e.last != nil {
		text += fmt.Sprintf(" (%v)", e.last)
	}
	return text + "; check that a majority of the servers runs, or raise --wait"
}

func (e *silentError) Unwrap() error { return session.ErrUnreachable }
