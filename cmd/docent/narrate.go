package main

import (
	"context"
	"time"

	"github.com/docent-go/docent/session"
)

// lookEvery is the time between two looks at what a wait is for. Only a wait on
// a terminal looks.
const lookEvery = 5 * time.Second

// narrated runs f, which waits for other clients. If standard error is a
// terminal, narrated says there what f waits for, once lookAfter has passed and
// after each change. It also says since when the servers are away. look returns
// the obstacle, such as "held by h:1", or "" without one.
func (a *app) narrated(ctx context.Context, task string, sm *session.Manager, look func(ctx context.Context) (string, error),
	f func(ctx context.Context) error) error {
	if !a.terminal {
		return f(ctx)
	}
	return a.withSilence(ctx, task, sm, "the wait goes on", func() error {
		within, cancel := context.WithCancel(ctx)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			a.narrate(within, task, look)
		}()
		err := f(ctx)
		cancel()
		<-ended
		return err
	})
}

// narrate prints what look returns, until ctx ends. The wait itself reports an
// error of look.
func (a *app) narrate(ctx context.Context, task string, look func(ctx context.Context) (string, error)) {
	said := ""
	for pause := lookAfter; ; pause = lookEvery {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
		obstacle, err := look(ctx)
		if err == nil && obstacle != "" && obstacle != said && ctx.Err() == nil {
			said = obstacle
			a.note("%s: waiting: %s", task, obstacle)
		}
	}
}

// oneAtATime returns look for callers that may call it at the same time.
func oneAtATime(look func(ctx context.Context) (string, error)) func(ctx context.Context) (string, error) {
	token := make(chan struct{}, 1)
	return func(ctx context.Context) (string, error) {
		select {
		case token <- struct{}{}:
			defer func() { <-token }()
		case <-ctx.Done():
			return "", ctx.Err()
		}
		return look(ctx)
	}
}
