package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/docent-go/docent/cmd/docent/internal/child"
	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/session"
)

// electCommand is "docent elect".
type electCommand struct {
	Path   string        `arg:"" name:"PATH" help:"The election, as an absolute path."`
	Cmd    []string      `arg:"" name:"CMD" help:"The command and its arguments, after --."`
	ID     string        `name:"id" placeholder:"NAME" help:"Name of this candidate, as docent leader prints it. Default: host-pid."`
	Layout string        `default:"latch" enum:"latch,selector,one-node" help:"Layout of the candidates' znodes: latch or selector (Curator's LeaderLatch or LeaderSelector), or one-node: the candidate that creates the znode PATH leads."`
	Once   bool          `help:"Do not campaign again when CMD has ended or the leadership was lost."`
	Grace  time.Duration `default:"5s" help:"Time between SIGTERM and SIGKILL for a CMD that is stopped."`
	cmdAuth
}

// Help is shown by "docent elect --help".
func (electCommand) Help() string {
	return `CMD runs while this candidate leads. Its environment has DOCENT_PATH (the election), DOCENT_TOKEN (the number of the ` +
		`term, which grows from leader to leader) and DOCENT_ID. If the leadership is lost, or transferred with docent leader ` +
		`--transfer, CMD is stopped. When CMD has ended, the candidate campaigns again, as the last in the queue. With --once ` +
		`it does not: the exit code is CMD's, 79 if the leadership was lost, or 80 if it was transferred. SIGINT and SIGTERM stop CMD and resign; the ` +
		`exit code is 128 and the signal's number. Other signals are passed on to CMD.` + "\n\n" +
		`Example: docent elect /leaders/scheduler -- ./scheduler`
}

// Run campaigns and runs CMD in turn.
func (c *electCommand) Run(ctx context.Context, a *app) error {
	task := "elect " + c.Path
	if err := withTask(task, checkPath(c.Path)); err != nil {
		return err
	}
	if c.ID != "" {
		if err := checkText("elect", "--id", c.ID); err != nil {
			return err
		}
	}
	if err := lookCmd(task, c.Cmd); err != nil {
		return err
	}
	var sm *session.Manager
	return a.acquired(ctx, func(_ context.Context, connected *session.Manager) error {
		sm = connected
		return nil
	}, func(signals <-chan os.Signal, err error) error {
		if err == nil {
			err = c.campaign(ctx, a, task, sm, signals)
		}
		return withTask(task, err)
	})
}

// campaign leads and campaigns in turn until a signal, --once or an error ends
// it.
func (c *electCommand) campaign(ctx context.Context, a *app, task string, sm *session.Manager, signals <-chan os.Signal) error {
	opts := []election.Option{election.Layout(layouts[c.Layout])}
	if c.ID != "" {
		opts = append(opts, election.ID(c.ID))
	}
	e := election.New(sm, c.Path, opts...)
	for short := 0; ; short++ {
		var term *election.Term
		leader := func(ctx context.Context) ([]session.Owner, error) {
			l, err := e.Leader(ctx)
			return []session.Owner{l.Owner}, err
		}
		err := interruptible(ctx, signals, func(ctx context.Context) error {
			return a.narrated(ctx, task, sm, leading(sm, e), func(ctx context.Context) error {
				return a.withLastingWarning(ctx, task, leader, func(ctx context.Context) (err error) {
					term, err = e.Campaign(ctx)
					return err
				})
			})
		})
		if err != nil {
			return err // closing the session ends a term that was won as the signal arrived
		}
		began := time.Now()
		cmd := child.Command{Args: c.Cmd, Env: []string{"DOCENT_ID=" + e.ID()}, Grace: c.Grace, Ending: interrupts}
		within, stop := untilRequested(term.Context(), term.Transferred(), election.ErrTransferred)
		out, err := a.guarded(within, task, c.Path, &term.Hold, cmd, signals)
		transferred := out.Stopped && errors.Is(context.Cause(within), election.ErrTransferred)
		stop()
		if i := slices.IndexFunc(out.Signals, func(sig os.Signal) bool { return slices.Contains(interrupts, sig) }); i >= 0 {
			return &interrupted{out.Signals[i], fmt.Sprintf("resigned, and CMD ended with code %d: interrupted", out.Code)}
		}
		switch {
		case err != nil && (c.Once || !errors.Is(err, errLost)):
			return err
		case err != nil:
			a.note("%s: %v; campaigning again", task, err)
		case transferred && c.Once:
			a.code = out.Code
			return &revokedError{"the leadership was transferred", "this candidate does not campaign again", out}
		case transferred:
			a.note("%s: the leadership was transferred, CMD was stopped (code %d); campaigning again", task, out.Code)
		case c.Once:
			a.code = out.Code
			return nil
		default:
			a.note("%s: CMD ended with code %d; campaigning again", task, out.Code)
		}
		if time.Since(began) >= shortRun {
			short = 0
		}
		if err := interruptible(ctx, signals, func(ctx context.Context) error { return pause(ctx, short) }); err != nil {
			return err
		}
	}
}

// leading says who leads an election, for a candidate. The leader's znode does
// not tell since when it leads.
func leading(sm *session.Manager, e *election.Election) func(ctx context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		own, err := sm.Session(ctx)
		if err != nil {
			return "", err
		}
		l, err := e.Leader(ctx)
		if err != nil || !l.Exists || l.Session == own.ID {
			return "", err
		}
		l.Since = time.Time{}
		return "led " + by(l.Owner, true), nil
	}
}

// layouts are the values of --layout.
var layouts = map[string]election.Format{
	"latch":    election.LeaderLatch,
	"selector": election.LeaderSelector,
	"one-node": election.OneNode,
}
