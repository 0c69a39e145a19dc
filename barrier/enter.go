package barrier

import (
	"context"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/internal/znode"
)

// entrant is one Enter. Its node has the same name in every session, so that
// a node of an old session is never taken for another member.
type entrant struct {
	d     *Double
	visit string
	name  string
	path  string
	data  []byte
	stood bool // in an earlier session, where a node of ours may stand yet
}

func (d *Double) newEntrant() (*entrant, error) {
	visit := newVisit()
	e := &entrant{d: d, visit: visit, name: visit}
	if d.id != "" {
		e.name = memberPrefix + d.id
	}
	e.path = znode.Join(d.dir, e.name)
	who := newOwner(d.id)
	who.Visit = visit
	var err error
	e.data, err = who.encode()
	return e, err
}

// attempt enters within one session. When it fails, it has seen to it that our
// node goes.
func (e *entrant) attempt(ctx context.Context, s *core.Session) (*Visit, error) {
	if err := e.d.exorcise(ctx, s); err != nil {
		return nil, err
	}
	if e.stood {
		if _, err := e.recognise(ctx, s); err != nil {
			return nil, err
		}
	}
	e.stood = true
	for {
		watch, err := e.d.outside(ctx, s)
		if err != nil {
			return nil, err
		}
		node, err := e.stand(ctx, s)
		if err != nil {
			watch.Stop()
			return nil, err
		}
		v, err := e.gather(ctx, s, node, watch)
		if v != nil || err != nil {
			// Where our node has gone, another's may stand.
			if err != nil && !errors.Is(err, core.ErrDeleted) {
				node.Abandon()
			}
			return v, err
		}
		// The others began without us. In Curator's layout they wait until
		// nobody stands here.
		if err := node.Remove(ctx); err != nil {
			return nil, err
		}
	}
}

// outside waits until no round is under way, and returns a watch that fires
// when one begins.
func (d *Double) outside(ctx context.Context, s *core.Session) (*core.Watch, error) {
	for synced, tries := false, -2; ; tries++ {
		if err := line.Pause(ctx, tries, leastPause, mostPause); err != nil {
			return nil, err
		}
		r, watch, err := d.look(ctx, s)
		if r == nil || err != nil {
			return watch, err
		}
		if !synced { // a server that lags may show a round that is over
			watch.Stop()
			if err := s.Confirm(ctx, d.dir); err != nil {
				return nil, err
			}
			synced, tries = true, -3
			continue
		}
		waited, err := d.awaitEnd(ctx, s, r, watch)
		watch.Stop()
		if err != nil {
			return nil, err
		}
		if waited {
			tries = -3
		}
	}
}

// awaitEnd waits until something of the round has changed, or clears it away
// if nobody is left in it. Nobody may be left to tell of its end, so it watches one of
// those who are inside besides the round.
func (d *Double) awaitEnd(ctx context.Context, s *core.Session, r *round, watch *core.Watch) (waited bool, err error) {
	children, _, err := s.Children(ctx, d.dir)
	if err != nil && !errors.Is(err, core.ErrNoNode) {
		return false, err
	}
	standing := r.standing(children)
	switch {
	case len(standing) == 0:
		err := d.clear(ctx, s, r)
		if core.InDoubt(err) || errors.Is(err, errChanged) {
			err = nil // look again
		}
		return false, err
	case len(standing) >= r.size(d.count):
		return false, ErrFull
	}
	_, inside, err := s.SeeW(ctx, znode.Join(d.dir, standing[0]))
	switch {
	case errors.Is(err, core.ErrNoNode):
		return false, nil
	case err != nil:
		return false, err
	}
	defer inside.Stop()
	select {
	case <-watch.Done():
	case <-inside.Done():
	case <-ctx.Done():
		return false, ctx.Err()
	}
	return true, nil
}

// stand makes our node. The creation goes on when ctx ends, and the node is
// removed then.
func (e *entrant) stand(ctx context.Context, s *core.Session) (*core.Node, error) {
	type outcome struct {
		node *core.Node
		err  error
	}
	done := make(chan outcome, 1)
	go func() {
		node, err := e.make(s)
		done <- outcome{node, err}
	}()
	select {
	case o := <-done:
		return o.node, o.err
	case <-ctx.Done():
		go func() { // ends with the session at the latest
			if o := <-done; o.err == nil {
				o.node.Abandon()
			}
		}()
		return nil, ctx.Err()
	}
}

// make creates our node, for as long as the session lasts.
func (e *entrant) make(s *core.Session) (*core.Node, error) {
	ctx := context.Background() // every request ends with the session
	for n := -2; ; n++ {
		if err := line.Pause(ctx, n, leastPause, mostPause); err != nil {
			return nil, err
		}
		_, err := s.Create(ctx, e.path, e.data, core.Ephemeral)
		var ours bool
		switch {
		case err == nil:
			return s.Own(e.path)
		case errors.Is(err, core.ErrNodeExists), core.InDoubt(err):
			// A node that is not there is made, or made again: it is our own
			// presence, and others have no reason to count on its absence.
			ours, err = e.recognise(ctx, s)
		case errors.Is(err, core.ErrNoNode):
			err = s.EnsureDir(ctx, e.d.dir)
		}
		switch {
		case err != nil:
			return nil, err
		case ours:
			return s.Own(e.path)
		}
	}
}

// recognise looks at the node that stands in the place of ours: made by a
// create whose answer was lost, or in an earlier session of this Enter, or by
// another member with our id. It returns false without an error when the place
// is free again.
func (e *entrant) recognise(ctx context.Context, s *core.Session) (ours bool, err error) {
	if err := s.Confirm(ctx, e.path); err != nil {
		return false, err
	}
	data, stat, err := s.Get(ctx, e.path)
	switch {
	case errors.Is(err, core.ErrNoNode):
		return false, nil
	case err != nil:
		return false, err
	}
	who := readOwner(data)
	switch {
	case who.Visit != e.visit:
		return false, fmt.Errorf("%w: %q, of process %d on %s (session 0x%x)", ErrIDTaken, e.d.id, who.PID, who.Host, stat.EphemeralOwner)
	case stat.EphemeralOwner == s.ID():
		return true, nil
	}
	return false, remove(ctx, s, e.path, stat)
}

// gather waits until a round begins. It returns nil without an error when one
// has begun without us.
func (e *entrant) gather(ctx context.Context, s *core.Session, node *core.Node, watch *core.Watch) (*Visit, error) {
	defer func() {
		if watch != nil {
			watch.Stop()
		}
	}()
	own, err := node.Watch(ctx)
	if err != nil {
		return nil, err
	}
	for tries := -2; ; tries++ {
		if err := line.Pause(ctx, tries, leastPause, mostPause); err != nil {
			return nil, err
		}
		var r *round
		select {
		case <-watch.Done(): // "ready" is what counts, not how many stand here
			if r, err = e.d.read(ctx, s); r == nil && err == nil {
				r, watch, err = e.d.look(ctx, s)
			}
			if err != nil {
				return nil, err
			}
		default:
		}
		if r == nil {
			r, err = e.d.open(ctx, s, e.name)
		}
		switch {
		case errors.Is(err, errChanged):
			continue
		case err != nil:
			return nil, err
		case r != nil && !r.has(e.name, own.Czxid):
			return nil, nil
		case r != nil:
			return e.d.visit(ctx, e, node, r)
		}
		select {
		case <-watch.Done():
		case <-node.Gone():
			return nil, core.ErrDeleted
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		tries = -3
	}
}

// ghost is a visit whose node may outlive its session on the server, where it
// would be counted as another member.
type ghost struct {
	path string
	hold *core.Hold
}

// exorcise removes the nodes of visits of ours that were lost.
func (d *Double) exorcise(ctx context.Context, s *core.Session) error {
	d.mu.Lock()
	lost := make(map[string]string)
	for visit, g := range d.visits {
		switch err := g.hold.Err(); {
		case err == nil:
		case errors.Is(err, core.ErrLost) && !errors.Is(err, core.ErrDeleted):
			lost[visit] = g.path
		default:
			delete(d.visits, visit)
		}
	}
	d.mu.Unlock()
	for visit, path := range lost {
		data, stat, err := s.Get(ctx, path)
		if err == nil && readOwner(data).Visit == visit {
			err = remove(ctx, s, path, stat)
		}
		if err != nil && !errors.Is(err, core.ErrNoNode) {
			return err
		}
		d.forget(visit)
	}
	return nil
}

func (d *Double) forget(visit string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.visits, visit)
}

// remove deletes the node that was read, and no other that has come to stand in
// its place. Whether a lost try of ours did it or another does not matter.
func remove(ctx context.Context, s *core.Session, path string, seen core.Stat) error {
	_, err := s.DeleteExact(ctx, path, seen.Czxid)
	return err
}
