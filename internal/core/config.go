package core

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"math"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/docent-go/docent/internal/conn"
	"github.com/docent-go/docent/internal/sasl"
	"github.com/docent-go/docent/internal/wire"
)

// Defaults of Config.
const (
	DefaultTimeout    = 10 * time.Second
	DefaultMaxRequest = 1<<20 - 1 // ZooKeeper's default jute.maxbuffer
	minMaxRequest     = 1024
	maxTimeout        = 24 * time.Hour
	defaultPort       = 2181
)

// Config is documented in package session, field by field.
type Config struct {
	Servers     []string
	Root        string
	Timeout     time.Duration
	TrustMargin time.Duration
	LossPolicy  LossPolicy
	TLS         *tls.Config
	SASL        sasl.Mechanism
	Auth        []Credential
	ACL         []ACL
	Directories DirectoryPolicy
	Logger      *slog.Logger
	Hooks       []Hook
	Dialer      func(ctx context.Context, network, address string) (net.Conn, error)
	LookupHost  func(ctx context.Context, host string) ([]string, error)
	MaxRequest  int
}

// LossPolicy says when a hold ends. It is documented in package session.
type LossPolicy int

// The loss policies.
const (
	AtDeadline LossPolicy = iota
	OnDisconnect
)

// Credential is a credential as in ZooKeeper's addauth. It does not print its
// secret.
type Credential struct {
	Scheme string
	// secret is a function, because fmt does not call String on a Credential in
	// an unexported field of a user's struct, but prints all its fields.
	secret func() []byte
	wrong  string // why the credential is invalid, or empty
}

// String returns the scheme alone.
func (c Credential) String() string { return c.Scheme + ":…" }

// GoString returns the same as String, so that %#v does not print the secret.
func (c Credential) GoString() string { return c.String() }

// Digest is a credential of ZooKeeper's digest scheme. The user's name must not
// contain a colon, because the server would read the rest as the password.
func Digest(user, password string) Credential {
	c := AddAuth("digest", []byte(user+":"+password))
	switch {
	case user == "":
		c.wrong = "digest: the user's name is empty"
	case strings.Contains(user, ":"):
		c.wrong = "digest: the user's name contains a colon: the server would take the rest for the password"
	}
	return c
}

// AddAuth is a credential of any scheme. The scheme defines the form of data.
func AddAuth(scheme string, data []byte) Credential {
	secret := bytes.Clone(data)
	return Credential{Scheme: scheme, secret: func() []byte { return secret }}
}

// data returns the secret.
func (c Credential) data() []byte {
	if c.secret == nil {
		return nil
	}
	return c.secret()
}

// credentials returns the credentials in the form that a connection needs.
func (c *Config) credentials() []conn.Credential {
	list := make([]conn.Credential, len(c.Auth))
	for i, cred := range c.Auth {
		list[i] = conn.Credential{Scheme: cred.Scheme, Data: cred.data()}
	}
	return list
}

// CreatorACL grants all permissions to the credentials with which a node was
// created, and no permission to others.
func CreatorACL() []ACL { return AuthACL(PermAll) }

// validate returns the configuration with its defaults, or an error that names
// the invalid field.
func (c Config) validate() (Config, error) {
	fail := func(field, format string, args ...any) (Config, error) {
		return Config{}, fmt.Errorf("session config: %s: %s", field, fmt.Sprintf(format, args...))
	}
	if len(c.Servers) == 0 {
		return fail("Servers", "it is empty: name at least one server as host:port")
	}
	servers, err := parseServers(c.Servers)
	if err != nil {
		hint := ""
		if slices.ContainsFunc(c.Servers, func(s string) bool { return strings.ContainsAny(s, "/,") && !strings.Contains(s, "@") }) {
			hint = "; a root belongs into Root, and ParseConnect splits a connect string such as \"zk1:2181,zk2:2181/app\""
		}
		return fail("Servers", "%v%s", err, hint)
	}
	c.Servers = servers
	if c.Root == "" {
		c.Root = "/"
	}
	if err := checkRoot(c.Root); err != nil {
		return fail("Root", "%v", err)
	}
	switch {
	case c.Timeout == 0:
		c.Timeout = DefaultTimeout
	case c.Timeout < 0:
		return fail("Timeout", "%v is negative", c.Timeout)
	case c.Timeout < 100*time.Millisecond:
		return fail("Timeout", "%v is less than 100ms, the minimum", c.Timeout)
	case c.Timeout > maxTimeout:
		return fail("Timeout", "%v is more than 24h, the maximum", c.Timeout)
	}
	if c.TrustMargin < 0 || c.TrustMargin >= c.Timeout/2 {
		return fail("TrustMargin", "%v is not between 0 and half of Timeout (%v)", c.TrustMargin, c.Timeout)
	}
	if c.LossPolicy != AtDeadline && c.LossPolicy != OnDisconnect {
		return fail("LossPolicy", "%d is unknown", c.LossPolicy)
	}
	if c.Directories < WarnExposed || c.Directories > IgnoreExposed {
		return fail("Directories", "%d is unknown", c.Directories)
	}
	switch {
	case c.MaxRequest == 0:
		c.MaxRequest = DefaultMaxRequest
	case c.MaxRequest < minMaxRequest:
		return fail("MaxRequest", "%d is less than %d bytes", c.MaxRequest, minMaxRequest)
	}
	for i, cred := range c.Auth {
		size := wire.AuthHeader + wire.StringSize(cred.Scheme) + wire.BufferSize(cred.data())
		switch {
		case cred.wrong != "":
			return fail("Auth", "credential %d: %s", i, cred.wrong)
		case size > c.MaxRequest:
			return fail("Auth", "credential %d needs a request of %d bytes, and MaxRequest is %d", i, size, c.MaxRequest)
		case cred.Scheme == "":
			return fail("Auth", "credential %d has no scheme", i)
		case cred.Scheme == "digest" && !bytes.ContainsRune(cred.data(), ':'):
			return fail("Auth", "credential %d: the data of the digest scheme has the form user:password", i)
		}
	}
	if v, ok := c.SASL.(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			return fail("SASL", "%v", err)
		}
	}
	if c.ACL == nil {
		c.ACL = WorldACL(PermAll)
	} else if len(c.ACL) == 0 {
		return fail("ACL", "it is empty, which ZooKeeper rejects: leave it nil for an ACL that lets everyone do everything")
	}
	if c.Directories == RejectExposed && !restricts(c.ACL) {
		return fail("Directories", "RejectExposed checks whether others have the rights of ACL, and ACL gives all rights to everyone: set ACL, such as CreatorACL with Auth")
	}
	if c.LookupHost == nil {
		c.LookupHost = net.DefaultResolver.LookupHost
	}
	for _, hook := range c.Hooks {
		if !isHook(hook) {
			return fail("Hooks", "%T implements none of the Hook interfaces", hook)
		}
	}
	return c, nil
}

// maxReply is the maximum size of a server's answer. Servers do not limit their
// answers. A node's data is at most as large as a request, and the first answer
// of ReadMany has the data of 16 nodes, unless it fails.
func (c *Config) maxReply() int {
	return max(wire.MaxReply, min(c.MaxRequest, maxMaxRequest)+slackOfReply)
}

const (
	slackOfReply  = 1 << 10               // a header and a stat are smaller
	maxMaxRequest = math.MaxInt32 - 1<<20 // the protocol has no larger frame
)

// margin returns the trust margin for a granted timeout. A configured margin
// was checked against the requested timeout. The granted timeout may be
// shorter, so the margin is at most half of it.
func (c *Config) margin(granted time.Duration) time.Duration {
	if c.TrustMargin > 0 {
		return min(c.TrustMargin, granted/2)
	}
	return granted * 5 / 12
}
