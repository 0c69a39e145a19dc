package mirror

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/internal/chance"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/grace"
)

// follower is what a Mirror and a Tree have in common: it knows when the
// connection was lost, who waits for a read, and when all of it ends.
type follower struct {
	sm *core.Manager

	// links counts how often the connection was lost, and how often a quorum has
	// confirmed that there is one again. It is even while there is one. confirmed
	// is what links was when the newest successful read began.
	links, confirmed atomic.Uint64
	linked           chan struct{} // closed when links is known

	ctx    context.Context
	cancel context.CancelCauseFunc
	work   sync.WaitGroup
	first  chan struct{} // closed when there is a state
	wake   chan struct{} // holds a token when the loop may have something to do

	mu      sync.Mutex
	waiting []*waiter

	failures int // of reading in a row; the loop's alone
}

func (f *follower) init(sm *core.Manager) {
	f.sm = sm
	f.first = make(chan struct{})
	f.linked = make(chan struct{})
	f.wake = make(chan struct{}, 1)
	f.ctx, f.cancel = context.WithCancelCause(context.Background())
}

// start runs the loop and waits until there is a state, or ctx ends.
func (f *follower) start(ctx context.Context, loop func()) error {
	f.work.Go(f.followLink)
	<-f.linked
	f.work.Go(loop)
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
// after each, once a quorum has answered.
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
	if first { // nothing was to be told any more
		close(f.linked)
	}
}

// away says of links that no quorum has confirmed a connection.
func away(links uint64) bool { return links%2 == 1 }

// Stale reports whether the state has not been confirmed since the connection
// was last lost, by a read that began after a quorum had answered, or never
// will be again since this has ended.
func (f *follower) Stale() bool {
	links := f.links.Load()
	return f.ctx.Err() != nil || away(links) || f.confirmed.Load() != links
}

// Done returns a channel that is closed when this has ended. Load goes on to
// return what was known then.
func (f *follower) Done() <-chan struct{} { return f.ctx.Done() }

// Err returns nil while this lives, and then why it ended: ErrClosed, or
// core.ErrClosed when its Manager was closed.
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
