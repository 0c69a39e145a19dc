package naming

import (
	"context"
	"fmt"

	"github.com/docent-go/docent/internal/ctxend"
	"github.com/docent-go/docent/internal/oneline"
)

// Unregister removes the instance and returns once it is gone. From then on,
// and whatever was under way, nothing of it comes back.
//
// ctx bounds the wait alone: the removal begins even if it has ended, and goes
// on in the background. It works during an outage: a dynamic instance is gone
// with its session at the latest. It may be called any number of times; after
// an error it tries again at once. An error says why a server refuses the
// removal; that of a dynamic instance goes on being tried all the same. Of a
// static instance that somebody else has removed and registered again nothing
// is removed.
func (g *Registration) Unregister(ctx context.Context) error {
	g.made()
	g.cancel() // an Update that is under way ends at once
	removed := make(chan error, 1)
	go func() { removed <- g.remove(ctx) }()
	select {
	case err := <-removed:
		return failed("unregister", g.path, err)
	case <-ctx.Done():
		return failed("unregister", g.path, ctxend.Join(ctx, fmt.Errorf("the removal goes on in the background: %w", ctx.Err())))
	}
}

// remove removes all nodes. It ends when they have gone, or soon after ctx.
func (g *Registration) remove(ctx context.Context) error {
	places := g.standing()
	errs := make(chan error, len(places))
	for _, p := range places {
		go func() { errs <- p.remove(ctx) }()
	}
	var err error
	for range places {
		err = oneline.Join(err, <-errs)
	}
	return err
}

// standing returns the places that may stand after Unregister: no change of the
// instance begins any more, and it waits for the one that is under way.
func (g *Registration) standing() []place {
	g.turn <- struct{}{}
	defer func() { <-g.turn }()
	return g.places
}

// Done returns a channel that is closed when the registration has ended for
// good: after Unregister, once the instance is out, or when the Manager is
// closed.
func (g *Registration) Done() <-chan struct{} {
	g.made()
	return g.done
}

// end closes done.
func (g *Registration) end() {
	defer close(g.done)
	select {
	case <-g.ctx.Done():
	case <-g.r.sm.Done():
		return
	}
	for _, p := range g.standing() {
		select {
		case <-p.done():
		case <-g.r.sm.Done():
		}
	}
}
