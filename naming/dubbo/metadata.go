package dubbo

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/docent-go/docent/internal/base/znode"
)

// Service is an interface that an application serves by one protocol.
type Service struct {
	Interface string // such as "org.demo.Orders"
	Group     string // may be empty
	Version   string // may be empty
	Protocol  string // such as "tri" or "dubbo"
	// Port is where the protocol listens. With 0, it is the instance's Port.
	// After reading, 0 means that the metadata has none: see Ports.
	Port int
	// Path is the path of the service's URL. Empty means Interface.
	Path string
	// Params are the parameters of the service: "methods", "timeout", "weight",
	// "dubbo.tag", "sayHello.retries" and so on. Register adds "application",
	// "interface", "side", "group" and "version" if they are missing. For
	// Dubbo's consumers, a parameter comes before the same key in the Metadata
	// of the instance: a "weight" here before naming.Instance.Weight.
	Params map[string]string
}

// Key returns Dubbo's name of the service: "group/interface:version:protocol",
// without the parts that are empty.
func (s Service) Key() string {
	key := s.Interface
	if s.Group != "" {
		key = s.Group + "/" + key
	}
	if s.Version != "" {
		key += ":" + s.Version
	}
	if s.Protocol != "" {
		key += ":" + s.Protocol
	}
	return key
}

// Metadata is what the instances of an application with the same revision serve.
type Metadata struct {
	Application string
	Revision    string
	Services    []Service // in the order of their keys
}

// noServices is Dubbo's revision of an application that serves nothing. Its
// consumers skip such instances.
const noServices = "0"

// metadataOf completes services with what an instance has in common, and
// computes the revision.
func metadataOf(app string, port int, services []Service) (Metadata, error) {
	m := Metadata{Application: app}
	for _, s := range services {
		s.Port, s.Path = cmp.Or(s.Port, port), cmp.Or(s.Path, s.Interface)
		params := map[string]string{"application": app, "interface": s.Interface, "side": "provider"}
		if s.Group != "" {
			params["group"] = s.Group
		}
		if s.Version != "" {
			params["version"] = s.Version
		}
		maps.Copy(params, s.Params)
		s.Params = params
		if err := s.check(); err != nil {
			return Metadata{}, fmt.Errorf("service %q: %w", s.Key(), err)
		}
		m.Services = append(m.Services, s)
	}
	m.sort()
	for i := 1; i < len(m.Services); i++ {
		if key := m.Services[i].Key(); key == m.Services[i-1].Key() {
			return Metadata{}, fmt.Errorf("service %q is given twice", key)
		}
	}
	m.Revision = m.revision()
	return m, nil
}

func (m *Metadata) sort() {
	slices.SortStableFunc(m.Services, func(a, b Service) int { return strings.Compare(a.Key(), b.Key()) })
}

func (s Service) check() error {
	if err := checkName("interface", s.Interface); err != nil {
		return err
	}
	switch {
	case s.Protocol == "":
		return errors.New("it has no protocol: set one, such as tri or dubbo")
	case s.Port < 1 || s.Port > 65535:
		return fmt.Errorf("port %d is not within 1 to 65535", s.Port)
	case strings.ContainsAny(s.Group+s.Version+s.Protocol, "/:"):
		return errors.New("its group, version or protocol has a / or : in it, which separate the parts of a key")
	}
	for _, text := range []string{s.Group, s.Version, s.Protocol, s.Path} {
		if !utf8.ValidString(text) {
			return errors.New("it is not valid UTF-8")
		}
	}
	for key, value := range s.Params {
		if key == "" || !utf8.ValidString(key) || !utf8.ValidString(value) {
			return errors.New("its parameters have an empty key or are not valid UTF-8")
		}
	}
	return nil
}

// checkName rejects what cannot be a znode of the mapping or of the metadata.
func checkName(what, name string) error {
	var bad *znode.PathError
	switch err := znode.ValidateName(name); {
	case name == "":
		return fmt.Errorf("the %s is empty", what)
	case errors.As(err, &bad):
		return fmt.Errorf("the %s cannot name a znode: %s", what, bad.Reason)
	case err != nil:
		return err
	}
	return nil
}

// revision is the MD5 of what Dubbo hashes: the application, and the text of
// each service in the order of their keys.
func (m *Metadata) revision() string {
	if len(m.Services) == 0 {
		return noServices
	}
	var b strings.Builder
	b.WriteString(m.Application)
	for _, s := range m.Services {
		b.WriteString(s.Key() + strconv.Itoa(s.Port) + s.Path)
		sep := "{" // as Java prints a sorted map
		for _, key := range slices.Sorted(maps.Keys(s.Params)) {
			b.WriteString(sep + key + "=" + s.Params[key])
			sep = ", "
		}
		b.WriteString("}")
	}
	sum := md5.Sum([]byte(b.String()))
	return hex.EncodeToString(sum[:])
}

// metadataJSON and serviceJSON are Dubbo's MetadataInfo in JSON.
type metadataJSON struct {
	App      string                  `json:"app"`
	Revision string                  `json:"revision"`
	Services map[string]*serviceJSON `json:"services"`
}

type serviceJSON struct {
	Name     string            `json:"name"`
	Group    string            `json:"group,omitempty"`
	Version  string            `json:"version,omitempty"`
	Protocol string            `json:"protocol,omitempty"`
	Port     int               `json:"port,omitempty"`
	Path     string            `json:"path,omitempty"`
	Params   map[string]string `json:"params"`
}

func (m *Metadata) encode() ([]byte, error) {
	out := metadataJSON{App: m.Application, Revision: m.Revision, Services: make(map[string]*serviceJSON, len(m.Services))}
	for _, s := range m.Services {
		out.Services[s.Key()] = &serviceJSON{s.Interface, s.Group, s.Version, s.Protocol, s.Port, s.Path, s.Params}
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(out)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// decode reads metadata. It ignores fields that it does not know, and the keys
// of the services, which some programs do not write as Dubbo does.
func decode(data []byte) (Metadata, error) {
	var in *metadataJSON
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return Metadata{}, errors.New("it is empty")
	case !utf8.Valid(data):
		return Metadata{}, errors.New("it is not valid UTF-8")
	case json.Unmarshal(data, &in) != nil || in == nil:
		return Metadata{}, errors.New("it is not the metadata of an application in JSON")
	}
	m := Metadata{Application: in.App, Revision: in.Revision}
	for _, s := range in.Services {
		switch {
		case s == nil || s.Name == "":
			return Metadata{}, errors.New("it has a service without an interface")
		case s.Port > 65535:
			return Metadata{}, fmt.Errorf("its service %q has port %d", s.Name, s.Port)
		}
		m.Services = append(m.Services, Service{s.Name, s.Group, s.Version, s.Protocol, max(s.Port, 0), s.Path, s.Params})
	}
	m.sort()
	return m, nil
}
