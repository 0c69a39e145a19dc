package docentkratos

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/go-kratos/kratos/v2/registry"

	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
)

// Option is an option of New.
type Option func(*options)

type options struct {
	base     string
	open     func(service string) []naming.OpenOption
	register []naming.RegisterOption
}

// RootPath sets the path below which the services lie, as WithRootPath of
// kratos's own registry does. The default is Base.
func RootPath(path string) Option { return func(o *options) { o.base = path } }

// OpenOptions sets how a service is followed, such as naming.CacheFile with a
// file of the service's own, naming.ProtectEmpty and naming.Limit.
func OpenOptions(f func(service string) []naming.OpenOption) Option {
	return func(o *options) { o.open = f }
}

// Refuse has Register wait for an instance with the same id to go, and then fail
// with session.ErrIDTaken: see naming.Refuse. By default Register takes the
// place of such an instance, as kratos's own registry does.
func Refuse() Option {
	return func(o *options) { o.register = []naming.RegisterOption{naming.Refuse()} }
}

// ErrNotRegistered says that this Registry has not registered the instance, or
// has deregistered it.
var ErrNotRegistered = errors.New("this registry has not registered the instance")

// Registry is a registry.Registrar and a registry.Discovery of kratos. It
// follows each service that was asked for, with one watch, until Close. It is
// safe for concurrent use.
type Registry struct {
	naming  *naming.Registry
	options options

	mu         sync.Mutex
	registered map[[2]string]*naming.Registration // by name and id
	services   map[string]*naming.Service
	closed     bool
}

var (
	_ registry.Registrar = (*Registry)(nil)
	_ registry.Discovery = (*Registry)(nil)
)

// New returns the registry of the services below Base, which is below sm's
// root. It does no I/O. Directories and instances get sm's ACL.
func New(sm *session.Manager, opts ...Option) *Registry {
	o := options{base: Base, register: []naming.RegisterOption{naming.Replace()}}
	for _, opt := range opts {
		opt(&o)
	}
	return &Registry{
		naming:     naming.NewRegistry(sm, naming.Base(o.base), naming.Layout(codec{})),
		options:    o,
		registered: make(map[[2]string]*naming.Registration), services: make(map[string]*naming.Service),
	}
}

// Register registers an instance, and returns when others can see it. It stays
// registered, from session to session, until Deregister or until the Manager is
// closed. An instance that this Registry has registered before is updated. ctx
// bounds the call. It returns the errors of naming.Registry.Register, such as
// session.ErrNoAuth. If Register fails, no instance is left.
func (r *Registry) Register(ctx context.Context, service *registry.ServiceInstance) error {
	in, err := instance(service)
	if err != nil {
		return fmt.Errorf("register %s/%s: %w", service.Name, service.ID, err)
	}
	key := [2]string{service.Name, service.ID}
	r.mu.Lock()
	g := r.registered[key]
	r.mu.Unlock()
	if g != nil {
		return g.Update(ctx, in)
	}
	g, err = r.naming.Register(ctx, in, r.options.register...)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.registered[key] = g
	return nil
}

// Deregister removes an instance that this Registry has registered, and returns
// once it is gone. ctx bounds only the wait: the removal begins even if ctx has
// ended, and goes on in the background. During an outage Deregister returns when
// the session can no longer be trusted, and the servers delete the instance when
// the session expires. Errors: ErrNotRegistered; the errors of
// naming.Registration.Unregister.
func (r *Registry) Deregister(ctx context.Context, service *registry.ServiceInstance) error {
	key := [2]string{service.Name, service.ID}
	r.mu.Lock()
	g := r.registered[key]
	delete(r.registered, key)
	r.mu.Unlock()
	if g == nil {
		return fmt.Errorf("deregister %s/%s: %w", service.Name, service.ID, ErrNotRegistered)
	}
	return g.Unregister(ctx)
}

// GetService returns the instances of a service, which may be none. The first
// call for a service reads them, and follows the service from then on. Later
// calls send no request, and return the last instances while ZooKeeper does not
// answer. ctx bounds the first read. It returns the errors of
// naming.Registry.Open, such as session.ErrNoAuth. The instances belong to the
// caller.
func (r *Registry) GetService(ctx context.Context, serviceName string) ([]*registry.ServiceInstance, error) {
	s, err := r.follow(ctx, serviceName)
	if err != nil {
		return nil, err
	}
	return parsed(s.View())
}

// Watch returns a watcher of a service. It sends no request: the first Next
// reads the instances. ctx bounds the watcher, and Stop ends it. The error says
// that the name cannot be a service's.
func (r *Registry) Watch(ctx context.Context, serviceName string) (registry.Watcher, error) {
	if _, err := (codec{}).Dir(r.naming.Base(), serviceName); err != nil {
		return nil, fmt.Errorf("watch %q: %w", serviceName, err)
	}
	return newWatcher(ctx, func(ctx context.Context) (*naming.Service, error) { return r.follow(ctx, serviceName) }), nil
}

// follow returns the service, and follows it if nothing has yet.
func (r *Registry) follow(ctx context.Context, name string) (*naming.Service, error) {
	r.mu.Lock()
	s, closed := r.services[name], r.closed
	r.mu.Unlock()
	if s != nil || closed {
		return s, r.closedError(closed)
	}
	var opts []naming.OpenOption
	if r.options.open != nil {
		opts = r.options.open(name)
	}
	s, err := r.naming.Open(ctx, name, opts...)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	other, closed := r.services[name], r.closed
	if other == nil && !closed {
		r.services[name] = s
	}
	r.mu.Unlock()
	if other != nil || closed {
		return other, errors.Join(s.Close(), r.closedError(closed))
	}
	return s, nil
}

// errRegistryClosed is returned by every call after Close.
var errRegistryClosed = fmt.Errorf("the registry was closed: %w", session.ErrClosed)

func (r *Registry) closedError(closed bool) error {
	if closed {
		return errRegistryClosed
	}
	return nil
}

// Close ends the watch of every service, and writes the cache files. It does not
// deregister instances. A watcher ends with an error that matches
// session.ErrClosed and context.Canceled. The error is always nil.
func (r *Registry) Close() error {
	r.mu.Lock()
	r.closed = true
	services := r.services
	r.services = make(map[string]*naming.Service)
	r.mu.Unlock()
	var errs []error
	for _, s := range services {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}
