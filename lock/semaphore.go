package lock

import (
	"context"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/znode"
	"github.com/docent-go/docent/session"
)

// ErrNoPermits is returned by TryAcquire when fewer permits are free than were
// asked for.
var ErrNoPermits = errors.New("not enough permits are free")

// ErrTooManyPermits is returned when more permits are asked for than there are
// in all: to wait for them would be to wait until somebody raises the limit, with all
// others behind.
var ErrTooManyPermits = errors.New("more permits than there are")

// Layout of Curator's InterProcessSemaphoreV2.
const (
	locksDir  = "locks"
	leasesDir = "leases"
	leaseTag  = "lease-"
)

// Semaphore is a number of permits at a path, of which each can be held by one
// at a time. It keeps nothing of a single acquisition: one value serves any
// number of goroutines. It is safe for concurrent use.
//
// All who use the path have to agree on the limit: see Permits and
// SharedPermits. It is not reentrant: who holds a permit and asks for another
// waits like anybody else, and two who do that can wait for each other. Ask for
// all at once.
type Semaphore struct {
	sm     *core.Manager
	path   string
	limit  Limit
	line   *line.Line // those who wait; its first looks for free permits
	leases *line.Line // of which only the contenders are asked
	who    owner
	err    error
}

// NewSemaphore returns the semaphore at path, which is below sm's root, with
// the number of permits that limit says. It does no I/O; a path or a limit that
// cannot be used is reported by every call on the Semaphore. Of the options it takes
// ID.
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
		line:   line.New(line.Config{Manager: bridge.Core(sm), Dir: znode.Join(path, locksDir), Tag: mutexTag, Data: o.data(), Watched: true, Part: true}),
		leases: line.New(line.Config{Manager: bridge.Core(sm), Dir: znode.Join(path, leasesDir), Tag: leaseTag}),
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

// Permit is one permit that is held, or several that were acquired at once. It
// ends when any of them ends.
type Permit struct {
	*bundle
	token int64
}

// N returns how many permits these are.
func (p *Permit) N() int {
	misuse.ZeroValue(p == nil, "or nil lock.Permit", "Semaphore.Acquire")
	p.made()
	return len(p.holds)
}

// Token returns the fencing token. No two Permits of a path have the same, and
// one that was asked for after another was released has a greater one. With a limit of one it can
// be used as a Mutex's. With more, several hold at a time, and a store that
// refuses a smaller token than the greatest it has seen would refuse most of
// them: there the token only tells them apart, and Guards keep those out who
// hold no more.
func (p *Permit) Token() int64 {
	misuse.ZeroValue(p == nil, "or nil lock.Permit", "Semaphore.Acquire")
	return p.token
}

// Acquire waits for n permits, and takes all of them or none. Those who wait
// come in the order in which they asked, over all processes: one who asks for
// many is not overtaken by those who ask for few. It waits through lost
// connections and ended sessions; when its session ends, it lines up again in
// the next.
//
// ctx bounds the wait, not the permits. When it ends, the error matches
// ctx.Err() and context.Cause(ctx), and our nodes are removed in the background.
// Other errors: ErrTooManyPermits, at once or when a shared limit falls below n
// while this is first in line, but not below 1; n below 1; session.ErrClosed; an invalid path; what the server
// answers, such as session.ErrNoAuth when we may not create below path.
//
// The caller must Release the Permit.
func (s *Semaphore) Acquire(ctx context.Context, n int) (*Permit, error) {
	s.made()
	p, err := s.observed(ctx, false, n, s.acquire)
	if err != nil {
		return nil, s.fail(n, "acquire", err)
	}
	return p, nil
}

// observed tells the hooks of a wait for permits.
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

// TryAcquire takes n permits if they are free and the first of those who wait,
// if there are any, does not claim them. Otherwise it returns ErrNoPermits, and
// leaves nothing behind. So it does while a limit of 0 or less closes the semaphore;
// a node of the limit that does not hold one is an error. Unlike Acquire it does not stand in the line: it may come before
// somebody who has just become the first and has not looked yet.
//
// It waits for nobody but a server: ctx bounds that. Other errors are those of
// Acquire.
func (s *Semaphore) TryAcquire(ctx context.Context, n int) (*Permit, error) {
	s.made()
	p, err := s.observed(ctx, true, n, s.try)
	if err != nil {
		return nil, s.fail(n, "try to acquire", err)
	}
	return p, nil
}

// Do runs f while it holds n permits. The context that f gets ends when ctx
// does, or when any of the permits is lost; context.Cause tells which. The
// permits are released when f has returned, and not before; also when f panics.
//
// Do returns what Acquire does when the permits were not acquired. Otherwise it
// returns what f does. If a permit was lost before f returned, the error
// matches session.ErrLost besides, even where f returned nil.
func (s *Semaphore) Do(ctx context.Context, n int, f func(ctx context.Context, p *Permit) error) error {
	misuse.NilFunc(f == nil, "Do")
	p, err := s.Acquire(ctx, n)
	if err != nil {
		return err
	}
	fail := func(op string, err error) error { return fmt.Errorf("permits of %s: %w", s.path, err) }
	within, stop := line.Within(ctx, p)
	return whileHeld(p, within, stop, fail, func(ctx context.Context) error { return f(ctx, p) })
}

// Holders returns who holds permits, in the order in which they came: one
// contender for each permit. Of a Curator peer the lease with which it waits as
// the first in line counts as held. It tells what the server we are connected to
// knows, which may lag behind: it is for people and tools, and no base for
// decisions.
//
// ctx bounds the reads. Errors: ctx's; session.ErrClosed; an invalid path;
// session.ErrNoAuth when we may not list the directories.
func (s *Semaphore) Holders(ctx context.Context) ([]Contender, error) {
	s.made()
	// The leases first: of those who get their permit in between, none counts twice.
	leases, err := s.contenders(ctx, s.leases)
	if err != nil {
		return nil, err
	}
	waiting, err := s.line.Places(ctx)
	if err != nil {
		return nil, s.unlisted(err)
	}
	standing := make(map[string]bool, len(waiting))
	for _, w := range waiting {
		standing[w.Name] = true
	}
	holders := make([]Contender, 0, len(leases))
	for _, l := range leases {
		if !standing[placeOf(l.Data)] {
			holders = append(holders, describe(l))
		}
	}
	return holders, nil
}

// Waiters returns who waits for permits, in order. What is said of Holders
// holds for it too.
func (s *Semaphore) Waiters(ctx context.Context) ([]Contender, error) {
	s.made()
	nodes, err := s.contenders(ctx, s.line)
	if err != nil {
		return nil, err
	}
	return describeAll(nodes), nil
}

func (s *Semaphore) contenders(ctx context.Context, l *line.Line) ([]line.Contender, error) {
	err := s.err
	var nodes []line.Contender
	if err == nil {
		nodes, err = l.Contenders(ctx)
	}
	if err != nil {
		return nil, s.unlisted(err)
	}
	return nodes, nil
}

func (s *Semaphore) unlisted(err error) error {
	return fmt.Errorf("list the contenders of %s: %w", s.path, err)
}

func (s *Semaphore) fail(n int, op string, err error) error {
	what := "a permit"
	if n != 1 {
		what = fmt.Sprintf("%d permits", n)
	}
	return fmt.Errorf("%s %s of %s: %w", op, what, s.path, err)
}
