package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docent-go/docent/inspect"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// revokeCommand is "docent revoke".
type revokeCommand struct {
	Path string         `arg:"" name:"PATH" help:"A lock, or the znode of one of its contenders, as an absolute path."`
	Wait *time.Duration `placeholder:"30s" help:"Wait until the holders have released the lock, for this long at most. Default: do not wait."`
}

// Help is shown by "docent revoke --help".
func (revokeCommand) Help() string {
	return `Asks the holders of a mutex, a read/write lock or a one-node lock to release it, and prints whom it has asked. With ` +
		`--wait it waits until they have. The exit code is 0 then, also if the lock has no holder, and 75 if --wait ends first. ` +
		`The next contender may hold the lock at once.` + "\n\n" +
		`"docent lock" stops its CMD, and then releases the lock. Programs listen with Hold.Revoked or lock.Revocable of Docent, or with ` +
		`makeRevocable of Curator. The request has no effect on a program that does not listen. It replaces the holder's id in the ` +
		`holder's znode.` + "\n\n" +
		`Example: docent revoke /locks/backup --wait 1m`
}

// askedJSON is one holder that was asked.
type askedJSON struct {
	Path     string        `json:"path"` // of the lock
	Asked    inspect.Owner `json:"asked"`
	Released bool          `json:"released"` // seen to be released
}

// Run asks the holders, and waits for them.
func (c *revokeCommand) Run(ctx context.Context, a *app) error {
	task := "revoke " + c.Path
	if err := withTask(task, checkPath(c.Path)); err != nil {
		return err
	}
	signals, stop := a.notify(forwarded...)
	defer stop()
	return interruptible(ctx, signals, func(ctx context.Context) error {
		sm, err := a.connect(ctx)
		if err != nil {
			return withTask(task, err)
		}
		return errors.Join(withTask(task, c.revoke(ctx, a, task, sm)), sm.Close())
	})
}

func (c *revokeCommand) revoke(ctx context.Context, a *app, task string, sm *session.Manager) error {
	var holders []inspect.Owner
	err := a.once(ctx, func(ctx context.Context) (err error) {
		holders, err = c.ask(ctx, sm)
		return err
	})
	switch {
	case errors.Is(err, session.ErrNotEphemeral):
		return &taskError{task: task, err: errors.New("the holder's znode belongs to no session, so no process reads the request"),
			hint: `"docent inspect" shows the znode, and "docent remove" deletes it`}
	case err != nil:
		return err
	case len(holders) == 0:
		a.note("%s: no holder was seen, so there is none to ask", task)
		return nil
	}
	now := time.Now()
	for _, h := range holders {
		if !a.globals.JSON {
			if err := a.printf("asked %s\n", (&findingText{now: now}).owner(h)); err != nil {
				return err
			}
		}
	}
	if c.Wait != nil {
		if err := c.await(ctx, a, task, sm, holders); err != nil {
			return err
		}
	}
	for _, h := range holders {
		switch {
		case a.globals.JSON:
			err = a.printJSON(askedJSON{c.Path, h, c.Wait != nil})
		case c.Wait != nil:
			err = a.printf("released by %s\n", ownerName(h))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// ask asks the holders, and returns them as they were before.
func (c *revokeCommand) ask(ctx context.Context, sm *session.Manager) ([]inspect.Owner, error) {
	r, err := inspect.Read(ctx, sm, c.Path, inspect.Depth(2))
	if err != nil {
		return nil, err
	}
	for _, hidden := range r.Hidden() {
		if hidden.Path == c.Path {
			return nil, &session.OpError{Op: "read", Path: c.Path, Err: session.ErrNoAuth}
		}
	}
	holders, err := holdersIn(r.Findings[0])
	for _, h := range holders {
		if err = lock.Revoke(ctx, sm, h.Path); err != nil {
			return nil, err
		}
	}
	return holders, err
}

// holdersIn returns the holders of a lock, without any if it is not held.
func holdersIn(f inspect.Finding) ([]inspect.Owner, error) {
	switch f := f.(type) {
	case *inspect.Lock:
		switch {
		case f.Holder == nil:
			return nil, nil
		case f.MayBeElection:
			return nil, &notRevocable{"the holder may be the leader of an election", "give the path of the holder's znode to ask it all the same"}
		}
		return []inspect.Owner{*f.Holder}, nil
	case *inspect.RWLock:
		return f.Holders, nil
	case *inspect.OneNode:
		return []inspect.Owner{f.Holder}, nil
	case *inspect.Election:
		return nil, &notRevocable{"it is an election", `transfer the leadership with "docent leader --transfer"`}
	case *inspect.Semaphore:
		return nil, &notRevocable{"it is a semaphore, whose holders cannot be asked", "end the process of a holder"}
	case *inspect.Job:
		return nil, &notRevocable{"it is the record of a job, whose runs cannot be asked", "end the process of the run"}
	case *inspect.Plain:
		if f.Children == 0 && f.Bytes == 0 {
			return nil, nil
		}
	}
	return nil, &notRevocable{fmt.Sprintf("it is not a lock (docent inspect: %s)", f.Head().Kind), "check the path, and the root in --servers"}
}

// notRevocable says that a path has no holder of a lock, and what to do.
type notRevocable struct{ what, advice string }

func (e *notRevocable) Error() string { return e.what + "; " + e.advice }

// await waits until the holders' znodes are gone.
func (c *revokeCommand) await(ctx context.Context, a *app, task string, sm *session.Manager, holders []inspect.Owner) error {
	w := waiting{app: a, task: task, sm: sm, limit: c.Wait, path: c.Path,
		look: func(ctx context.Context) (string, error) {
			for _, h := range holders {
				there, err := standing(ctx, sm, h)
				if err != nil {
					return "", err
				}
				if there {
					return "still held by " + ownerName(h), nil
				}
			}
			return "", nil
		},
		late: func(obstacle string) error {
			return &notInTime{fmt.Sprintf("%s: not released within %v; it may not listen to requests: raise --wait, or end its process", obstacle, *c.Wait)}
		}}
	return w.run(ctx, func(ctx context.Context) error {
		for _, h := range holders {
			if err := untilGone(ctx, bridge.Core(sm), h); err != nil {
				return err
			}
		}
		return nil
	})
}

// standing reports whether the owner's own znode exists, and not a later one at
// the same path.
func standing(ctx context.Context, sm *session.Manager, o inspect.Owner) (bool, error) {
	stat, found, err := sm.Exists(ctx, o.Path)
	return found && sameNode(stat, o), err
}

// sameNode reports whether a stat may be the one of the owner's znode. An ACL
// may hide either.
func sameNode(stat core.Stat, o inspect.Owner) bool {
	return core.Hidden(stat) || o.Token == 0 || stat.Czxid == o.Token
}

// untilGone waits until the owner's znode is gone, through lost sessions.
func untilGone(ctx context.Context, sm *core.Manager, o inspect.Owner) error {
	for {
		s, err := sm.Session(ctx)
		if err != nil {
			return err
		}
		stat, found, watch, err := s.ExistsW(ctx, o.Path)
		if errors.Is(err, session.ErrSessionEnded) && !errors.Is(err, session.ErrClosed) && ctx.Err() == nil {
			continue
		}
		if err != nil {
			return err
		}
		if !found || !sameNode(stat, o) {
			watch.Stop()
			return nil
		}
		select {
		case <-watch.Done():
		case <-ctx.Done():
			watch.Stop()
			return ctx.Err()
		}
	}
}
