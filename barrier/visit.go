package barrier

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/znode"
	"github.com/docent-go/docent/session"
)

// Visit is one member's stay inside. See session.Hold for what it can do: its
// Context ends when this member no longer counts as being inside. Token is the
// same for all members of a round, and greater than that of every round before.
type Visit struct {
	session.Hold
	d     *Double
	visit string
	name  string
	round *round

	turn chan struct{} // holds a token while a Leave runs
	left bool          // a Leave has seen that nobody is inside

	mu     sync.Mutex
	gone   chan struct{} // made by the first who leaves
	result error         // of Hold.Release, once gone is closed
}

// visit makes the Visit of an entrant that counts.
func (d *Double) visit(ctx context.Context, e *entrant, node *core.Node, r *round) (*Visit, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	h, err := node.Hold(ctx, r.zxid)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.visits[e.visit] = ghost{e.path, h}
	d.mu.Unlock()
	return &Visit{Hold: bridge.Hold(h), d: d, visit: e.visit, name: e.name, round: r, turn: make(chan struct{}, 1)}, nil
}

// Leave leaves, and waits until all members of the round have left. It may be
// called again, also after it failed.
//
// ctx bounds the wait. When it ends, this member has left all the same, and the
// error matches ctx.Err() and context.Cause(ctx); others may be inside. If the
// visit was lost before, Leave returns at once and the error matches
// session.ErrLost. Other errors: session.ErrClosed; what the server answers,
// such as session.ErrNoAuth.
func (v *Visit) Leave(ctx context.Context) error {
	misuse.ZeroValue(v == nil || v.d == nil, "or nil barrier.Visit", "Double.Enter")
	select {
	case v.turn <- struct{}{}:
		defer func() { <-v.turn }()
	case <-ctx.Done():
		v.out()
		return v.d.fail("leave", gaveUp(ctx, ctx.Err()))
	}
	if v.left {
		return nil
	}
	if err := v.Err(); errors.Is(err, core.ErrLost) {
		v.out() // under the strict policy the node may stand
		return v.d.fail("leave", err)
	}
	for {
		s, err := v.d.sm.Session(ctx)
		if err == nil {
			err = v.leave(ctx, s)
		}
		switch {
		case err == nil:
			v.left = true
			return nil
		case ctx.Err() == nil && (errors.Is(err, core.ErrSessionEnded) || errors.Is(err, errChanged)):
			continue // in the next session, where our node is gone at the latest
		}
		v.out()
		return v.d.fail("leave", gaveUp(ctx, err))
	}
}

// Release leaves without waiting for the others. Otherwise it is
// session.Hold.Release.
func (v *Visit) Release() error {
	misuse.ZeroValue(v == nil || v.d == nil, "or nil barrier.Visit", "Double.Enter")
	<-v.out()
	return v.result
}

// out takes our node away in the background, which ends with the session at the
// latest. The channel is closed when the node is gone, and result is set.
func (v *Visit) out() <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.gone == nil {
		v.gone = make(chan struct{})
		go func() {
			v.result = v.Hold.Release()
			close(v.gone)
		}()
	}
	return v.gone
}

// release takes our node away, or waits for that until ctx ends. That the
// visit was lost is no failure of leaving.
func (v *Visit) release(ctx context.Context) error {
	select {
	case <-v.out():
		if errors.Is(v.result, core.ErrLost) {
			return nil
		}
		return v.result
	case <-ctx.Done():
		return ctx.Err()
	}
}

// leave waits within one session until nobody of the round stands.
//
// The lowest member stands until it is alone, and waits for the highest; the others
// take their nodes away and wait for the lowest. So each departure wakes one,
// and the last one wakes all.
func (v *Visit) leave(ctx context.Context, s *core.Session) error {
	if s != bridge.CoreHold(&v.Hold).Session() {
		// Another server may lag so far behind that it does not know us yet.
		if err := s.Confirm(ctx, v.d.dir); err != nil {
			return err
		}
	}
	var gone []string // their places are taken by members of a later round
	for {
		children, _, err := s.Children(ctx, v.d.dir)
		if errors.Is(err, core.ErrNoNode) {
			children, err = nil, nil
		}
		if err != nil {
			return err
		}
		others := slices.DeleteFunc(v.round.standing(children), func(name string) bool {
			return name == v.name || slices.Contains(gone, name)
		})
		if len(others) == 0 {
			return v.last(ctx, s, slices.Contains(children, readyName))
		}
		wait := others[0]
		if v.Err() == nil && v.name < wait {
			wait = others[len(others)-1]
		} else if err := v.release(ctx); err != nil {
			return err
		}
		again, err := v.await(ctx, s, wait)
		if err != nil {
			return err
		}
		if again {
			gone = append(gone, wait)
		}
	}
}

// last goes out when nobody else is inside, and ends the round.
func (v *Visit) last(ctx context.Context, s *core.Session, ready bool) error {
	if err := v.release(ctx); err != nil {
		return err
	}
	if ready {
		err := v.d.clear(ctx, s, v.round)
		if core.InDoubt(err) {
			return errChanged
		}
		if err != nil {
			return err
		}
	}
	v.d.forget(v.visit)
	return nil
}

// await waits until a member of the round has gone, or our own node has. It
// returns true when the node that stands there belongs to a later round.
func (v *Visit) await(ctx context.Context, s *core.Session, name string) (again bool, err error) {
	node, watch, err := s.SeeW(ctx, znode.Join(v.d.dir, name))
	switch {
	case errors.Is(err, core.ErrNoNode):
		return false, nil
	case err != nil:
		return false, err
	}
	defer watch.Stop()
	if node.Stat.Czxid > v.round.zxid {
		return true, nil
	}
	own := v.Done()
	if v.Err() != nil {
		own = nil
	}
	select {
	case <-watch.Done():
		return false, nil
	case <-own:
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}
