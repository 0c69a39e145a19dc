package main

import (
	"context"
	"time"

	"github.com/docent-go/docent/session"
)

// lasting says that the end of no session removes the owner's znode, or returns
// "". An ACL may hide the session.
func lasting(o session.Owner) string {
	if o.Session != 0 || o.Hidden || o.Path == "" {
		return ""
	}
	return oneLine(o.Path) + " belongs to no session, and stays until a client deletes it"
}

// withLastingWarning runs f, which waits. It warns once on standard error if a
// znode is in the way that no session will remove: look returns the owners of
// the znodes in the way.
func (a *app) withLastingWarning(ctx context.Context, task string, look func(ctx context.Context) ([]session.Owner, error),
	f func(ctx context.Context) error) error {
	if a.terminal { // narrated says it
		return f(ctx)
	}
	within, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-time.After(lookAfter):
		case <-within.Done():
			return
		}
		owners, err := look(within)
		if err != nil {
			return // the wait reports it
		}
		for _, o := range owners {
			if text := lasting(o); text != "" {
				a.note("%s: waiting: %s", task, text)
				return
			}
		}
	}()
	err := f(ctx)
	cancel()
	<-ended
	return err
}
