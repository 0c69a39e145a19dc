package views

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/grace"
	"github.com/docent-go/docent/internal/core"
)

// follower is the common part of a Node and a Tree. It tracks the losses of
// the connection, the waiters, and the end.
type follower struct {
	sm *core.Manager

	// links counts the losses of the connection, and the confirmations of a new
	// connection by a quorum. It is even while a confirmed connection exists.
	// confirmed is the value of links when the newest successful read began.
	links, confirmed atomic.Uint64
	linked           chan struct{} // closed when links is known

	ctx    context.Context
	cancel context.CancelCauseFunc
	work   sync.WaitGroup
	first  chan struct{} // closed when the first state is published
	wake   chan struct{} // holds a token when the loop may have something to do

	mu      sync.Mutex
	waiting []*waiter

	failures int // failed reads in a row; only the loop uses it
}

func (f *follower) init(sm *core.Manager) {
	f.sm = sm
	f.first = make(chan struct{})
	f.linked = make(chan struct{})
	f.wake = make(chan struct{}, 1)
	f.ctx, f.cancel = context.WithCancelCause(context.Background())
}

// start runs the loop and waits until a state exists, or ctx ends.
func (f *follower) start(ctx context.Context, loop func()) error {
	f.work.Go(f.followLink)
	<-f.linked
	f.work.Go(loop)
	var err error
	select {
	case <-f.first:
		return nil
	case <-ctx.Done():
		err = ctxend.Err(ctx)
	case <-f.ctx.Done():
		err = f.Err()
	}
	f.Close()
	return err
}

// each calls follow for one session after the other, until the follower or its
// Manager is closed.
func (f *follower) each(follow func(*core.Session)) {
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
// after each loss, once a quorum has answered.
func (f *follower) followLink() {
	first := true
	for change := range f.sm.ConfirmedStates(f.ctx) {
		if connected := change.State == core.Connected; connected == away(f.links.Load()) {
			f.links.Add(1)
			if connected {
				f.rouse()
			}
		}
		if first {
			first = false
			close(f.linked)
		}
	}
	if first { // the states ended before the first
		close(f.linked)
	}
}

// away reports whether no quorum has confirmed a connection, given links.
func away(links uint64) bool { return links%2 == 1 }

// Stale reports whether the state may be outdated: since the last loss of the
// connection, no successful read has begun after an answer of a quorum. It
// stays true after the end of the view.
func (f *follower) Stale() bool {
	links := f.links.Load()
	return f.ctx.Err() != nil || away(links) || f.confirmed.Load() != links
}

// Done returns a channel that is closed when the view ends. Load continues to
// return the last state.
func (f *follower) Done() <-chan struct{} { return f.ctx.Done() }

// Err returns nil until the view ends, and then the reason. It matches
// core.ErrClosed, after Close and after the end of the Manager.
func (f *follower) Err() error { return context.Cause(f.ctx) }

// Within returns a context that ends with ctx or with the view, whichever is
// first. The caller must call stop when it no longer needs the context.
func (f *follower) Within(ctx context.Context) (within context.Context, stop func()) {
	within, cancel := context.WithCancel(ctx)
	unlink := context.AfterFunc(f.ctx, cancel)
	return within, func() {
		unlink()
		cancel()
	}
}

// Close ends the view and waits until all its goroutines have ended. It waits
// for a running OnState for a second at most, so that OnState may call Close.
// It may be called more than once.
func (f *follower) Close() {
	f.cancel(core.ClosedError("the view"))
	grace.For(grace.Done(f.work.Wait))
}

// pause returns the pause after one more failed read.
func (f *follower) pause() time.Duration {
	f.failures++
	return pauses.Pause(f.failures - 1)
}
