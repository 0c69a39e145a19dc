package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/internal/znode"
	"github.com/docent-go/docent/session"
)

// inspectCommand is "docent inspect".
type inspectCommand struct {
	Path      string        `arg:"" optional:"" default:"/" help:"Where to begin. Default: /, the root in --servers."`
	Deadlocks bool          `help:"Look for sessions that wait for each other in a ring; exit 1 if there are any."`
	Confirm   time.Duration `default:"1s" help:"With --deadlocks: the time after which a ring is looked at again before it is reported."`
	Watch     bool          `help:"Print it again after each change, until interrupted."`
	Every     time.Duration `default:"1s" help:"With --watch: the least time between two prints."`
	Limit     int           `default:"10000" placeholder:"N" help:"Look at N nodes at most."`
	Depth     *int          `placeholder:"N" help:"Look at N levels below PATH at most; all by default."`
}

// Help is shown by "docent inspect --help".
func (inspectCommand) Help() string {
	return `Prints what stands in ZooKeeper by recipe: locks with their holders and waiters in order, semaphores, elections, ` +
		`groups, services, queues, barriers, counters and config keys, in the layouts of Docent, Curator, kazoo, go-zookeeper ` +
		`and Dubbo. It writes nothing. What it does not recognise are plain nodes; what looks abandoned is marked "!" with the ` +
		`reason; what an ACL hides and what --limit leaves out is said. With --json each line is an object of one kind, and ` +
		`with --watch too each line is all of one look, an object with findings, or an object with trouble.` + "\n\n" +
		`With --watch a quorum of the servers is asked every few seconds whether what was printed still holds. While none answers, that ` +
		`is said, and the next print follows as soon as one does.` + "\n\n" +
		`With --deadlocks it prints each ring as a chain of who waits for whom, with its age. A session counts as one client: where ` +
		`many threads share one, a ring may open by itself. Exit codes: 0 without a ring, 1 with one, 69 when ZooKeeper cannot ` +
		`be reached.` + "\n\n" +
		`Example: docent inspect --deadlocks --confirm 30s /locks || alert`
}

func (c *inspectCommand) check() error {
	switch {
	case c.Deadlocks && c.Watch:
		return usagef("inspect: --deadlocks and --watch exclude each other: give one of them")
	case c.Limit < 1:
		return usagef("inspect: --limit %d is no number of nodes: give 1 or more", c.Limit)
	case c.Depth != nil && *c.Depth < 0:
		return usagef("inspect: --depth %d is no number of levels: give 0 or more", *c.Depth)
	case c.Every < 0:
		return usagef("inspect: --every %v is negative: give a time such as 1s", c.Every)
	case c.Confirm < 0:
		return usagef("inspect: --confirm %v is negative: give a time such as 1s", c.Confirm)
	}
	return nil
}

func (c *inspectCommand) options() []inspect.Option {
	opts := []inspect.Option{inspect.Limit(c.Limit), inspect.Every(c.Every), inspect.Confirm(c.Confirm)}
	if c.Depth != nil {
		opts = append(opts, inspect.Depth(*c.Depth))
	}
	return opts
}

// Run prints what stands below the path.
func (c *inspectCommand) Run(ctx context.Context, a *app) error {
	task := "inspect " + c.Path
	if err := c.check(); err != nil {
		return err
	}
	if err := during(task, znode.ValidateRoot(c.Path)); err != nil {
		return err
	}
	if c.Watch {
		return a.whileUninterrupted(ctx, task, func(ctx context.Context, sm *session.Manager) error {
			return c.watch(ctx, a, task, sm)
		})
	}
	sm, err := a.connect(ctx)
	if err != nil {
		return during(task, err)
	}
	err = a.whileReachable(ctx, sm, func(ctx context.Context) error {
		if c.Deadlocks {
			return c.deadlocks(ctx, a, task, sm)
		}
		return c.once(ctx, a, sm)
	})
	return errors.Join(during(task, err), sm.Close())
}

func (c *inspectCommand) once(ctx context.Context, a *app, sm *session.Manager) error {
	r, err := inspect.Take(ctx, sm, c.Path, c.options()...)
	if err != nil {
		return err
	}
	if !a.globals.JSON {
		return a.printf("%s", reportText(r))
	}
	for _, f := range r.Findings {
		if err := a.printJSON(f); err != nil {
			return err
		}
	}
	return nil
}

// redraw puts the cursor of a terminal to the top and erases what is below.
const redraw = "\x1b[H\x1b[2J"

func (c *inspectCommand) watch(ctx context.Context, a *app, task string, sm *session.Manager) error {
	between := ""
	if onTerminal(a.stdout) {
		between = redraw
	}
	var last *inspect.Report
	for r, err := range inspect.Watch(ctx, sm, c.Path, c.options()...) {
		switch {
		case errors.Is(err, session.ErrClosed):
			return err
		case err != nil:
			err = c.trouble(a, task, last, err)
		case a.globals.JSON:
			last, err = r, a.printJSON(r)
		default:
			last = r
			err = a.printf("%s-- %s --\n%s", between, clock(r.Taken, time.Now()), reportText(r))
		}
		if err != nil {
			return err
		}
	}
	if ctx.Err() == nil {
		return errors.New("the tree can no longer be watched")
	}
	return nil
}

// watchTrouble is what --watch --json prints while there is no report.
type watchTrouble struct {
	Trouble   string     `json:"trouble"`
	NoQuorum  bool       `json:"noQuorum,omitempty"`
	Confirmed *time.Time `json:"confirmed,omitempty"` // when what was printed last still held
}

// trouble tells why there is no report, and how old the last one is.
func (c *inspectCommand) trouble(a *app, task string, last *inspect.Report, err error) error {
	told := watchTrouble{Trouble: reason(err)}
	var trouble *inspect.TroubleError
	if errors.As(err, &trouble) {
		told.Trouble, told.NoQuorum = trouble.Error(), trouble.NoQuorum
		confirmed := trouble.Confirmed
		if last != nil && last.Taken.After(confirmed) {
			confirmed = last.Taken
		}
		if !confirmed.IsZero() {
			told.Confirmed = &confirmed
		}
	}
	if a.globals.JSON {
		return a.printJSON(told)
	}
	if told.Confirmed == nil || last == nil {
		a.note("%s: %s", task, told.Trouble)
		return nil
	}
	a.note("%s: %s; what was printed last held at %s", task, told.Trouble, clock(*told.Confirmed, time.Now()))
	return nil
}

// deadlocks makes the exit code 1 if there are any.
func (c *inspectCommand) deadlocks(ctx context.Context, a *app, task string, sm *session.Manager) error {
	found, err := inspect.Deadlocks(ctx, sm, c.Path, c.options()...)
	if err != nil {
		return err
	}
	if !found.Complete() {
		a.note("%s: not everything was looked at, so that a deadlock may have been missed: %s", task, gaps(found))
	}
	if len(found.Deadlocks) > 0 {
		a.code = exitFailure
	} else if !a.globals.JSON {
		if !found.Complete() {
			return a.printf("no deadlock in what was looked at\n")
		}
		return a.printf("no deadlock\n")
	}
	for _, d := range found.Deadlocks {
		if a.globals.JSON {
			err = a.printJSON(d)
		} else {
			err = a.printf("%s", deadlockText(d, time.Now()))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// errAway is the cause with which whileReachable ends what it runs.
var errAway = fmt.Errorf("no server answers any more: %w", session.ErrUnreachable)

// whileReachable runs f, however long it takes, but gives it up once there has
// been no connection with a quorum for --connect-timeout.
func (a *app) whileReachable(ctx context.Context, sm *session.Manager, f func(ctx context.Context) error) error {
	within, cancel := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		away := time.AfterFunc(a.globals.ConnectTimeout, func() { cancel(errAway) })
		defer away.Stop()
		for change := range sm.ConfirmedStates(within) {
			if change.State == session.Connected {
				away.Stop()
			} else {
				away.Reset(a.globals.ConnectTimeout)
			}
		}
	}()
	err := f(within)
	if err != nil && errors.Is(context.Cause(within), errAway) {
		err = a.unreachable(errAway)
	}
	cancel(nil)
	<-watched
	return err
}
