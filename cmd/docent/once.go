package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/docent-go/docent/cmd/docent/internal/child"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// onceCommand is "docent once".
type onceCommand struct {
	Path        string         `arg:"" name:"PATH" help:"The job's record, as an absolute path."`
	Cmd         []string       `arg:"" name:"CMD" help:"The command and its arguments, after --."`
	Every       time.Duration  `required:"" placeholder:"10m" help:"The interval: the period at which every machine starts this command."`
	Slack       *time.Duration `placeholder:"30s" help:"CMD is due again --every less --slack after the start of the last run. Default: half of --every."`
	Wait        time.Duration  `placeholder:"5m" help:"How long to wait for a run that is under way, before deciding whether CMD is due. Default: do not wait."`
	Again       string         `default:"never" enum:"never,lost,failed" help:"Run CMD again in the same interval: never, if the run was lost (its docent died), or if it failed (lost, or CMD's exit code was not 0)."`
	SkippedCode int            `default:"0" placeholder:"CODE" help:"Exit code if CMD is not due. Default: 0."`
	Grace       time.Duration  `default:"5s" help:"Time between SIGTERM and SIGKILL for a CMD whose hold is lost."`
	cmdAuth
}

// Help is shown by "docent once --help".
func (onceCommand) Help() string {
	return `Start this command on several machines at the same times, for instance from cron. CMD runs on one of them. CMD is due ` +
		`if the last run was started at least --every less --slack ago, by the servers' clock. All machines must start it ` +
		`within --slack of each other, and within --every less --slack. Runs never overlap. If CMD is not due, it does not run, and the exit ` +
		`code is 0. The reason is printed on a terminal and with --verbose, and as an object on standard output with --json.` + "\n\n" +
		`CMD's environment has DOCENT_PATH (the record), DOCENT_TOKEN (the fencing token, which grows from run to run), ` +
		`DOCENT_CALLED (the time at which the run was started, which identifies the interval) and DOCENT_SESSIONS. The exit code ` +
		`is CMD's. If the hold is lost, CMD gets SIGTERM, SIGKILL after --grace, and the exit code is 79. Signals are passed on ` +
		`to CMD. Before CMD runs, SIGINT, SIGTERM, SIGHUP and SIGQUIT end docent.` + "\n\n" +
		`Example: docent once /jobs/report --every 10m -- ./report.sh`
}

func (c *onceCommand) check() error {
	switch {
	case c.Every < time.Millisecond:
		return usagef("once: --every %v is too short; give a time such as 10m", c.Every)
	case c.Slack != nil && c.Every-*c.Slack < time.Millisecond:
		return usagef("once: --slack %v is out of range; give a time from 0 to less than --every %v", *c.Slack, c.Every)
	case c.SkippedCode < 0 || c.SkippedCode > 255:
		return usagef("once: --skipped-code %d is not an exit code; give 0 to 255", c.SkippedCode)
	}
	return nil
}

// Run begins a run if CMD is due, runs CMD and records how it ended.
func (c *onceCommand) Run(ctx context.Context, a *app) error {
	if err := c.check(); err != nil {
		return err
	}
	task := "once " + c.Path
	outer, err := a.checkHolder(task, c.Path, c.Cmd)
	if err != nil {
		return err
	}
	var run *lock.Run
	return a.acquired(ctx, func(ctx context.Context, sm *session.Manager) (err error) {
		run, err = c.begin(ctx, a, sm, lock.NewOnce(sm, c.Path, c.Every, c.options(outer)...))
		return err
	}, func(signals <-chan os.Signal, err error) error {
		var skipped *lock.NotDueError
		switch {
		case errors.As(err, &skipped):
			a.code = c.SkippedCode
			return withTask(task, a.printSkipped(task, c.Path, skipped))
		case err != nil && run != nil: // the run began as the signal arrived
			err = errors.Join(err, run.End(err))
		case err == nil:
			err = c.work(a, run, signals)
		}
		return withTask(task, err)
	})
}

// work runs CMD and records how it ended.
func (c *onceCommand) work(a *app, run *lock.Run, signals <-chan os.Signal) error {
	cmd := child.Command{Args: c.Cmd, Env: []string{"DOCENT_CALLED=" + timestamp(run.Called())}, Grace: c.Grace}
	out, err := a.underHold(run.Context(), c.Path, &run.Hold.Hold, cmd, signals)
	failure := err
	if out.Code != 0 && failure == nil {
		failure = fmt.Errorf("CMD ended with code %d", out.Code)
	}
	if ended := run.End(failure); ended != nil && err == nil {
		err = ended
		if errors.Is(err, session.ErrLost) {
			err = &lossError{err, out}
		}
	}
	a.code = out.Code
	return err
}

// gap is the minimum time between the starts of two runs.
func (c *onceCommand) gap() time.Duration {
	if c.Slack == nil {
		return c.Every - c.Every/2
	}
	return c.Every - *c.Slack
}

func (c *onceCommand) options(outer []session.ID) []lock.OnceOption {
	opts := []lock.OnceOption{lock.ParentSessions(outer...)}
	if c.Slack != nil {
		opts = append(opts, lock.Slack(*c.Slack))
	}
	if c.Wait > 0 {
		opts = append(opts, lock.WaitForRun())
	}
	switch c.Again {
	case "lost":
		opts = append(opts, lock.RerunLost())
	case "failed":
		opts = append(opts, lock.RerunFailed())
	}
	return opts
}

// begin begins a run if CMD is due. If --wait ends first, the error is a
// NotDueError with the run that is under way.
func (c *onceCommand) begin(ctx context.Context, a *app, sm *session.Manager, o *lock.Once) (run *lock.Run, err error) {
	start := func(ctx context.Context) error {
		run, err = o.Start(ctx)
		return err
	}
	if c.Wait == 0 {
		err = a.once(ctx, start)
		return run, err
	}
	var last lock.RunInfo
	w := waiting{
		app: a, task: "once " + c.Path, sm: sm, limit: &c.Wait, path: c.Path,
		look: func(ctx context.Context) (obstacle string, err error) {
			last, obstacle, err = othersRun(ctx, sm, o)
			return obstacle, err
		},
		late: func(obstacle string) error {
			if obstacle == "" {
				return fmt.Errorf("%w within %v; raise --wait", errNotAcquired, c.Wait)
			}
			return &lock.NotDueError{Run: last, DueAgain: last.Called.Add(c.gap())}
		},
	}
	err = w.run(ctx, start)
	return run, err
}

// othersRun returns the last run, and what is in the way: a run of another
// session that is under way. Our own run may be under way before Start returns.
func othersRun(ctx context.Context, sm *session.Manager, o *lock.Once) (last lock.RunInfo, obstacle string, err error) {
	s, err := sm.Session(ctx)
	if err != nil {
		return last, "", err
	}
	last, err = o.Last(ctx)
	if last.State == lock.RunUnderWay && last.Session != s.ID {
		obstacle = "a run is under way"
	}
	return last, obstacle, err
}

// printSkipped prints why CMD does not run. Without a terminal it prints
// nothing, since cron mails every line.
func (a *app) printSkipped(task, path string, why *lock.NotDueError) error {
	if a.globals.JSON {
		return a.printJSON(skippedJSON(path, why))
	}
	if a.globals.Verbose || a.terminal {
		a.note("%s: %s", task, skippedText(why, time.Now()))
	}
	return nil
}

// skippedText formats a NotDueError in one line, with times of this machine's
// clock.
func skippedText(why *lock.NotDueError, now time.Time) string {
	r := why.Run
	who := oneLine(r.ID)
	if r.PID != 0 {
		who += fmt.Sprintf(" (pid %d on %s)", r.PID, oneLine(r.Host))
	}
	began := clock(r.Began, now)
	if r.Began.Sub(r.Called) >= time.Second { // it waited, or replaces another run: due again by the call
		began += ", for the call of " + clock(r.Called, now)
	}
	text := fmt.Sprintf("not due: %s ran it at %s", who, began)
	switch r.State {
	case lock.RunUnderWay:
		text = fmt.Sprintf("not due: %s has been running it since %s", who, began)
	case lock.RunFailed:
		text += " and failed"
	case lock.RunLost:
		text = fmt.Sprintf("not due: %s began it at %s and was lost", who, began)
	}
	return text + "; due again at " + clock(why.DueAgain.Add(time.Second-time.Nanosecond), now) // rounded up
}

// skipped is a NotDueError as JSON.
type skipped struct {
	Path     string `json:"path"`
	Ran      bool   `json:"ran"` // false
	State    string `json:"state"`
	ID       string `json:"id"`
	Host     string `json:"host,omitempty"`
	PID      int    `json:"pid,omitempty"`
	Session  string `json:"session"`
	Called   string `json:"called"`
	Began    string `json:"began"`
	Ended    string `json:"ended,omitempty"`
	DueAgain string `json:"dueAgain"`
}

func skippedJSON(path string, why *lock.NotDueError) skipped {
	r := why.Run
	s := skipped{
		Path: path, State: string(r.State), ID: r.ID, Host: r.Host, PID: r.PID,
		Session: r.Session.String(), Called: timestamp(r.Called), Began: timestamp(r.Began),
		DueAgain: timestamp(why.DueAgain),
	}
	if !r.Ended.IsZero() {
		s.Ended = timestamp(r.Ended)
	}
	return s
}
