package main

import (
	"context"
	"time"

	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/session"
)

// tellingSilence runs f, which prints what changes, and says on standard error
// when there has been no connection for a while: what was printed last may not hold
// any more. It also says when there is a connection again.
func (a *app) tellingSilence(ctx context.Context, task string, sm *session.Manager, f func() error) error {
	within, cancel := context.WithCancel(ctx)
	changes := make(chan session.StateChange)
	told := make(chan struct{})
	go func() {
		defer close(changes)
		for change := range sm.States(within) {
			select {
			case changes <- change:
			case <-within.Done():
				return
			}
		}
	}()
	go func() {
		defer close(told)
		a.tellSilence(task, changes)
	}()
	err := f()
	cancel()
	<-told
	return err
}

// tellSilence follows the changes until they end.
func (a *app) tellSilence(task string, changes <-chan session.StateChange) {
	var silent <-chan time.Time // nil while there is a connection, and once it was told
	var since time.Time
	said := false
	for {
		select {
		case change, more := <-changes:
			switch {
			case !more:
				return
			case change.State == session.Connected:
				if said {
					a.note("%s: there is a connection again", task)
				}
				silent, said, since = nil, false, time.Time{}
			case change.State == session.Closed:
				silent = nil
			case since.IsZero():
				since = time.Now()
				silent = time.After(inspect.DefaultSilence)
			}
		case now := <-silent:
			silent, said = nil, true
			a.note("%s: no server answers since %s: what was printed last may not hold any more", task, clock(since, now))
		}
	}
}
