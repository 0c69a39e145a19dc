package naming

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/recipe/standing"
)

// Update changes the fields of the instance, now and in all later sessions, and
// waits until others can see them. Service, ID and Type must stay the same; an
// empty ID means the present one.
//
// ctx bounds only the wait. If it ends first, a dynamic instance is still
// updated if possible, and Instance returns the new fields. Any other error
// means that nothing has changed and that nothing will: the instance stays as
// it was before, in later sessions too. If the name of the znode holds the
// whole instance (Dubbo), the new znode is created before the old one is
// deleted.
//
// Errors, in a *session.OpError: a change of Service, ID or Type; a field that
// the codec rejects; ErrAddress; session.ErrTooLarge; what the server answers, such as
// session.ErrNoAuth; session.ErrReplaced and session.ErrIDTaken while another
// process has the place; session.ErrReleased after Unregister;
// session.ErrClosed; session.ErrNoNode if another client has removed a static
// instance; session.ErrUnknownOutcome if the write of a static instance may or
// may not have been done; ctx's.
func (g *Registration) Update(ctx context.Context, in Instance) error {
	return g.change(ctx, "update instance", func(Instance) Instance { return in })
}

// Drain marks the instance as draining, so that Balancers no longer pick it. It
// is an Update of only that field, and returns when the mark is written. Clients
// read the mark a moment later (Pause), and call the instance until then. So
// serve for a second or two after Drain, and Unregister after that. ctx and the
// errors are those that Update documents.
func (g *Registration) Drain(ctx context.Context) error {
	return g.change(ctx, "drain instance", func(in Instance) Instance { in.Draining = true; return in })
}

// Undrain removes the mark of Drain. ctx and the errors are those that Update
// documents.
func (g *Registration) Undrain(ctx context.Context) error {
	return g.change(ctx, "undrain instance", func(in Instance) Instance { in.Draining = false; return in })
}

// change replaces the instance by what to makes of it. Calls of change follow
// one after the other, and Unregister ends them.
func (g *Registration) change(ctx context.Context, op string, to func(Instance) Instance) error {
	g.made()
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(g.ctx, cancel)()
	err := g.changing.Acquire(within, 1)
	if err == nil {
		defer g.changing.Release(1)
		err = g.ctx.Err() // within ends a moment after g.ctx
	}
	if err == nil {
		err = g.update(within, to)
	}
	if err != nil && g.ctx.Err() != nil {
		err = errUnregistered
	}
	return failed(op, g.path, ctxend.Join(ctx, err))
}

// update is called by the holder of g.changing.
func (g *Registration) update(ctx context.Context, to func(Instance) Instance) error {
	g.mu.Lock()
	before, at := g.in, g.current
	g.mu.Unlock()
	in := to(before)
	_, node := znode.Split(at.path())
	if in.ID == "" || in.ID == node || g.r.codec.InName() {
		in.ID = g.id
	}
	if in.Registered.IsZero() {
		in.Registered = before.Registered
	}
	in.Registered = fromMillis(millis(in.Registered)) // as others read it
	if in.Service != before.Service || in.ID != g.id || in.Type != before.Type {
		return errors.New("an update cannot change service, id or type: unregister the instance and register another")
	}
	if err := in.registrable(); err != nil {
		return err
	}
	name, data, err := g.r.encode(in)
	if err != nil {
		return err
	}
	if g.r.codec.InName() {
		return g.move(ctx, in, name, data)
	}
	if err := at.fits(data); err != nil {
		return err
	}
	err = at.set(ctx, data)
	if err == nil || errors.Is(err, standing.ErrPending) {
		g.remember(in)
	}
	return err
}

func (g *Registration) remember(in Instance) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.in = in
}

// move registers the instance under another name and then removes the old
// znode. For a moment both are visible, and at every moment at least one.
func (g *Registration) move(ctx context.Context, in Instance, name string, data []byte) error {
	old := g.current // changed only by the holder of g.changing
	dir, node := znode.Split(old.path())
	if name == node {
		return nil
	}
	next, err := g.rules.open(ctx, g.r, znode.Join(dir, name), in, data)
	if err != nil {
		return hide(err, name)
	}
	g.mu.Lock()
	g.in, g.current = in, next
	close(g.moved)
	g.moved = make(chan struct{})
	g.places = append(g.places, next)
	g.mu.Unlock()
	if err := removeAt(ctx, old); err != nil {
		return fmt.Errorf("the new znode exists, but the old one is not removed yet: %w", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.places = slices.DeleteFunc(g.places, func(p place) bool { return p == old })
	return nil
}
