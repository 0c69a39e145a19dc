package naming

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/docent-go/docent/internal/znode"
)

// MaxWeight is the greatest weight that an Instance may have. It keeps the sum
// over any number of instances that fits into memory far from an overflow.
const MaxWeight = 1_000_000

// Instance is one place at which a service can be reached. It is a value: a
// copy may be changed, as long as its Metadata, Payload and URISpec are
// replaced and not written into. What the layout of other libraries has
// beyond these fields (unknown fields of the JSON) travels along unseen, so
// that an instance which was read, changed and written again loses nothing.
type Instance struct {
	// Service is the name of the service. Curator and Spring: the directory,
	// and "name" in the JSON. Dubbo: the directory (encoded), and the parameter
	// "interface".
	Service string

	// ID is the name of the instance's znode, unique within the service. It is
	// not the "id" in Curator's JSON, although the two mostly agree: with
	// DynamicSequential the server appends a number to the node's name alone.
	// Dubbo has no other id than its URL, which is the node's name: it is
	// computed, and what is given here is not looked at.
	ID string

	// Address is a host name or an IP address, and may be empty. Curator and
	// Spring: "address". Dubbo: the host in the URL, where it is needed, and
	// the node's data.
	Address string

	// Port is the port, and 0 means none. Curator and Spring: "port", null
	// without one. Dubbo: in the URL.
	Port int

	// SSLPort is the port that speaks TLS, and 0 means none. Curator and
	// Spring: "sslPort". Dubbo has none.
	SSLPort int

	// Registered is when the instance was registered, in milliseconds. Curator
	// and Spring: "registrationTimeUTC", 0 for the zero time. Dubbo: the
	// parameter "timestamp".
	Registered time.Time

	// Type says how long the znode lives. Curator and Spring: "serviceType".
	// Dubbo: Dynamic, or Permanent by the parameter dynamic=false.
	Type ServiceType

	// URISpec says how a URI is made of the fields, see URI. Curator and Spring:
	// "uriSpec". Dubbo: protocol and path of the URL.
	URISpec URISpec

	// Disabled takes the instance out of use: no Balancer picks it. Curator and
	// Spring: "enabled": false; without that field an instance is enabled.
	// Dubbo: disabled=true.
	Disabled bool

	// Draining says that the instance still works off what it has and wants
	// nothing new: no Balancer picks it. Curator: in the payload, see Curator.
	// Spring: instance_status in the metadata. Dubbo: enabled=false.
	Draining bool

	// Weight is the share of picks that the instance gets from the strategies
	// Weighted, LeastPending and Hash, relative to the others. 0 means that nothing
	// is said, and counts as 1; at most MaxWeight. To give an instance nothing,
	// set Draining. Curator: in the payload. Spring: "weight" in the metadata.
	// Dubbo: the parameter "weight"; an instance that is read without it
	// has 100, as in Dubbo.
	Weight int

	// Metadata is whatever else there is to say, in pairs of strings. Curator: in
	// the payload. Spring: "metadata" of the payload. Dubbo: every parameter
	// that has no field here (group, version, methods, ...).
	Metadata map[string]string

	// Payload is the payload of Curator's JSON as it lies in the znode, of any
	// shape, with its @class. It is nil where there is none, and where the
	// payload is what the codec itself makes of Metadata, Weight and Draining.
	// MarshalPayload and UnmarshalPayload convert from and to Go values.
	// Spring and Dubbo have no place for it.
	Payload json.RawMessage

	origin *origin
}

// origin is what a znode held beyond the fields of an Instance. It is never
// changed once made: copies of the Instance share it.
type origin struct {
	node         string   // the znode's name, while jsonID belongs to it
	jsonID       string   // the "id" of the JSON, where it differs from node
	enabled      bool     // "enabled" was there
	extra        []member // unknown fields of the JSON
	payloadClass string   // class of a payload that is a map of strings; noClass where it had none
	status       string   // Spring's instance_status other than UP and OUT_OF_SERVICE
	beanID       string   // the id in Spring's payload
	beanName     string   // the name in Spring's payload
	beanExtra    []member // unknown fields of Spring's payload
	user         string   // what stands before @ in Dubbo's URL

	// The JSON, and how the codec would write it. Nil where the two are the same.
	text, encoded []byte
}

// noOrigin is the origin of an Instance whose znode holds nothing beyond its fields.
var noOrigin origin

func (in *Instance) from() *origin {
	if in.origin == nil {
		return &noOrigin
	}
	return in.origin
}

// ServiceType says how long an instance's znode lives. The names are Curator's.
type ServiceType int

const (
	Dynamic           ServiceType = iota // ephemeral: gone with the session that registered it
	Static                               // persistent, until it is unregistered
	Permanent                            // persistent, meant never to be unregistered
	DynamicSequential                    // ephemeral; the server appends a number to the name
)

var serviceTypes = []string{"DYNAMIC", "STATIC", "PERMANENT", "DYNAMIC_SEQUENTIAL"}

// String gives the name that Curator writes.
func (t ServiceType) String() string {
	if t < 0 || int(t) >= len(serviceTypes) {
		return fmt.Sprintf("ServiceType(%d)", int(t))
	}
	return serviceTypes[t]
}

// ParseServiceType is the inverse of ServiceType.String.
func ParseServiceType(s string) (ServiceType, error) {
	if i := slices.Index(serviceTypes, s); i >= 0 {
		return ServiceType(i), nil
	}
	return 0, fmt.Errorf("naming: there is no service type %q: it is one of %s", s, strings.Join(serviceTypes, ", "))
}

// HostPort gives "address:port" as net.Dial takes it, with brackets around an
// IPv6 address. It uses Port, or SSLPort where there is no Port, and gives the
// bare address where there is neither.
func (in Instance) HostPort() string {
	port := in.Port
	if port == 0 {
		port = in.SSLPort
	}
	if port == 0 {
		return in.Address
	}
	return net.JoinHostPort(strings.Trim(in.Address, "[]"), strconv.Itoa(port))
}

// URI builds the URISpec with the instance's own values. It is empty for an
// instance without a URISpec.
func (in Instance) URI() string { return in.URISpec.Build(in, nil) }

// Available reports whether a Balancer may pick the instance: it is neither
// disabled nor draining.
func (in Instance) Available() bool { return !in.Disabled && !in.Draining }

// Validate reports what no codec can write: a name that cannot be part of a
// path, a port or a weight out of range, a payload that is no JSON, text that
// is not UTF-8. An empty ID is left to the codec. The error says what is
// wrong, and quotes neither metadata nor payload.
func (in Instance) Validate() error {
	if err := in.check(); err != nil {
		return fmt.Errorf("naming: instance %q of service %q: %w", redact(in.ID), in.Service, err)
	}
	return nil
}

func (in Instance) check() error {
	if err := checkName("service", in.Service); err != nil {
		return err
	}
	if in.ID != "" {
		if err := checkName("id", in.ID); err != nil {
			return err
		}
	}
	switch {
	case in.Port < 0 || in.Port > 65535:
		return fmt.Errorf("port %d is not within 0 to 65535", in.Port)
	case in.SSLPort < 0 || in.SSLPort > 65535:
		return fmt.Errorf("sslPort %d is not within 0 to 65535", in.SSLPort)
	case in.Weight < 0 || in.Weight > MaxWeight:
		return fmt.Errorf("weight %d is not within 0 to %d", in.Weight, MaxWeight)
	case in.Type < Dynamic || in.Type > DynamicSequential:
		return fmt.Errorf("there is no service type %d", int(in.Type))
	case !utf8.ValidString(in.Address) || strings.ContainsFunc(in.Address, control):
		return errors.New("the address has control characters or is not valid UTF-8")
	case in.Payload != nil && (!utf8.Valid(in.Payload) || !json.Valid(in.Payload)):
		return errors.New("the payload is no JSON")
	}
	for key, value := range in.Metadata {
		switch {
		case key == "":
			return errors.New("the metadata has an empty key")
		case !utf8.ValidString(key) || !utf8.ValidString(value):
			return errors.New("the metadata is not valid UTF-8")
		}
	}
	for _, part := range in.URISpec {
		if !utf8.ValidString(part.Value) {
			return errors.New("the uriSpec is not valid UTF-8")
		}
	}
	return nil
}

func control(r rune) bool { return r < 0x20 || r == 0x7f }

func checkName(what, name string) error {
	if name == "" {
		return fmt.Errorf("the %s is empty", what)
	}
	if err := znode.ValidateName(name); err != nil {
		reason := err
		var bad *znode.PathError
		if errors.As(err, &bad) {
			reason = errors.New(bad.Reason)
		}
		return fmt.Errorf("the %s cannot name a znode: %w", what, reason)
	}
	return nil
}

// Equal reports whether the two say the same, whatever else their znodes hold
// besides. A nil Metadata equals an empty one.
func (in Instance) Equal(other Instance) bool {
	return in.Service == other.Service && in.ID == other.ID && in.Address == other.Address &&
		in.Port == other.Port && in.SSLPort == other.SSLPort && in.Registered.Equal(other.Registered) &&
		in.Type == other.Type && slices.Equal(in.URISpec, other.URISpec) && in.Disabled == other.Disabled &&
		in.Draining == other.Draining && in.Weight == other.Weight &&
		maps.Equal(in.Metadata, other.Metadata) && bytes.Equal(in.Payload, other.Payload)
}

// millis and fromMillis convert the time of registration; 0 is the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// blank reports whether nothing says how the instance can be called.
func (in *Instance) blank() bool {
	return in.Address == "" && in.Port == 0 && in.SSLPort == 0 && in.URISpec == nil && len(in.Metadata) == 0 && in.Payload == nil
}

// lastingKey is what a Balancer knows the instance by: the same while the
// instance changes and in its next session. Two kinds of ID do not last, and the
// address and the ports take their place: the server numbers the node of a
// DynamicSequential instance anew, and the ID of a Dubbo instance is an encoded
// URL that holds all its parameters. An ID has no control characters, so that
// the two kinds of key differ.
func (in *Instance) lastingKey() string {
	if in.Address == "" || in.Type != DynamicSequential && !strings.Contains(in.ID, "%3A%2F%2F") {
		return in.ID
	}
	return fmt.Sprintf("%s\x00%d\x00%d", in.Address, in.Port, in.SSLPort)
}
