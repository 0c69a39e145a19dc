package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// lockable is a lock and how to acquire it.
type lockable struct {
	wait, try func(context.Context) (*lock.Hold, error)
	holders   func(context.Context) ([]lock.Contender, error)
	permits   int  // how many may hold at a time; 0: one
	reads     bool // a read lock: it waits for writers alone
	queued    bool // a holder may have waited: its znode does not tell since when it holds
	// waiters is set for a read lock.
	waiters func(context.Context) ([]lock.Contender, error)
}

// lockModes are the values of --mode.
var lockModes = map[string]func(sm *session.Manager, path string, opt lock.Option) lockable{
	"mutex": func(sm *session.Manager, path string, opt lock.Option) lockable {
		m := lock.NewMutex(sm, path, opt)
		return lockable{wait: m.Lock, try: m.TryLock, holders: m.Holders, queued: true}
	},
	"one-node": func(sm *session.Manager, path string, opt lock.Option) lockable {
		m := lock.NewOneNode(sm, path, opt)
		return lockable{wait: m.Lock, try: m.TryLock, holders: m.Holders}
	},
	"read": func(sm *session.Manager, path string, opt lock.Option) lockable {
		m := lock.NewRWMutex(sm, path, opt)
		return lockable{wait: m.RLock, try: m.TryRLock, holders: m.Holders, queued: true, reads: true, waiters: m.Waiters}
	},
	"write": func(sm *session.Manager, path string, opt lock.Option) lockable {
		m := lock.NewRWMutex(sm, path, opt)
		return lockable{wait: writing(m.Lock), try: writing(m.TryLock), holders: m.Holders, queued: true}
	},
}

// writing makes an acquire function return the common part of the hold.
func writing(acquire func(context.Context) (*lock.WriteHold, error)) func(context.Context) (*lock.Hold, error) {
	return func(ctx context.Context) (*lock.Hold, error) {
		h, err := acquire(ctx)
		if err != nil {
			return nil, err
		}
		return &h.Hold, nil
	}
}

// permitOf acquires one permit of a semaphore.
func permitOf(s *lock.Semaphore, permits int) lockable {
	one := func(acquire func(context.Context, int) (*lock.Permit, error)) func(context.Context) (*lock.Hold, error) {
		return func(ctx context.Context) (*lock.Hold, error) {
			p, err := acquire(ctx, 1)
			if err != nil {
				return nil, err
			}
			return p.Holds()[0], nil
		}
	}
	return lockable{wait: one(s.Acquire), try: one(s.TryAcquire), holders: s.Holders, queued: true, permits: permits}
}

// obstacle describes the holders that the contender of a session waits for, or
// returns "". It fails if no server answers.
func (l lockable) obstacle(ctx context.Context, own session.ID) (string, error) {
	holders, err := l.holders(ctx)
	switch {
	case err != nil && ctx.Err() != nil:
		return "", err
	case err != nil:
		return cannotTell(err), nil
	}
	holders = slices.DeleteFunc(holders, func(h lock.Contender) bool { return h.Session == own })
	if len(holders) < max(1, l.permits) {
		return "", nil
	}
	if l.reads && holders[0].Mode == lock.ModeRead {
		waiters, err := l.waiters(ctx)
		writes := func(w lock.Contender) bool { return w.Mode == lock.ModeWrite }
		if err != nil || !slices.ContainsFunc(waiters, writes) {
			return "", err
		}
	}
	return "held " + l.describe(holders), nil
}

// by names an owner, with the time since when it holds or leads.
func by(o session.Owner, queued bool) string {
	name := oneLine(o.ID)
	switch {
	case o.Hidden:
		name = "a client that the ACL of " + oneLine(o.Path) + " hides"
	case name == "":
		name = "a client without a name"
	}
	if o.PID != 0 {
		name += fmt.Sprintf(" (pid %d on %s)", o.PID, oneLine(o.Host))
	}
	line := "by " + name
	switch {
	case o.Since.IsZero():
	case queued:
		line += ", queued at " + clock(o.Since, time.Now())
	default:
		line += " since " + clock(o.Since, time.Now())
	}
	if text := lasting(o); text != "" {
		line += " (" + text + ")"
	}
	return line
}

// describe names the first holder, and counts the others.
func (l lockable) describe(holders []lock.Contender) string {
	h := holders[0]
	line := by(h.Owner, l.queued)
	switch n := len(holders) - 1; {
	case n == 1:
		line += " and by one more"
	case n > 1:
		line += fmt.Sprintf(" and by %d more", n)
	}
	switch h.Mode {
	case lock.ModeRead:
		if l.reads {
			line += " while a writer waits"
		}
		return "for reading " + line
	case lock.ModeWrite:
		return "for writing " + line
	}
	return line
}
