package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"time"

	"github.com/docent-go/docent/cmd/docent/internal/child"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// errNotAcquired says that a wait ended without what was waited for.
var errNotAcquired = errors.New("not acquired")

// lockCommand is "docent lock".
type lockCommand struct {
	Path    string         `arg:"" name:"PATH" help:"The lock, as an absolute path."`
	Cmd     []string       `arg:"" name:"CMD" help:"The command and its arguments, after --."`
	Wait    *time.Duration `placeholder:"30s" help:"How long to wait for the lock; 0 means --try. Default: without limit."`
	Try     bool           `help:"Do not wait: exit 75 at once if the lock is held."`
	Mode    string         `default:"mutex" values:"mutex,one-node,read,write" help:"Kind of lock: mutex (a fair queue), one-node (one znode, no queue), or read or write (a read/write lock)."`
	Permits *int           `placeholder:"N" help:"Acquire one of N permits of a semaphore, which up to N processes may hold at a time."`
	Grace   time.Duration  `default:"5s" help:"Time between SIGTERM and SIGKILL for a CMD that is stopped."`
	cmdAuth
}

// Help is shown by "docent lock --help".
func (lockCommand) Help() string {
	return `CMD runs once the lock is held. Its environment has DOCENT_PATH (the lock), DOCENT_TOKEN (the fencing token, which ` +
		`grows from holder to holder) and DOCENT_SESSIONS (the parent sessions, with which "docent inspect" relates this hold to the locks that CMD ` +
		`waits for). The lock is released after CMD has ended. The exit code is CMD's. If the hold is lost, CMD gets SIGTERM, SIGKILL ` +
		`after --grace, and the exit code is 79. If another client asks for the lock (docent revoke), CMD is stopped in the same way, the lock is released, ` +
		`and the exit code is 80. Signals are passed on to CMD. Before CMD runs, SIGINT, SIGTERM, SIGHUP and ` +
		`SIGQUIT end the wait.` + "\n\n" +
		`A path has one kind of lock: a mutex, a one-node lock, a read/write lock, or a semaphore of --permits N. All ` +
		`processes that use the path must give the same kind, and the same N.` + "\n\n" +
		`Example: docent lock /locks/backup --wait 30s -- ./backup.sh`
}

func (c *lockCommand) check() error {
	if _, ok := lockModes[c.Mode]; !ok {
		return usagef("lock: --mode %q is unknown; use mutex, one-node, read or write", c.Mode)
	}
	switch {
	case c.Permits != nil && c.Mode != "mutex":
		return usagef("lock: --permits and --mode %s exclude each other; give one of them", c.Mode)
	case c.Permits != nil && *c.Permits < 1:
		return usagef("lock: --permits %d is too small; give 1 or more", *c.Permits)
	case c.Permits != nil && *c.Permits > math.MaxInt32:
		return usagef("lock: --permits %d is too large; give at most %d", *c.Permits, math.MaxInt32)
	case c.Wait != nil && c.Try:
		return usagef("lock: --wait and --try exclude each other; give one of them")
	}
	if c.Wait != nil && *c.Wait == 0 {
		c.Try = true
	}
	return nil
}

// Run acquires the lock, runs CMD and releases the lock.
func (c *lockCommand) Run(ctx context.Context, a *app) error {
	if err := c.check(); err != nil {
		return err
	}
	task := "lock " + c.Path
	outer, err := a.checkHolder(task, c.Path, c.Cmd)
	if err != nil {
		return err
	}
	var hold *lock.Hold
	return a.acquired(ctx, func(ctx context.Context, sm *session.Manager) (err error) {
		hold, err = c.acquire(ctx, a, sm, c.lockable(sm, lock.ParentSessions(outer...)), outer)
		return err
	}, func(signals <-chan os.Signal, err error) error {
		if c.Mode == "one-node" && errors.Is(err, session.ErrNotEphemeral) {
			return &taskError{task: task, err: err, hint: "or give --mode one-node a path of its own"}
		}
		if err != nil {
			return withTask(task, err) // closing the session ends a hold
		}
		return withTask(task, c.work(a, task, hold, signals))
	})
}

// work runs CMD until it ends, or is stopped because the hold was lost or another
// client has asked for the lock. Then it releases the lock.
func (c *lockCommand) work(a *app, task string, hold *lock.Hold, signals <-chan os.Signal) error {
	within, stop := untilRequested(hold.Context(), hold.Revoked(), lock.ErrRevoked)
	defer stop()
	out, err := a.guarded(within, task, c.Path, &hold.Hold, child.Command{Args: c.Cmd, Grace: c.Grace}, signals)
	a.code = out.Code
	if err == nil && out.Stopped && errors.Is(context.Cause(within), lock.ErrRevoked) {
		return &revokedError{"another client has asked for the lock", "the lock was released", out}
	}
	return err
}

// lockable returns the lock that the flags name.
func (c *lockCommand) lockable(sm *session.Manager, opt lock.Option) lockable {
	if c.Permits != nil {
		return permitOf(lock.NewSemaphore(sm, c.Path, lock.Permits(*c.Permits), opt), *c.Permits)
	}
	return lockModes[c.Mode](sm, c.Path, opt)
}

// acquire acquires the lock within --wait, or at once with --try. outer are the
// parent sessions.
func (c *lockCommand) acquire(ctx context.Context, a *app, sm *session.Manager, l lockable, outer []session.ID) (*lock.Hold, error) {
	if c.Try {
		var hold *lock.Hold
		err := a.once(ctx, func(ctx context.Context) (err error) { // waits for the server alone
			hold, err = l.try(ctx)
			return err
		})
		if errors.Is(err, lock.ErrHeld) || errors.Is(err, lock.ErrNoPermits) {
			err = &notAcquired{holder: holderOf(ctx, l), how: "at once", hint: "wait for it with --wait"}
		}
		return hold, err
	}
	var hold *lock.Hold
	w := waiting{
		app: a, task: "lock " + c.Path, sm: sm, limit: c.Wait, path: c.Path, first: true,
		look: func(ctx context.Context) (string, error) {
			s, err := sm.Session(ctx)
			if err != nil {
				return "", err
			}
			return l.obstacle(ctx, s.ID)
		},
		late: func(holder string) error {
			if holder == "" {
				holder = notHeldAnyMore
			}
			return &notAcquired{holder: holder, how: fmt.Sprintf("within %v", *c.Wait), hint: "raise --wait, or try again later"}
		},
	}
	owners := func(ctx context.Context) (owners []session.Owner, err error) {
		holders, err := l.holders(ctx)
		for _, h := range holders {
			owners = append(owners, h.Owner)
		}
		return owners, err
	}
	err := w.run(ctx, func(ctx context.Context) (err error) {
		if len(outer) > 0 {
			c.warnOfItself(ctx, a, l, outer)
		}
		return a.withLastingWarning(ctx, "lock "+c.Path, owners, func(ctx context.Context) (err error) {
			hold, err = l.wait(ctx)
			return err
		})
	})
	return hold, err
}

// warnOfItself prints a warning if a docent above this one holds the lock. That
// docent may wait for this one in turn. It is not an error: a CMD that has
// started this docent in the background does not wait for it.
func (c *lockCommand) warnOfItself(ctx context.Context, a *app, l lockable, outer []session.ID) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	holders, err := l.holders(ctx)
	if err != nil {
		return // the wait reports it
	}
	above := 0
	for _, h := range holders {
		if slices.Contains(outer, h.Session) && (!l.reads || h.Mode != lock.ModeRead) {
			above++
		}
	}
	// Permits of other holders may be released.
	if above > 0 && (c.Permits == nil || above >= *c.Permits) {
		a.note("lock %s: held %s: the holder has started this command; if it waits for this command to end, neither goes on",
			c.Path, l.describe(holders))
	}
}

// notAcquired is errNotAcquired for a lock, with its holder.
type notAcquired struct {
	holder string
	how    string
	hint   string
}

func (e *notAcquired) Error() string {
	return fmt.Sprintf("%s: not acquired %s; %s", e.holder, e.how, e.hint)
}

func (e *notAcquired) Unwrap() error { return errNotAcquired }

// holderOf describes the holders of the lock.
func holderOf(ctx context.Context, l lockable) string {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
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

const notHeldAnyMore = "no holder was seen"

// heldBy describes the holders of the lock. It fails if no server answers, and
// returns "" if the lock is not held.
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

func cannotTell(err error) string { return "held (the holder cannot be read: " + reason(err) + ")" }
