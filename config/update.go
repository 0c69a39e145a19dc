package config

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/base/backoff"
	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/core"
)

// Update changes the value by compare-and-set. It reads the newest value from
// the ensemble, calls f with it, and writes the result if the znode has not
// changed in between; otherwise it starts over. So f may be called more than
// once, and should have no side effects. f gets a private copy of the value,
// which it may change. The value need not validate, so that f can mend it. If
// the znode does not exist, f gets a copy of the Default, or the zero value, and
// Update creates the znode and its parents.
//
// Update writes nothing if f changes nothing: the encodings before and after f
// are equal, or decode to deeply equal values. Otherwise the codec's Merge
// applies the change to the znode's data, so that the rest of the data stays,
// including fields that T does not have. Without a Merge, and if the merged
// data does not decode to the result of f, Update writes the whole encoding of
// the result.
//
// The result of f must validate, and its encoding must decode; else nothing is
// written. When Update returns a snapshot, the write is done, and Load returns
// it or a newer value. If ctx ends after the write, Load may return the new
// value a little later. Updates of one Value wait for each other. So f, the
// codec and Validate must not call Update of the same Value: that call would
// wait for itself, until its ctx ends.
//
// ctx bounds the call. Errors: the error of f; *BadValueError if the present
// value does not decode: f is not called, and Store.Put replaces the value;
// session.ErrForeign; session.ErrRecreated; session.ErrTooLarge;
// session.ErrNoAuth; session.ErrClosed; session.ErrUnknownOutcome if the answer
// was lost, and the znode's present data does not show whether the write was
// done. Update does not repeat the write then. The caller may, if its f changes
// nothing the second time. Update is safe for concurrent use.
func (v *Value[T]) Update(ctx context.Context, f func(T) (T, error)) (*Snapshot[T], error) {
	misuse.NilFunc(f == nil, "Value.Update")
	v.made()
	snap, err := v.updateInTurn(ctx, f)
	if err != nil {
		return nil, core.Failed("update key", v.path, err)
	}
	return snap, nil
}

// updateInTurn waits for the Updates before this one.
func (v *Value[T]) updateInTurn(ctx context.Context, f func(T) (T, error)) (*Snapshot[T], error) {
	if err := v.mirror.Err(); err != nil {
		return nil, err
	}
	if v.schema.codec.Encode == nil {
		return nil, errors.New("the codec has no Encode, so it cannot update: set Encode")
	}
	within, stop := v.mirror.Within(ctx)
	err := v.updates.Acquire(within, 1)
	stop()
	if err != nil {
		return nil, cmp.Or(ctxend.Err(ctx), v.mirror.Err())
	}
	defer v.updates.Release(1)
	return v.update(ctx, f)
}

// base is the node as an Update has read it.
type base struct {
	in     *core.Session
	exists bool
	data   []byte
	stat   core.Stat
}

// proposal is a write that an Update wants to make.
type proposal[T any] struct {
	value T
	data  []byte
	over  base  // the node that it replaces
	err   error // of a try with an unknown outcome
}

func (v *Value[T]) update(ctx context.Context, f func(T) (T, error)) (*Snapshot[T], error) {
	var doubt *proposal[T] // a write that may have been done
	for tries := 0; ; tries++ {
		if err := backoff.Contention.Wait(ctx, tries-1); err != nil {
			return nil, inDoubt(doubt, err)
		}
		now, err := v.fresh(ctx)
		if err != nil {
			return nil, inDoubt(doubt, err)
		}
		next := doubt
		if doubt == nil || !doubt.repeatable(now) {
			if doubt != nil && doubt.superseded(now) {
				doubt = nil
			}
			if next, err = v.propose(now, f); err != nil {
				return nil, inDoubt(doubt, err)
			}
			if now.exists && bytes.Equal(next.data, now.data) {
				if v.Load().Zxid < now.stat.Mzxid {
					v.show(ctx, now.in, now.stat.Mzxid)
				}
				snap := snapshot(next.value, now.stat)
				return &snap, nil
			}
			if doubt != nil {
				return nil, doubt.err
			}
		}
		next.over.in = now.in
		snap, err := v.write(ctx, next)
		switch {
		case err == nil:
			return snap, nil
		case errors.Is(err, core.ErrUnknownOutcome):
			next.err = err
			doubt = next
		case isConflict(err), errors.Is(err, core.ErrSessionEnded):
		default:
			return nil, inDoubt(doubt, err)
		}
	}
}

// inDoubt adds the error of an earlier try that may have been done.
func inDoubt[T any](doubt *proposal[T], err error) error {
	if doubt == nil {
		return err
	}
	return fmt.Errorf("%w; then: %w", doubt.err, err)
}

// repeatable reports whether a write in doubt may be sent again: the node is
// unchanged, so at most one of the two writes can succeed. A node that was
// missing, and is missing now, may have been created by the write and deleted
// by another client.
func (p *proposal[T]) repeatable(now base) bool {
	return p.over.exists && now.exists && now.stat.Czxid == p.over.stat.Czxid && now.stat.Version == p.over.stat.Version
}

// superseded reports whether a write in doubt was certainly not done: the node
// has the version that the write would have made, but another value. An equal
// value proves nothing, since another client may have written it: two clients
// may both count from 5 to 6.
func (p *proposal[T]) superseded(now base) bool {
	return p.over.exists && now.exists && now.stat.Czxid == p.over.stat.Czxid &&
		now.stat.Version == p.over.stat.Version+1 && !bytes.Equal(now.data, p.data)
}

// fresh reads the node from a server that has caught up with the leader. That
// keeps the time short in which another client can change the node.
func (v *Value[T]) fresh(ctx context.Context) (base, error) {
	for {
		s, err := v.sm.Session(ctx)
		if err != nil {
			return base{}, err
		}
		b := base{in: s}
		switch b.data, b.stat, err = s.GetNewest(ctx, v.path); {
		case err == nil:
			b.exists = true
			return b, write{version: b.stat.Version}.allowed(ctx, s, v.path, b.data, b.stat)
		case errors.Is(err, core.ErrNoNode):
			return b, nil
		case !errors.Is(err, core.ErrSessionEnded) || ctx.Err() != nil:
			return base{}, err
		}
	}
}

// errVersion says that the node's version is -1, which ZooKeeper matches with
// any version.
var errVersion = errors.New("the znode's version is -1, which ZooKeeper cannot compare: write the key once with Store.Set and AnyVersion")

// write makes one try.
func (v *Value[T]) write(ctx context.Context, p *proposal[T]) (*Snapshot[T], error) {
	s := p.over.in
	if !p.over.exists {
		if err := mayCreate(v.path); err != nil {
			return nil, err
		}
		stat, err := s.CreateWithParents(ctx, v.path, p.data)
		if err != nil {
			return nil, err
		}
		v.show(ctx, s, stat.Mzxid)
		snap := snapshot(p.value, stat)
		return &snap, nil
	}
	if p.over.stat.Version == core.AnyVersion {
		return nil, errVersion
	}
	if err := s.AdmitWrite(ctx, v.path); err != nil {
		return nil, err
	}
	stat, err := s.Set(ctx, v.path, p.data, p.over.stat.Version)
	if err != nil {
		return nil, err
	}
	v.show(ctx, s, stat.Mzxid)
	if stat.Czxid != p.over.stat.Czxid {
		return nil, core.ErrRecreated
	}
	snap := snapshot(p.value, stat)
	return &snap, nil
}

// show waits until Load shows a write. It ignores the end of ctx and of the
// Value: the write is done.
func (v *Value[T]) show(ctx context.Context, in *core.Session, zxid int64) {
	if zxid > 0 && v.Load().Zxid >= zxid {
		return // the event of the write came first
	}
	_ = v.mirror.Await(ctx, in, zxid)
}

func isConflict(err error) bool {
	return errors.Is(err, core.ErrBadVersion) || errors.Is(err, core.ErrNoNode) || errors.Is(err, core.ErrNodeExists)
}
