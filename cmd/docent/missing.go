package main

import (
	"context"
	"errors"
	"time"

	"github.com/docent-go/docent/session"
)

// A path may be a typing error. A verb that reads says that nothing exists
// there, with exit code 1. Its result is the result of an empty recipe: no line,
// or the number 0. A watch says it once, and waits for the znode. "queue take"
// says it once it has waited for a second, and waits on. To a gate, a missing
// znode is a state: "barrier wait" says it to people alone. To most recipes, a
// missing directory and an empty one look the same. So a verb that has found
// nothing asks.

// orMissing returns the error of a verb that has found nothing if none of the
// znodes exists. It returns nil if one exists, also if its ACL hides it: the
// recipe is empty then. Empty paths are left out.
func orMissing(ctx context.Context, sm *session.Manager, path string, more ...string) error {
	for _, p := range append([]string{path}, more...) {
		if p == "" {
			continue
		}
		if _, found, err := sm.Exists(ctx, p); found || err != nil {
			return err
		}
	}
	return missing(path)
}

// missing is the error of a verb that reads a znode that does not exist.
func missing(path string) error {
	return &session.OpError{Op: "read", Path: path, Err: session.ErrNoNode}
}

// noteMissing says on standard error that a znode does not exist, for a verb
// that waits for it.
func (a *app) noteMissing(ctx context.Context, task string, sm *session.Manager, path string) error {
	return a.whenMissing(ctx, sm, path, func() { a.noteAbsent(task, path) })
}

// whenMissing calls f if a znode does not exist.
func (a *app) whenMissing(ctx context.Context, sm *session.Manager, path string, f func()) error {
	return a.once(ctx, func(ctx context.Context) error {
		if err := sm.Sync(ctx, path); err != nil {
			return err
		}
		_, found, err := sm.Exists(ctx, path)
		if err == nil && !found {
			f()
		}
		return err
	})
}

func (a *app) noteAbsent(task, path string) {
	a.note("%s: the znode %s does not exist yet; if it should, check the path, and the root in --servers", task, oneLine(path))
}

// notingMissing runs wait. If that still waits after lookAfter, and none of the
// znodes exists, notingMissing says so on standard error, once. Any other answer
// of the servers is left to the wait. Empty paths are left out.
func (a *app) notingMissing(ctx context.Context, task string, sm *session.Manager, paths []string,
	wait func(ctx context.Context) error) error {
	looking, stop := context.WithCancel(ctx)
	looked := make(chan struct{})
	go func() {
		defer close(looked)
		select {
		case <-time.After(lookAfter):
		case <-looking.Done():
			return
		}
		err := sm.Sync(looking, paths[0])
		if err == nil {
			err = orMissing(looking, sm, paths[0], paths[1:]...)
		}
		if looking.Err() == nil && errors.Is(err, session.ErrNoNode) {
			a.noteAbsent(task, paths[0])
		}
	}()
	err := wait(ctx)
	stop()
	<-looked
	return err
}
