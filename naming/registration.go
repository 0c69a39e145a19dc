package naming

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/owner"
	"github.com/docent-go/docent/internal/recipe/standing"
	"github.com/docent-go/docent/session"
)

// Registration is an instance that this process has registered. It is kept
// until Unregister, from one session to the next. It is safe for concurrent
// use.
type Registration struct {
	r     *Registry
	rules registering
	id    string // as in Register; empty if the codec makes it
	path  string // of the first znode, for errors

	changing *semaphore.Weighted // held by the call that changes the instance
	ctx      context.Context     // ends at Unregister
	cancel   context.CancelFunc  // ends ctx
	done     chan struct{}

	mu      sync.Mutex
	in      Instance
	current place
	moved   chan struct{} // closed and replaced when current changes
	places  []place       // places that may exist: the current one, and those it has replaced
}

// RegisterOption says what Register does if another process has registered an
// instance with the same id.
type RegisterOption func(*registering)

type registering struct {
	conflict standing.Conflict
	until    <-chan struct{} // closed by Unregister
}

// errUnregistered is the reason why an instance is out after Unregister.
var errUnregistered = fmt.Errorf("%w: Unregister was called", core.ErrReleased)

// Refuse makes Register fail with session.ErrIDTaken at once if another process
// has an instance under the id. Without Refuse, Register first waits for the
// instance to go. It waits for as long as the session of a crashed process can
// last: one and a half session timeouts. Refuse and Replace exclude each other.
func Refuse() RegisterOption { return func(r *registering) { r.conflict.Choose(standing.Refuse) } }

// Replace makes Register take the place of an instance with the same id. The
// other registration is out with session.ErrReplaced, and comes back in by
// itself when the place is free again.
//
// Of several registrations, the one that registered last has the place, for
// good. An older registration may come back in while the newer one's session is
// lost. The newer one takes the place back from it, and the older never takes
// it from the newer. The order is the order of the zxids with which the
// instances first came in. An instance that comes back carries this zxid in its
// znode's ACL, in an entry without permissions. Replace and Refuse exclude each
// other.
func Replace() RegisterOption { return func(r *registering) { r.conflict.Choose(standing.Replace) } }

// Register registers an instance and blocks until its znode exists. A dynamic
// instance is then kept registered, from session to session, until Unregister
// or until the Manager is closed. Static and Permanent instances are persistent
// znodes: they stay when the process ends, until Unregister.
//
// After a restart, a process takes over its static instance by registering it
// again with the same address and ports. The other fields are updated. The
// instance then gets a new znode, in one transaction. An earlier registration
// neither updates nor removes the new znode. If the instance that exists has
// another address, the error is session.ErrIDTaken, unless Replace is set.
//
// An instance of the same Manager that is being unregistered is waited for,
// under every option.
//
// An empty ID is replaced by a random UUID (Dubbo makes its own), and a zero
// Registered by the present time. A missing directory of the service is
// created.
//
// ctx bounds only Register. Errors, in a *session.OpError: a service or id that
// cannot be the name of a znode, for instance with a slash; a field that the
// codec rejects; ErrAddress for an address that no client could call, or a port
// without an address; session.ErrIDTaken; session.ErrNotEphemeral;
// *MalformedError for a static instance if the znode at its path does not hold
// an instance (it is left as it is); session.ErrTooLarge; session.ErrClosed;
// ctx's, with session.ErrUnreachable if there was no session; what the server
// answers, such as session.ErrNoAuth.
//
// If Register fails, no dynamic instance is left: a create with an unknown
// outcome is looked for and removed in the background. A static instance may be
// left if ctx has ended. Then the error matches session.ErrUnknownOutcome:
// register it again, or leave it.
func (r *Registry) Register(ctx context.Context, in Instance, opts ...RegisterOption) (*Registration, error) {
	var rules registering
	misuse.Apply("Registry.Register", &rules, opts)
	dir, err := r.dir(in.Service)
	if err = cmp.Or(err, rules.conflict.Err()); err != nil {
		return nil, core.Failed("register instance", r.base, err)
	}
	if in.ID == "" && !r.codec.InName() {
		in.ID = znode.NewGUID()
	}
	if in.Registered.IsZero() {
		in.Registered = time.Now()
	}
	in.Registered = fromMillis(millis(in.Registered)) // as others read it
	if err := in.registrable(); err != nil {
		return nil, core.Failed("register instance", dir, err)
	}
	name, data, err := r.encode(in)
	if err != nil {
		return nil, core.Failed("register instance", dir, err)
	}
	path := znode.Join(dir, name)
	lasting, end := context.WithCancel(context.Background())
	rules.until = lasting.Done()
	at, err := rules.open(ctx, r, path, in, data)
	if err != nil {
		end()
		return nil, failed("register instance", path, err)
	}
	g := &Registration{
		r: r, rules: rules, id: in.ID, path: path, changing: semaphore.NewWeighted(1), done: make(chan struct{}),
		in: in, current: at, moved: make(chan struct{}), places: []place{at},
	}
	g.ctx, g.cancel = lasting, end
	go g.end()
	return g, nil
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
// session can no longer be trusted, Presence.In is false, although others may
// see the instance for a while.
func (g *Registration) State() session.Presence {
	g.made()
	g.mu.Lock()
	defer g.mu.Unlock()
	state := g.current.state()
	if g.ctx.Err() != nil {
		return session.Presence{Err: errUnregistered, Token: state.Token}
	}
	return state
}

// Changes yields the present state, and then every newer one, until ctx ends or
// the registration ends. After Unregister, the last state has
// session.ErrReleased. If the Manager is closed, the last element is the error
// session.ErrClosed. States that pass while the loop body runs are left out.
func (g *Registration) Changes(ctx context.Context) iter.Seq2[session.Presence, error] {
	g.made()
	return func(yield func(session.Presence, error) bool) {
		var last session.Presence
		for ctx.Err() == nil {
			g.mu.Lock()
			at, moved := g.current, g.moved
			g.mu.Unlock()
			newer, ended := at.wait()
			state := g.State()
			closed := errors.Is(state.Err, core.ErrClosed)
			select {
			case <-g.done:
				closed = closed || g.ctx.Err() == nil
			default:
			}
			switch {
			case closed:
				yield(session.Presence{}, failed("watch registration", g.path, core.ErrClosed))
				return
			case owner.SamePresence(state, last):
			case !yield(state, nil):
				return
			}
			last = state
			if errors.Is(state.Err, core.ErrReleased) {
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
