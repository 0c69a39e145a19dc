package kerberos

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/docent-go/docent/session"
)

// Mechanism logs in to ZooKeeper servers with Kerberos (SASL GSSAPI). It
// implements [session.SASLMechanism]. [Keytab], [Password] and [CCache] make
// Mechanisms. All methods are safe for concurrent use, and several Managers may
// share a Mechanism. Printing a Mechanism does not reveal a secret.
//
// A Mechanism keeps the tickets for the servers in memory. It has no goroutine.
type Mechanism struct {
	source  source
	config  string // the file of Config, empty for the default
	pattern string // of the server's principal
	host    func(ctx context.Context, name string) string

	mu      sync.Mutex
	tickets map[ticketName]*keptTicket
	lastKDC map[string]string // of each realm, the address that answered last
}

// Option changes how a [Mechanism] logs in.
type Option func(*Mechanism)

// Config sets the file to read in place of krb5.conf. Without Config it is the
// file that the variable KRB5_CONFIG names, or /etc/krb5.conf. The file is read
// at every login.
func Config(file string) Option {
	return func(m *Mechanism) { m.config = file }
}

// hostMark is what ServerPrincipal replaces by the host.
const hostMark = "_HOST"

// ServerPrincipal sets the principal of the servers, zookeeper/_HOST by
// default. _HOST stands for the host as session.Config.Servers names it, in
// lower case. A principal without a realm is in the realm that the section
// domain_realm of krb5.conf gives the host, or else in the client's realm.
func ServerPrincipal(principal string) Option {
	return func(m *Mechanism) { m.pattern = principal }
}

// CanonicalHost has _HOST stand for the name to which the address of the host
// resolves, as ZooKeeper's Java client does by default. A host whose address
// has no name keeps its own. DNS then decides which principal is asked for, so
// an attacker that forges DNS can present another server of the realm.
func CanonicalHost() Option {
	return func(m *Mechanism) { m.host = canonicalHost }
}

// Keytab logs in as principal, such as orders@EXAMPLE.COM, with its key in a
// keytab file. Without a realm it is the default realm of krb5.conf. The file
// is read at each login that needs a new ticket.
func Keytab(principal, file string, opts ...Option) *Mechanism {
	return newMechanism(keytabSource{principal, file}, opts)
}

// Password logs in as principal, such as orders@EXAMPLE.COM, with its password.
// Without a realm it is the default realm of krb5.conf.
func Password(principal, password string, opts ...Option) *Mechanism {
	return newMechanism(passwordSource{principal, func() string { return password }}, opts)
}

// CCache logs in with the ticket in a credential cache, which kinit or k5start
// writes. The file is read at every login, so a ticket that another process has
// renewed is used. An empty file means the variable KRB5CCNAME, or
// /tmp/krb5cc_UID if the user or root owns this file. The cache must be a file.
func CCache(file string, opts ...Option) *Mechanism {
	return newMechanism(ccacheSource{file}, opts)
}

func newMechanism(s source, opts []Option) *Mechanism {
	m := &Mechanism{
		source:  s,
		pattern: "zookeeper/" + hostMark,
		host:    func(_ context.Context, name string) string { return name },
		tickets: make(map[ticketName]*keptTicket),
		lastKDC: make(map[string]string),
	}
	for _, opt := range opts {
		opt(m)
	}
	return m
}

// Name returns "GSSAPI".
func (m *Mechanism) Name() string { return "GSSAPI" }

// Format prints the kind of the credential alone, whatever the verb.
func (m *Mechanism) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "kerberos."+m.source.kind()+"(…)") // fmt keeps its writer's error
}

// Validate returns an error if a principal, the password or the name of a file
// cannot be right. It opens no file. Dial and Start of package session call it.
func (m *Mechanism) Validate() error {
	if _, err := parsePrincipal(m.pattern); err != nil {
		return fmt.Errorf("kerberos.ServerPrincipal: %w", err)
	}
	if err := m.source.validate(); err != nil {
		return fmt.Errorf("kerberos.%s: %w", m.source.kind(), err)
	}
	return nil
}

// Start begins a login to a server, given as the host of session.Config.Servers.
// It takes a ticket that is still good from memory, and asks a KDC (key
// distribution center) for a ticket otherwise. While no KDC answers, it asks
// again until ctx ends, unless the ticket in memory is good. Its other errors
// are final: they say who rejects what, and what to do.
func (m *Mechanism) Start(ctx context.Context, server string) (session.SASLExchange, error) {
	l, err := m.newLogin(ctx, server)
	if err != nil {
		return nil, err
	}
	t, err := l.ticket(ctx)
	if err != nil {
		return nil, err
	}
	return newExchange(t.ticket, func() { m.proved(t) })
}
