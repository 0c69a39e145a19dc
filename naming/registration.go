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
	id   string // as it was asked for; empty where the codec makes it
	path string // of the first node, for errors

	turn   chan struct{}      // held by whoever changes the instance
	ctx    context.Context    // ends at Unregister
	cancel context.CancelFunc // which it calls
	done   chan struct{}

	mu      sync.Mutex
	in      Instance
	current place
	moved   chan struct{} // closed and replaced when current is another
	places  []place       // that may stand: the current one, and those it has replaced
}

// place is one node in which an instance is registered.
type place interface {
	// fits returns why set refuses the data before it asks a server, or nil.
	fits(data []byte) error
	set(ctx context.Context, data []byte) error
	// remove deletes the node, and goes on in the background if ctx ends first.
	remove(ctx context.Context) error
	state() State
	path() string
	done() <-chan struct{} // closed once the node has gone
	// wait returns channels of which one is closed when there may be another
	// state than the one that state returns next.
	wait() (newer, ended <-chan struct{})
}

// State says whether an instance is registered.
type State struct {
	// In says that the instance's node is known to stand: for a dynamic
	// instance in a session that can be trusted still. Of the node of a static
	// one it says that it was made and not unregistered here; it is not watched.
	In bool
	// Why is why the instance is out, and nil while it is in: an error that
	// matches session.ErrLost (its session has ended, or somebody has deleted
	// its node), ErrReplaced, ErrDuplicate, ErrPersistent, ErrUnregistered, or
	// what a server refused. In all cases but ErrUnregistered and
	// session.ErrClosed it comes back in by itself when it can.
	Why error
	// Token is the zxid with which the node was made: it grows each time the
	// instance comes in.
	Token int64
	// Session is the id of the session in which a dynamic instance stands.
	Session int64
}

// Register registers an instance and blocks until it stands. A dynamic one is
// then kept standing, from session to session, until Unregister or until the
// Manager is closed. Static and Permanent ones are persistent nodes: they stay
// when the process ends, until somebody calls Unregister. To register one
// again that stands already, with the same address and ports, is how a process
// takes it up after a restart: what else it says is brought up to date. The
// instance gets another znode then, in one transaction, which an earlier
// registration neither updates nor removes. With another address it is
// ErrDuplicate, unless Replace says otherwise.
//
// An empty ID is filled with a random UUID (Dubbo makes its own), and a zero
// Registered with the present time. The service's directory is made where it
// is missing.
//
// ctx bounds Register alone. Errors, in a *session.OpError: a service or id
// that cannot be the name of a node, as with a slash in it; a field that the codec refuses; ErrDuplicate; ErrPersistent;
// *MalformedError for a static instance at whose path a node holds no instance, which is left as it is;
// session.ErrTooLarge; session.ErrClosed; ctx's, with session.ErrUnreachable
// when there was no session; what a server answers, such as session.ErrNoAuth. No
// dynamic instance is left when it fails: where there is doubt, it is looked
// for and removed in the background. A static one may be there if ctx has
// ended, and the error says so (session.ErrUnknownOutcome): register it again,
// or leave it.
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

// open makes the node of an instance.
func (r *Registry) open(ctx context.Context, path string, in Instance, data []byte) (place, error) {
	if in.Type == Static || in.Type == Permanent {
		return openPersistent(ctx, r, path, in, data)
	}
	node, err := standing.Open(ctx, standing.Config{
		Manager: r.sm, Path: path, Data: data, Sequential: in.Type == DynamicSequential, Conflict: r.conflict,
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
		return State{Why: explained(s.Why), Token: s.Czxid}
	}
	return State{In: true, Token: s.Czxid, Session: s.Session.ID()}
}

// made panics for a Registration that Register has not made.
func (g *Registration) made() {
	misuse.ZeroValue(g == nil || g.r == nil, "or nil naming.Registration", "Registry.Register")
}

// Instance returns the instance as it was last registered or updated. Its ID
// is the present name of its node: with DynamicSequential it has another
// number in each session.
func (g *Registration) Instance() Instance {
	g.made()
	g.mu.Lock()
	defer g.mu.Unlock()
	in := g.in
	_, in.ID = znode.Split(g.current.path())
	return in
}

// Path returns the present path of the instance's node.
func (g *Registration) Path() string {
	g.made()
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.current.path()
}

// State returns whether the instance is registered, without asking a server:
// once the session can no longer be trusted it says no, although others may
// see the instance for a while.
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
// the registration does: its last state, with ErrUnregistered, ends the
// sequence, and so does the error session.ErrClosed. States that pass while the
// loop body runs are left out.
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

// Update changes what the instance says, now and in all later sessions, and
// waits until others can see it. Service, ID and Type stay; an ID that is empty
// is taken for that.
//
// ctx bounds the wait alone: when it ends first, a dynamic instance is updated all
// the same when that can be done, and Instance returns the new one. Any other error
// means that nothing has changed and that nothing will: the instance goes on, in
// later sessions too, as it was before. Where the name of the node says everything
// (Dubbo), the new node is made before the old one is removed.
//
// Errors: a field that changed or is refused; session.ErrTooLarge; what a
// server answers, such as session.ErrNoAuth; ErrReplaced and ErrDuplicate while
// somebody else has the place; ErrUnregistered; session.ErrClosed;
// session.ErrNoNode when somebody has removed a static instance;
// session.ErrUnknownOutcome, of a static instance whose write may or may not
// have been done; ctx's.
func (g *Registration) Update(ctx context.Context, in Instance) error {
	return g.change(ctx, func(*Instance) Instance { return in })
}

// Drain says that the instance takes nothing new: no Balancer picks it from
// then on. It is an Update of the instance as it is.
func (g *Registration) Drain(ctx context.Context) error {
	return g.change(ctx, func(in *Instance) Instance { in.Draining = true; return *in })
}

// Undrain takes a Drain back.
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

// update has the turn.
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
// node: for a moment both are seen, and never none.
func (g *Registration) move(ctx context.Context, in Instance, name string, data []byte) error {
	old := g.current // only changed by whoever has the turn
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
		return fmt.Errorf("the new node stands, the old one not removed yet: %w", err)
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
