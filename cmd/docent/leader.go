package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/session"
)

// leaderCommand is "docent leader".
type leaderCommand struct {
	Path     string        `arg:"" name:"PATH" help:"The election, as an absolute path."`
	Watch    bool          `help:"Print the present leader, and then every change, until interrupted."`
	Transfer string        `placeholder:"ID" help:"Make the candidate with this id the leader."`
	Wait     time.Duration `default:"30s" needs:"transfer" help:"How long --transfer waits until the candidate leads."`
	Layout   string        `default:"latch" enum:"latch,selector,one-node" help:"Layout of the candidates' znodes; see docent elect."`
	watchCmd
}

// Help is shown by "docent leader --help".
func (leaderCommand) Help() string {
	return `Prints the leader's id. The exit code is 1 if there is no leader, or if an ACL hides its id. The leader that is ` +
		`printed may have lost the leadership a moment ago. With --json the output also has the token and the time of the ` +
		`candidacy.` + "\n\n" +
		`With --watch it prints "leader ID", "no leader" or "hidden leader" (an ACL hides the id), now and after every change. ` +
		`SIGINT and SIGTERM end it with exit code 0.` + watchCmdHelp +
		" The state is the object of --json, or {\"vacant\":true}. CMD needs --watch." + "\n\n" +
		`With --transfer ID it asks the leader to resign, and the candidates before ID to let ID pass. It prints the leader once ` +
		`ID leads. The exit code is 75 if the present leader has not resigned within --wait (it stays the leader), and 1 if ` +
		`there is no such candidate.`
}

// Run prints the leader, or transfers the leadership.
func (c *leaderCommand) Run(ctx context.Context, a *app) error {
	task := "leader " + c.Path
	if err := withTask(task, checkPath(c.Path)); err != nil {
		return err
	}
	if c.Transfer != "" {
		if err := checkText("leader", "--transfer", c.Transfer); err != nil {
			return err
		}
	}
	switch {
	case c.Watch && c.Transfer != "":
		return usagef("leader: --watch and --transfer exclude each other; give one of them")
	case len(c.Cmd) > 0 && !c.Watch:
		return usagef("leader: CMD has an effect only with --watch; give both, or leave CMD out")
	case c.Wait <= 0:
		return usagef("leader: --wait %v is not above zero; give a time such as 30s", c.Wait)
	case c.Transfer != "" && c.Layout == "one-node":
		return usagef("leader: --transfer needs a queue of candidates, which --layout one-node does not have; give the layout of the election")
	}
	if c.Watch {
		return a.whileWatching(ctx, task, c.Path, &c.watchCmd, func(ctx context.Context, sm *session.Manager, cmd *cmdRunner) error {
			if err := a.noteMissing(ctx, task, sm, c.Path); err != nil {
				return err
			}
			return a.withSilenceWarnings(ctx, task, sm, func() error { return c.watch(ctx, a, task, c.election(sm), cmd) })
		})
	}
	sm, err := a.connect(ctx)
	if err != nil {
		return err
	}
	e := c.election(sm)
	switch {
	case c.Transfer != "":
		if err = c.transfer(ctx, a, sm, e); err == nil {
			err = c.print(ctx, a, task, sm, e)
		}
	default:
		err = c.print(ctx, a, task, sm, e)
	}
	return errors.Join(withTask(task, err), sm.Close())
}

func (c *leaderCommand) election(sm *session.Manager) *election.Election {
	return election.New(sm, c.Path, election.Layout(layouts[c.Layout]))
}

func (c *leaderCommand) print(ctx context.Context, a *app, task string, sm *session.Manager, e *election.Election) error {
	var leader election.Leader
	err := a.once(ctx, func(ctx context.Context) (err error) {
		// The sync makes a leader that has won already visible on our server.
		if err = sm.Sync(ctx, c.Path); err == nil {
			leader, err = e.Leader(ctx)
		}
		return err
	})
	switch {
	case err == nil && !leader.Exists:
		return &taskError{task: task, err: errors.New("no leader"), hint: "no candidate campaigns there with --layout " + c.Layout + ": check the path, and the root in --servers"}
	case err != nil:
		return err
	case a.globals.JSON:
		return a.printJSON(c.asJSON(leader))
	case leader.Hidden:
		return &taskError{task: task, err: fmt.Errorf("there is a leader, but the ACL of %s hides its id", leader.Path),
			hint: "give credentials that may read the znode, with --auth-file or DOCENT_AUTH"}
	}
	return a.printf("%s\n", oneLine(leader.ID))
}

// transfer waits until the named candidate leads.
func (c *leaderCommand) transfer(ctx context.Context, a *app, sm *session.Manager, e *election.Election) error {
	task := fmt.Sprintf("leader %s: transfer to %q", c.Path, c.Transfer)
	signals, stop := a.notify(interrupts...)
	defer stop()
	err := interruptible(ctx, signals, func(ctx context.Context) error {
		w := waiting{
			app: a, task: task, sm: sm, limit: &c.Wait, path: c.Path,
			look: func(ctx context.Context) (string, error) {
				leader, err := e.Leader(ctx)
				if err != nil || leader.Exists && leader.ID == c.Transfer {
					return "", err
				}
				return "another candidate leads", nil
			},
			late: func(string) error { return &notSteppedDown{within: c.Wait} },
		}
		return w.run(ctx, func(ctx context.Context) error { return e.Transfer(ctx, c.Transfer) })
	})
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errNotAcquired):
		return &taskError{task: task, err: err,
			hint: "it stays the leader: print it with \"docent leader\", and raise --wait if it needs longer"}
	}
	var op *session.OpError
	if errors.As(err, &op) && op.Path == c.Path && errors.Unwrap(op.Err) != nil {
		err = errors.Unwrap(op.Err) // the task says the operation, and to whom
	}
	if errors.Is(err, session.ErrNotEphemeral) {
		return &taskError{task: task, err: err, hint: fmt.Sprintf("docent remove %s/transfer deletes it if it was left over", oneLine(c.Path))}
	}
	return withTask(task, err)
}

// notSteppedDown is errNotAcquired for a transfer.
type notSteppedDown struct{ within time.Duration }

func (e *notSteppedDown) Error() string {
	return fmt.Sprintf("the present leader has not resigned within %v", e.within)
}

func (e *notSteppedDown) Unwrap() error { return errNotAcquired }

func (c *leaderCommand) watch(ctx context.Context, a *app, task string, e *election.Election, cmd *cmdRunner) error {
	var shown leaderJSON
	first := true
	for leader, err := range e.Changes(ctx) {
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			a.note("%v", withTask(task, err))
			cmd.unknown()
			continue
		}
		// After an error Changes yields the same leader again.
		now := c.asJSON(leader)
		if cmd == nil && !first && now == shown {
			continue
		}
		shown, first = now, false
		switch {
		case cmd != nil:
			err = cmd.state(now)
		case a.globals.JSON:
			err = a.printJSON(now)
		case !leader.Exists:
			err = a.printf("no leader\n")
		case leader.Hidden:
			err = a.printf("hidden leader\n")
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
	Vacant bool   `json:"vacant"`
	Hidden bool   `json:"hidden,omitempty"` // the ACL of the leader's node hides the rest
	ID     string `json:"id,omitempty"`
	Token  int64  `json:"token,omitempty"`
	Since  string `json:"since,omitempty"` // when the leader became a candidate
	// LeadingSince is known without a queue of candidates alone.
	LeadingSince string `json:"leadingSince,omitempty"`
	Session      string `json:"session,omitempty"` // hexadecimal, as ZooKeeper's tools print it
}

func (c *leaderCommand) asJSON(l election.Leader) leaderJSON {
	if !l.Exists {
		return leaderJSON{Vacant: true}
	}
	j := leaderJSON{Hidden: l.Hidden, ID: l.ID, Token: l.Token}
	if !l.Since.IsZero() { // the server has sent the node's stat
		j.Since, j.Session = timestamp(l.Since), l.Session.String()
		if c.Layout == "one-node" {
			j.LeadingSince = j.Since
		}
	}
	return j
}
