package lock

import (
	"context"
	"errors"
	"slices"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/owner"
	"github.com/docent-go/docent/internal/recipe/waitqueue"
	"github.com/docent-go/docent/session"
)

// ErrNoPermits is returned by TryAcquire if fewer permits are free than were
// asked for.
var ErrNoPermits = errors.New("not enough permits are free")

// ErrTooManyPermits is returned if more permits are asked for than the limit.
// Such a call could only wait until the limit is raised, and all others would
// wait after it.
var ErrTooManyPermits = errors.New("more permits than the semaphore has")

// The layout of Curator's InterProcessSemaphoreV2.
const (
	locksDir  = "locks"
	leasesDir = "leases"
	leaseTag  = "lease-"
)

// Semaphore is a number of permits at a path. Each permit has at most one
// holder at a time. A Semaphore keeps no state of an acquisition: one value
// serves any number of goroutines. It is safe for concurrent use.
//
// All users of the path have to agree on the limit: see Permits and
// SharedLimit. A Semaphore is not reentrant. A holder that asks for another
// permit waits like any other contender, and two such holders can wait for each
// other. Ask for all permits at once.
type Semaphore struct {
	sm     *core.Manager
	path   string
	limit  Limit
	line   *waitqueue.Queue // the waiters; the first looks for free permits
	leases *waitqueue.Queue // used only to list the lease znodes
	who    owner.Data
	err    error
}

// NewSemaphore returns the semaphore at path, which is below sm's root, with
// the number of permits that limit says. It does no I/O. If the path or the
// limit cannot be used, every call on the Semaphore returns the error.
func NewSemaphore(sm *session.Manager, path string, limit Limit, opts ...Option) *Semaphore {
	o := newOptions("lock.NewSemaphore", opts)
	err := znode.Validate(path)
	if err == nil {
		err = limit.validate()
	}
	return &Semaphore{
		sm:     bridge.Core(sm),
		path:   path,
		limit:  limit,
		line:   waitqueue.New(waitqueue.Config{Manager: bridge.Core(sm), Dir: znode.Join(path, locksDir), Tag: mutexTag, Data: o.data(), Whose: whose, Watched: true, Unreported: true}),
		leases: waitqueue.New(waitqueue.Config{Manager: bridge.Core(sm), Dir: znode.Join(path, leasesDir), Tag: leaseTag}),
		who:    o.owner(),
		err:    err,
	}
}

// made panics for a nil Semaphore. A zero one is noticed where it is used.
func (s *Semaphore) made() { misuse.ZeroValue(s == nil, "or nil lock.Semaphore", "lock.NewSemaphore") }

// Path returns the path of the semaphore.
func (s *Semaphore) Path() string {
	s.made()
	return s.path
}

// Permit is one permit, or several that were acquired at once. It ends when any
// of them ends.
type Permit struct {
	*Bundle
	token int64
}

// N returns the number of permits.
func (p *Permit) N() int {
	misuse.ZeroValue(p == nil, "or nil lock.Permit", "Semaphore.Acquire")
	p.made()
	return len(p.holds)
}

// Token returns the fencing token. No two Permits of a path have the same
// token. A Permit that was asked for after another was released has the greater
// token. With a limit of one, use the token as a Mutex's. With a greater limit,
// several hold at a time. A store that rejected every token less than the
// greatest it has seen would reject most of them. There the token only
// distinguishes the permits; to keep former holders out, use Guards.
func (p *Permit) Token() int64 {
	misuse.ZeroValue(p == nil, "or nil lock.Permit", "Semaphore.Acquire")
	return p.token
}

// Acquire waits for n permits, and takes all of them or none. Waiters get their
// permits in the order in which they asked, over all processes: a request for
// many is not overtaken by requests for few. Acquire waits through lost
// connections and ended sessions; when its session ends, it queues again in the
// next.
//
// ctx bounds the wait, not the permits. When it ends, the error matches
// ctx.Err() and context.Cause(ctx), and Acquire's znodes are removed in the
// background. Other errors: ErrTooManyPermits, at once, or if a shared limit
// falls below n (but not below 1) while this call is the first waiter; n below
// 1; session.ErrClosed; an invalid path; what the server answers, such as
// session.ErrNoAuth if znodes may not be created below path.
//
// The caller must Release the Permit.
func (s *Semaphore) Acquire(ctx context.Context, n int) (*Permit, error) {
	s.made()
	p, err := s.observed(ctx, false, n, s.acquire)
	if err != nil {
		return nil, core.Failed("acquire permits", s.path, err)
	}
	return p, nil
}

// observed reports a wait for permits to the hooks.
func (s *Semaphore) observed(ctx context.Context, try bool, n int,
	acquire func(context.Context, int) (*Permit, error)) (*Permit, error) {
	over := s.sm.Waiting(ctx, s.path, try)
	p, err := acquire(ctx, n)
	if err != nil {
		over(nil, err)
		return nil, err
	}
	over(bridge.CoreHold(&p.holds[0].Hold), nil)
	return p, nil
}

// TryAcquire takes n permits if they are free and the first waiter, if there is
// one, does not claim them. Otherwise it returns ErrNoPermits, and leaves no
// znodes. The text of the error names the owner of the first permit. It also
// returns ErrNoPermits while a limit of 0 or less closes the
// semaphore. If the znode of the limit does not hold a limit, it returns an
// error. Unlike Acquire it does not queue: it may overtake a contender that has
// just become the first waiter and has not looked yet.
//
// TryAcquire waits only for a server: ctx bounds that. The other errors are as
// in Acquire.
func (s *Semaphore) TryAcquire(ctx context.Context, n int) (*Permit, error) {
	s.made()
	p, err := s.observed(ctx, true, n, s.try)
	if err != nil {
		return nil, core.Failed("try acquire permits", s.path, err)
	}
	return p, nil
}

// Do runs f while it holds n permits. The context that f gets ends when ctx
// ends, or when any of the permits is lost; context.Cause returns which. The
// permits are released after f has returned or panicked, and not before.
//
// If the permits were not acquired, Do returns what Acquire returns. Otherwise
// it returns what f returns. If a permit was lost before f returned, the error
// matches session.ErrLost too, even if f returned nil.
func (s *Semaphore) Do(ctx context.Context, n int, f func(ctx context.Context, p *Permit) error) error {
	misuse.NilFunc(f == nil, "Do")
	p, err := s.Acquire(ctx, n)
	if err != nil {
		return err
	}
	within, stop := ctxend.WithHold(ctx, p)
	return whileHeld(p, s.path, within, stop, func(ctx context.Context) error { return f(ctx, p) })
}

// Holders returns the contenders that hold permits, in the order in which they
// came, one contender for each permit. A Curator peer's lease counts as held
// while the peer waits with it as the first waiter. The connected server may
// lag, so use the answer for display and tools, and not for decisions.
//
// ctx bounds the reads. Errors: ctx's; session.ErrClosed; an invalid path or
// limit; session.ErrNoAuth if the directories may not be listed.
func (s *Semaphore) Holders(ctx context.Context) ([]Contender, error) {
	s.made()
	holders, err := s.holders(ctx)
	return describeAll(holders), core.Failed(opHolders, s.path, err)
}

func (s *Semaphore) holders(ctx context.Context) ([]waitqueue.Contender, error) {
	if s.err != nil {
		return nil, s.err
	}
	// The leases first: a contender that gets its permit in between is not
	// counted twice.
	leases, err := s.leases.Contenders(ctx)
	if err != nil {
		return nil, err
	}
	places, err := s.line.Places(ctx)
	if err != nil {
		return nil, err
	}
	waiting := make(map[string]bool, len(places))
	for _, p := range places {
		waiting[p.Name] = true
	}
	return slices.DeleteFunc(leases, func(l waitqueue.Contender) bool {
		d, _ := owner.Parse(l.Data)
		return waiting[d.Place]
	}), nil
}

// Waiters returns the contenders that wait for permits, in order. ctx, the
// errors and the lag are as in Holders.
func (s *Semaphore) Waiters(ctx context.Context) ([]Contender, error) {
	s.made()
	if s.err != nil {
		return nil, core.Failed(opWaiters, s.path, s.err)
	}
	nodes, err := s.line.Contenders(ctx)
	return describeAll(nodes), core.Failed(opWaiters, s.path, err)
}
