package main

import (
	"context"
	"fmt"
	"iter"

	"github.com/docent-go/docent/internal/base/visible"
	"github.com/docent-go/docent/session"
)

// whilePresent connects, calls enter, and then stay with its result, until stay
// returns or a signal arrives. An interruption of stay is a normal end. An
// interruption before that is an *interrupted: the process was never in.
func whilePresent[T any](ctx context.Context, a *app, task string, enter func(context.Context, *session.Manager) (T, error),
	stay func(context.Context, T) error) error {
	present := false
	by, err := a.untilSignal(ctx, task, func(ctx context.Context, sm *session.Manager) error {
		entered, err := enter(ctx, sm)
		if err != nil {
			return err
		}
		present = true
		return stay(ctx, entered)
	})
	if by != nil && !present {
		return withTask(task, by)
	}
	return err
}

// enter calls f, which enters a group or a service at path. f has enough time
// for the session of a crashed predecessor to expire, and for the server to
// answer. On a terminal, enter says which session has the id.
func enter[T any](ctx context.Context, a *app, task, path string, sm *session.Manager, f func(ctx context.Context) (T, error)) (entered T, err error) {
	s, err := sm.Session(ctx)
	if err != nil {
		return entered, err
	}
	within, cancel := context.WithTimeout(ctx, a.globals.ConnectTimeout+2*s.Timeout)
	defer cancel()
	look := func(ctx context.Context) (string, error) {
		stat, found, err := sm.Exists(ctx, path)
		if err != nil || !found || stat.EphemeralOwner == 0 || session.ID(stat.EphemeralOwner) == s.ID {
			return "", err
		}
		return fmt.Sprintf("the id is taken: session %v holds it", session.ID(stat.EphemeralOwner)), nil
	}
	err = a.narrated(within, task, sm, look, func(ctx context.Context) (err error) {
		entered, err = f(ctx)
		return err
	})
	if err != nil && ctx.Err() == nil && within.Err() != nil {
		err = a.unreachable(err)
	}
	return entered, err
}

// stay prints the states of a membership or a registration until they end, and
// then leaves. line returns what every line of --json has, and the line of text
// for a state that is in.
func (a *app) stay(task string, states iter.Seq2[session.Presence, error], line func() (presenceJSON, string), leave func() error) error {
	// Closing the session is not enough if the connection is lost at that
	// moment: the znode would stay until the session expires.
	defer func() {
		if err := leave(); err != nil {
			a.note("%s: %s", task, reason(err))
		}
	}()
	for state, err := range states {
		if err == nil {
			object, text := line()
			err = a.printPresence(state, object, text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *app) printPresence(state session.Presence, line presenceJSON, text string) error {
	switch {
	case a.globals.JSON:
		line.In = state.In
		if state.In {
			line.Token, line.Session = state.Token, state.Session.String()
		} else {
			line.Why = reason(state.Err)
		}
		return a.printJSON(line)
	case state.In:
		return a.printf("%s\n", text)
	}
	return a.printf("out: %s\n", visible.Line(reason(state.Err)))
}

// presenceJSON is one state of a membership or a registration.
type presenceJSON struct {
	In      bool   `json:"in"`
	Service string `json:"service,omitempty"` // of a registration
	ID      string `json:"id"`
	Path    string `json:"path"`
	Token   int64  `json:"token,omitempty"`
	Session string `json:"session,omitempty"` // hexadecimal, as ZooKeeper's tools print it
	Why     string `json:"why,omitempty"`
}
