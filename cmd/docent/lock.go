package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/docent-go/docent/cmd/docent/internal/child"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// errNotAcquired says that the lock was not acquired in the time given for it.
var errNotAcquired = errors.New("not acquired")

// lockCommand is "docent lock".
type lockCommand struct {
	Path    string         `arg:"" help:"The lock, as an absolute path."`
	Cmd     []string       `arg:"" name:"CMD" help:"The command and its arguments, behind --."`
	Wait    *time.Duration `placeholder:"30s" help:"How long to wait for the lock; 0 is --try. Default: without limit."`
	Try     bool           `help:"Do not wait: exit 75 at once if the lock is held."`
	Mode    string         `default:"mutex" help:"Kind of lock: mutex (fair), exclusive (one node), or read or write of a lock for readers and writers."`
	Permits *int           `placeholder:"N" help:"Take one of N permits: up to N may hold at a time."`
	Grace   time.Duration  `default:"5s" help:"Time between SIGTERM and SIGKILL for a CMD whose hold is lost."`
}

// Help is shown by "docent lock --help".
func (lockCommand) Help() string {
	return `CMD runs once the lock is held, with DOCENT_PATH (the lock), DOCENT_TOKEN (the fencing token, which grows from ` +
		`holder to holder) and DOCENT_SESSIONS (by which "docent inspect" sees what CMD waits for in turn) in its environment. The lock is released after CMD has ended; the exit code is CMD's. If the ` +
		`hold is lost, CMD gets SIGTERM, after --grace SIGKILL, and the exit code is 79. Signals are passed on to CMD; ` +
		`before it runs, SIGINT, SIGTERM, SIGHUP and SIGQUIT give the wait up.` + "\n\n" +
		`A path has one kind of lock: a mutex, an exclusive lock, one for readers and writers, or a semaphore of --permits N. ` +
		`All who use it must say the same, N included.` + "\n\n" +
		`Example: docent lock /locks/backup --wait 30s -- ./backup.sh`
}

func (c *lockCommand) check() error {
	if _, ok := lockModes[c.Mode]; !ok {
		return usagef("lock: --mode %q is unknown: use mutex, exclusive, read or write", c.Mode)
	}
	switch {
	case c.Permits != nil && c.Mode != "mutex":
		return usagef("lock: --permits and --mode %s exclude each other: give one of them", c.Mode)
	case c.Permits != nil && *c.Permits < 1:
		return usagef("lock: --permits %d is no number of permits: give 1 or more", *c.Permits)
	case c.Wait != nil && c.Try:
		return usagef("lock: --wait and --try exclude each other: give one of them")
	case c.Wait != nil && *c.Wait < 0:
		return usagef("lock: --wait %v is negative: give a time such as 30s", *c.Wait)
	case c.Grace < 0:
		return usagef("lock: --grace %v is negative: give a time such as 5s", c.Grace)
	}
	if c.Wait != nil && *c.Wait == 0 {
		c.Try = true
	}
	return nil
}

// Run acquires the lock, runs CMD and releases the lock.
func (c *lockCommand) Run(ctx context.Context, a *app) (err error) {
	if err := c.check(); err != nil {
		return err
	}
	task := "lock " + c.Path
	outer, err := a.checkHolder(task, c.Path, c.Cmd)
	if err != nil {
		return err
	}
	signals, stop := a.notify(forwarded...)
	defer stop()
	var sm *session.Manager
	var hold *session.Hold
	defer func() { err = errors.Join(err, closeSession(sm)) }()
	err = interruptible(ctx, signals, func(ctx context.Context) error {
		if sm, err = a.connect(ctx); err != nil {
			return err
		}
		hold, err = c.acquire(ctx, a, sm, c.lockable(sm, lock.Under(outer...)), outer)
		return err
	})
	if err != nil {
		// A hold that was acquired as the signal came goes with the session.
		return during(task, err)
	}
	out, err := a.guarded(task, c.Path, hold, child.Command{Args: c.Cmd, Grace: c.Grace}, signals)
	a.code = out.Code
	return during(task, err)
}

// lockable returns the lock that the flags name.
func (c *lockCommand) lockable(sm *session.Manager, opt lock.Option) lockable {
	if c.Permits != nil {
		return permitOf(lock.NewSemaphore(sm, c.Path, lock.Permits(*c.Permits), opt))
	}
	return lockModes[c.Mode](sm, c.Path, opt)
}

// acquire takes the lock within the time there is for it. outer are the sessions
// under whose holds docent was started.
func (c *lockCommand) acquire(ctx context.Context, a *app, sm *session.Manager, l lockable, outer []int64) (*session.Hold, error) {
	if c.Try {
		var hold *session.Hold
		err := a.once(ctx, func(ctx context.Context) (err error) { // it waits for nobody but the server
			hold, err = l.try(ctx)
			return err
		})
		if errors.Is(err, lock.ErrHeld) || errors.Is(err, lock.ErrNoPermits) {
			err = &notAcquired{holder: holderOf(ctx, l), how: "at once", hint: "wait for it with --wait"}
		}
		return hold, err
	}
	var hold *session.Hold
	w := waiting{
		sm: sm, limit: c.Wait, path: c.Path, first: true,
		look: func(ctx context.Context) (string, error) { return heldBy(ctx, l) },
		late: func(holder string) error {
			if holder == "" {
				holder = notHeldAnyMore
			}
			return &notAcquired{holder: holder, how: fmt.Sprintf("within %v", *c.Wait), hint: "raise --wait, or try again later"}
		},
	}
	err := w.run(ctx, func(ctx context.Context) (err error) {
		if len(outer) > 0 {
			c.warnOfItself(ctx, a, l, outer)
		}
		hold, err = l.wait(ctx)
		return err
	})
	return hold, err
}

// warnOfItself says so if the lock cannot come before a command above has let it
// go, which may be waiting for this one in turn. It is no error: a CMD that
// has started this one in the background ends without it.
func (c *lockCommand) warnOfItself(ctx context.Context, a *app, l lockable, outer []int64) {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	holders, err := l.holders(ctx)
	if err != nil {
		return // it is for the wait to say what is wrong
	}
	above := 0
	for _, h := range holders {
		if slices.Contains(outer, h.Session) && (!l.reads || h.Mode != lock.ModeRead) {
			above++
		}
	}
	// Others give their permits back.
	if above > 0 && (c.Permits == nil || above >= *c.Permits) {
		a.note("lock %s: held %s: the command that has started this one holds it, and if that waits for this to end, neither goes on",
			c.Path, l.describe(holders))
	}
}

// notAcquired is errNotAcquired with what is known of who has the lock.
type notAcquired struct {
	holder string
	how    string
	hint   string
}

func (e *notAcquired) Error() string {
	return fmt.Sprintf("%s: not acquired %s; %s", e.holder, e.how, e.hint)
}

func (e *notAcquired) Unwrap() error { return errNotAcquired }

// holderOf describes who holds the lock.
func holderOf(ctx context.Context, l lockable) string {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	holder, err := heldBy(ctx, l)
	switch {
	case err != nil:
		return cannotTell(err)
	case holder == "":
		return notHeldAnyMore
	}
	return holder
}

const notHeldAnyMore = "held until a moment ago"

// heldBy is holderOf that fails while no server answers, and is empty where the
// lock is not held.
func heldBy(ctx context.Context, l lockable) (string, error) {
	holders, err := l.holders(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return "", err
	case err != nil:
		return cannotTell(err), nil
	case len(holders) == 0:
		return "", nil
	}
	return "held " + l.describe(holders), nil
}

func cannotTell(err error) string { return "held (it cannot be told by whom: " + reason(err) + ")" }
