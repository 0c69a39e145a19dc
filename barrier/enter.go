package barrier

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/docent-go/docent/internal/base/backoff"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/owner"
	"github.com/docent-go/docent/internal/recipe/rival"
)

// entrant is the state of one Enter. Its node has the same name in every
// session, so that a node of an old session does not count as another member.
type entrant struct {
	d       *Double
	visit   string // unique for each Enter
	name    string
	path    string
	data    []byte
	created bool // there may be a node of an earlier session
	rival   rival.Rival
	stray   string // a persistent znode with a member's name, which is not counted
}

func (d *Double) newEntrant() *entrant {
	visit := znode.NewGUID()
	e := &entrant{d: d, visit: visit, name: visit}
	if d.id != "" {
		e.name = memberPrefix + d.id
	}
	e.path = znode.Join(d.dir, e.name)
	data := owner.Process()
	data.ID, data.Visit, data.Count = d.id, visit, d.count
	e.data = data.Encode()
	return e
}

// attempt enters within one session. If it fails, it has our node removed.
func (e *entrant) attempt(ctx context.Context, s *core.Session) (*Visit, error) {
	if err := e.d.removeLost(ctx, s); err != nil {
		return nil, err
	}
	if e.created {
		if _, err := e.recognise(ctx, s); err != nil && !errors.As(err, new(*takenError)) {
			return nil, err
		}
	}
	e.created = true
	for {
		watch, err := e.outside(ctx, s)
		if err != nil {
			return nil, err
		}
		node, err := e.create(ctx, s)
		if err != nil {
			watch.Stop()
			if err := e.outlast(ctx, s, err); err != nil {
				return nil, err
			}
			continue
		}
		v, err := e.gather(ctx, s, node, watch)
		if v != nil || err != nil {
			// If our node was deleted, another member's node may have its path.
			if err != nil && !errors.Is(err, core.ErrDeleted) {
				node.Abandon()
			}
			return v, err
		}
		// The other members began without us. Members of Curator wait until the
		// directory has no members.
		if err := node.Remove(ctx); err != nil {
			return nil, err
		}
	}
}

// outside waits until no round is under way, and returns a watch that fires
// when a round begins.
func (e *entrant) outside(ctx context.Context, s *core.Session) (*core.Watch, error) {
	for synced, tries := false, -2; ; tries++ {
		if err := backoff.Lost.Wait(ctx, tries); err != nil {
			return nil, err
		}
		r, watch, err := e.d.look(ctx, s)
		if r == nil || err != nil {
			return watch, err
		}
		if !synced { // a lagging server may have a round that is over
			watch.Stop()
			if err := s.Confirm(ctx, e.d.dir); err != nil {
				return nil, err
			}
			synced, tries = true, -3
			continue
		}
		waited, err := e.awaitEnd(ctx, s, r, watch)
		watch.Stop()
		if err != nil {
			return nil, err
		}
		if waited {
			tries = -3
		}
	}
}

// awaitEnd waits for a change of the round, or clears the round if no member is
// left in it. It watches "ready" and a member inside: if all members die,
// "ready" does not change.
func (e *entrant) awaitEnd(ctx context.Context, s *core.Session, r *round, watch *core.Watch) (waited bool, err error) {
	d := e.d
	children, _, err := s.Children(ctx, d.dir)
	if err != nil && !errors.Is(err, core.ErrNoNode) {
		return false, err
	}
	present := r.present(children)
	if r.members == nil || len(present) >= r.size(d.count) { // a persistent znode may be among them
		if present, err = d.inSessions(ctx, s, present); err != nil {
			return false, err
		}
	}
	if len(present) > 0 && len(present) >= r.size(d.count) {
		if err := d.sameCount(r); err != nil {
			return false, err
		}
		if !slices.Contains(present, e.name) {
			return false, errFull
		}
		_, err := e.recognise(ctx, s) // an earlier process with our id may have died inside
		return false, e.outlast(ctx, s, err)
	}
	for _, name := range present {
		path := znode.Join(d.dir, name)
		member, inside, err := s.SeeW(ctx, path)
		switch {
		case errors.Is(err, core.ErrNoNode):
			return false, nil
		case err != nil:
			return false, err
		case core.Lasting(member.Stat): // it has the name of a member that has left
			inside.Stop()
			continue
		}
		defer inside.Stop()
		select {
		case <-watch.Done():
		case <-inside.Done():
		case <-ctx.Done():
			return false, fmt.Errorf("waiting for the end of the round under way: waiting for %s: %w", path, ctx.Err())
		}
		return true, nil
	}
	err = d.clear(ctx, s, r)
	if core.InDoubt(err) || errors.Is(err, errChanged) {
		err = nil // look again
	}
	return false, err
}

// inSessions returns the names without those of persistent znodes, which are not
// members.
func (d *Double) inSessions(ctx context.Context, s *core.Session, names []string) (in []string, err error) {
	paths := make([]string, len(names))
	for i, name := range names {
		paths[i] = znode.Join(d.dir, name)
	}
	nodes, err := s.SeeOwners(ctx, paths)
	for i, node := range nodes {
		if node != nil && !core.Lasting(node.Stat) {
			in = append(in, names[i])
		}
	}
	return in, err
}

// create creates our node. If ctx ends first, the creation goes on in the
// background, and the node is removed then.
func (e *entrant) create(ctx context.Context, s *core.Session) (*core.Node, error) {
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
		over := s.Depart(e.path)
		go func() { // ends with the session at the latest
			defer over()
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
		if err := backoff.Lost.Wait(ctx, n); err != nil {
			return nil, err
		}
		_, err := s.Create(ctx, e.path, e.data, core.Ephemeral)
		var ours bool
		switch {
		case err == nil:
			return s.Own(e.path)
		case errors.Is(err, core.ErrNodeExists), core.InDoubt(err):
			// If the node does not exist, the loop creates it. That may be a
			// second creation: it is our own member's node, and no other client
			// depends on its absence.
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

// gather waits until a round begins. It returns nil without an error if a round
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
		if err := backoff.Lost.Wait(ctx, tries); err != nil {
			return nil, err
		}
		var r *round
		select {
		case <-watch.Done(): // "ready" decides, not the number of members
			if r, err = e.d.read(ctx, s); r == nil && err == nil {
				r, watch, err = e.d.look(ctx, s)
			}
			if err != nil {
				return nil, err
			}
		default:
		}
		if r == nil {
			r, err = e.d.open(ctx, s, e)
		}
		switch {
		case errors.Is(err, errChanged):
			continue
		case err != nil:
			return nil, err
		case r != nil && !r.has(e.name, own.Czxid):
			return nil, nil
		case r != nil && e.d.sameCount(r) != nil:
			return nil, e.d.sameCount(r)
		case r != nil:
			return e.d.visit(ctx, e, node, r)
		}
		select {
		case <-watch.Done():
		case <-node.Gone():
			return nil, core.ErrDeleted
		case <-ctx.Done():
			if e.stray != "" {
				return nil, fmt.Errorf("waiting until %d members have come, and %s is not counted: %w: %w", e.d.count, e.stray, core.ErrNotEphemeral, ctx.Err())
			}
			return nil, fmt.Errorf("waiting until %d members have come: %w", e.d.count, ctx.Err())
		}
		tries = -3
	}
}

// visitNode is the node of a visit. It may exist on the server for longer than
// the visit, and would count as another member.
type visitNode struct {
	path string
	hold *core.Hold
}

// removeLost removes the nodes of our lost visits.
func (d *Double) removeLost(ctx context.Context, s *core.Session) error {
	d.mu.Lock()
	lost := make(map[string]string)
	for visit, node := range d.visits {
		switch err := node.hold.Err(); {
		case err == nil:
		case errors.Is(err, core.ErrLost) && !errors.Is(err, core.ErrDeleted):
			lost[visit] = node.path
		default:
			delete(d.visits, visit)
		}
	}
	d.mu.Unlock()
	for visit, path := range lost {
		data, stat, err := s.Get(ctx, path)
		if o, _ := owner.Parse(data); err == nil && o.Visit == visit {
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

// remove deletes the node that was read, and not a later node at its path. It
// does not matter whether an earlier try has deleted it already.
func remove(ctx context.Context, s *core.Session, path string, seen core.Stat) error {
	_, err := s.DeleteExact(ctx, path, seen.Czxid)
	return err
}
