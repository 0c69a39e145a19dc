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

	"github.com/docent-go/docent/internal/base/stamp"
	"github.com/docent-go/docent/internal/base/znode"
)

// MaxWeight is the maximum weight of an Instance. With it, the sum over any
// number of instances that fits into memory cannot overflow.
const MaxWeight = 1_000_000

// Instance is one place at which a service can be reached. It is a value: a
// copy may be changed, as long as its Metadata, Payload and URISpec are
// replaced and not written to. An Instance also carries what its znode holds
// beyond these fields, such as unknown fields of the JSON. So an instance that
// was read, changed and written again loses nothing.
type Instance struct {
	// Service is the name of the service. Curator and Spring: the directory,
	// and "name" in the JSON. Dubbo: the directory (encoded), and the parameter
	// "interface".
	Service string

	// ID is the name of the instance's znode, unique within the service. It is
	// not the "id" in Curator's JSON, although the two mostly agree: with
	// DynamicSequential the server appends a number only to the znode's name.
	// Dubbo has no other id than its URL, which is the znode's name. The codec
	// computes it, and ignores the ID given here.
	ID string

	// Address is a host name or an IP address, without a port. See
	// CheckAddress. It may be empty if the ports are zero too. Curator and
	// Spring: "address". Dubbo: the host in the URL, where it is required, and
	// the znode's data.
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

	// URISpec says how to build a URI from the fields, see URI. Curator and
	// Spring: "uriSpec". Dubbo: protocol and path of the URL.
	URISpec URISpec

	// Disabled takes the instance out of use: no Balancer picks it. Curator and
	// Spring: "enabled": false; without that field an instance is enabled.
	// Dubbo: disabled=true.
	Disabled bool

	// Draining says that the instance still finishes its work and wants no new
	// calls: no Balancer picks it. Curator: in the payload, see Curator.
	// Spring: instance_status in the metadata. Dubbo: enabled=false.
	Draining bool

	// Weight is the share of picks that the instance gets from the strategies
	// Weighted, LeastPending and Hash, relative to the others. 0 means no
	// weight is given, and counts as 1; the maximum is MaxWeight. To give an
	// instance no picks, set Draining: a weight of 0 or less that another
	// program has written is read as Draining, in every codec. Curator: in the
	// payload. Spring: "weight" in the metadata. Dubbo: the parameter "weight";
	// an instance that is read without it has 100, as in Dubbo.
	Weight int

	// Metadata is further information in pairs of strings. Curator: in the
	// payload. Spring: "metadata" of the payload. Dubbo: every parameter
	// without a field here (group, version, methods, ...).
	Metadata map[string]string

	// Payload is the payload of Curator's JSON as it is in the znode, of any
	// shape, with its @class. It is nil without a payload, and for a payload
	// that holds only Metadata, Weight and Draining. MarshalPayload and
	// UnmarshalPayload convert from and to Go values. Spring and Dubbo cannot
	// write it.
	Payload json.RawMessage

	origin *origin
}

// origin is what a znode held beyond the fields of an Instance. It is
// immutable: copies of the Instance share it.
type origin struct {
	node         string   // the znode's name, while jsonID belongs to it
	jsonID       string   // the "id" of the JSON, if it differs from node
	enabled      bool     // "enabled" was there
	extra        []member // unknown fields of the JSON
	payloadClass string   // class of a payload that is a map of strings; noClass if it had none
	status       string   // Spring's instance_status other than UP and OUT_OF_SERVICE
	beanID       string   // the id in Spring's payload
	beanName     string   // the name in Spring's payload
	beanExtra    []member // unknown fields of Spring's payload
	user         string   // the text before @ in Dubbo's URL
	unweighted   bool     // an application of Dubbo without a weight, which then counts as dubboWeight

	// The JSON, with the service and the name of its znode. Empty if the codec
	// would write the same. The strings of the Instance are parts of text.
	text, service, name string
}

// noOrigin is the origin of an Instance whose znode holds nothing beyond its
// fields.
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

// String returns the name that Curator writes.
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
	return 0, fmt.Errorf("unknown service type %q: use one of %s", s, strings.Join(serviceTypes, ", "))
}

// HostPort returns "address:port" as net.Dial takes it, with brackets around an
// IPv6 address. It uses Port, or without one SSLPort. Without either it returns
// the bare address. Check an instance that a Balancer has not picked with
// CheckAddress first: without an address, net.Dial calls the local machine. For
// a URL, put the result into url.URL.Host, which escapes an IPv6 zone.
//
// For TLS, set tls.Config.ServerName to the name of the service. The address is
// not a name to verify, since any program that may register chooses it.
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
// instance without a URISpec. Scheme, host and path are all the text of the
// program that has registered the instance: do not send credentials to a URI
// without a check of its host.
func (in Instance) URI() string { return in.URISpec.Build(in, nil) }

// Available reports whether a Balancer may pick the instance: it is neither
// disabled nor draining.
func (in Instance) Available() bool { return !in.Disabled && !in.Draining }

// Validate returns an error for an instance that no codec can write: a name
// that cannot be part of a path, a port or a weight out of range, a payload
// that is not JSON, text that is not UTF-8. The codec checks an empty ID. The
// error quotes neither metadata nor payload.
func (in Instance) Validate() error {
	if err := in.check(); err != nil {
		if in.Service == "" {
			return fmt.Errorf("instance %q: %w", redact(in.ID), err)
		}
		return fmt.Errorf("instance %q of service %q: %w", redact(in.ID), in.Service, err)
	}
	return nil
}

// named adds the name of a service to an error. An empty name is the error.
func named(service string, err error) error {
	if service == "" {
		return err
	}
	return fmt.Errorf("service %q: %w", service, err)
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
		return fmt.Errorf("unknown service type %d", int(in.Type))
	case !utf8.ValidString(in.Address) || strings.ContainsFunc(in.Address, control):
		return errors.New("the address has control characters or is not valid UTF-8")
	case in.Payload != nil && (!utf8.Valid(in.Payload) || !json.Valid(in.Payload)):
		return errors.New("the payload is not JSON")
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
		return fmt.Errorf("the %s is empty: give a name", what)
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

// Equal reports whether all fields of the two are equal. Other data in their
// znodes are not compared. A nil Metadata equals an empty one.
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
	return stamp.Millis(ms).UTC()
}

// blank reports whether the instance has no field that says how to call it.
func (in *Instance) blank() bool {
	return in.Address == "" && in.Port == 0 && in.SSLPort == 0 && in.URISpec == nil && len(in.Metadata) == 0 && in.Payload == nil
}

// lastingKey identifies the instance for a Balancer: it stays the same while
// the instance changes and in its next session. Two kinds of ID do not last:
// the server gives the znode of a DynamicSequential instance a new number, and
// the ID of a Dubbo instance is an encoded URL with all its parameters. For
// these, the address and the ports are the key. An ID has no control
// characters, so the two kinds of key differ.
func (in *Instance) lastingKey() string {
	if in.Address == "" || in.Type != DynamicSequential && !strings.Contains(in.ID, "%3A%2F%2F") {
		return in.ID
	}
	return fmt.Sprintf("%s\x00%d\x00%d", in.Address, in.Port, in.SSLPort)
}
