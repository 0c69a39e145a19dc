package security

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// recipe is one recipe's life. Both functions work at or below the path that
// they are given.
type recipe struct {
	name string
	// use does what changes something; while its nodes stand it calls during.
	use func(ctx context.Context, sm *session.Manager, path string, during func()) error
	// look does what only reads.
	look func(ctx context.Context, sm *session.Manager, path string) error
	// leaves says that nothing is deleted by its use: whoever may not delete
	// can use it all the same.
	leaves bool
	// open says that everybody may look: whether a node exists is no secret.
	open bool
	// marked says that every session may ask for the node at the path, and that look
	// returns errHidden for it where a stranger may not read it.
	marked bool
	// full is what somebody who may look is refused with while it is in use.
	full error
}

// errHidden is what a look returns that has found a node marked as hidden.
var errHidden = errors.New("hidden")

// holding are the recipes that hold something.
var holding = []recipe{
	{
		name: "mutex",
		use: func(ctx context.Context, sm *session.Manager, path string, during func()) error {
			h, err := lock.New(sm, path).Lock(ctx)
			return held(h, err, during)
		},
		look: func(ctx context.Context, sm *session.Manager, path string) error {
			_, err := lock.New(sm, path).Holders(ctx)
			return err
		},
	},
	{
		name: "mutex, tried",
		use: func(ctx context.Context, sm *session.Manager, path string, during func()) error {
			h, err := lock.New(sm, path, lock.Handoff(4)).TryLock(ctx)
			return held(h, err, during)
		},
		look: func(ctx context.Context, sm *session.Manager, path string) error {
			_, err := lock.New(sm, path).Waiters(ctx)
			return err
		},
	},
	{
		name: "exclusive lock",
		use: func(ctx context.Context, sm *session.Manager, path string, during func()) error {
			h, err := lock.NewExclusive(sm, path).TryLock(ctx)
			return held(h, err, during)
		},
		look: func(ctx context.Context, sm *session.Manager, path string) error {
			holders, err := lock.NewExclusive(sm, path).Holders(ctx)
			if len(holders) != 1 {
				return errors.Join(err, fmt.Errorf("%d holders of %s", len(holders), path))
			}
			return marked(holders[0].Hidden, holders[0].ID, holders[0].Host)
		},
		marked: true,
	},
	{
		name: "lock for readers",
		use: func(ctx context.Context, sm *session.Manager, path string, during func()) error {
			h, err := lock.NewRW(sm, path).RLock(ctx)
			return held(h, err, during)
		},
		look: func(ctx context.Context, sm *session.Manager, path string) error {
			_, err := lock.NewRW(sm, path).Holders(ctx)
			return err
		},
	},
	{
		name: "lock for a writer",
		use: func(ctx context.Context, sm *session.Manager, path string, during func()) error {
			h, err := lock.NewRW(sm, path).Lock(ctx)
			return held(h, err, during)
		},
		look: func(ctx context.Context, sm *session.Manager, path string) error {
			_, err := lock.NewRW(sm, path).Waiters(ctx)
			return err
		},
	},
	{
		name: "semaphore",
		use: func(ctx context.Context, sm *session.Manager, path string, during func()) error {
			p, err := lock.NewSemaphore(sm, path, lock.Permits(2)).Acquire(ctx, 2)
			return held(p, err, during)
		},
		look: func(ctx context.Context, sm *session.Manager, path string) error {
			_, err := lock.NewSemaphore(sm, path, lock.Permits(2)).Holders(ctx)
			return err
		},
	},
	{
		name: "semaphore with a shared limit",
		use: func(ctx context.Context, sm *session.Manager, path string, during func()) error {
			s := lock.NewSemaphore(sm, path+"/permits", lock.SharedPermits(path+"/limit", 2))
			if err := s.Resize(ctx, 3); err != nil {
				return err
			}
			p, err := s.TryAcquire(ctx, 1)
			return held(p, err, during)
		},
		look: func(ctx context.Context, sm *session.Manager, path string) error {
			_, err := lock.NewSemaphore(sm, path+"/permits", lock.SharedPermits(path+"/limit", 2)).Limit(ctx)
			return err
		},
	},
	{
		name: "several locks",
		use: func(ctx context.Context, sm *session.Manager, path string, during func()) error {
			h, err := lock.NewMulti(lock.New(sm, path+"/a"), lock.NewExclusive(sm, path+"/b"), lock.NewRW(sm, path+"/c").Writer()).Lock(ctx)
			return held(h, err, during)
		},
		look: func(ctx context.Context, sm *session.Manager, path string) error {
			_, err := lock.New(sm, path+"/a").Holders(ctx)
			return err
		},
	},
	elected("leader latch"),
	elected("leader selector", election.LeaderSelector()),
	elected("one-node election", election.OneNode()).theNode(),
	{
		name: "transfer of leadership",
		use: func(ctx context.Context, sm *session.Manager, path string, during func()) error {
			e := election.New(sm, path, election.ID("host-7"))
			term, err := e.Campaign(ctx)
			if err != nil {
				return err
			}
			if err := e.Transfer(ctx, "host-7"); err != nil {
				return firstOf(err, term.Resign())
			}
			during()
			return term.Resign()
		},
		look: func(ctx context.Context, sm *session.Manager, path string) error {
			_, err := election.New(sm, path).Participants(ctx)
			return err
		},
	},
	{
		name: "barrier",
		use: func(ctx context.Context, sm *session.Manager, path string, during func()) error {
			b := barrier.New(sm, path)
			if err := b.Set(ctx); err != nil {
				return err
			}
			during()
			return b.Lift(ctx)
		},
		look: func(ctx context.Context, sm *session.Manager, path string) error {
			_, err := barrier.New(sm, path).IsSet(ctx)
			return err
		},
		open: true,
	},
	{
		name: "double barrier",
		use: func(ctx context.Context, sm *session.Manager, path string, during func()) error {
			v, err := barrier.NewDouble(sm, path, 1).Enter(ctx)
			if err != nil {
				return err
			}
			during()
			return v.Leave(ctx)
		},
		look: func(ctx context.Context, sm *session.Manager, path string) error {
			_, err := barrier.NewDouble(sm, path, 1).Members(ctx)
			return err
		},
		full: barrier.ErrFull,
	},
}

// elected is an election in one of its layouts.
func elected(name string, opts ...election.Option) recipe {
	return recipe{
		name: name,
		use: func(ctx context.Context, sm *session.Manager, path string, during func()) error {
			term, err := election.New(sm, path, append(opts, election.ID("host-7"))...).Campaign(ctx)
			return held(term, err, during)
		},
		look: func(ctx context.Context, sm *session.Manager, path string) error {
			l, err := election.New(sm, path, opts...).Leader(ctx)
			if err != nil {
				return err
			}
			return marked(l.Hidden, l.ID, l.Payload)
		},
	}
}

// theNode is a recipe whose only node is the one at its path.
func (r recipe) theNode() recipe {
	r.marked = true
	return r
}

// marked returns errHidden for a hidden node. Such a node tells nothing of what
// it holds, and a readable one tells it.
func marked(hidden bool, told ...string) error {
	switch says := strings.Join(told, ""); {
	case hidden && says != "":
		return fmt.Errorf("a hidden node says %q", says)
	case hidden:
		return errHidden
	case says == "":
		return errors.New("a readable node says nothing")
	}
	return nil
}

// held is the life of what was acquired, if it was.
func held[H interface{ Release() error }](h H, err error, during func()) error {
	if err != nil {
		return err
	}
	during()
	return h.Release()
}

// firstOf returns the first error.
func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
