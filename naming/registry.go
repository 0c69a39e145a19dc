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

// Errors of a registry. Compare with errors.Is: they arrive in a
// *session.OpError, which names the operation and the path.
var (
	// ErrDuplicate says that another process has registered an instance under
	// the id. That process is undisturbed.
	ErrDuplicate = core.ErrIDTaken
	// ErrReplaced says that another process has taken the instance's place
	// (Replace).
	ErrReplaced = core.ErrReplaced
	// ErrPersistent says that the path of a dynamic instance has a persistent
	// znode: a static instance, or a znode that was made by hand. It is never
	// deleted.
	ErrPersistent = fmt.Errorf("%w; unregister it if it is a static instance", core.ErrNotEphemeral)
	// ErrUnregistered is the reason why an instance is out after Unregister.
	ErrUnregistered = fmt.Errorf("%w: Unregister was called", core.ErrReleased)
)

// Registry is a tree of services in ZooKeeper. It is safe for concurrent use
// and keeps no state of an instance or a watch.
type Registry struct {
	sm       *core.Manager
	codec    Codec
	base     string
	conflict standing.Conflict
	err      error
}

// Option changes where a Registry is and how it registers.
type Option func(*Registry)

// Base sets the path below which services lie. The default is the codec's:
// /services for Curator and Spring, /dubbo for Dubbo.
func Base(path string) Option { return func(r *Registry) { r.base = path } }

// WithCodec sets the codec with which instances are written and read. The
// default is Curator().
func WithCodec(c Codec) Option {
	misuse.If(c == nil, "naming.WithCodec is given a nil Codec")
	return func(r *Registry) { r.codec = c }
}

// Refuse makes Register fail with ErrDuplicate at once if another process has
// an instance under the id. Without Refuse, Register first waits for the
// instance to go. It waits for as long as the session of a crashed process can
// last: one and a half session timeouts.
func Refuse() Option { return func(r *Registry) { r.conflict = standing.Refuse } }

// Replace makes Register take the place of an instance with the same id. The
// other registration is out with ErrReplaced, and comes back in by itself when
// the place is free again.
//
// Of several registrations, the one that registered last has the place, for
// good. An older registration may come back in while the newer one's session is
// lost. The newer one takes the place back from it, and the older never takes
// it from the newer. The order is the order of the zxids with which the
// instances first came in. An instance that comes back carries this zxid in its
// znode's ACL, in an entry without permissions.
func Replace() Option { return func(r *Registry) { r.conflict = standing.Replace } }

// New returns the registry below a base path. It does no I/O. If the path
// cannot be used, every call on the Registry returns the error.
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

// made panics for a Registry that was not made by New, or that was given no
// Manager.
func (r *Registry) made() {
	misuse.If(r == nil || r.sm == nil, "a Registry without a Manager is used: get one from naming.New, with the Manager of session.Dial")
}

// dir returns the directory of a service.
func (r *Registry) dir(service string) (string, error) {
	r.made()
	if r.err != nil {
		return "", r.err
	}
	return r.codec.Dir(r.base, service)
}

// Services lists the names of the services, sorted. A service that has lost its
// last instance may be listed for a while. ctx bounds the read; the error is
// ctx's, session.ErrClosed, or what the server answers, such as
// session.ErrNoAuth.
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

// serviceIn returns the service whose directory has the name, or begins with
// it. A codec may have written the service's name as it is, or encoded as part
// of a URL.
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

// SetDraining marks an instance of any process as draining, or removes the
// mark. It is for operators. The instance's own process does not learn of it.
// It overwrites the mark with its next Update, and when it registers again
// after the loss of its session. If the znode's name holds the whole instance,
// as with Dubbo, only the instance's own process can change it.
//
// ctx bounds the call. Errors: session.ErrNoNode if the instance does not
// exist; a *MalformedError; ctx's; what the server answers;
// session.ErrUnknownOutcome if the answer was lost and the instance has changed
// since.
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
		return failed("drain", path, errors.New("the znode's name holds the whole instance: only the process that registered it can change it"))
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

// isInstance returns a *MalformedError for a znode that may not be an instance.
// Any JSON object can be read as an Instance without fields. An instance has an
// address, a port or a URISpec.
func isInstance(in Instance) error {
	if in.Address != "" || in.Port != 0 || in.SSLPort != 0 || len(in.URISpec) != 0 {
		return nil
	}
	return &MalformedError{in.Service, in.ID, errors.New("it has neither an address nor a port: it is not an instance, and is left as it is")}
}

// transient reports whether another read will show the outcome.
func transient(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && !errors.Is(err, core.ErrClosed) &&
		(errors.Is(err, core.ErrSessionEnded) || errors.Is(err, core.ErrUnknownOutcome))
}

// encode and decode guard against a foreign codec that panics, or that returns
// names which no path can have.
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
		err = errors.New("the codec returns another service or id")
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

// failed adds the operation and the path to an error. It returns nil for nil.
func failed(op, path string, err error) error {
	var named *core.OpError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &named) && named.Path == path:
		err = named.Err
	}
	dir, name := znode.Split(path)
	return &core.OpError{Op: op, Path: znode.Join(dir, redact(name)), Err: err}
}
