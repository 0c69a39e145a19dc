package barrier

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/semaphore"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/session"
)

// Visit is the stay of one member inside a Double. Its methods Context, Done,
// Err, Guard, Deadline and others are those that session.Hold documents. The
// context ends when this member no longer counts as inside. Token is the same
// for all members of a round, and greater than the tokens of all earlier
// rounds. A Visit is safe for concurrent use. Enter makes Visits: the methods of
// a nil or zero Visit panic.
type Visit struct {
	session.Hold
	d     *Double
	visit string
	name  string
	round *round

	turn *semaphore.Weighted // one Leave runs at a time
	left bool                // a Leave has seen that no member is inside

	mu     sync.Mutex
	gone   chan struct{} // made by the first call that leaves
	result error         // of Hold.Release, once gone is closed
}

// visit makes the Visit of an entrant that belongs to the round.
func (d *Double) visit(ctx context.Context, e *entrant, node *core.Node, r *round) (*Visit, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	h, err := node.Hold(ctx, r.zxid)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	d.visits[e.visit] = visitNode{e.path, h}
	d.mu.Unlock()
	return &Visit{Hold: bridge.Hold(h), d: d, visit: e.visit, name: e.name, round: r, turn: semaphore.NewWeighted(1)}, nil
}

// Leave leaves the round, and waits until all its members have left. It may be
// called again, also after an error, and from several goroutines.
//
// ctx bounds the wait. When ctx ends, this member has left, other members may
// be inside, and the error matches ctx.Err() and context.Cause(ctx). If the
// visit was lost before, Leave returns at once, and the error matches
// session.ErrLost. Other errors: session.ErrClosed; an error of the server,
// such as session.ErrNoAuth.
func (v *Visit) Leave(ctx context.Context) error {
	misuse.ZeroValue(v == nil || v.d == nil, "or nil barrier.Visit", "Double.Enter")
	err := v.leave(ctx)
	if err != nil {
		v.out() // under the policy OnDisconnect the node of a lost visit may still exist
	}
	return v.d.failed("leave barrier", ctxend.Join(ctx, err))
}

func (v *Visit) leave(ctx context.Context) error {
	if err := v.turn.Acquire(ctx, 1); err != nil {
		return err
	}
	defer v.turn.Release(1)
	if v.left {
		return nil
	}
	if err := v.Err(); errors.Is(err, core.ErrLost) {
		return err
	}
	for {
		s, err := v.d.sm.Session(ctx)
		if err == nil {
			err = v.leaveIn(ctx, s)
		}
		switch {
		case err == nil:
			v.left = true
			return nil
		case ctx.Err() == nil && (errors.Is(err, core.ErrSessionEnded) || errors.Is(err, errChanged)):
			continue // in the next session, where our node is gone at the latest
		}
		return err
	}
}

// Release leaves without waiting for the other members. It takes no ctx. It may
// be called again, from several goroutines; all calls return the same. The
// error is nil if the visit lasted until the first call. Otherwise it matches
// session.ErrLost, or says why the znode cannot be removed.
func (v *Visit) Release() error {
	misuse.ZeroValue(v == nil || v.d == nil, "or nil barrier.Visit", "Double.Enter")
	<-v.out()
	return v.d.failed("leave barrier", v.result)
}

// out removes our node in the background, at the latest with the end of the
// session. It sets result and closes the channel when the node is gone.
func (v *Visit) out() <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.gone == nil {
		v.gone = make(chan struct{})
		over := bridge.CoreHold(&v.Hold).Session().Depart(v.Path())
		go func() {
			defer over()
			v.result = v.Hold.Release()
			close(v.gone)
		}()
	}
	return v.gone
}

// release removes our node, and waits until it is gone or ctx ends. A lost
// visit is not an error: its member has left.
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

// leaveIn waits within one session until no member of the round is inside.
//
// The member with the lowest name keeps its node until it is alone, and waits
// for the highest. The others remove their nodes and wait for the lowest. So
// each departure wakes one member, and the last departure wakes all.
func (v *Visit) leaveIn(ctx context.Context, s *core.Session) error {
	if s != bridge.CoreHold(&v.Hold).Session() {
		// Another server may lag so far behind that it does not have our node
		// yet.
		if err := s.Confirm(ctx, v.d.dir); err != nil {
			return err
		}
	}
	var gone []string // names that are not, or no longer, of members of the round
	for {
		children, _, err := s.Children(ctx, v.d.dir)
		if errors.Is(err, core.ErrNoNode) {
			children, err = nil, nil
		}
		if err != nil {
			return err
		}
		others := slices.DeleteFunc(v.round.present(children), func(name string) bool {
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

// last leaves when no other member is inside, and ends the round.
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
// returns true if the node with that name belongs to a later round, or to no
// session: a persistent znode is not a member.
func (v *Visit) await(ctx context.Context, s *core.Session, name string) (again bool, err error) {
	path := znode.Join(v.d.dir, name)
	node, watch, err := s.SeeW(ctx, path)
	switch {
	case errors.Is(err, core.ErrNoNode):
		return false, nil
	case err != nil:
		return false, err
	}
	defer watch.Stop()
	if node.Stat.Czxid > v.round.zxid || core.Lasting(node.Stat) {
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
		return false, fmt.Errorf("waiting for the members to leave: waiting for %s: %w", path, ctx.Err())
	}
}
