package dubbo

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
)

// Registry registers and finds applications of Dubbo 3. It is safe for
// concurrent use, and keeps no state of an application.
type Registry struct {
	sm         *core.Manager
	instances  *naming.Registry
	base, root string
	dubboGo    bool
	err        error
}

// Option changes where a Registry is.
type Option func(*Registry)

// Base sets the path below which the instances are. The default is /services.
// It is the "group" of Dubbo's registry, if that is not "services".
func Base(path string) Option { return func(r *Registry) { r.base = path } }

// Root sets the path below which the metadata and the mapping are. The default
// is /dubbo. It is the "group" of Dubbo's metadata center.
func Root(path string) Option { return func(r *Registry) { r.root = path } }

// DubboGo makes Register write a second copy of the metadata to
// /dubbo/<application>/<revision>, where dubbo-go looks for it. Dubbo for Java
// uses /dubbo/metadata/<application>/<revision>.
func DubboGo() Option { return func(r *Registry) { r.dubboGo = true } }

// NewRegistry returns the registry. It sends no request. If a path cannot be
// used, every call on the Registry returns the error.
func NewRegistry(sm *session.Manager, opts ...Option) *Registry {
	layout := naming.DubboApplication()
	r := &Registry{sm: bridge.Core(sm), base: layout.Base(), root: "/dubbo"}
	misuse.Apply("dubbo.NewRegistry", r, opts)
	r.instances = naming.NewRegistry(sm, naming.Layout(layout), naming.Base(r.base))
	if r.err = znode.Validate(r.root); r.err == nil {
		r.err = znode.Validate(r.base)
	}
	return r
}

// made panics for a Registry that was not made by NewRegistry, or that was
// given no Manager.
func (r *Registry) made() {
	misuse.If(r == nil || r.sm == nil, "a Registry without a Manager is used: get one from dubbo.NewRegistry, with the Manager of session.Dial")
}

// Instances returns the registry of the instances: Open follows the instances
// of an application, and Services lists the applications.
func (r *Registry) Instances() *naming.Registry {
	r.made()
	return r.instances
}

// Register registers an instance of an application with the services that it
// serves, and blocks until its znode exists. It first writes the metadata of the
// services, and then adds the application to the mapping of each interface. So a
// consumer that finds the instance finds these too. The service of in is the
// application, in.Port is the port of services without their own, and in.Weight
// applies to services without the parameter "weight". Without services the
// consumers of Dubbo skip the instance.
//
// Register sets the Metadata "dubbo.endpoints", "dubbo.metadata.revision" and
// "dubbo.metadata.storage-type" (remote); in.Metadata may hold others, such as
// "dubbo.tag". The instance is then kept registered as naming.Registry.Register
// says, which also lists the errors. Further errors: a service that cannot be
// written; what a server answers to a write of the metadata or of the mapping,
// such as session.ErrNoAuth; session.ErrExposed. After an error, metadata and
// mapping may have been written. ctx bounds only Register.
func (r *Registry) Register(ctx context.Context, in naming.Instance, services []Service, opts ...naming.RegisterOption) (*naming.Registration, error) {
	in, err := r.publish(ctx, in, services)
	if err != nil {
		return nil, core.Failed("register application", r.base, err)
	}
	return r.instances.Register(ctx, in, opts...)
}

// Update changes the fields of a registered instance and the services that it
// serves, in the order of Register. in.Service must stay the same. ctx and the
// errors are those that naming.Registration.Update and Register document.
func (r *Registry) Update(ctx context.Context, g *naming.Registration, in naming.Instance, services []Service) error {
	r.made()
	misuse.If(g == nil, "Registry.Update is given a nil Registration: get one from Registry.Register")
	in, err := r.publish(ctx, in, services)
	if err != nil {
		return core.Failed("update application", r.base, err)
	}
	return g.Update(ctx, in)
}

// publish writes metadata and mapping, and returns the instance that refers to
// them. It writes nothing if the instance cannot be registered.
func (r *Registry) publish(ctx context.Context, in naming.Instance, services []Service) (naming.Instance, error) {
	r.made()
	if r.err != nil {
		return in, r.err
	}
	if err := checkApplication(in.Service); err != nil {
		return in, err
	}
	m, err := metadataOf(in.Service, in.Port, services)
	if err != nil {
		return in, err
	}
	metadata := map[string]string{revisionKey: m.Revision, storageKey: "remote"}
	for key, value := range in.Metadata {
		if key != revisionKey && key != storageKey && key != endpointsKey {
			metadata[key] = value
		}
	}
	if len(m.Services) > 0 {
		if metadata[endpointsKey], err = endpoints(m.Services); err != nil {
			return in, err
		}
	}
	in.Metadata = metadata
	probe := in
	probe.ID = "id" // in may get its ID from naming.Registry.Register
	if _, _, err := naming.DubboApplication().Encode(probe); err != nil {
		return in, err
	}
	if err := in.CheckAddress(); err != nil {
		return in, err
	}
	if len(m.Services) == 0 {
		return in, nil
	}
	if err := r.write(ctx, m); err != nil {
		return in, err
	}
	mapped := make(map[string]bool)
	for _, s := range m.Services {
		if mapped[s.Interface] {
			continue
		}
		mapped[s.Interface] = true
		if err := r.mapTo(ctx, s.Interface, in.Service); err != nil {
			return in, err
		}
	}
	return in, nil
}

// paths returns where the metadata of a revision may be, Java's path first.
func (r *Registry) paths(app, revision string) [2]string {
	at := func(dir string) string { return znode.Join(znode.Join(dir, app), revision) }
	return [2]string{at(znode.Join(r.root, "metadata")), at(r.root)}
}

// write writes the metadata, unless the revision has one.
func (r *Registry) write(ctx context.Context, m Metadata) error {
	data, err := m.encode()
	if err != nil {
		return err
	}
	paths := r.paths(m.Application, m.Revision)
	for i, path := range paths {
		if i == 1 && !r.dubboGo {
			break
		}
		err := r.change(ctx, path, func(held []byte) []byte {
			if len(bytes.TrimSpace(held)) > 0 {
				return nil // the same services, perhaps by another library's JSON
			}
			return data
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// change writes what to makes of the data of a persistent znode, and creates the
// znode if it is missing. It writes nothing if to returns nil. If another process
// writes in between, change reads again.
func (r *Registry) change(ctx context.Context, path string, to func(held []byte) []byte) error {
	for {
		err := r.changeOnce(ctx, path, to)
		if err == nil {
			return nil
		}
		again := errors.Is(err, core.ErrSessionEnded) || errors.Is(err, core.ErrUnknownOutcome) ||
			errors.Is(err, core.ErrBadVersion) || errors.Is(err, core.ErrNodeExists) || errors.Is(err, core.ErrNoNode)
		if !again || ctx.Err() != nil || errors.Is(err, core.ErrClosed) {
			return core.Failed("publish", path, ctxend.Join(ctx, err))
		}
	}
}

func (r *Registry) changeOnce(ctx context.Context, path string, to func(held []byte) []byte) error {
	s, err := r.sm.Session(ctx)
	if err != nil {
		return err
	}
	held, stat, err := s.GetNewest(ctx, path)
	if errors.Is(err, core.ErrNoNode) {
		_, err = s.CreateWithParents(ctx, path, to(nil))
		return err
	}
	if err != nil {
		return err
	}
	data := to(held)
	if data == nil {
		return nil
	}
	if err := s.AdmitWrite(ctx, path); err != nil {
		return err
	}
	_, err = s.SetOver(ctx, path, data, stat)
	return err
}

var errNoMetadata = fmt.Errorf("ZooKeeper does not have it, and the instance may keep it itself (storage type local): %w", core.Explain(core.ErrNoNode))

// Metadata reads what the instances of an application with a revision serve
// (Revision of the instance). ctx bounds the read. Errors, in a
// *session.OpError: session.ErrNoNode if ZooKeeper does not have it, such as for
// an instance with the storage type "local"; data that is not metadata; ctx's;
// session.ErrClosed; what the server answers, such as session.ErrNoAuth.
func (r *Registry) Metadata(ctx context.Context, app, revision string) (Metadata, error) {
	r.made()
	const op = "read metadata"
	for _, err := range []error{r.err, checkApplication(app), checkName("revision", revision)} {
		if err != nil {
			return Metadata{}, core.Failed(op, r.root, err)
		}
	}
	paths := r.paths(app, revision)
	for _, path := range paths {
		m, err := r.read(ctx, path)
		if !errors.Is(err, core.ErrNoNode) {
			return m, core.Failed(op, path, ctxend.Join(ctx, err))
		}
	}
	return Metadata{}, core.Failed(op, paths[0], errNoMetadata)
}

func (r *Registry) read(ctx context.Context, path string) (Metadata, error) {
	data, _, err := r.sm.Get(ctx, path)
	if err != nil {
		return Metadata{}, err
	}
	return decode(data)
}
