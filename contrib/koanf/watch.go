package docentkoanf

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
)

// Event is what the callback of Watch gets after a change. Now and then an event
// comes although the values are as before: after an error, for instance.
type Event struct {
	// Path is the path of the key, or of the tree's directory, below the
	// Manager's root.
	Path string
	// Exists says whether the znode at Path exists. If a key does not, its last
	// value stays.
	Exists bool
}

// errWatched is returned by the second Watch.
var errWatched = errors.New("it is watched already: call Unwatch first")

// view is a config.Value or a config.Tree.
type view[S any] interface {
	Path() string
	Load() S
	Changes(ctx context.Context) iter.Seq2[S, error]
	Stale() bool
	Err() error
	Close() error
}

// provider is what a Key and a Tree have in common. It calls a callback for
// snapshots that were not read.
type provider[S comparable] struct {
	view   view[S]
	exists func(S) bool

	mu     sync.Mutex
	last   S // the snapshot that was read last
	cancel context.CancelFunc
	work   sync.WaitGroup
}

// Watch calls f after each change, one call at a time, on a goroutine of its
// own. The event is an Event; with an error it is nil. Watch returns at once.
// It returns an error if the provider is being watched.
//
// f gets each error once: a *config.BadValueError, session.ErrNoAuth,
// session.ErrLeftOut of a Tree, and session.ErrClosed when the Manager is
// closed, which ends the watch.
func (p *provider[S]) Watch(f func(event any, err error)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cancel != nil {
		return fmt.Errorf("watch %s: %w", p.view.Path(), errWatched)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	p.work.Go(func() {
		defer cancel()
		for snap, err := range p.view.Changes(ctx) {
			switch {
			case err != nil:
				f(nil, err)
			case p.news(snap):
				f(Event{Path: p.view.Path(), Exists: p.exists(snap)}, nil)
			}
		}
	})
	return nil
}

// Unwatch ends the Watch. A callback that is running goes on. Watch may be
// called again. The error is always nil.
func (p *provider[S]) Unwatch() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cancel != nil {
		p.cancel()
		p.cancel = nil
	}
	return nil
}

// Stale reports whether the values may be out of date for longer than usual, as
// the Stale of config does: the servers do not answer.
func (p *provider[S]) Stale() bool { return p.view.Stale() }

// Err returns the present error, or nil, as the Err of config does.
func (p *provider[S]) Err() error { return p.view.Err() }

// Close ends the watch, waits for a running callback, and stops following
// ZooKeeper. The last values can still be read. Do not call Close from the
// callback: it would wait for itself. The error is always nil.
func (p *provider[S]) Close() error {
	err := p.Unwatch()
	p.work.Wait()
	return errors.Join(err, p.view.Close())
}

// load returns the present snapshot, and remembers it.
func (p *provider[S]) load() S {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = p.view.Load()
	return p.last
}

// news reports whether the snapshot has not been read.
func (p *provider[S]) news(snap S) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last != snap
}
