package main

import (
	"context"
	"fmt"
	"time"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/session"
)

// waiting is a wait for other clients, with or without a limit. The limit is
// for them: if none is in the way when it has passed, the wait goes on for as
// long as the answers of ZooKeeper take. So a limit of zero looks once.
type waiting struct {
	app   *app
	task  string
	sm    *session.Manager
	limit *time.Duration // nil: without limit
	path  string
	// look returns the obstacle, such as "held by h:1", or "" without one.
	look func(ctx context.Context) (string, error)
	// first calls look while f still waits, too. Its answer is used if
	// ZooKeeper does not answer at the end of the wait.
	first bool
	// late returns the error of a wait that was too short: an errNotAcquired.
	late func(obstacle string) error
}

// askTimeout limits the time for asking why a wait has failed, and the time that
// a wait goes on without an obstacle after its limit.
const askTimeout = 2 * time.Second

// lookAgain is the time between two looks in which no obstacle is seen.
const lookAgain = 50 * time.Millisecond

// lookAfter is the time from the beginning of a wait to its first look.
const lookAfter = time.Second

// run runs f within the limit. If f is not done in time, and others are in the
// way, the error is w.late's, with the obstacle. If no quorum answers then, and
// no earlier look has seen an obstacle, it is a *silentError: the wait may have
// failed for want of an answer alone.
func (w waiting) run(ctx context.Context, f func(ctx context.Context) error) error {
	w.look = oneAtATime(w.look)
	if w.limit == nil {
		return w.narrated(ctx, f)
	}
	within, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan error, 1)
	go func() { done <- w.narrated(within, f) }()
	limited, stop := context.WithTimeout(within, *w.limit)
	defer stop()
	seen := make(chan string, 1)
	go func() {
		defer close(seen)
		if w.first {
			w.lookOnce(limited, seen)
		}
	}()
	away := make(chan time.Time, 1)
	go func() { away <- w.lastAway(limited) }()
	var last lastLook
	select {
	case err := <-done:
		cancel(nil)
		<-seen
		<-away
		return err
	case <-limited.Done():
	}
	before, since := <-seen, <-away
	if ctx.Err() == nil {
		last = w.lookAtLimit(ctx, done)
	}
	if last.done {
		return last.err
	}
	cancel(context.DeadlineExceeded) // as a deadline ends a wait
	if err := <-done; err == nil || ctx.Err() != nil {
		return err // it came at the last moment, or a signal did
	}
	switch {
	case last.err == nil:
		return w.late(last.obstacle)
	case !last.silent:
		return last.err
	case before != "":
		return w.late(before + " when ZooKeeper answered last (now " + silence(w.sm) + ")")
	case since.IsZero():
		since = last.asked
	}
	return &silentError{since: since, what: silence(w.sm), last: w.sm.LastFailure()}
}

// narrated runs f, and says on a terminal what it waits for.
func (w waiting) narrated(ctx context.Context, f func(ctx context.Context) error) error {
	return w.app.narrated(ctx, w.task, w.sm, w.look, f)
}

// lastLook is what is in the way of a wait at its limit.
type lastLook struct {
	done     bool // f has returned meanwhile, with err
	obstacle string
	err      error // why there is no answer
	silent   bool  // no quorum answers
	asked    time.Time
}

// lookAtLimit looks until it sees an obstacle or f returns.
func (w waiting) lookAtLimit(ctx context.Context, done <-chan error) (last lastLook) {
	last.asked = time.Now()
	ask, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	for looks := 0; ; looks++ {
		if last.err = bridge.Core(w.sm).Confirm(ask, w.path); last.err == nil {
			last.obstacle, last.err = w.look(ask)
		}
		switch {
		case last.err != nil && ask.Err() != nil && looks > 0:
			last.err = nil // the earlier looks are the answer
			return last
		case last.err != nil:
			last.silent = ask.Err() != nil
			return last
		case last.obstacle != "":
			return last
		}
		select {
		case last.err = <-done:
			last.done = true
			return last
		case <-time.After(lookAgain):
		}
	}
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
