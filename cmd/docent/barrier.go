package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/cmd/docent/internal/child"
	"github.com/docent-go/docent/session"
)

// barrierCommand is "docent barrier".
type barrierCommand struct {
	Set   barrierSet   `cmd:"" help:"Close a gate."`
	Lift  barrierLift  `cmd:"" help:"Open a gate."`
	Wait  barrierWait  `cmd:"" help:"Wait until a gate is open."`
	Enter barrierEnter `cmd:"" help:"Run a command together with other members of a rendezvous."`
}

// barrierJSON is the state of a gate.
type barrierJSON struct {
	Path string `json:"path"`
	Set  bool   `json:"set"`
}

// barrierSet is "docent barrier set".
type barrierSet struct {
	Path string `arg:"" name:"PATH" help:"The gate, as an absolute path."`
}

// Run closes the gate.
func (c *barrierSet) Run(ctx context.Context, a *app) error {
	return a.withGate(ctx, "barrier set "+c.Path, c.Path, func(ctx context.Context, _ *session.Manager, g *barrier.Barrier) error {
		if err := a.once(ctx, g.Set); err != nil || !a.globals.JSON {
			return err
		}
		return a.printJSON(barrierJSON{c.Path, true})
	})
}

// barrierLift is "docent barrier lift".
type barrierLift struct {
	Path string `arg:"" name:"PATH" help:"The gate, as an absolute path."`
}

// Run opens the gate.
func (c *barrierLift) Run(ctx context.Context, a *app) error {
	return a.withGate(ctx, "barrier lift "+c.Path, c.Path, func(ctx context.Context, _ *session.Manager, g *barrier.Barrier) error {
		if err := a.once(ctx, g.Lift); err != nil || !a.globals.JSON {
			return err
		}
		return a.printJSON(barrierJSON{c.Path, false})
	})
}

// barrierWait is "docent barrier wait".
type barrierWait struct {
	Path string         `arg:"" name:"PATH" help:"The gate, as an absolute path."`
	Wait *time.Duration `placeholder:"30s" help:"How long to wait. Default: without limit."`
}

// Help is shown by "docent barrier wait --help".
func (barrierWait) Help() string {
	return `Waits until the gate is open. The exit code is 0 then, and 75 if --wait ends first. The wait goes on through lost ` +
		`servers and sessions.` + "\n\n" + `Example: docent barrier wait /barriers/migration && ./serve`
}

// Run waits for the gate.
func (c *barrierWait) Run(ctx context.Context, a *app) error {
	signals, stop := a.notify(forwarded...)
	defer stop()
	return interruptible(ctx, signals, func(ctx context.Context) error {
		return a.withGate(ctx, "barrier wait "+c.Path, c.Path, func(ctx context.Context, sm *session.Manager, g *barrier.Barrier) error {
			w := waiting{app: a, task: "barrier wait " + c.Path, sm: sm, limit: c.Wait, path: c.Path, first: true, late: notThrough(c.Wait),
				look: func(ctx context.Context) (string, error) {
					set, err := g.IsSet(ctx)
					if err != nil && ctx.Err() != nil {
						return "", err
					}
					if err == nil && !set {
						return "", nil
					}
					return "the gate is set", nil
				}}
			if a.globals.Verbose || onTerminal(a.stderr) {
				// A gate at a wrong path is open too.
				err := a.whenMissing(ctx, sm, c.Path, func() {
					a.note("barrier wait %s: the gate is not set; if it should be, check the path, and the root in --servers", oneLine(c.Path))
				})
				if err != nil {
					return err
				}
			}
			err := w.run(ctx, g.Wait)
			if err != nil || !a.globals.JSON {
				return err
			}
			return a.printJSON(barrierJSON{c.Path, false})
		})
	})
}

// withGate connects, and runs f on the gate.
func (a *app) withGate(ctx context.Context, task, path string, f func(context.Context, *session.Manager, *barrier.Barrier) error) error {
	if err := withTask(task, checkPath(path)); err != nil {
		return err
	}
	sm, err := a.connect(ctx)
	if err != nil {
		return withTask(task, err)
	}
	err = f(ctx, sm, barrier.New(sm, path))
	return errors.Join(withTask(task, err), sm.Close())
}

// notThrough returns the function that makes the error of a wait that was too
// short.
func notThrough(limit *time.Duration) func(obstacle string) error {
	return func(obstacle string) error {
		obstacle = cmp.Or(obstacle, "the gate is open, but ZooKeeper answers slowly")
		return &notInTime{fmt.Sprintf("%s: not through within %v; raise --wait, or try again later", obstacle, *limit)}
	}
}

// notInTime is errNotAcquired for a barrier.
type notInTime struct{ text string }

func (e *notInTime) Error() string { return e.text }
func (e *notInTime) Unwrap() error { return errNotAcquired }

// barrierEnter is "docent barrier enter".
type barrierEnter struct {
	Path  string         `arg:"" name:"PATH" help:"The rendezvous, as an absolute path."`
	Cmd   []string       `arg:"" name:"CMD" help:"The command and its arguments, after --."`
	Count int            `required:"" placeholder:"N" help:"Number of members. All members must give the same number."`
	ID    string         `name:"id" placeholder:"ID" help:"Name of this member, which no other member may have. Default: a random name."`
	Wait  *time.Duration `placeholder:"30s" help:"How long to wait for the other members to enter. Default: without limit."`
	Grace time.Duration  `default:"5s" help:"Time between SIGTERM and SIGKILL for a CMD whose hold is lost."`
	cmdAuth
}

// Help is shown by "docent barrier enter --help".
func (barrierEnter) Help() string {
	return `CMD runs once --count members have entered. Its environment has DOCENT_PATH (the rendezvous) and DOCENT_TOKEN ` +
		`(the number of the round, which is the same for all members and grows from round to round). When CMD has ended, ` +
		`docent waits until the other members have left or their sessions have ended. If another process has the id, docent waits for one and a ` +
		`half session timeouts, and then fails with exit code 1. The exit code is CMD's; 75 if the others ` +
		`have not entered within --wait, or all places are taken; 79 if the session was lost while CMD ran. ` +
		`While CMD runs, signals are passed on to it. Before and after CMD, SIGINT, SIGTERM, SIGHUP and SIGQUIT end the wait.` +
		"\n\n" + `Example: docent barrier enter /barriers/load --count 5 --wait 1m -- ./generate-load.sh`
}

// Run enters, runs CMD and leaves.
func (c *barrierEnter) Run(ctx context.Context, a *app) error {
	switch {
	case c.Count < 1 || c.Count > barrier.MaxCount:
		return usagef("barrier enter: --count %d is out of range; give 1 to %d", c.Count, barrier.MaxCount)
	}
	task := "barrier enter " + c.Path
	if err := withTask(task, checkPath(c.Path)); err != nil {
		return err
	}
	if c.ID != "" {
		if err := checkName(task, "--id", c.ID); err != nil {
			return err
		}
	}
	if err := lookCmd(task, c.Cmd); err != nil {
		return err
	}
	var visit *barrier.Visit
	return a.acquired(ctx, func(ctx context.Context, sm *session.Manager) (err error) {
		visit, err = c.enter(ctx, a, sm, barrier.NewDouble(sm, c.Path, c.Count, barrier.ID(c.ID)))
		return err
	}, func(signals <-chan os.Signal, err error) error {
		if err != nil {
			return withTask(task, err) // closing the session ends a visit
		}
		out, err := a.guarded(visit.Context(), task, c.Path, &visit.Hold, child.Command{Args: c.Cmd, Grace: c.Grace}, signals)
		a.code = out.Code
		if err == nil {
			err = interruptible(ctx, signals, func(ctx context.Context) error {
				return a.narrated(ctx, task, a.sm, c.notLeft(a.sm), visit.Leave)
			})
		}
		return withTask(task, err)
	})
}

func (c *barrierEnter) enter(ctx context.Context, a *app, sm *session.Manager, d *barrier.Double) (visit *barrier.Visit, err error) {
	w := waiting{app: a, task: "barrier enter " + c.Path, sm: sm, limit: c.Wait, path: c.Path,
		late: func(obstacle string) error { return notThrough(c.Wait)(cmp.Or(obstacle, c.tooFew())) },
		look: func(ctx context.Context) (string, error) { return c.missing(ctx, sm, d) }}
	err = w.run(ctx, func(ctx context.Context) error {
		visit, err = d.Enter(ctx)
		return err
	})
	if errors.Is(err, barrier.ErrFull) {
		err = &notInTime{fmt.Sprintf("all %d places are taken; try again when the members have left", c.Count)}
	}
	return visit, err
}

// missing says what the rendezvous lacks, or returns "".
func (c *barrierEnter) missing(ctx context.Context, sm *session.Manager, d *barrier.Double) (string, error) {
	own, err := sm.Session(ctx)
	if err != nil {
		return "", err
	}
	status, err := d.Status(ctx)
	if err != nil {
		return "", err
	}
	inside, others := false, 0
	var same *barrier.Member // another member with our id
	for _, m := range status.Members {
		switch {
		case m.Session == own.ID:
			inside = true
		case m.Hidden, m.Session != 0:
			others++
		}
		if m.Session != own.ID && c.ID != "" && m.ID == c.ID {
			same = &m
		}
	}
	switch {
	case !inside && same != nil && same.PID != 0:
		return fmt.Sprintf("another member has the id %s (pid %d on %s)", oneLine(c.ID), same.PID, oneLine(same.Host)), nil
	case !inside && same != nil:
		return "another member has the id " + oneLine(c.ID), nil
	case !inside && status.Ready:
		return "another round is under way", nil
	case others < c.Count-1:
		return c.tooFew(), nil
	}
	return "", nil
}

// notLeft says that members have not left, once the server has caught up.
func (c *barrierEnter) notLeft(sm *session.Manager) func(ctx context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		return "other members have not left yet", sm.Sync(ctx, c.Path)
	}
}

func (c *barrierEnter) tooFew() string {
	return fmt.Sprintf("fewer than %d members have entered", c.Count)
}
