package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/session"
)

// leaderCommand is "docent leader".
type leaderCommand struct {
	Path  string `arg:"" help:"The election, as an absolute path."`
	Watch bool   `help:"Print who leads now, and then every change, until interrupted."`
}

// Help is shown by "docent leader --help".
func (leaderCommand) Help() string {
	return `Prints the leader's id; without a leader it fails with exit code 1. With --watch it prints "leader ID" or "no ` +
		`leader" for the present state and for every change of it; SIGINT and SIGTERM end that with exit code 0. With ` +
		`--json it tells the token and the time of the candidacy too. Who is told to lead may have lost it a moment ago.`
}

// Run prints who leads.
func (c *leaderCommand) Run(ctx context.Context, a *app) error {
	task := "leader " + c.Path
	if err := during(task, checkPath(c.Path)); err != nil {
		return err
	}
	if c.Watch {
		var stop func()
		ctx, stop = a.untilInterrupted(ctx)
		defer stop()
	}
	sm, err := a.connect(ctx)
	if err != nil {
		if c.Watch && ctx.Err() != nil {
			return nil
		}
		return err
	}
	e := election.New(sm, c.Path)
	if c.Watch {
		err = c.watch(ctx, a, task, e)
	} else {
		err = c.print(ctx, a, task, sm, e)
	}
	return errors.Join(during(task, err), sm.Close())
}

func (c *leaderCommand) print(ctx context.Context, a *app, task string, sm *session.Manager, e *election.Election) error {
	var leader election.Leader
	err := a.once(ctx, func(ctx context.Context) (err error) {
		// Whoever has won already is seen, although we may be connected to
		// another server.
		if err = sm.Sync(ctx, c.Path); err == nil {
			leader, err = e.Leader(ctx)
		}
		return err
	})
	switch {
	case errors.Is(err, election.ErrNoLeader):
		return &taskError{task: task, err: errors.New("no leader"), hint: "nobody campaigns there: check the path, and the root in --servers"}
	case err != nil:
		return err
	case a.globals.JSON:
		return a.printJSON(asJSON(leader))
	}
	return a.printf("%s\n", oneLine(leader.ID))
}

func (c *leaderCommand) watch(ctx context.Context, a *app, task string, e *election.Election) error {
	shown, first := "", true
	for leader, err := range e.Observe(ctx) {
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			a.note("%s: %s", task, reason(err))
			continue
		}
		// After an error the same leader is told again.
		if !first && leader.Path == shown {
			continue
		}
		shown, first = leader.Path, false
		switch {
		case a.globals.JSON:
			err = a.printJSON(asJSON(leader))
		case leader.Vacant():
			err = a.printf("no leader\n")
		default:
			err = a.printf("leader %s\n", oneLine(leader.ID))
		}
		if err != nil {
			return err
		}
	}
	if ctx.Err() == nil {
		return errors.New("the election can no longer be watched")
	}
	return nil
}

// leaderJSON is one state of an election.
type leaderJSON struct {
	Vacant  bool   `json:"vacant"`
	ID      string `json:"id,omitempty"`
	Token   int64  `json:"token,omitempty"`
	Since   string `json:"since,omitempty"`
	Session string `json:"session,omitempty"` // hexadecimal, as ZooKeeper's tools print it
}

func asJSON(l election.Leader) leaderJSON {
	if l.Vacant() {
		return leaderJSON{Vacant: true}
	}
	return leaderJSON{ID: l.ID, Token: l.Token, Since: timestamp(l.Since), Session: fmt.Sprintf("0x%x", l.Session)}
}
