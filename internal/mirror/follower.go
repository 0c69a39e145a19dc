package mirror

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/internal/chance"
	"github.com/docent-go/docent/internal/grace"
	"github.com/docent-go/docent/session"
)

// follower is what a Mirror and a Tree have in common: it knows when the
// connection was lost, who waits for a read, and when all of it ends.
type follower struct {
	sm *session.Manager

	// links counts the losses of the connection; confirmed is what it was
	// when the newest successful read began.
	links, confirmed atomic.Uint64

	ctx    context.Context
	cancel context.CancelCauseFunc
	work   sync.WaitGroup
	first  chan struct{} // closed when there is a state
	wake   chan struct{} // holds a token when the loop may have something to do

	mu      sync.Mutex
	waiting []*waiter

	failures int // of reading in a row; the loop's alone
}

func (f *follower) init(sm *session.Manager) {
	f.sm = sm
	f.first = make(chan struct{})
	f.wake = make(chan struct{}, 1)
	f.ctx, f.cancel = context.WithCancelCause(context.Background())
}

// start runs the loop and waits until there is a state, or ctx ends.
func (f *follower) start(ctx context.Context, loop func()) error {
	f.work.Go(loop)
	f.work.Go(f.followLink)
	var err error
	select {
	case <-f.first:
		return nil
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-f.ctx.Done():
		err = f.Err()
	}
	f.Close()
	return err
}

// each calls follow for one session after the other, until the follower or its
// Manager is closed.
func (f *follower) each(follow func(*session.Session)) {
	defer f.releaseAll()
	for {
		s, err := f.sm.Session(f.ctx)
		if err != nil {
			f.cancel(err) // the manager was closed, unless the follower was
			return
		}
		follow(s)
	}
}

// followLink counts the losses of the connection, and has the node read again
// after each.
func (f *follower) followLink() {
	for change := range f.sm.States(f.ctx) {
		if change.State != session.Connected {
			f.links.Add(1)
			continue
		}
		f.rouse()
	}
}

// Stale reports whether the state has not been confirmed by a read since the
// connection was last lost, or never will be again since this has ended.
func (f *follower) Stale() bool {
	return f.ctx.Err() != nil || f.confirmed.Load() != f.links.Load()
}

// Done returns a channel that is closed when this has ended. Load goes on to
// return what was known then.
func (f *follower) Done() <-chan struct{} { return f.ctx.Done() }

// Err returns nil while this lives, and then why it ended: ErrClosed, or
// session.ErrClosed when its Manager was closed.
func (f *follower) Err() error { return context.Cause(f.ctx) }

// Close ends this and waits until nothing of it is left running. For an OnState
// that runs it waits for a second at most, so that OnState may call it. It may be
// called more than once.
func (f *follower) Close() {
	f.cancel(ErrClosed)
	grace.For(grace.Done(f.work.Wait))
}

// pause is how long to wait after one more failed read.
func (f *follower) pause() time.Duration {
	d := min(minPause<<min(f.failures, 10), maxPause)
	f.failures++
	return d/2 + chance.N(d/2)
}
