package security

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// recipe is the use of one recipe. Both functions work at the given path or
// below it.
type recipe struct {
	name string
	// use makes changes. It calls during while its nodes exist.
	use func(ctx context.Context, sm *session.Manager, path string, during func()) error
	// look only reads.
	look func(ctx context.Context, sm *session.Manager, path string) error
	// leaves says that use deletes nothing, so that a session without the right
	// to delete can use the recipe.
	leaves bool
	// lasting says that use leaves a znode behind, and deletes others.
	lasting bool
	// open says that every session may look: the existence of a node is not
	// secret.
	open bool
	// marked says that every session may ask for the node at the path. look
	// returns errHidden if the session may not read the node.
	marked bool
	// full is the error of a session that may look, while the recipe is in use.
	full error
}

// errHidden is the error of a look that has found a node marked as hidden.
var errHidden = errors.New("hidden")

// holding are the recipes with a hold.
var holding = []recipe{
	{
		name: "mutex",
		use: func(ctx context.Context, sm *session.Manager, path string, during func()) error {
			h, err := lock.NewMutex(sm, path).Lock(ctx)
			return held(h, err, during)
		},
		look: func(ctx context.Context, sm *session.Manager, path string) error {
			_, err := lock.NewMutex(sm, path).Holders(ctx)
			return err
		},
	},
	{
		name: "mutex, tried",
		use: func(ctx context.Context, sm *session.Manager, path string, during func()) error {
			h, err := lock.NewMutex(sm, path, lock.Handoff(4)).TryLock(ctx)
			return held(h, err, during)
		},
		look: func(ctx context.Context, sm *session.Manager, path string) error {
			_, err := lock.NewMutex(sm, path).Waiters(ctx)
			return err
		},
	},
	{
		name: "one-node lock",
		use: func(ctx context.Context, sm *session.Manager, path string, during func()) error {
			h, err := lock.NewOneNode(sm, path).TryLock(ctx)
			return held(h, err, during)
		},
		look: func(ctx context.Context, sm *session.Manager, path string) error {
			holders, err := lock.NewOneNode(sm, path).Holders(ctx)
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
			h, err := lock.NewRWMutex(sm, path).RLock(ctx)
			return held(h, err, during)
		},
		look: func(ctx context.Context, sm *session.Manager, path string) error {
			_, err := lock.NewRWMutex(sm, path).Holders(ctx)
			return err
		},
	},
	{
		name: "lock for a writer",
		use: func(ctx context.Context, sm *session.Manager, path string, during func()) error {
			h, err := lock.NewRWMutex(sm, path).Lock(ctx)
			return held(h, err, during)
		},
		look: func(ctx context.Context, sm *session.Manager, path string) error {
			_, err := lock.NewRWMutex(sm, path).Waiters(ctx)
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
			s := lock.NewSemaphore(sm, path+"/permits", lock.SharedLimit(path+"/limit", 2))
			if err := s.Resize(ctx, 3); err != nil {
				return err
			}
			p, err := s.TryAcquire(ctx, 1)
			return held(p, err, during)
		},
		look: func(ctx context.Context, sm *session.Manager, path string) error {
			_, err := lock.NewSemaphore(sm, path+"/permits", lock.SharedLimit(path+"/limit", 2)).Limit(ctx)
			return err
		},
	},
	{
		name: "several locks",
		use: func(ctx context.Context, sm *session.Manager, path string, during func()) error {
			h, err := lock.NewMulti(lock.NewMutex(sm, path+"/a"), lock.NewOneNode(sm, path+"/b"), lock.NewRWMutex(sm, path+"/c").WLocker()).Lock(ctx)
			return held(h, err, during)
		},
		look: func(ctx context.Context, sm *session.Manager, path string) error {
			_, err := lock.NewMutex(sm, path+"/a").Holders(ctx)
			return err
		},
	},
	{
		name: "job",
		use: func(ctx context.Context, sm *session.Manager, path string, during func()) error {
			for {
				err := lock.NewOnce(sm, path, 2*time.Millisecond).Do(ctx, func(context.Context, *lock.Run) error {
					during()
					return nil
				})
				var soon *lock.NotDueError
				if !errors.As(err, &soon) {
					return err
				}
				select { // the clock of the server may be some milliseconds ahead
				case <-time.After(time.Until(soon.DueAgain) + time.Millisecond):
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		},
		look: func(ctx context.Context, sm *session.Manager, path string) error {
			_, err := lock.NewOnce(sm, path, 2*time.Millisecond).Last(ctx)
			return err
		},
		lasting: true,
	},
	elected("leader latch"),
	elected("leader selector", election.Layout(election.LeaderSelector)),
	elected("one-node election", election.Layout(election.OneNode)).theNode(),
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

// elected holds an election in one of its layouts.
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
			return marked(l.Hidden, l.ID, string(l.Payload))
		},
	}
}

// theNode returns the recipe with its only node at the path itself.
func (r recipe) theNode() recipe {
	r.marked = true
	return r
}

// marked returns errHidden for a hidden node. A hidden node shows none of its
// data, and a readable one shows it.
func marked(hidden bool, told ...string) error {
	switch says := strings.Join(told, ""); {
	case hidden && says != "":
		return fmt.Errorf("a hidden node says %q", says)
	case hidden:
		return errHidden
	case says == "":
		return errors.New("a readable node shows no data")
	}
	return nil
}

// held releases a hold after during, if it was acquired.
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
