package main

import (
	"context"
	"errors"
	"time"

	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/session"
)

// withSilenceWarnings runs f, which prints changes. It warns on standard error
// when ZooKeeper has not answered for a while, since the last print may be out
// of date. It also says when a quorum answers again.
func (a *app) withSilenceWarnings(ctx context.Context, task string, sm *session.Manager, f func() error) error {
	within, cancel := context.WithCancel(ctx)
	changes := make(chan session.StateChange)
	ended := make(chan struct{})
	go func() {
		defer close(changes)
		for change := range sm.ConfirmedStates(within) {
			select {
			case changes <- change:
			case <-within.Done():
				return
			}
		}
	}()
	go func() {
		defer close(ended)
		a.warnOfSilence(task, sm, changes)
	}()
	err := f()
	cancel()
	<-ended
	return err
}

// warnOfSilence follows the changes until they end.
func (a *app) warnOfSilence(task string, sm *session.Manager, changes <-chan session.StateChange) {
	var silent <-chan time.Time // nil while there is a connection, and after the warning
	var since time.Time
	warned := false
	for {
		select {
		case change, more := <-changes:
			switch {
			case !more:
				return
			case change.State == session.Connected:
				if warned {
					a.note("%s: ZooKeeper answers again", task)
				}
				silent, warned, since = nil, false, time.Time{}
			case change.State == session.Closed:
				silent = nil
			case since.IsZero():
				since = time.Now()
				silent = time.After(inspect.DefaultSilence)
			}
		case now := <-silent:
			silent, warned = nil, true
			a.note("%s: %s since %s; the last print may be out of date", task, silence(sm), clock(since, now))
		}
	}
}

// Texts for servers that do not answer, as in inspect.TroubleError.
const (
	noServer = "no server answers"
	noQuorum = "a server can be reached, but the ensemble has no quorum"
)

// silence says why ZooKeeper does not answer, as far as the session knows. A
// server that accepts the connection and does not answer has no quorum, or does
// not reach it.
func silence(sm *session.Manager) string {
	if sm.State() == session.Connected || errors.Is(sm.LastFailure(), session.ErrNotServing) {
		return noQuorum
	}
	return noServer
}
