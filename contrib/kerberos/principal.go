package kerberos

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"unicode"

	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/types"
)

// principal is a name of Kerberos, such as zookeeper/zk1.example.com@EXAMPLE.COM.
type principal struct {
	name  string // components with slashes between them
	realm string // empty if not given
}

func (p principal) String() string { return p.name + "@" + p.realm }

// wire returns the name as messages have it.
func (p principal) wire() types.PrincipalName {
	kind := nametype.KRB_NT_PRINCIPAL
	switch {
	case strings.HasPrefix(p.name, "krbtgt/"):
		kind = nametype.KRB_NT_SRV_INST
	case strings.Contains(p.name, "/"):
		kind = nametype.KRB_NT_SRV_HST
	}
	return types.NewPrincipalName(int32(kind), p.name)
}

// parsePrincipal reads a principal with or without a realm. gokrb5 splits
// names at each slash, so a backslash cannot quote one.
func parsePrincipal(text string) (principal, error) {
	name, realm, hasRealm := strings.Cut(text, "@")
	wrong := ""
	switch {
	case name == "":
		wrong = "has no name"
	case hasRealm && realm == "":
		wrong = "has no realm after @"
	case strings.Contains(realm, "@"):
		wrong = "has two realms"
	case strings.Contains("/"+name+"/", "//"):
		wrong = "has an empty part"
	case strings.ContainsFunc(text, func(r rune) bool { return r == '\\' || unicode.IsSpace(r) || unicode.IsControl(r) }):
		wrong = "contains a space, a backslash or a control character"
	default:
		return principal{name, realm}, nil
	}
	return principal{}, fmt.Errorf("the principal %q %s; write NAME@REALM", text, wrong)
}

var errNoRealm = errors.New("has no realm, and krb5.conf sets no default_realm; write NAME@REALM")

// clientPrincipal reads the principal of a client.
func clientPrincipal(text string, cfg *config.Config) (principal, error) {
	p, err := parsePrincipal(text)
	if err != nil {
		return principal{}, err
	}
	if p.realm == "" {
		p.realm = cfg.LibDefaults.DefaultRealm
	}
	if p.realm == "" {
		return principal{}, fmt.Errorf("the principal %q %w", text, errNoRealm)
	}
	return p, nil
}

// serverPrincipal puts a host into the pattern of ServerPrincipal.
func serverPrincipal(pattern, host, clientRealm string, cfg *config.Config) (principal, error) {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	p, err := parsePrincipal(strings.ReplaceAll(pattern, hostMark, host))
	if err != nil {
		return principal{}, err
	}
	if p.realm == "" {
		p.realm = cfg.ResolveRealm(host)
	}
	if p.realm == "" {
		p.realm = clientRealm
	}
	return p, nil
}

// names looks hosts and addresses up. It is net.DefaultResolver except in tests.
type names interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	LookupAddr(ctx context.Context, addr string) ([]string, error)
}

func canonicalHost(ctx context.Context, host string) string {
	return canonicalIn(ctx, net.DefaultResolver, host)
}

// canonicalIn returns the name of the host's first address that resolves to
// this address again, or else host.
func canonicalIn(ctx context.Context, dns names, host string) string {
	addrs, err := dns.LookupNetIP(ctx, "ip", host)
	if err != nil || len(addrs) == 0 {
		return host
	}
	address := addrs[0].Unmap()
	found, err := dns.LookupAddr(ctx, address.String())
	if err != nil {
		return host
	}
	for _, name := range found {
		again, err := dns.LookupNetIP(ctx, "ip", name)
		if err != nil {
			continue
		}
		for _, a := range again {
			if a.Unmap() == address {
				return name
			}
		}
	}
	return host
}
