package naming

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/standing"
	"github.com/docent-go/docent/internal/znode"
)

// Registration is an instance that this process has registered. It is kept
// until Unregister, from one session to the next. It is safe for concurrent
// use.
type Registration struct {
	r    *Registry
	id   string // as in Register; empty if the codec makes it
	path string // of the first znode, for errors

	turn   chan struct{}      // held by the call that changes the instance
	ctx    context.Context    // ends at Unregister
	cancel context.CancelFunc // ends ctx
	done   chan struct{}

	mu      sync.Mutex
	in      Instance
	current place
	moved   chan struct{} // closed and replaced when current changes
	places  []place       // places that may exist: the current one, and those it has replaced
}

// place is one znode in which an instance is registered.
type place interface {
	// fits returns nil, or the error with which set would refuse the data without a request.
	fits(data []byte) error
	set(ctx context.Context, data []byte) error
	// remove deletes the znode, and goes on in the background if ctx ends first.
	remove(ctx context.Context) error
	state() State
	path() string
	done() <-chan struct{} // closed once the znode has gone
	// wait returns two channels. One of them is closed when the state may differ
	// from the one that state returns next.
	wait() (newer, ended <-chan struct{})
}

// State says whether an instance is registered.
type State struct {
	// In says that the instance's znode is known to exist. For a dynamic
	// instance, the session can also be trusted still. The znode of a static
	// instance is not watched: In says that it was created, and not
	// unregistered by this process.
	In bool
	// Why is the reason why the instance is out, and nil while it is in. It is
	// an error that matches session.ErrLost (the session has ended, or another
	// client has deleted the znode), ErrReplaced, ErrDuplicate, ErrPersistent,
	// ErrUnregistered, or what a server refused. After ErrUnregistered and
	// session.ErrClosed the instance stays out. After every other error it
	// comes back in by itself when it can.
	Why error
	// Token is the zxid of the znode's create. It grows each time the instance
	// comes in.
	Token int64
	// Session is the id of the session that owns the znode of a dynamic
	// instance.
	Session int64
}

// Register registers an instance and blocks until its znode exists. A dynamic
// instance is then kept registered, from session to session, until Unregister
// or until the Manager is closed. Static and Permanent instances are persistent
// znodes: they stay when the process ends, until Unregister.
//
// After a restart, a process takes over its static instance by registering it
// again with the same address and ports. The other fields are updated. The
// instance then gets a new znode, in one transaction. An earlier registration
// neither updates nor removes the new znode. If the instance that exists has
// another address, the error is ErrDuplicate, unless Replace is set.
//
// An empty ID is replaced by a random UUID (Dubbo makes its own), and a zero
// Registered by the present time. A missing directory of the service is
// created.
//
// ctx bounds only Register. Errors, in a *session.OpError: a service or id that
// cannot be the name of a znode, for instance with a slash; a field that the
// codec refuses; ErrDuplicate; ErrPersistent; *MalformedError for a static
// instance if the znode at its path does not hold an instance (it is left as it
// is); session.ErrTooLarge; session.ErrClosed; ctx's, with
// session.ErrUnreachable if there was no session; what the server answers, such
// as session.ErrNoAuth.
//
// If Register fails, no dynamic instance is left: a create with an unknown
// outcome is looked for and removed in the background. A static instance may be
// left if ctx has ended. Then the error matches session.ErrUnknownOutcome:
// register it again, or leave it.
func (r *Registry) Register(ctx context.Context, in Instance) (*Registration, error) {
	dir, err := r.dir(in.Service)
	if err != nil {
		return nil, failed("register at", r.base, err)
	}
	if in.ID == "" && !r.codec.InName() {
		in.ID = znode.NewGUID()
	}
	if in.Registered.IsZero() {
		in.Registered = time.UnixMilli(time.Now().UnixMilli())
	}
	name, data, err := r.encode(in)
	if err != nil {
		return nil, failed("register in", dir, err)
	}
	g := &Registration{r: r, id: in.ID, path: znode.Join(dir, name), turn: make(chan struct{}, 1), done: make(chan struct{}), moved: make(chan struct{})}
	at, err := r.open(ctx, g.path, in, data)
	if err != nil {
		return nil, failed("register", g.path, err)
	}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	g.in, g.current, g.places = in, at, []place{at}
	go g.end()
	return g, nil
}

// open creates the znode of an instance.
func (r *Registry) open(ctx context.Context, path string, in Instance, data []byte) (place, error) {
	if in.Type == Static || in.Type == Permanent {
		return openPersistent(ctx, r, path, in, data)
	}
	node, err := standing.Open(ctx, standing.Config{
		Manager: r.sm, Path: path, Data: data, Sequential: in.Type == DynamicSequential, Conflict: r.conflict,
		NotEphemeral: ErrPersistent,
		Kin: func(held []byte) bool {
			_, name := znode.Split(path)
			there, err := r.decode(in.Service, name, held)
			return err == nil && isInstance(there) == nil
		},
	})
	if err != nil {
		return nil, err
	}
	return ephemeral{node}, nil
}

// ephemeral is the place of a dynamic instance.
type ephemeral struct{ node *standing.Node }

func (e ephemeral) fits(data []byte) error                     { return e.node.Fits(data) }
func (e ephemeral) set(ctx context.Context, data []byte) error { return e.node.Set(ctx, data) }
func (e ephemeral) remove(ctx context.Context) error           { return e.node.Close(ctx) }
func (e ephemeral) path() string                               { return e.node.State().Path }
func (e ephemeral) done() <-chan struct{}                      { return e.node.Done() }

func (e ephemeral) wait() (newer, ended <-chan struct{}) {
	s := e.node.State()
	if s.Standing() {
		ended = s.Session.Done()
	}
	return s.Next(), ended
}

func (e ephemeral) state() State {
	s := e.node.State()
	if !s.Standing() {
		return State{Why: s.Err, Token: s.Czxid}
	}
	return State{In: true, Token: s.Czxid, Session: s.Session.ID()}
}

// made panics for a Registration that was not made by Register.
func (g *Registration) made() {
	misuse.ZeroValue(g == nil || g.r == nil, "or nil naming.Registration", "Registry.Register")
}

// Instance returns the instance as it was last registered or updated. Its ID is
// the present name of its znode: with DynamicSequential it has another number
// in each session.
func (g *Registration) Instance() Instance {
	g.made()
	g.mu.Lock()
	defer g.mu.Unlock()
	in := g.in
	_, in.ID = znode.Split(g.current.path())
	return in
}

// Path returns the present path of the instance's znode.
func (g *Registration) Path() string {
	g.made()
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.current.path()
}

// State returns whether the instance is registered. It sends no request. If the
// session can no longer be trusted, State.In is false, although others may see
// the instance for a while.
func (g *Registration) State() State {
	g.made()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ctx.Err() != nil {
		return State{Why: ErrUnregistered, Token: g.current.state().Token}
	}
	return g.current.state()
}

// Changes yields the present state, and then every newer one, until ctx ends or
// the registration ends. After Unregister, the last state has ErrUnregistered.
// If the Manager is closed, the last element is the error session.ErrClosed.
// States that pass while the loop body runs are left out.
func (g *Registration) Changes(ctx context.Context) iter.Seq2[State, error] {
	g.made()
	return func(yield func(State, error) bool) {
		var last State
		for ctx.Err() == nil {
			g.mu.Lock()
			at, moved := g.current, g.moved
			g.mu.Unlock()
			newer, ended := at.wait()
			state := g.State()
			closed := errors.Is(state.Why, core.ErrClosed)
			select {
			case <-g.done:
				closed = closed || g.ctx.Err() == nil
			default:
			}
			switch {
			case closed:
				yield(State{}, failed("follow the registration", g.path, core.ErrClosed))
				return
			case state.same(last):
			case !yield(state, nil):
				return
			}
			last = state
			if errors.Is(state.Why, ErrUnregistered) {
				return
			}
			select {
			case <-newer:
			case <-ended:
			case <-moved:
			case <-g.ctx.Done():
			case <-g.done:
			case <-ctx.Done():
			}
		}
	}
}

func (s State) same(other State) bool {
	return s.In == other.In && s.Token == other.Token && s.Session == other.Session && sameText(s.Why, other.Why)
}

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
// Errors: a change of Service, ID or Type; a field that the codec refuses;
// session.ErrTooLarge; what the server answers, such as session.ErrNoAuth;
// ErrReplaced and ErrDuplicate while another process has the place;
// ErrUnregistered; session.ErrClosed; session.ErrNoNode if another client has
// removed a static instance; session.ErrUnknownOutcome if the write of a static
// instance may or may not have been done; ctx's.
func (g *Registration) Update(ctx context.Context, in Instance) error {
	return g.change(ctx, func(*Instance) Instance { return in })
}

// Drain marks the instance as draining: no Balancer picks it from then on. It
// is an Update of only that field.
func (g *Registration) Drain(ctx context.Context) error {
	return g.change(ctx, func(in *Instance) Instance { in.Draining = true; return *in })
}

// Undrain removes the mark of Drain.
func (g *Registration) Undrain(ctx context.Context) error {
	return g.change(ctx, func(in *Instance) Instance { in.Draining = false; return *in })
}

func (g *Registration) change(ctx context.Context, to func(*Instance) Instance) error {
	g.made()
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(g.ctx, cancel)()
	select {
	case g.turn <- struct{}{}:
		defer func() { <-g.turn }()
	case <-within.Done():
	}
	err := cmp.Or(within.Err(), g.ctx.Err()) // within ends a moment after g.ctx
	if err == nil {
		err = g.update(within, to)
	}
	if err != nil && g.ctx.Err() != nil {
		err = ErrUnregistered
	}
	return failed("update", g.path, err)
}

// update is called with the turn.
func (g *Registration) update(ctx context.Context, to func(*Instance) Instance) error {
	g.mu.Lock()
	before, at := g.in, g.current
	g.mu.Unlock()
	now := before
	in := to(&now)
	_, node := znode.Split(at.path())
	if in.ID == "" || in.ID == node || g.r.codec.InName() {
		in.ID = g.id
	}
	if in.Registered.IsZero() {
		in.Registered = before.Registered
	}
	if in.Service != before.Service || in.ID != g.id || in.Type != before.Type {
		return errors.New("an update cannot change service, id or type: unregister the instance and register another")
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
		g.remember(in, at)
	}
	return err
}

func (g *Registration) remember(in Instance, at place) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.in, g.current = in, at
}

// move registers the instance under another name and then removes the old
// znode. For a moment both are visible, and at every moment at least one.
func (g *Registration) move(ctx context.Context, in Instance, name string, data []byte) error {
	old := g.current // changed only with the turn
	dir, node := znode.Split(old.path())
	if name == node {
		return nil
	}
	path := znode.Join(dir, name)
	next, err := g.r.open(ctx, path, in, data)
	if err != nil {
		return err
	}
	g.mu.Lock()
	g.in, g.current = in, next
	close(g.moved)
	g.moved = make(chan struct{})
	g.places = append(g.places, next)
	g.mu.Unlock()
	if err := old.remove(ctx); err != nil {
		return fmt.Errorf("the new znode exists, but the old one is not removed yet: %w", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	left := g.places[:0]
	for _, p := range g.places {
		if p != old {
			left = append(left, p)
		}
	}
	g.places = left
	return nil
}
