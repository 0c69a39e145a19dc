package naming

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/internal/base/bounds"
	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/grace"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/once"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/views"
)

// Defaults of ProtectEmpty, Limit and MaxBytes. The bytes are room for 20,000
// instances of three kilobytes each.
const (
	DefaultProtection = 30 * time.Second
	DefaultLimit      = views.DefaultLimit
	DefaultMaxBytes   = views.DefaultMaxBytes
)

// ErrDisconnected is the reason why a view is stale while no server is
// connected, and after that until its instances have been read again. The
// session may still live.
var ErrDisconnected = errors.New("ZooKeeper cannot be reached: the last known instances are shown")

// OpenOption changes how a service is watched.
type OpenOption func(*opening)

type opening struct {
	cache   string
	protect time.Duration
	limit   int
	bytes   int
	pause   time.Duration
	filter  func(Instance) bool
}

// CacheFile keeps the instances in a file, for a start while ZooKeeper is away.
// Open then returns at once, with the instances of the file, which are Stale
// until they have been read from a server. Each service needs a file of its
// own. It is rewritten after a change, at most once a second, and when the
// watch is closed.
//
// A file that cannot be used is a *CacheError among the problems of the View. A
// file of another service or version is never written to, nor is a file of
// another user or one that is not regular (session.ErrUnsafeFile). A damaged
// file is kept under its name with ".damaged" appended.
func CacheFile(path string) OpenOption { return func(o *opening) { o.cache = path } }

// ProtectEmpty sets for how long the last instances of a service are shown
// after it has lost all of them (View.Protected). Instances are seldom all down
// at once. More often their sessions were lost, for instance in an outage of
// ZooKeeper. Then they come back by themselves within about a session timeout.
// An instance that comes back, under the same id or address, is shown as it is
// now, together with those that are still missing.
//
// New instances replace the missing in two cases: an instance is available
// whose id and address are not among the lost, or as many instances are
// available as were lost. Then the service was deployed again, and the missing
// are dead. The time of each instance runs from its own loss, and only while
// ZooKeeper can be reached. An instance that comes and goes does not prolong
// the time of the others. The default is DefaultProtection; 0 turns the
// protection off, so that an empty service is empty at once.
func ProtectEmpty(d time.Duration) OpenOption { return func(o *opening) { o.protect = d } }

// Filter leaves out the instances for which f is false, such as instances of
// other zones. Filter(naming.Instance.Available) leaves out the disabled and
// the draining ones, which a Balancer passes over anyhow. Instances that f
// leaves out are not shown by ProtectEmpty or from a CacheFile either. f must
// always return the same for the same instance, and must not block.
func Filter(f func(Instance) bool) OpenOption {
	misuse.NilFunc(f == nil, "naming.Filter")
	return func(o *opening) { o.filter = f }
}

// Limit sets how many znodes of the service are read at most: the first by
// name. It bounds the cost of a directory that other programs have filled. If
// there are more, View.LeftOut says so, and View.Problems has an error that
// matches session.ErrLeftOut. The default is DefaultLimit.
func Limit(n int) OpenOption { return func(o *opening) { o.limit = n } }

// MaxBytes sets how many bytes of names and data are read of the service's
// znodes at most. The instances that do not fit are left out, as with Limit:
// session.LeftOut says which. With what is decoded, a service takes up to three
// times as much memory. The default is DefaultMaxBytes.
func MaxBytes(n int) OpenOption { return func(o *opening) { o.bytes = n } }

// Pause sets the minimum time between two reads of the same znode or directory.
// If it changes more often, its state at the end of the pause is read. The
// default is 50 ms. For a large service that changes in bursts, a longer pause
// saves requests.
func Pause(d time.Duration) OpenOption { return func(o *opening) { o.pause = d } }

func (o *opening) validate() error {
	return cmp.Or(bounds.NotNegative("ProtectEmpty", o.protect), bounds.NotNegative("Pause", o.pause),
		bounds.AtLeast("Limit", o.limit, 1), bounds.AtLeast("MaxBytes", o.bytes, 1))
}

// Service is a service that is watched. It is a Source for a Balancer. It lives
// until Close, or until its Manager is closed. It is safe for concurrent use.
type Service struct {
	r         *Registry
	name, dir string
	opts      opening
	closed    error // the View's after Close

	view atomic.Pointer[View]
	tree atomic.Pointer[views.Tree]

	ctx     context.Context
	cancel  context.CancelCauseFunc
	work    sync.WaitGroup
	closing once.Once
	wake    chan struct{} // holds a token when the loop may have something to do
	away    atomic.Bool   // no server is connected, or the instances have not been read since
	cache   *cacheKeeper  // nil without a file

	following // only the loop uses it

	mu        sync.Mutex
	balancers []*Balancer[Instance]
}

// coldWait is how long Open waits for a connected server before it returns
// the instances of the cache file.
const coldWait = time.Second

// Open follows a service, and blocks until its instances have been read once,
// or taken from the cache file (CacheFile). A service that does not exist is
// empty, and is followed all the same. ctx bounds only Open.
//
// Errors, in a *session.OpError: a name that cannot be a service's; an invalid
// option; session.ErrNoAuth if the service may not be listed;
// session.ErrClosed; ctx's, with session.ErrUnreachable if there was no
// session.
func (r *Registry) Open(ctx context.Context, service string, opts ...OpenOption) (*Service, error) {
	o := opening{protect: DefaultProtection, limit: DefaultLimit, bytes: DefaultMaxBytes}
	misuse.Apply("Registry.Open", &o, opts)
	dir, err := r.dir(service)
	if err != nil {
		return nil, core.Failed("open service", r.base, err)
	}
	if err := o.validate(); err != nil {
		return nil, core.Failed("open service", dir, err)
	}
	s := &Service{
		r: r, name: service, dir: dir, opts: o, wake: make(chan struct{}, 1),
		closed: core.ClosedError(fmt.Sprintf("the service %q", service)),
	}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	s.away.Store(true)
	first := &View{Stale: true, Err: ErrDisconnected, next: make(chan struct{})}
	cached := false
	if o.cache != "" {
		s.cache, first.list = openCache(o.cache, service, o.filter)
		cached = s.cache.loaded
		first.Problems = s.cache.problems()
	}
	s.view.Store(first)
	if err := s.start(ctx, cached); err != nil {
		s.Close()
		return nil, core.Failed("open service", dir, err)
	}
	return s, nil
}

// start runs the loop and waits until the first view can be shown.
func (s *Service) start(ctx context.Context, cached bool) error {
	if err := ctxend.Err(ctx); err != nil {
		return err
	}
	var late <-chan time.Time
	if cached {
		wait := coldWait
		if s.r.sm.State() != core.Connected {
			wait = 0
		}
		timer := time.NewTimer(wait)
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
			return nil // the view holds the error
		}
		return err
	case <-late:
		return nil
	case <-ctx.Done():
		return ctxend.Err(ctx)
	}
}

// made panics for a Service that was not made by Open.
func (s *Service) made() {
	misuse.ZeroValue(s == nil || s.r == nil, "or nil naming.Service", "Registry.Open")
}

// Name returns the name of the service.
func (s *Service) Name() string {
	s.made()
	return s.name
}

// Load returns the known instances, sorted by ID: the same slice until there is
// a change, and then another one. The first Load after a change makes the
// slice, a copy of all instances; View().All() needs no slice. Each later Load
// costs two atomic loads. Do not change the slice.
func (s *Service) Load() []Instance {
	s.made()
	return s.view.Load().Instances()
}

// View returns the newest view.
func (s *Service) View() *View {
	s.made()
	return s.view.Load()
}

// Stale reports whether the instances may have changed: no server is connected,
// or no quorum has answered since, or the instances have not been read since.
// After a lost connection, Stale is true at once, although the View may not be
// marked yet.
func (s *Service) Stale() bool {
	s.made()
	tree := s.tree.Load()
	return s.view.Load().Stale || tree == nil || tree.Stale()
}

// Balancer returns a balancer over the service whose picks never prepare a new
// set: the watch does it when the instances change. With NewBalancer, a pick
// does it. The balancer lasts as long as the Service. The error says that an
// option is invalid.
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

// Done returns a channel that is closed when the watch has ended: after Close,
// or when the Manager is closed. After that, Load still returns the last known
// instances.
func (s *Service) Done() <-chan struct{} {
	s.made()
	return s.ctx.Done()
}

// Close ends the watch, writes the cache file if the instances have changed
// since, and waits until all goroutines of the watch have ended. If a codec or
// the function of Filter runs, Close waits for at most a second, so that they
// may call it. Close may be called more than once. Its error is always nil.
func (s *Service) Close() error {
	s.made()
	s.cancel(s.closed)
	grace.For(grace.Done(s.work.Wait))
	s.closing.Do(func() {
		if s.cache != nil {
			s.saveCache()
		}
	})
	return nil
}
