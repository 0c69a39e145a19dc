package naming

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/session"
)

// Registry is a tree of services in ZooKeeper. It is safe for concurrent use
// and keeps no state of an instance or a watch.
type Registry struct {
	sm    *core.Manager
	codec Codec
	base  string
	err   error
}

// Option changes where a Registry is and how its instances are written.
type Option func(*Registry)

// Base sets the path below which services lie. The default is the codec's:
// /services for Curator and Spring, /dubbo for Dubbo.
func Base(path string) Option { return func(r *Registry) { r.base = path } }

// Layout sets the codec with which instances are written and read. The default
// is Curator().
func Layout(c Codec) Option {
	misuse.If(c == nil, "naming.Layout is given a nil Codec")
	return func(r *Registry) { r.codec = c }
}

// NewRegistry returns the registry below a base path. It sends no request. If
// the path cannot be used, every call on the Registry returns the error.
func NewRegistry(sm *session.Manager, opts ...Option) *Registry {
	r := &Registry{sm: bridge.Core(sm), codec: Curator()}
	misuse.Apply("naming.NewRegistry", r, opts)
	r.base = cmp.Or(r.base, r.codec.Base())
	r.err = znode.Validate(r.base)
	return r
}

// Base returns the path below which the services lie.
func (r *Registry) Base() string {
	misuse.ZeroValue(r == nil || r.codec == nil, "or nil naming.Registry", "naming.NewRegistry")
	return r.base
}

// made panics for a Registry that was not made by NewRegistry, or that was
// given no Manager.
func (r *Registry) made() {
	misuse.If(r == nil || r.sm == nil, "a Registry without a Manager is used: get one from naming.NewRegistry, with the Manager of session.Dial")
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
		return nil, core.Failed("list services", r.base, r.err)
	}
	children, _, err := r.sm.Children(ctx, r.base)
	if err != nil && !errors.Is(err, core.ErrNoNode) {
		return nil, core.Failed("list services", r.base, ctxend.Join(ctx, err))
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
		return failed(drainOp(draining), r.base, err)
	}
	if err := znode.ValidateName(id); err != nil {
		return failed(drainOp(draining), dir, err)
	}
	path := znode.Join(dir, id)
	if r.codec.InName() {
		return failed(drainOp(draining), path, errors.New("the znode's name holds the whole instance: only the process that registered it can change it"))
	}
	for {
		s, err := r.sm.Session(ctx)
		if err == nil {
			err = r.setDraining(ctx, s, service, path, id, draining)
		}
		unknown := errors.Is(err, core.ErrUnknownOutcome)
		if unknown || !transient(ctx, err) && !errors.Is(err, core.ErrBadVersion) {
			return failed(drainOp(draining), path, ctxend.Join(ctx, err))
		}
	}
}

// drainOp is what OpError.Op says of SetDraining.
func drainOp(draining bool) string {
	if draining {
		return "drain instance"
	}
	return "undrain instance"
}

func (r *Registry) setDraining(ctx context.Context, s *core.Session, service, path, id string, draining bool) error {
	data, stat, err := s.Get(ctx, path)
	if err != nil {
		return err
	}
	in, err := r.decodeOurs(service, id, data)
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

// transient reports whether another read will show the outcome.
func transient(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && !errors.Is(err, core.ErrClosed) &&
		(errors.Is(err, core.ErrSessionEnded) || errors.Is(err, core.ErrUnknownOutcome))
}
