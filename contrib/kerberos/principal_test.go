package kerberos

import (
	"context"
	"errors"
	"net/netip"
	"testing"

	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/stretchr/testify/require"
)

func TestParsePrincipal(t *testing.T) {
	for text, want := range map[string]principal{
		"orders": {"orders", ""}, "orders@R": {"orders", "R"}, "zookeeper/zk1@R": {"zookeeper/zk1", "R"},
	} {
		got, err := parsePrincipal(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for text, want := range map[string]string{
		"": "has no name", "@R": "has no name", "a@": "has no realm after @", "a@b@c": "has two realms", "a//b@R": "has an empty part",
		"/a": "has an empty part", "a/": "has an empty part", "a b": "contains a space", "a\n": "contains a space", `a\/b`: "contains a space, a backslash",
	} {
		_, err := parsePrincipal(text)
		require.ErrorContains(t, err, want, text)
	}
}

func TestServerPrincipal(t *testing.T) {
	cfg := config.New()
	cfg.DomainRealm[".mapped.com"] = "MAPPED"
	for _, c := range []struct{ pattern, host, want string }{
		{"zookeeper/_HOST", "ZK1.example.com.", "zookeeper/zk1.example.com@CLIENT"},
		{"zookeeper/_HOST", "zk1.mapped.com", "zookeeper/zk1.mapped.com@MAPPED"},
		{"zk/_HOST@R", "zk1.mapped.com", "zk/zk1.mapped.com@R"},
		{"zk/all", "zk1", "zk/all@CLIENT"},
		{"zookeeper/_HOST", "::1", "zookeeper/::1@CLIENT"},
	} {
		got, err := serverPrincipal(c.pattern, c.host, "CLIENT", cfg)
		require.NoError(t, err)
		require.Equal(t, c.want, got.String())
	}
}

// zone answers from tables.
type zone struct {
	addrs map[string][]string
	names map[string][]string
}

func (z zone) LookupNetIP(_ context.Context, _, host string) (found []netip.Addr, err error) {
	for _, a := range z.addrs[host] {
		found = append(found, netip.MustParseAddr(a))
	}
	if found == nil {
		err = errors.New("no such host")
	}
	return found, err
}

func (z zone) LookupAddr(_ context.Context, addr string) ([]string, error) {
	if z.names[addr] == nil {
		return nil, errors.New("no such address")
	}
	return z.names[addr], nil
}

func TestCanonicalHost(t *testing.T) {
	z := zone{
		addrs: map[string][]string{
			"zk": {"10.0.0.1"}, "10.0.0.1": {"::ffff:10.0.0.1"}, "zk1.example.com.": {"10.0.0.9", "10.0.0.1"},
			"nameless": {"10.0.0.2"}, "lied": {"10.0.0.3"}, "other.": {"10.0.0.4"},
		},
		names: map[string][]string{"10.0.0.1": {"gone.", "zk1.example.com."}, "10.0.0.3": {"other."}},
	}
	for host, want := range map[string]string{
		"zk": "zk1.example.com.", "10.0.0.1": "zk1.example.com.", "nameless": "nameless", "lied": "lied", "unknown": "unknown",
	} {
		require.Equal(t, want, canonicalIn(t.Context(), z, host), host)
	}
}
