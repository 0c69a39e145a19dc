package counter

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/base/backoff"
	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/core"
)

// Add adds n, which may be negative, and returns the new number. It compares
// and sets until no other write comes in between, with pauses that grow with
// the contention. A counter that does not exist begins at zero.
//
// ctx bounds the call. Errors: ErrOverflow, with the counter unchanged;
// *FormatError; session.ErrRecreated; session.ErrNoAuth; session.ErrClosed; an
// invalid path or option; session.ErrUnknownOutcome if the answer was lost, and
// the znode's number does not show whether the write was done (its eight bytes
// have no room for a mark). The write was done once or not at all then, and Add
// does not try again. Add is safe for concurrent use.
func (c *Counter) Add(ctx context.Context, n int64) (int64, error) {
	c.made()
	now, err := c.update(ctx, func(old int64) (int64, bool, error) {
		sum := old + n
		if n > 0 && sum < old || n < 0 && sum > old || sum < c.layout.min || sum > c.layout.max {
			return 0, false, fmt.Errorf("%w: %d and %d", ErrOverflow, old, n)
		}
		return sum, true, nil
	})
	if err != nil {
		return 0, c.fail("add to counter", err)
	}
	return now, nil
}

// CompareAndSet sets the number to to if it is from. It reports whether the
// number was from. A counter that does not exist is zero.
//
// ctx bounds the call. Errors: the errors of Add. CompareAndSet is safe for
// concurrent use.
func (c *Counter) CompareAndSet(ctx context.Context, from, to int64) (bool, error) {
	c.made()
	swapped := false
	err := c.check(to)
	if err == nil {
		_, err = c.update(ctx, func(old int64) (int64, bool, error) {
			swapped = old == from
			return to, swapped, nil
		})
	}
	if err != nil {
		return false, c.fail("compare and set counter", err)
	}
	return swapped, nil
}

// base is the node as a write has read it.
type base struct {
	exists bool
	data   []byte
	stat   core.Stat
	n      int64
}

// same reports whether the node exists and is unchanged. A node that was
// missing, and is missing now, may have been created by a write in doubt and
// deleted by another client.
func (b base) same(now base) bool {
	return b.exists && now.exists && b.stat.Czxid == now.stat.Czxid && b.stat.Version == now.stat.Version
}

// proposal is a write over a base.
type proposal struct {
	n    int64
	data []byte
	over base
	err  error // of a write whose outcome is unknown
}

// refuted reports whether a write in doubt was certainly not done: the node has
// the version that the write would have made, but another number. An equal
// number proves nothing, since another client may have written it.
func (p *proposal) refuted(now base) bool {
	return p.over.exists && now.exists && now.stat.Czxid == p.over.stat.Czxid &&
		now.stat.Version == p.over.stat.Version+1 && !bytes.Equal(now.data, p.data)
}

// update compares and sets until it has succeeded. f may be called more than
// once; it returns the new number, and whether to write it.
func (c *Counter) update(ctx context.Context, f func(old int64) (int64, bool, error)) (int64, error) {
	if c.err != nil {
		return 0, c.err
	}
	if c.turn.Acquire(ctx, 1) != nil {
		return 0, ctxend.Err(ctx)
	}
	defer c.turn.Release(1)
	var doubt *proposal
	for tries := 0; ; tries++ {
		if err := backoff.Contention.Wait(ctx, tries-2); err != nil {
			return 0, inDoubt(doubt, err)
		}
		n, done, err := c.try(ctx, &doubt, f)
		switch {
		case done:
			return n, nil
		case err != nil && (ctx.Err() != nil || errors.Is(err, core.ErrUnknownOutcome) || !errors.Is(err, core.ErrSessionEnded)):
			return 0, inDoubt(doubt, ctxend.Join(ctx, err))
		}
	}
}

// inDoubt adds the error of an earlier try that may have been done.
func inDoubt(doubt *proposal, err error) error {
	if doubt == nil || errors.Is(err, core.ErrUnknownOutcome) {
		return err
	}
	return fmt.Errorf("%w; then: %w", doubt.err, err)
}

// try makes one try within one session.
//
// A write in doubt is sent again if the node is unchanged. Of two writes over
// one version at most one succeeds: nothing is added twice, even if the first
// write still arrives.
func (c *Counter) try(ctx context.Context, doubt **proposal, f func(int64) (int64, bool, error)) (n int64, done bool, err error) {
	s, err := c.sm.Session(ctx)
	if err != nil {
		return 0, false, err
	}
	next := *doubt
	if next != nil {
		now, err := c.settled(ctx, s)
		switch {
		case err != nil:
			return 0, false, err
		case next.over.same(now): // send it again
		case !next.refuted(now):
			return 0, false, next.err
		default:
			*doubt, next = nil, nil
		}
	}
	if next == nil {
		now, to, write, err := c.decide(ctx, s, f)
		if err != nil || !write {
			return now.n, err == nil, err
		}
		data := c.layout.encode(to)
		if now.exists && to == now.n {
			data = now.data // another library may format the number differently
		}
		next = &proposal{n: to, data: data, over: now}
	}
	err = c.write(ctx, s, next)
	switch {
	case err == nil:
		return next.n, true, nil
	case errors.Is(err, core.ErrUnknownOutcome):
		next.err = err
		*doubt = next
		if ctx.Err() == nil {
			err = nil // the next try finds out whether it was done
		}
		return 0, false, err
	case conflict(err):
		return 0, false, nil
	}
	return 0, false, err
}

// decide reads the node and asks f. If the server lags behind, an old number
// makes the write fail at worst. But a call that does not write has to have seen
// the newest number: so before decide refuses, it reads again after a sync.
func (c *Counter) decide(ctx context.Context, s *core.Session, f func(int64) (int64, bool, error)) (now base, to int64, write bool, err error) {
	for _, get := range []getter{s.Get, s.GetNewest} {
		now, err = c.read(ctx, get)
		switch {
		case err == nil:
			to, write, err = f(now.n)
		case !errors.Is(err, core.ErrForeign):
			return now, 0, false, err
		}
		if err == nil && write {
			break
		}
	}
	return now, to, write, err
}

// settled reads the node after all writes of the session.
func (c *Counter) settled(ctx context.Context, s *core.Session) (base, error) {
	if err := s.Confirm(ctx, c.path); err != nil {
		return base{}, err
	}
	return c.read(ctx, s.Get)
}

type getter = func(ctx context.Context, path string) ([]byte, core.Stat, error)

func (c *Counter) read(ctx context.Context, get getter) (base, error) {
	data, stat, err := get(ctx, c.path)
	switch {
	case errors.Is(err, core.ErrNoNode):
		return base{}, nil
	case err != nil:
		return base{}, err
	}
	v, err := c.value(data, stat)
	return base{true, data, stat, v.N}, err
}

// errVersion says that the node's version is -1, which ZooKeeper matches with
// any version.
var errVersion = errors.New("the znode's version is -1, which ZooKeeper cannot compare: write the number once with Set")

func (c *Counter) write(ctx context.Context, s *core.Session, p *proposal) error {
	if !p.over.exists {
		_, err := s.CreateWithParents(ctx, c.path, p.data)
		return err
	}
	if p.over.stat.Version == core.AnyVersion {
		return errVersion
	}
	if err := s.AdmitWrite(ctx, c.path); err != nil {
		return err
	}
	stat, err := s.Set(ctx, c.path, p.data, p.over.stat.Version)
	if err == nil && stat.Czxid != p.over.stat.Czxid {
		err = core.ErrRecreated
	}
	return err
}
