package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docent-go/docent/internal/chance"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/misuse"
)

// Update changes the value by compare-and-set: it reads the newest value from
// the ensemble, calls f with it, and writes what f returns if the node has not
// changed in the meantime; otherwise it starts over. So f may be called more
// than once, and should have no effects of its own. It is given a value that
// nobody shares: where the node does not exist, a copy of the Default or
// the zero value, and what it returns is then created, parents included.
//
// Update writes nothing when f changes nothing: when Encode makes the same of the value
// before and after f, or two texts that decode to deeply equal values. Otherwise the codec's Merge
// puts the change into what the node holds, so that everything that f was not asked to change
// survives, what T has no field for included. Without a Merge, and where the
// merged bytes would not decode to what f returned, Update writes what Encode makes of it.
//
// What f returns must decode and validate again; else nothing is written. When
// Update returns a snapshot, the write is done, and Load shows it or something
// newer, unless ctx ended just before that: then Load will soon. Updates of one
// Value wait for each other. So f, the codec and Validate must not call Update of
// the same Value: that call would wait for itself, until its ctx ends.
//
// ctx bounds all of it. Errors, besides f's own: *BadValueError when the
// present value does not decode (use Store.Set to repair it); ErrRecreated;
// session.ErrTooLarge; session.ErrNoAuth; ErrClosed; session.ErrUnknownOutcome
// when the write may or may not have been done: the answer was lost, and what
// the node holds now does not tell. It is then not repeated, but may be by a
// caller whose f changes nothing the second time.
func (v *Value[T]) Update(ctx context.Context, f func(T) (T, error)) (*Snapshot[T], error) {
	misuse.NilFunc(f == nil, "Value.Update")
	v.made()
	if err := v.ended(); err != nil {
		return nil, err
	}
	if v.codec.Encode == nil {
		return nil, fmt.Errorf("config %s: update: the codec has no Encode", v.path)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("config %s: update: %w", v.path, err)
	}
	select {
	case v.updating <- struct{}{}:
		defer func() { <-v.updating }()
	case <-ctx.Done():
		return nil, fmt.Errorf("config %s: update: %w", v.path, context.Cause(ctx))
	case <-v.mirror.Done():
		return nil, v.ended()
	}
	snap, err := v.update(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("config %s: update: %w", v.path, err)
	}
	return snap, nil
}

// base is what an Update starts from.
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
	over  base  // what it replaces
	err   error // after a try without a known outcome
}

func (v *Value[T]) update(ctx context.Context, f func(T) (T, error)) (*Snapshot[T], error) {
	var doubt *proposal[T] // it may have been written
	for conflicts := 0; ; conflicts++ {
		if err := pause(ctx, conflicts); err != nil {
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

// inDoubt adds to an error that an earlier try may have been written.
func inDoubt[T any](doubt *proposal[T], err error) error {
	if doubt == nil {
		return err
	}
	return fmt.Errorf("%w; then: %w", doubt.err, err)
}

// repeatable reports whether a write in doubt may be sent once more: the node is
// as it was, so at most one of the two can succeed. A node that was missing, and
// is, may have been made by the write and deleted by others.
func (p *proposal[T]) repeatable(now base) bool {
	return p.over.exists && now.exists && now.stat.Czxid == p.over.stat.Czxid && now.stat.Version == p.over.stat.Version
}

// superseded reports whether a write in doubt was certainly not done: the node
// has the version that it would have given it, but another value. The same
// value proves nothing, since others may have written it: two counters that
// both go from 5 to 6.
func (p *proposal[T]) superseded(now base) bool {
	return p.over.exists && now.exists && now.stat.Czxid == p.over.stat.Czxid &&
		now.stat.Version == p.over.stat.Version+1 && !bytes.Equal(now.data, p.data)
}

// fresh reads the node from a server that has caught up, so that the window in
// which the node can change unseen is no longer than it must be.
func (v *Value[T]) fresh(ctx context.Context) (base, error) {
	for {
		s, err := v.sm.Session(ctx)
		if err != nil {
			return base{}, err
		}
		err = s.Sync(ctx, v.path)
		b := base{in: s}
		if err == nil {
			b.data, b.stat, err = s.Get(ctx, v.path)
		}
		switch {
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

// write makes one try.
func (v *Value[T]) write(ctx context.Context, p *proposal[T]) (*Snapshot[T], error) {
	s := p.over.in
	if !p.over.exists {
		if err := create(ctx, s, v.path, p.data); err != nil {
			return nil, err
		}
		v.show(ctx, s, 0)
		// The answer to a create does not tell the zxid. The mirror has it.
		snap := &Snapshot[T]{Value: p.value, Exists: true}
		if st := v.mirror.Load(); st.Exists {
			snap.Zxid, snap.ModTime = st.Stat.Czxid, time.UnixMilli(st.Stat.Ctime)
		}
		return snap, nil
	}
	if p.over.stat.Version == core.AnyVersion {
		return nil, errors.New("the node's version is -1, which ZooKeeper cannot compare: set it once with Store.Set")
	}
	stat, err := s.Set(ctx, v.path, p.data, p.over.stat.Version)
	if err != nil {
		return nil, err
	}
	v.show(ctx, s, stat.Mzxid)
	if stat.Czxid != p.over.stat.Czxid {
		return nil, ErrRecreated
	}
	snap := snapshot(p.value, stat)
	return &snap, nil
}

// show waits until Load shows a write. That it fails to is no failure of the
// write: ctx has ended, or the Value was closed.
func (v *Value[T]) show(ctx context.Context, in *core.Session, zxid int64) {
	if zxid > 0 && v.Load().Zxid >= zxid {
		return // its event was faster
	}
	_ = v.mirror.Await(ctx, in, zxid)
}

func isConflict(err error) bool {
	return errors.Is(err, core.ErrBadVersion) || errors.Is(err, core.ErrNoNode) || errors.Is(err, core.ErrNodeExists)
}

// pause spreads those who collide over a time that grows with the collisions.
func pause(ctx context.Context, conflicts int) error {
	if conflicts == 0 {
		return nil
	}
	timer := time.NewTimer(chance.N(time.Millisecond << min(conflicts, 7)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
