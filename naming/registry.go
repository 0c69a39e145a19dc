package naming

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/ctxend"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/standing"
	"github.com/docent-go/docent/internal/znode"
	"github.com/docent-go/docent/session"
)

// Errors, compared with errors.Is: they arrive in a *session.OpError, which
// names the operation and the path.
var (
	// ErrDuplicate says that another process has registered an instance under
	// the id. It is undisturbed.
	ErrDuplicate = errors.New("another process has registered an instance under this id")
	// ErrReplaced says that another process has taken our instance's place
	// (Replace).
	ErrReplaced = errors.New("another process has taken the place of our instance")
	// ErrPersistent says that a persistent node stands where a dynamic instance
	// is to be: a static instance, or something made by hand. It is never
	// deleted.
	ErrPersistent = errors.New("a persistent node stands there, a static instance or one made by hand: " +
		"unregister it or delete it if nobody needs it")
	// ErrUnregistered is why an instance is out after Unregister.
	ErrUnregistered = errors.New("the instance was unregistered")
)

// Registry is a tree of services in ZooKeeper. It is safe for concurrent use
// and keeps nothing of a single instance or watch.
type Registry struct {
	sm       *core.Manager
	codec    Codec
	base     string
	conflict standing.Conflict
	err      error
}

// Option changes where a Registry is and how it registers.
type Option func(*Registry)

// Base is the path below which services lie. The default is the codec's:
// /services for Curator and Spring, /dubbo for Dubbo.
func Base(path string) Option { return func(r *Registry) { r.base = path } }

// WithCodec says how instances are written and read. The default is Curator().
func WithCodec(c Codec) Option {
	misuse.If(c == nil, "naming.WithCodec is given a nil Codec")
	return func(r *Registry) { r.codec = c }
}

// Refuse makes Register fail with ErrDuplicate at once if an instance of
// another process stands under the id already. Without it Register waits for it
// to go for as long as the session of a process that has crashed can last: one
// and a half session timeouts.
func Refuse() Option { return func(r *Registry) { r.conflict = standing.Refuse } }

// Replace makes Register take the place of an instance that stands under the
// id already. The other's registration is out with ErrReplaced, and comes back
// by itself when the place is free again.
//
// Of several registrations the one that stood first last has the place, for
// good: it takes the place back from an older one that came back in while its
// own session was lost, and an older one never takes it from a newer. The order
// is the ensemble's, by the zxid with which an instance stood first. An instance
// that comes back carries that number in its znode's ACL, in an entry without
// permissions.
func Replace() Option { return func(r *Registry) { r.conflict = standing.Replace } }

// New returns the registry below a base path. It does no I/O. A path that
// cannot be used is reported by every call.
func New(sm *session.Manager, opts ...Option) *Registry {
	r := &Registry{sm: bridge.Core(sm), codec: Curator()}
	misuse.Apply("naming.New", r, opts)
	r.base = cmp.Or(r.base, r.codec.Base())
	r.err = znode.Validate(r.base)
	return r
}

// Base returns the path below which the services lie.
func (r *Registry) Base() string {
	misuse.ZeroValue(r == nil || r.codec == nil, "or nil naming.Registry", "naming.New")
	return r.base
}

// made panics for a Registry that New has not made, or was given no Manager.
func (r *Registry) made() {
	misuse.If(r == nil || r.sm == nil, "a Registry without a Manager is used: get one from naming.New, with the Manager of core.Dial")
}

// dir is the directory of a service.
func (r *Registry) dir(service string) (string, error) {
	r.made()
	if r.err != nil {
		return "", r.err
	}
	return r.codec.Dir(r.base, service)
}

// Services lists the names of the services, sorted. One that has lost its last
// instance may be listed for a while. ctx bounds the read; the error is ctx's,
// session.ErrClosed, or what the server answers, such as session.ErrNoAuth.
func (r *Registry) Services(ctx context.Context) ([]string, error) {
	r.made()
	if r.err != nil {
		return nil, failed("list the services of", r.base, r.err)
	}
	children, _, err := r.sm.Children(ctx, r.base)
	switch {
	case errors.Is(err, core.ErrNoNode):
		return []string{}, nil
	case err != nil:
		return nil, failed("list the services of", r.base, ctxend.Join(ctx, err))
	}
	names := make([]string, 0, len(children))
	for _, child := range children {
		if name, ok := r.serviceIn(child); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// serviceIn is the service whose directory bears the name, or begins with it.
// A codec may have written it as it is, or encoded as part of a URL.
func (r *Registry) serviceIn(child string) (string, bool) {
	decoded, err := url.QueryUnescape(child)
	if err != nil {
		decoded = child
	}
	path := znode.Join(r.base, child)
	for _, name := range []string{child, decoded} {
		if dir, err := r.codec.Dir(r.base, name); err == nil && (dir == path || strings.HasPrefix(dir, path+"/")) {
			return name, true
		}
	}
	return "", false
}

// SetDraining marks an instance of any process as draining, or takes the mark
// back: it is for operators. The instance's own process does not learn of it,
// and overwrites it with its next Update, and when it registers anew since its
// session was lost. With a codec that says everything in the node's name,
// such as Dubbo's, nobody but that process can do it.
//
// ctx bounds the call. Errors: session.ErrNoNode when there is no such
// instance; a *MalformedError; ctx's; what the server answers;
// session.ErrUnknownOutcome when the answer was lost and the instance has
// changed since.
func (r *Registry) SetDraining(ctx context.Context, service, id string, draining bool) error {
	dir, err := r.dir(service)
	if err != nil {
		return failed("drain", r.base, err)
	}
	if err := znode.ValidateName(id); err != nil {
		return failed("drain", dir, err)
	}
	path := znode.Join(dir, id)
	if r.codec.InName() {
		return failed("drain", path, errors.New("the name of the node says everything: only the process that registered it can change it"))
	}
	for {
		s, err := r.sm.Session(ctx)
		if err == nil {
			err = r.setDraining(ctx, s, service, path, id, draining)
		}
		unknown := errors.Is(err, core.ErrUnknownOutcome)
		if unknown || !transient(ctx, err) && !errors.Is(err, core.ErrBadVersion) {
			return failed("drain", path, ctxend.Join(ctx, err))
		}
	}
}

func (r *Registry) setDraining(ctx context.Context, s *core.Session, service, path, id string, draining bool) error {
	data, stat, err := s.Get(ctx, path)
	if err != nil {
		return err
	}
	in, err := r.decode(service, id, data)
	if err == nil {
		err = isInstance(in)
	}
	if err != nil || in.Draining == draining {
		return err
	}
	in.Draining = draining
	if _, data, err = r.encode(in); err != nil {
		return err
	}
	_, err = s.SetOver(ctx, path, data, stat)
	return err
}

// isInstance returns a *MalformedError for what only seems to be an instance: any
// JSON object can be read as one that says nothing. A field of Curator's, Spring's or
// Docent's own that names where it is reached makes it one.
func isInstance(in Instance) error {
	if in.Address != "" || in.Port != 0 || in.SSLPort != 0 || len(in.URISpec) != 0 {
		return nil
	}
	return &MalformedError{in.Service, in.ID, errors.New("it has neither an address nor a port: it is not an instance, and was left")}
}

// transient reports whether looking again will tell what became of it.
func transient(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && !errors.Is(err, core.ErrClosed) &&
		(errors.Is(err, core.ErrSessionEnded) || errors.Is(err, core.ErrUnknownOutcome))
}

// encode and decode guard against a codec of somebody else that panics, or
// makes something that no path or list can hold.
func (r *Registry) encode(in Instance) (name string, data []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("naming: instance %q of service %q: the codec panics: %v", redact(in.ID), in.Service, p)
		}
	}()
	if name, data, err = r.codec.Encode(in); err != nil {
		return "", nil, err
	}
	return name, data, znode.ValidateName(name)
}

func (r *Registry) decode(service, name string, data []byte) (in Instance, err error) {
	defer func() {
		if p := recover(); p != nil {
			in, err = Instance{}, &MalformedError{service, name, fmt.Errorf("the codec panics: %T", p)}
		}
	}()
	in, err = r.codec.Decode(service, name, data)
	if err == nil && (in.Service != service || in.ID != name) {
		err = errors.New("the codec gives it another service or id")
	}
	if err == nil {
		err = in.check()
	}
	var known *MalformedError
	switch {
	case err == nil:
		return in, nil
	case errors.As(err, &known):
		return Instance{}, known
	}
	return Instance{}, &MalformedError{service, name, err}
}

// explained is an error of a standing node in the words of a registry.
func explained(err error) error {
	var other *standing.DuplicateError
	switch {
	case errors.Is(err, standing.ErrClosed):
		return ErrUnregistered
	case errors.Is(err, standing.ErrNotEphemeral):
		return ErrPersistent
	case !errors.As(err, &other):
		return err
	case errors.Is(err, standing.ErrReplaced):
		return fmt.Errorf("%w (session 0x%x)", ErrReplaced, other.Session)
	}
	return fmt.Errorf("%w (session 0x%x)", ErrDuplicate, other.Session)
}

// failed says which operation failed, and where.
func failed(op, path string, err error) error {
	var named *core.OpError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &named) && named.Path == path:
		err = named.Err
	}
	dir, name := znode.Split(path)
	return &core.OpError{Op: op, Path: znode.Join(dir, redact(name)), Err: explained(err)}
}
