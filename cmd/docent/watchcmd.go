package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/docent-go/docent/cmd/docent/internal/child"
	"github.com/docent-go/docent/session"
)

// watchCmd is the CMD of a watch, with its flags.
type watchCmd struct {
	Cmd       []string      `arg:"" optional:"" name:"CMD" help:"A command to run with each state on its standard input, with its arguments, after --."`
	Debounce  time.Duration `default:"500ms" needs:"CMD" help:"How long to collect further changes after a change, before CMD runs with the newest state."`
	OnFailure string        `default:"continue" enum:"continue,retry,exit" needs:"CMD" help:"What to do if CMD fails: continue (it runs again after the next change), retry (it runs again after a pause) or exit (with its code)."`
	Grace     time.Duration `default:"5s" needs:"CMD" help:"Time between the signal that ends docent and SIGKILL for a CMD that still runs."`
	cmdAuth
}

// watchCmdHelp explains CMD in the help of each watch.
const watchCmdHelp = "\n\n" + `With a CMD nothing is printed. CMD runs with the present state on its standard input, as a line of JSON, and ` +
	`again after each change. One CMD runs at a time. After changes while CMD runs, CMD runs once more, with the newest state. While ` +
	`ZooKeeper does not answer, the state is unknown, and CMD does not run. SIGINT, SIGTERM, SIGHUP and SIGQUIT are passed on to CMD, and end ` +
	`docent with exit code 0. CMD's environment has DOCENT_PATH.`

// whileWatching connects and runs f until f returns or a signal arrives. f
// gives each state of what it watches, which is at path, to CMD. Without a CMD
// the runner is nil, and f prints. An interruption is a normal end.
func (a *app) whileWatching(ctx context.Context, task, path string, c *watchCmd,
	f func(ctx context.Context, sm *session.Manager, cmd *cmdRunner) error) error {
	if err := lookCmd(task, c.Cmd); err != nil {
		return err
	}
	if len(c.Cmd) == 0 {
		return a.whileUninterrupted(ctx, task, func(ctx context.Context, sm *session.Manager) error { return f(ctx, sm, nil) })
	}
	signals, stop := a.notify(forwarded...)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	r := &cmdRunner{
		watchCmd: c, a: a, task: task, env: a.cmdEnv("DOCENT_PATH=" + path), signals: signals, news: make(chan struct{}, 1),
	}
	ran := make(chan error, 1)
	go func() {
		defer cancel()
		ran <- r.run(ctx)
	}()
	sm, err := a.connect(ctx)
	if err == nil {
		err = errors.Join(f(ctx, sm, r), sm.Close())
	}
	if ctx.Err() != nil {
		err = nil // the runner has ended first
	}
	cancel()
	return withTask(task, errors.Join(err, <-ran))
}

// cmdRunner runs CMD with the newest state of a watch. Its methods do nothing if
// it is nil.
type cmdRunner struct {
	*watchCmd
	a       *app
	task    string
	env     []string
	signals <-chan os.Signal
	news    chan struct{} // has an element after a call of state

	mu    sync.Mutex
	now   []byte // the newest state; nil before the first
	known bool   // now is the present state, as far as is known
}

// state gives CMD a new state.
func (r *cmdRunner) state(object any) error {
	if r == nil {
		return nil
	}
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(object); err != nil {
		return fmt.Errorf("write the state as JSON: %w", err)
	}
	r.mu.Lock()
	r.now, r.known = line.Bytes(), true
	r.mu.Unlock()
	select {
	case r.news <- struct{}{}:
	default:
	}
	return nil
}

// unknown says that the present state is not known until the next call of
// state. CMD gets no state that it has not got before.
func (r *cmdRunner) unknown() {
	if r == nil {
		return
	}
	r.mu.Lock()
	r.known = false
	r.mu.Unlock()
}

// present returns the present state, or nil while it is unknown.
func (r *cmdRunner) present() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.known {
		return nil
	}
	return r.now
}

// run runs CMD until ctx ends, a signal arrives, or CMD fails with --on-failure
// exit.
func (r *cmdRunner) run(ctx context.Context) error {
	var given []byte // the state of the last CMD that needs no other
	failures := 0
	for first := true; ; first = false {
		state := r.next(ctx, first, given, failures)
		if state == nil {
			return nil
		}
		out, err := child.Run(ctx, child.Command{
			Args: r.Cmd, Env: r.env, Stdin: bytes.NewReader(state), Stdout: r.a.stdout, Stderr: r.a.stderr,
			Grace: r.Grace, Ending: endsWait,
		}, r.signals)
		if ctx.Err() != nil || slices.ContainsFunc(out.Signals, func(sig os.Signal) bool { return slices.Contains(endsWait, sig) }) {
			return nil
		}
		given = state
		if err == nil && out.Code != 0 {
			err = fmt.Errorf("CMD failed with code %d", out.Code)
		}
		switch {
		case err == nil:
			failures = 0
		case r.OnFailure == "exit":
			r.a.code = out.Code
			if errors.As(err, new(*child.StartError)) {
				return err
			}
			r.a.note("%s: %s", r.task, reason(err))
			return nil
		case r.OnFailure == "retry":
			r.a.note("%s: %s; it runs again in %v", r.task, reason(err), pauseAfter(failures))
			failures++
		default:
			r.a.note("%s: %s; it runs again after the next change", r.task, reason(err))
		}
	}
}

// next waits for the state that CMD is to run with: one that differs from the
// given one, or after failures any. It returns nil at the end of ctx and after
// a signal.
func (r *cmdRunner) next(ctx context.Context, first bool, given []byte, failures int) []byte {
	var settled, again <-chan time.Time
	if failures > 0 {
		timer := time.NewTimer(pauseAfter(failures - 1))
		defer timer.Stop()
		again = timer.C
	}
	for retry := false; ; {
		select {
		case <-ctx.Done():
			return nil
		case sig := <-r.signals:
			if slices.Contains(endsWait, sig) {
				return nil
			}
			continue // meant for a CMD that does not run
		case <-again:
			retry = true
		case <-settled:
			settled = nil
		case <-r.news:
			if settled != nil {
				continue
			}
			if state := r.present(); !first && state != nil && !bytes.Equal(state, given) {
				timer := time.NewTimer(r.Debounce)
				defer timer.Stop()
				settled = timer.C
				continue
			}
		}
		if state := r.present(); settled == nil && state != nil && (retry || !bytes.Equal(state, given)) {
			return state
		}
	}
}

// below reports whether an error is about a znode below the path alone: the
// other znodes are known.
func below(path string, err error) bool {
	return errors.Is(err, session.ErrLeftOut) || strings.HasPrefix(causeNode(err), strings.TrimSuffix(path, "/")+"/")
}
