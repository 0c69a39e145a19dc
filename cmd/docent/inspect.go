package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/session"
)

// inspectCommand is "docent inspect".
type inspectCommand struct {
	Path      string        `arg:"" name:"PATH" optional:"" default:"/" help:"The top of the tree. Default: /, which is the root in --servers."`
	Deadlocks bool          `help:"Find sessions that wait for each other in a cycle; exit 1 if there are any."`
	Problems  bool          `help:"Print what an operator must look at, with the command that acts on it; exit 1 if there is anything."`
	Confirm   time.Duration `default:"1s" needs:"deadlocks|problems" help:"With --deadlocks and --problems: how long a cycle must last before it is reported. With --problems: the time in which a queue grows."`
	Held      time.Duration `default:"1h" needs:"problems" help:"With --problems: print locks that one client has had, or was in line for, for this time."`
	Waited    time.Duration `default:"10m" needs:"problems" help:"With --problems: print locks that a client has waited for for this time."`
	Growth    int           `default:"100" needs:"problems" placeholder:"N" help:"With --problems: print queues that gain N items within --confirm."`
	Watch     bool          `help:"Print the tree again after each change, until interrupted."`
	Every     time.Duration `default:"1s" needs:"watch" help:"With --watch: the minimum time between two prints."`
	Limit     int           `default:"10000" placeholder:"N" help:"Read at most N znodes."`
	MaxBytes  int           `default:"67108864" placeholder:"N" help:"Keep at most N bytes of names and data."`
	Depth     *int          `placeholder:"N" help:"Read at most N levels below PATH. Default: all."`
}

// Help is shown by "docent inspect --help".
func (inspectCommand) Help() string {
	return `Prints the recipes in ZooKeeper: locks with their holders and their waiters in order, semaphores, elections, groups, ` +
		`services, queues, barriers, counters and config keys. It recognises the layouts of Docent, Curator, kazoo, ` +
		`go-zookeeper and Dubbo, and prints other znodes as plain znodes. It writes nothing. Znodes that look abandoned are marked ` +
		`"!" with the reason. It says which znodes an ACL hides, and what --limit and --max-bytes leave out. With --json each line is one ` +
		`finding. With --json --watch each line is a whole report (an object with findings) or an object with trouble.` + "\n\n" +
		`With --watch, docent asks a quorum of the servers every few seconds whether the last print is still true. It reports ` +
		`when no quorum answers, and prints again as soon as one does.` + "\n\n" +
		`With --deadlocks it prints each cycle as a chain of waiters and holders, with its age. A session counts as one client: ` +
		`if several threads share a session, a cycle may end by itself. Exit codes: 0 without a deadlock, 1 with one, 69 if ` +
		`ZooKeeper cannot be reached.` + "\n\n" +
		`With --problems it prints what an operator must look at, the most urgent first: deadlocks, abandoned znodes, dead letters, ` +
		`queues that grow, services without an instance, locks held or waited for for long, stuck sessions, failed jobs, ` +
		`partitions without an owner, and what was not read. A second line has the command that acts on it. Exit codes: 0 ` +
		`without a problem, 1 with one, 69 if ZooKeeper cannot be reached.` + "\n\n" +
		`Example: docent inspect --deadlocks --confirm 30s /locks || alert`
}

func (c *inspectCommand) check() error {
	switch {
	case c.Deadlocks && c.Watch:
		return usagef("inspect: --deadlocks and --watch exclude each other; give one of them")
	case c.Problems && (c.Deadlocks || c.Watch):
		return usagef("inspect: --problems excludes --deadlocks and --watch; give one of them")
	case c.Limit < 1:
		return usagef("inspect: --limit %d is too small; give 1 or more", c.Limit)
	case c.MaxBytes < 1:
		return usagef("inspect: --max-bytes %d is too small; give 1 or more", c.MaxBytes)
	case c.Depth != nil && *c.Depth < 0:
		return usagef("inspect: --depth %d is negative; give 0 or more", *c.Depth)
	case c.Held <= 0 || c.Waited <= 0:
		return usagef("inspect: --held and --waited must be more than zero; give a time such as 10m")
	case c.Growth < 1:
		return usagef("inspect: --growth %d is too small; give 1 or more", c.Growth)
	}
	return nil
}

func (c *inspectCommand) options() []inspect.Option {
	opts := []inspect.Option{inspect.Limit(c.Limit), inspect.MaxBytes(c.MaxBytes), inspect.Every(c.Every), inspect.Confirm(c.Confirm)}
	if c.Depth != nil {
		opts = append(opts, inspect.Depth(*c.Depth))
	}
	return opts
}

// Run prints the tree below the path, or its problems, or its deadlocks.
func (c *inspectCommand) Run(ctx context.Context, a *app) error {
	task := "inspect " + c.Path
	if err := c.check(); err != nil {
		return err
	}
	if err := withTask(task, znode.ValidateRoot(c.Path)); err != nil {
		return err
	}
	if c.Watch {
		return a.whileUninterrupted(ctx, task, func(ctx context.Context, sm *session.Manager) error {
			return c.watch(ctx, a, task, sm)
		})
	}
	sm, err := a.connect(ctx)
	if err != nil {
		return withTask(task, err)
	}
	err = a.whileReachable(ctx, sm, func(ctx context.Context) error {
		switch {
		case c.Deadlocks:
			return c.deadlocks(ctx, a, task, sm)
		case c.Problems:
			return c.problems(ctx, a, task, sm)
		}
		return c.once(ctx, a, sm)
	})
	return errors.Join(withTask(task, err), sm.Close())
}

func (c *inspectCommand) once(ctx context.Context, a *app, sm *session.Manager) error {
	r, err := inspect.Read(ctx, sm, c.Path, c.options()...)
	if err != nil {
		return err
	}
	if !a.globals.JSON {
		return a.printf("%s", reportText(r))
	}
	if r.LeftOut.Znodes > 0 {
		a.note("inspect %s: %s", c.Path, leftOutText(r))
	}
	for _, f := range r.Findings {
		if err := a.printJSONAt(r.Taken, f); err != nil {
			return err
		}
	}
	return nil
}

// clearScreen moves a terminal's cursor to the top and clears the screen.
const clearScreen = "\x1b[H\x1b[2J"

func (c *inspectCommand) watch(ctx context.Context, a *app, task string, sm *session.Manager) error {
	var last *inspect.Report
	for r, err := range inspect.Changes(ctx, sm, c.Path, c.options()...) {
		switch {
		case errors.Is(err, session.ErrClosed):
			return err
		case err != nil:
			err = c.trouble(a, task, last, err)
		case a.globals.JSON:
			last, err = r, a.printJSON(r)
		default:
			last, err = r, c.redraw(a, r)
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

// redraw prints a report in the place of the last one, if that is possible.
func (c *inspectCommand) redraw(a *app, r *inspect.Report) error {
	if onTerminal(a.stdout) {
		if err := a.printData([]byte(clearScreen)); err != nil {
			return err
		}
	}
	return a.printf("-- %s --\n%s", clock(r.Taken, time.Now()), reportText(r))
}

// watchTrouble is the object that --watch --json prints for a failed look.
type watchTrouble struct {
	Trouble   string     `json:"trouble"`
	NoQuorum  bool       `json:"noQuorum,omitempty"`
	Confirmed *time.Time `json:"confirmed,omitempty"` // the last time at which the last print was true
}

// trouble prints why a look failed, and when the last print was still true.
func (c *inspectCommand) trouble(a *app, task string, last *inspect.Report, err error) error {
	line := watchTrouble{Trouble: reason(err)}
	var trouble *inspect.TroubleError
	if errors.As(err, &trouble) {
		line.Trouble, line.NoQuorum = trouble.Error(), trouble.NoQuorum
		confirmed := trouble.Confirmed
		if last != nil && last.Taken.After(confirmed) {
			confirmed = last.Taken
		}
		if !confirmed.IsZero() {
			line.Confirmed = &confirmed
		}
	}
	if a.globals.JSON {
		return a.printJSON(line)
	}
	if line.Confirmed == nil || last == nil {
		a.note("%s: %s", task, line.Trouble)
		return nil
	}
	a.note("%s: %s; the last print was true at %s", task, line.Trouble, clock(*line.Confirmed, time.Now()))
	return nil
}

// deadlocks prints all deadlocks, and sets the exit code to 1 if there are any.
func (c *inspectCommand) deadlocks(ctx context.Context, a *app, task string, sm *session.Manager) error {
	found, err := inspect.Deadlocks(ctx, sm, c.Path, c.options()...)
	if err != nil {
		return err
	}
	if !found.Complete() {
		a.note("%s: the search is not complete and may have missed a deadlock: %s", task, gaps(found))
	}
	if found.Passing > 0 {
		a.note("%s: %s opened within %v: no deadlock", task, count(found.Passing, "cycle"), c.Confirm)
	}
	if n := len(found.Deadlocks); n > 0 {
		a.code = exitFailure
		a.note("%s: %s found; end one process of each cycle", task, count(n, "deadlock"))
	} else if !a.globals.JSON {
		if !found.Complete() {
			return a.printf("no deadlock in the znodes that were read\n")
		}
		return a.printf("no deadlock\n")
	}
	for _, d := range found.Deadlocks {
		if a.globals.JSON {
			err = a.printJSONAt(found.Report.Taken, d)
		} else {
			err = a.printf("%s", deadlockText(d, time.Now()))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// errNoServer is the cause with which whileReachable ends the context of f.
var errNoServer = fmt.Errorf("no server answers any longer: %w", session.ErrUnreachable)

// whileReachable runs f without a time limit. It ends f's context when the
// session has had no connection with a quorum for --connect-timeout.
func (a *app) whileReachable(ctx context.Context, sm *session.Manager, f func(ctx context.Context) error) error {
	within, cancel := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		timer := time.AfterFunc(a.globals.ConnectTimeout, func() { cancel(errNoServer) })
		defer timer.Stop()
		for change := range sm.ConfirmedStates(within) {
			if change.State == session.Connected {
				timer.Stop()
			} else {
				timer.Reset(a.globals.ConnectTimeout)
			}
		}
	}()
	err := f(within)
	if err != nil && errors.Is(context.Cause(within), errNoServer) {
		err = a.unreachable(errNoServer)
	}
	cancel(nil)
	<-watched
	return err
}
