package naming

import (
	"context"
	"fmt"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/owner"
	"github.com/docent-go/docent/internal/recipe/standing"
	"github.com/docent-go/docent/session"
)

// place is one znode in which an instance is registered.
type place interface {
	// fits returns nil, or the error with which set would refuse the data
	// without a request.
	fits(data []byte) error
	set(ctx context.Context, data []byte) error
	// remove deletes the znode, and goes on in the background if ctx ends
	// first.
	remove(ctx context.Context) error
	state() session.Presence
	path() string
	done() <-chan struct{} // closed once the znode has gone
	// wait returns two channels. One of them is closed when the state may
	// differ from the one that state returns next.
	wait() (newer, ended <-chan struct{})
}

// open creates the znode of an instance.
func (rules registering) open(ctx context.Context, r *Registry, path string, in Instance, data []byte) (place, error) {
	if in.Type == Static || in.Type == Permanent {
		return openStatic(ctx, r, path, in, data, rules.conflict == standing.Replace)
	}
	return openDynamic(ctx, r, path, in, data, rules.conflict, rules.until)
}

// dynamic is the place of a dynamic instance: an ephemeral znode.
type dynamic struct{ node *standing.Node }

// errPersistent is the reason why a dynamic instance is out while its path has
// a persistent znode.
var errPersistent = fmt.Errorf("%w; unregister it if it is a static instance", core.ErrNotEphemeral)

func openDynamic(ctx context.Context, r *Registry, path string, in Instance, data []byte, conflict standing.Conflict,
	until <-chan struct{}) (place, error) {
	_, name := znode.Split(path)
	node, err := standing.Open(ctx, standing.Config{
		Manager: r.sm, Path: path, Data: data, Sequential: in.Type == DynamicSequential,
		Conflict: conflict, NotEphemeral: errPersistent, Until: until,
		Kin: func(held []byte) bool {
			_, err := r.decodeOurs(in.Service, name, held)
			return err == nil
		},
	})
	if err != nil {
		return nil, err
	}
	return dynamic{node}, nil
}

func (d dynamic) fits(data []byte) error                     { return d.node.Fits(data) }
func (d dynamic) set(ctx context.Context, data []byte) error { return d.node.Set(ctx, data) }
func (d dynamic) remove(ctx context.Context) error           { return d.node.Close(ctx) }
func (d dynamic) path() string                               { return d.node.State().Path }
func (d dynamic) done() <-chan struct{}                      { return d.node.Done() }

func (d dynamic) wait() (newer, ended <-chan struct{}) {
	s := d.node.State()
	if s.Standing() {
		ended = s.Session.Done()
	}
	return s.Next(), ended
}

func (d dynamic) state() session.Presence { return owner.PresenceOf(d.node.State()) }
