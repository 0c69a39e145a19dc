package naming

import (
	"context"
	"fmt"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/oneline"
	"github.com/docent-go/docent/internal/base/znode"
)

// Unregister removes the instance. It returns once the instance is gone, or, if
// no server answers, once the session of a dynamic instance has ended on our
// side. The servers then delete the instance when the session times out. From
// then on nothing of it comes back, whatever was under way.
//
// ctx bounds only the wait: the removal begins even if ctx has ended, and goes
// on in the background. Unregister may be called any number of times;
// after an error it tries again at once. An error says why a server rejects the
// removal. The removal of a dynamic instance is then still repeated in the
// background. If another client has removed a static instance and registered it
// again, nothing is removed.
func (g *Registration) Unregister(ctx context.Context) error {
	g.made()
	g.cancel() // an Update that is under way ends at once
	removed := make(chan error, 1)
	go func() { removed <- g.remove(ctx) }()
	var err error
	select {
	case err = <-removed:
	case <-ctx.Done():
		err = inBackground(ctx)
	}
	return failed("unregister instance", g.path, err)
}

// inBackground is the error of a removal whose ctx has ended.
func inBackground(ctx context.Context) error {
	return fmt.Errorf("the removal goes on in the background: %w", ctxend.Err(ctx))
}

// remove removes all znodes. It ends when they have gone, or soon after ctx.
func (g *Registration) remove(ctx context.Context) error {
	places := g.standing()
	errs := make(chan error, len(places))
	for _, p := range places {
		go func() { errs <- removeAt(ctx, p) }()
	}
	var err error
	for range places {
		err = oneline.Join(err, <-errs)
	}
	return err
}

// removeAt removes one znode.
func removeAt(ctx context.Context, p place) error {
	_, node := znode.Split(p.path())
	return hide(p.remove(ctx), node)
}

// standing returns the places that may exist after Unregister. No further
// change of the instance begins, and standing waits for one that is under way.
func (g *Registration) standing() []place {
	_ = g.changing.Acquire(context.Background(), 1) // fails only with its ctx
	defer g.changing.Release(1)
	return g.places
}

// Done returns a channel that is closed when the registration has ended for
// good: after Unregister, once the instance is out, or when the Manager is
// closed.
func (g *Registration) Done() <-chan struct{} {
	g.made()
	return g.done
}

// end closes done when the registration has ended.
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
