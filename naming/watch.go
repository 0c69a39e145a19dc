package naming

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/ctxend"
	"github.com/docent-go/docent/internal/grace"
	"github.com/docent-go/docent/internal/mirror"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/once"
)

// Defaults of WatchOption.
const (
	DefaultProtection = 30 * time.Second
	DefaultLimit      = 20_000
)

// ErrAway is why a view is stale while no server is connected, and until what
// it shows has been read again.
var ErrAway = errors.New("ZooKeeper is away: what was last known is shown")

// ErrNotWatched is why a view is stale after Service.Close.
var ErrNotWatched = errors.New("the service is no longer watched")

// WatchOption changes how a service is watched.
type WatchOption func(*watching)

type watching struct {
	cache   string
	protect time.Duration
	limit   int
	pause   time.Duration
	keep    func(Instance) bool
}

// CacheFile keeps the instances in a file, for a start while ZooKeeper is away:
// Watch then returns at once, with what the file holds, which is Stale until a
// server has been asked. Each service needs a file of its own. It is rewritten
// after a change, once a second at most, and when the watch is closed.
//
// A file that cannot be used is a *CacheError among the problems of the View.
// One of another service or of a newer version is never written to; one that is
// damaged is kept under its name with ".damaged" behind it.
func CacheFile(path string) WatchOption { return func(w *watching) { w.cache = path } }

// ProtectEmpty is for how long a service that has lost all its instances goes
// on being shown with those it had last (View.Kept): they are seldom all down at
// once, and more often it is their sessions that were lost, as after an outage
// of ZooKeeper; then they come back by themselves within a session timeout or
// so. Those that come back, under the same id or address, are shown as they are
// now, beside those that have not yet.
//
// Others take the place of the missing as soon as an instance takes calls that has
// another id and address than all that were lost, or as many instances take calls
// as were lost: the service was deployed anew, and the missing are dead. The time
// of each instance runs from its own loss, and while ZooKeeper is there: an
// instance that comes and goes does not keep the others. The default is
// DefaultProtection; 0 turns it off, and an empty service is empty at once.
func ProtectEmpty(d time.Duration) WatchOption { return func(w *watching) { w.protect = d } }

// Where leaves out the instances for which f is false, such as those of other
// zones: Where(naming.Instance.Available) leaves those that are enabled and not
// draining, which a Balancer does by itself. What f leaves out is not shown by
// ProtectEmpty or from a CacheFile either. f must always answer the same for
// the same instance, and not block.
func Where(f func(Instance) bool) WatchOption {
	misuse.NilFunc(f == nil, "naming.Where")
	return func(w *watching) { w.keep = f }
}

// Limit is how many nodes of the service are read at most: the first by name.
// What is left out is a problem of the View. It bounds what a directory costs
// that somebody has filled with other things. The default is DefaultLimit.
func Limit(n int) WatchOption { return func(w *watching) { w.limit = n } }

// Pause is the least time between two looks at the same thing: what changes
// more often is read as it is when the time is over. The default is 50 ms. For
// a large service that changes in bursts a longer one saves requests.
func Pause(d time.Duration) WatchOption { return func(w *watching) { w.pause = d } }

func (w *watching) validate() error {
	if w.protect < 0 || w.limit < 1 || w.pause < 0 {
		return fmt.Errorf("naming: the protection (%s) and the pause (%s) must not be negative, and the limit (%d) be at least 1",
			w.protect, w.pause, w.limit)
	}
	return nil
}

// Service is a service that is watched. It is a Source for a Balancer. It lives
// until Close, or until its Manager is closed; it is safe for concurrent use.
type Service struct {
	r         *Registry
	name, dir string
	opts      watching

	view atomic.Pointer[View]
	tree atomic.Pointer[mirror.Tree]

	ctx     context.Context
	cancel  context.CancelCauseFunc
	work    sync.WaitGroup
	closing once.Once
	wake    chan struct{} // holds a token when the loop may have something to do
	away    atomic.Bool   // no server is connected, or none has been asked since
	cache   *cacheKeeper  // nil without a file

	following // the loop's alone

	mu        sync.Mutex
	balancers []*Balancer[Instance]
}

// coldPatience is how long Watch waits for a server that is connected before it
// returns what the cache file holds.
const coldPatience = time.Second

// Watch follows a service, and blocks until its instances have been read once,
// or taken from the cache file (CacheFile). A service that does not exist is
// empty, and followed all the same. ctx bounds Watch alone.
//
// Errors, in a *session.OpError: a name that cannot be a service's; an invalid
// option; session.ErrNoAuth when we may not list the service; session.ErrClosed;
// ctx's, with session.ErrUnreachable when there was no session.
func (r *Registry) Watch(ctx context.Context, service string, opts ...WatchOption) (*Service, error) {
	dir, err := r.dir(service)
	if err != nil {
		return nil, failed("watch a service in", r.base, err)
	}
	s := &Service{r: r, name: service, dir: dir, wake: make(chan struct{}, 1)}
	s.opts = watching{protect: DefaultProtection, limit: DefaultLimit}
	misuse.Apply("Registry.Watch", &s.opts, opts)
	if err := s.opts.validate(); err != nil {
		return nil, failed("watch", dir, err)
	}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	s.away.Store(true)
	first := &View{Stale: true, Why: ErrAway, next: make(chan struct{})}
	cached := false
	if s.opts.cache != "" {
		s.cache, first.list = openCache(s.opts.cache, service, s.opts.keep)
		cached = s.cache.loaded
		first.Problems = s.cache.problems()
	}
	s.view.Store(first)
	if err := s.start(ctx, cached); err != nil {
		s.Close()
		return nil, failed("watch", dir, err)
	}
	return s, nil
}

// start runs the loop and waits until there is something to show.
func (s *Service) start(ctx context.Context, cached bool) error {
	if err := ctxend.Err(ctx); err != nil {
		return err
	}
	var late <-chan time.Time
	if cached {
		patience := coldPatience
		if s.r.sm.State() != core.Connected {
			patience = 0
		}
		timer := time.NewTimer(patience)
		defer timer.Stop()
		late = timer.C
	} else if _, err := s.r.sm.Session(ctx); err != nil {
		return err
	}
	opened := make(chan error, 1)
	s.work.Go(func() { s.run(opened) })
	if s.cache != nil {
		damaged := s.cache.aside
		s.work.Go(func() { s.keepCache(damaged) })
	}
	select {
	case err := <-opened:
		if cached {
			return nil // the view tells
		}
		return err
	case <-late:
		return nil
	case <-ctx.Done():
		return ctxend.Err(ctx)
	}
}

// made panics for a Service that Watch has not made.
func (s *Service) made() {
	misuse.ZeroValue(s == nil || s.r == nil, "or nil naming.Service", "Registry.Watch")
}

// Name returns the name of the service.
func (s *Service) Name() string {
	s.made()
	return s.name
}

// Load returns the instances that are known, sorted by ID: the same slice until
// there is a change, and then another one. The first Load after a change makes the slice,
// a copy of all instances; View().All() needs none. Each later Load costs two atomic
// loads. Do not change what Load returns.
func (s *Service) Load() []Instance {
	s.made()
	return s.view.Load().Instances()
}

// View returns all that is known now.
func (s *Service) View() *View {
	s.made()
	return s.view.Load()
}

// Stale reports whether the instances may be others by now: no server is
// connected, or no quorum has answered since, or the instances have not been read
// since. It is never late: while the View may
// not yet tell of a lost connection, Stale does.
func (s *Service) Stale() bool {
	s.made()
	tree := s.tree.Load()
	return s.view.Load().Stale || tree == nil || tree.Stale()
}

// Balancer returns a balancer over the service that need not prepare anything
// in a pick: the watch does it when the instances change. It lasts as long
// as the Service. NewBalancer makes one that does it in a pick. The error
// says that an option is invalid.
func (s *Service) Balancer(strategy Strategy, opts ...BalancerOption) (*Balancer[Instance], error) {
	s.made()
	b := NewBalancer(s, strategy, opts...)
	if err := b.Refresh(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.balancers = append(s.balancers, b)
	return b, nil
}

// Done returns a channel that is closed when the service is no longer watched:
// after Close, or when the Manager is closed. Load goes on to return what was
// known then.
func (s *Service) Done() <-chan struct{} {
	s.made()
	return s.ctx.Done()
}

// Close ends the watch, writes the cache file if it is behind, and waits until
// nothing of it is left running. For a codec or a function of Where that runs it
// waits for a second at most, so that they may call it. It may be called more
// than once.
func (s *Service) Close() {
	s.made()
	s.cancel(ErrNotWatched)
	grace.For(grace.Done(s.work.Wait))
	s.closing.Do(func() {
		if s.cache != nil {
			s.saveCache()
		}
	})
}
