package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docent-go/docent/cmd/docent/internal/child"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// errNotAcquired says that the lock was not acquired in the time given for it.
var errNotAcquired = errors.New("not acquired")

// lockCommand is "docent lock".
type lockCommand struct {
	Path  string         `arg:"" help:"The lock, as an absolute path."`
	Cmd   []string       `arg:"" name:"CMD" help:"The command and its arguments, behind --."`
	Wait  *time.Duration `placeholder:"30s" help:"How long to wait for the lock; 0 is --try. Default: without limit."`
	Try   bool           `help:"Do not wait: exit 75 at once if the lock is held."`
	Mode  string         `default:"mutex" help:"Kind of lock. This version has mutex, which is fair."`
	Grace time.Duration  `default:"5s" help:"Time between SIGTERM and SIGKILL for a CMD whose hold is lost."`
}

// Help is shown by "docent lock --help".
func (lockCommand) Help() string {
	return `CMD runs once the lock is held, with DOCENT_PATH (the lock) and DOCENT_TOKEN (the fencing token, which grows from ` +
		`holder to holder) in its environment. The lock is released after CMD has ended; the exit code is CMD's. If the ` +
		`hold is lost, CMD gets SIGTERM, after --grace SIGKILL, and the exit code is 79. Signals are passed on to CMD; ` +
		`before it runs, SIGINT, SIGTERM, SIGHUP and SIGQUIT give the wait up.` + "\n\n" +
		`Example: docent lock /locks/backup --wait 30s -- ./backup.sh`
}

func (c *lockCommand) check() error {
	switch c.Mode {
	case "mutex":
	case "exclusive", "read", "write":
		return usagef("lock: --mode %s is not in this version: use --mode mutex", c.Mode)
	default:
		return usagef("lock: --mode %q is unknown: use --mode mutex", c.Mode)
	}
	switch {
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
	if err := during(task, checkPath(c.Path)); err != nil {
		return err
	}
	if err := child.Look(c.Cmd[0]); err != nil {
		return during(task, err)
	}
	signals, stop := a.notify(forwarded...)
	defer stop()
	var sm *session.Manager
	var hold *lock.Hold
	defer func() { err = errors.Join(err, closeSession(sm)) }()
	err = interruptible(ctx, signals, func(ctx context.Context) error {
		if sm, err = a.connect(ctx); err != nil {
			return err
		}
		hold, err = c.acquire(ctx, a, lock.New(sm, c.Path))
		return err
	})
	if err != nil {
		// A hold that was acquired as the signal came goes with the session.
		return during(task, err)
	}
	out, err := a.guarded(task, c.Path, hold.Hold, child.Command{Args: c.Cmd, Grace: c.Grace}, signals)
	a.code = out.Code
	return during(task, err)
}

// acquire takes the lock within the time there is for it.
func (c *lockCommand) acquire(ctx context.Context, a *app, m *lock.Mutex) (*lock.Hold, error) {
	if c.Try {
		var hold *lock.Hold
		err := a.once(ctx, func(ctx context.Context) (err error) { // it waits for nobody but the server
			hold, err = m.TryLock(ctx)
			return err
		})
		if errors.Is(err, lock.ErrHeld) {
			err = &notAcquired{holder: holderOf(ctx, m), how: "at once", hint: "wait for it with --wait"}
		}
		return hold, err
	}
	within, cancel := ctx, context.CancelFunc(func() {})
	if c.Wait != nil {
		within, cancel = context.WithTimeout(ctx, *c.Wait)
	}
	defer cancel()
	hold, err := m.Lock(within)
	if err != nil && ctx.Err() == nil && within.Err() != nil {
		return nil, &notAcquired{
			holder: holderOf(ctx, m), how: fmt.Sprintf("within %v", *c.Wait), hint: "raise --wait, or try again later",
		}
	}
	return hold, err
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

// askPatience bounds the time spent on finding out who holds a lock that was
// not acquired.
const askPatience = 2 * time.Second

// holderOf describes who holds the lock.
func holderOf(ctx context.Context, m *lock.Mutex) string {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	holders, err := m.Holders(ctx)
	switch {
	case err != nil:
		return "held (it cannot be told by whom: " + reason(err) + ")"
	case len(holders) == 0:
		return "held until a moment ago"
	}
	h := holders[0]
	name := oneLine(h.ID)
	if name == "" {
		name = "a client that tells no name"
	}
	if h.PID != 0 {
		name += fmt.Sprintf(" (pid %d on %s)", h.PID, oneLine(h.Host))
	}
	return fmt.Sprintf("held by %s since %s", name, clock(h.Since, time.Now()))
}
