package main

import (
	"context"
	"fmt"
	"time"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/session"
)

// waiting is a wait with a limit, or without one, for something that ZooKeeper
// tells of.
type waiting struct {
	sm    *session.Manager
	limit *time.Duration // nil: none
	path  string
	// look says what is in the way, such as "held by h:1"; nothing if that is gone.
	look func(ctx context.Context) (string, error)
	// first is whether look is worth a request while f still waits, so that its
	// answer is known when ZooKeeper does not answer in the end.
	first bool
	// late returns the error of a wait that was too short, which is an
	// errNotAcquired.
	late func(obstacle string) error
}

// askPatience bounds the time spent on finding out why a wait came to nothing.
const askPatience = 2 * time.Second

// lookAfter is how long a wait lasts before it looks what is in the way.
const lookAfter = time.Second

// run runs f within the limit. Where f is not through in time and no quorum
// answers, that is the error (*silentError), unless it is known what was in the
// way: the wait may have failed for want of an answer alone.
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
	ask, cancel := context.WithTimeout(ctx, askPatience)
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

// lookOnce tells what is in the way a while after the wait has begun.
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

// lastAway returns since when there is no connection with a quorum at the end of
// ctx; zero if there is one.
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

// silentError says that ZooKeeper does not answer, so that nothing is known.
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
	return text + "; check that most of its servers run, or raise --wait"
}

func (e *silentError) Unwrap() error { return session.ErrUnreachable }
