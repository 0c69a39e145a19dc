package main

import (
	"context"
	"errors"
	"time"

	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/session"
)

// withSilenceWarnings is withSilence for an f that prints changes.
func (a *app) withSilenceWarnings(ctx context.Context, task string, sm *session.Manager, f func() error) error {
	return a.withSilence(ctx, task, sm, "the last print may be out of date", f)
}

// withSilence runs f. It says on standard error when ZooKeeper has not answered
// for a while, with what follows from it. It also says when a quorum answers
// again, and how long there was no answer.
func (a *app) withSilence(ctx context.Context, task string, sm *session.Manager, consequence string, f func() error) error {
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
		a.warnOfSilence(task, sm, consequence, changes)
	}()
	err := f()
	cancel()
	<-ended
	return err
}

// warnOfSilence follows the changes until they end.
func (a *app) warnOfSilence(task string, sm *session.Manager, consequence string, changes <-chan session.StateChange) {
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
					a.note("%s: ZooKeeper answers again, after %v", task, time.Since(since).Round(time.Second))
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
			a.note("%s: %s since %s; %s", task, silence(sm), clock(since, now), consequence)
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
