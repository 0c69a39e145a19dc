package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/docent-go/docent/cmd/docent/internal/child"
	"github.com/docent-go/docent/session"
)

// sessionsVariable names the parent sessions of CMD: the sessions whose holds
// last until CMD has ended, the outermost first.
const sessionsVariable = "DOCENT_SESSIONS"

// outerSessions returns the parent sessions: docent was started under their
// holds.
func (env *environment) outerSessions() ([]session.ID, error) {
	var ids []session.ID
	for _, word := range strings.Fields(env.getenv(sessionsVariable)) {
		var id session.ID
		if err := id.UnmarshalText([]byte(word)); err != nil {
			return nil, usagef("%s: %q is not a session id; docent sets the variable for CMD: unset it", sessionsVariable, word)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// checkHolder checks what a command that runs CMD under a hold was given,
// before it connects. It returns the parent sessions.
func (env *environment) checkHolder(task, path string, cmd []string) (outer []session.ID, err error) {
	if err := withTask(task, checkPath(path)); err != nil {
		return nil, err
	}
	if err := lookCmd(task, cmd); err != nil {
		return nil, err
	}
	return env.outerSessions()
}

// errLost says that a hold was lost while CMD ran.
var errLost = errors.New("the hold was lost while CMD ran")

// lossError is errLost with its cause and CMD's outcome.
type lossError struct {
	cause error
	cmd   child.Outcome
}

func (e *lossError) Error() string {
	what := fmt.Sprintf("CMD had ended with code %d", e.cmd.Code)
	if e.cmd.Stopped {
		what = fmt.Sprintf("CMD was stopped (code %d)", e.cmd.Code)
	}
	return fmt.Sprintf("the hold was lost while CMD ran: %v: %s; CMD's last writes may overlap with the next "+
		"holder's: have the store that CMD writes to compare DOCENT_TOKEN", e.cause, what)
}

func (e *lossError) Unwrap() []error { return []error{errLost, e.cause} }

// lossOf returns why the hold was lost, or nil while it lasts. It compares the
// deadline itself: in a process that was stopped and has just been continued,
// the timer that ends the hold may not have run yet.
func lossOf(h *session.Hold, now time.Time) error {
	if err := h.Err(); errors.Is(err, session.ErrLost) {
		return err
	}
	if !now.Before(h.Deadline()) {
		return session.ErrTrustElapsed
	}
	return nil
}

// errRevoked says that docent has given up a hold because another client asked
// for it.
var errRevoked = errors.New("another client has asked for the hold")

// revokedError is errRevoked with what was asked for, what docent did, and CMD's
// outcome.
type revokedError struct {
	asked, done string
	cmd         child.Outcome
}

func (e *revokedError) Error() string {
	return fmt.Sprintf("%s: CMD was stopped (code %d), and %s", e.asked, e.cmd.Code, e.done)
}

func (e *revokedError) Unwrap() error { return errRevoked }

// untilRequested returns a child of ctx that also ends, with the given cause,
// when requested is closed. stop frees it, and returns once its goroutine has
// ended.
func untilRequested(ctx context.Context, requested <-chan struct{}, cause error) (within context.Context, stop func()) {
	within, cancel := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-requested:
			cancel(cause)
		case <-within.Done():
		}
	}()
	return within, func() {
		cancel(nil)
		<-watched
	}
}

// guarded runs CMD until it ends, or stops it when ctx ends, and then
// releases the hold. ctx must end with the hold at the latest. The error of a CMD
// that ran is nil, or says that the hold was lost.
func (a *app) guarded(ctx context.Context, task, path string, h *session.Hold, cmd child.Command,
	signals <-chan os.Signal) (child.Outcome, error) {
	out, err := a.underHold(ctx, path, h, cmd, signals)
	// After this the session is closed or campaigns again, and its node is
	// deleted in any case. So a failed release is reported, and is not an
	// error.
	if released := h.Release(); released != nil && !errors.Is(released, session.ErrLost) {
		a.note("%s: %s", task, reason(released))
	}
	return out, err
}

// underHold runs CMD until it ends or ctx ends, which must end with the hold.
// The caller releases the hold. The error of a CMD that ran is nil, or says
// that the hold was lost.
func (a *app) underHold(ctx context.Context, path string, h *session.Hold, cmd child.Command,
	signals <-chan os.Signal) (child.Outcome, error) {
	cmd.Env = append(a.cmdEnv(cmd.Env...), "DOCENT_PATH="+path, "DOCENT_TOKEN="+strconv.FormatInt(h.Token(), 10),
		sessionsVariable+"="+strings.TrimSpace(a.getenv(sessionsVariable)+" "+h.SessionID().String()))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.stdin, a.stdout, a.stderr
	out, err := child.Run(ctx, cmd, signals)
	if lost := lossOf(h, time.Now()); err == nil && lost != nil {
		err = &lossError{lost, out}
	}
	return out, err
}

// acquired connects and calls acquire until a signal ends both, and then calls
// work with the signals that follow, and with the error of acquire. At the end
// it closes the session. acquire may have succeeded even if work gets an error:
// the signal arrived at that moment.
func (a *app) acquired(ctx context.Context, acquire func(context.Context, *session.Manager) error,
	work func(signals <-chan os.Signal, err error) error) (err error) {
	signals, stop := a.notify(forwarded...)
	defer stop()
	var sm *session.Manager
	defer func() {
		if sm != nil {
			err = errors.Join(err, sm.Close())
		}
	}()
	err = interruptible(ctx, signals, func(ctx context.Context) (err error) {
		if sm, err = a.connect(ctx); err != nil {
			return err
		}
		return acquire(ctx, sm)
	})
	return work(signals, err)
}

// pause waits before the next campaign, longer after each short run. A CMD that
// fails at once must neither spin nor make all candidates elect each other
// without end.
func pause(ctx context.Context, short int) error {
	timer := time.NewTimer(pauseAfter(short))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pauseAfter returns the pause after a failure that as many others precede.
func pauseAfter(failures int) time.Duration {
	if failures < 16 {
		return min(maxPause, minPause<<failures)
	}
	return maxPause
}

const (
	minPause = 100 * time.Millisecond
	maxPause = 10 * time.Second
	shortRun = time.Second // a shorter run counts as an immediate failure
)
