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

// watch calls a callback for snapshots that were not read.
type watch[S comparable] struct {
	mu     sync.Mutex
	last   S // the snapshot that was read last
	cancel context.CancelFunc
	work   sync.WaitGroup
}

// read returns the present snapshot, and remembers it.
func (w *watch[S]) read(load func() S) S {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = load()
	return w.last
}

// start calls f for the changes, until stop, close, or the end of the changes.
func (w *watch[S]) start(path string, changes func(context.Context) iter.Seq2[S, error], f func(any, error), exists func(S) bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cancel != nil {
		return fmt.Errorf("watch %s: %w", path, errWatched)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	w.work.Go(func() {
		defer cancel()
		for snap, err := range changes(ctx) {
			switch {
			case err != nil:
				f(nil, err)
			case w.news(snap):
				f(Event{Path: path, Exists: exists(snap)}, nil)
			}
		}
	})
	return nil
}

// news reports whether the snapshot has not been read.
func (w *watch[S]) news(snap S) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last != snap
}

func (w *watch[S]) stop() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cancel != nil {
		w.cancel()
		w.cancel = nil
	}
	return nil
}

func (w *watch[S]) close() error {
	err := w.stop()
	w.work.Wait()
	return err
}
