package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docent-go/docent/cmd/docent/internal/child"
	"github.com/docent-go/docent/session"
)

// sessionsVariable tells CMD under whose holds it runs: the ids of their
// sessions, the outermost first.
const sessionsVariable = "DOCENT_SESSIONS"

// outerSessions returns those under which docent itself was started.
func (w *world) outerSessions() ([]int64, error) {
	var ids []int64
	for _, word := range strings.Fields(w.getenv(sessionsVariable)) {
		// Without its prefix 10 could be ten or sixteen.
		digits, prefixed := strings.CutPrefix(word, "0x")
		id, err := strconv.ParseUint(digits, 16, 64)
		if err != nil || !prefixed {
			return nil, usagef("%s: %q is no id of a session; docent sets it for its CMD: unset it", sessionsVariable, word)
		}
		ids = append(ids, int64(id))
	}
	return ids, nil
}

// checkHolder checks what a command that runs CMD under a hold was given, before it
// connects. It returns the sessions under whose holds docent was started.
func (w *world) checkHolder(task, path string, cmd []string) (outer []int64, err error) {
	if err := during(task, checkPath(path)); err != nil {
		return nil, err
	}
	if err := child.Look(cmd[0]); err != nil {
		return nil, during(task, err)
	}
	return w.outerSessions()
}

// errLost says that a hold was lost while CMD ran.
var errLost = errors.New("the hold was lost while CMD ran")

// lossError is errLost with its cause, and what became of CMD.
type lossError struct {
	cause error
	cmd   child.Outcome
}

func (e *lossError) Error() string {
	what := fmt.Sprintf("CMD had ended with code %d", e.cmd.Code)
	if e.cmd.Stopped {
		what = fmt.Sprintf("CMD was stopped (code %d)", e.cmd.Code)
	}
	return fmt.Sprintf("the hold was lost while CMD ran: %v: %s; its last writes may overlap with the next "+
		"holder's: compare DOCENT_TOKEN where they go", e.cause, what)
}

func (e *lossError) Unwrap() []error { return []error{errLost, e.cause} }

// lossOf returns why the hold was lost, or nil while it lasts. A process that
// was stopped and has just been continued looks at the clock before its timers
// have run: past the deadline nothing is known any more.
func lossOf(h *session.Hold, now time.Time) error {
	if err := h.Err(); errors.Is(err, session.ErrLost) {
		return err
	}
	if !now.Before(h.Deadline()) {
		return session.ErrTrustElapsed
	}
	return nil
}

// guarded runs CMD for as long as the hold lasts, and then releases the hold.
// The error of a CMD that ran is nil, or says that the hold was lost.
func (a *app) guarded(task, path string, h *session.Hold, cmd child.Command, signals <-chan os.Signal) (child.Outcome, error) {
	return a.guardedWithin(h.Context(), task, path, h, cmd, signals)
}

// guardedWithin is guarded that stops CMD when ctx ends, too; ctx must end with
// the hold.
func (a *app) guardedWithin(ctx context.Context, task, path string, h *session.Hold, cmd child.Command,
	signals <-chan os.Signal) (child.Outcome, error) {
	out, err := a.underHold(ctx, path, h, cmd, signals)
	// The session is closed or campaigns again after this: its node goes in
	// any case, so a release that fails is worth a word and no more.
	if released := h.Release(); released != nil && !errors.Is(released, session.ErrLost) {
		a.note("%s: %s", task, reason(released))
	}
	return out, err
}

// underHold runs CMD for as long as ctx, which must end with the hold. It leaves the
// release to the caller. The error of a CMD that ran is nil, or says that the hold
// was lost.
func (a *app) underHold(ctx context.Context, path string, h *session.Hold, cmd child.Command,
	signals <-chan os.Signal) (child.Outcome, error) {
	cmd.Env = append(slices.Clone(a.environ), cmd.Env...)
	cmd.Env = append(cmd.Env, "DOCENT_PATH="+path, "DOCENT_TOKEN="+strconv.FormatInt(h.Token(), 10),
		sessionsVariable+"="+strings.TrimSpace(fmt.Sprintf("%s 0x%x", a.getenv(sessionsVariable), uint64(h.SessionID()))))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.stdin, a.stdout, a.stderr
	out, err := child.Run(ctx, cmd, signals)
	if lost := lossOf(h, time.Now()); err == nil && lost != nil {
		err = &lossError{lost, out}
	}
	return out, err
}

// closeSession closes the session that a command has opened, if it came so far.
func closeSession(sm *session.Manager) error {
	if sm == nil {
		return nil
	}
	return sm.Close()
}

// pause waits before an attempt that follows one that ended soon: a CMD that
// fails at once must neither spin nor have all candidates elect each other
// without end.
func pause(ctx context.Context, short int) error {
	d := longestPause
	if short < 16 {
		d = min(d, shortestPause<<short)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

const (
	shortestPause = 100 * time.Millisecond
	longestPause  = 10 * time.Second
	shortRun      = time.Second // a CMD that ran for less has failed at once
)
