package naming

import (
	"errors"
	"fmt"
	"strings"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

// encode and decode guard against a foreign codec that panics, or that returns
// names which no path can have.
func (r *Registry) encode(in Instance) (name string, data []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("instance %q of service %q: the codec panics: %v", redact(in.ID), in.Service, p)
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

// decodeOurs is decode for a znode that is to be written to. It also returns a
// *MalformedError for a znode that may not be an instance: any JSON object can
// be read as an Instance without fields. An instance has an address, a port or
// a URISpec.
func (r *Registry) decodeOurs(service, name string, data []byte) (Instance, error) {
	in, err := r.decode(service, name, data)
	if err == nil && in.Address == "" && in.Port == 0 && in.SSLPort == 0 && len(in.URISpec) == 0 {
		err = &MalformedError{service, name, errors.New("it has neither an address nor a port: it is not an instance, and is left as it is")}
	}
	return in, err
}

// redact shortens the name of a znode for an error. Dubbo's names are URLs,
// which may hold a password before an @.
func redact(node string) string {
	if at := strings.LastIndex(node, "%40"); at >= 0 {
		node = "***" + node[at:]
	}
	if at := strings.LastIndexByte(node, '@'); at >= 0 {
		node = "***" + node[at:]
	}
	const limit = 120
	if len(node) > limit {
		node = strings.ToValidUTF8(node[:limit], "") + "..."
	}
	return node
}

// failed is core.Failed for the path of a znode. It redacts the znode's name.
func failed(op, path string, err error) error {
	dir, node := znode.Split(path)
	return core.Failed(op, znode.Join(dir, redact(node)), hide(err, node))
}

// hide redacts the name of a znode in the text of an error. It returns nil for
// nil.
func hide(err error, node string) error {
	if err == nil || redact(node) == node {
		return err
	}
	return &hidden{err, node}
}

type hidden struct {
	err  error
	node string
}

func (e *hidden) Error() string { return strings.ReplaceAll(e.err.Error(), e.node, redact(e.node)) }
func (e *hidden) Unwrap() error { return e.err }
