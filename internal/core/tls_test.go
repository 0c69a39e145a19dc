package core_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// authority signs certificates for one test.
type authority struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T, name string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &authority{t, key, cert}
}

// issue makes a certificate for the names.
func (a *authority) issue(names ...string) tls.Certificate {
	a.t.Helper()
	return a.issueAs(func(*x509.Certificate) {}, names...)
}

// issueAs is issue of a certificate that change has changed.
func (a *authority) issueAs(change func(*x509.Certificate), names ...string) tls.Certificate {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	require.NoError(a.t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// serveTLS starts a server on loopback and returns its port.
func serveTLS(t *testing.T, cfg *tls.Config) (*zktest.Server, string) {
	t.Helper()
	var opts []zktest.Option
	if cfg != nil {
		opts = append(opts, zktest.TLS(cfg))
	}
	srv := zktest.New(t, opts...)
	addr, err := srv.Listen("127.0.0.1:0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	return srv, port
}

// loopback resolves every name to this machine.
func loopback(context.Context, string) ([]string, error) { return []string{"127.0.0.1"}, nil }

func TestTLS(t *testing.T) {
	ours, others := newAuthority(t, "ours"), newAuthority(t, "others")
	impostor := newAuthority(t, "ours")
	server := &tls.Config{Certificates: []tls.Certificate{ours.issue("zk1.example")}}
	mutual := server.Clone()
	mutual.ClientAuth, mutual.ClientCAs = tls.RequireAndVerifyClientCert, ours.pool()
	old := mutual.Clone() // as ZooKeeper does by default
	old.MaxVersion = tls.VersionTLS12

	for name, c := range map[string]struct {
		server *tls.Config
		host   string
		client *tls.Config
		fails  string // a part of the error; empty: it connects
	}{
		"right name":            {server, "zk1.example", &tls.Config{RootCAs: ours.pool()}, ""},
		"wrong host name":       {server, "zk2.example", &tls.Config{RootCAs: ours.pool()}, "not zk2.example"},
		"by address":            {server, "127.0.0.1", &tls.Config{RootCAs: ours.pool()}, "127.0.0.1"},
		"ServerName overrides":  {server, "127.0.0.1", &tls.Config{RootCAs: ours.pool(), ServerName: "zk1.example"}, ""},
		"ServerName is checked": {server, "zk1.example", &tls.Config{RootCAs: ours.pool(), ServerName: "other.example"}, "not other.example"},
		"unknown authority":     {server, "zk1.example", &tls.Config{RootCAs: others.pool()}, "unknown authority"},
		"client certificate": {mutual, "zk1.example",
			&tls.Config{RootCAs: ours.pool(), Certificates: []tls.Certificate{ours.issue("client")}}, ""},
		"client certificate missing": {mutual, "zk1.example", &tls.Config{RootCAs: ours.pool()}, "certificate required"},
		"client certificate missing, TLS 1.2": {old, "zk1.example", &tls.Config{RootCAs: ours.pool()},
			"(the server asks for a client certificate, but none is configured)"},
		"client certificate of another authority than the server names": {old, "zk1.example",
			&tls.Config{RootCAs: ours.pool(), Certificates: []tls.Certificate{others.issue("client")}},
			"(the server accepts none of the configured client certificates: it asks for another authority or another kind of key)"},
		"client certificate, TLS 1.2": {old, "zk1.example",
			&tls.Config{RootCAs: ours.pool(), Certificates: []tls.Certificate{others.issue("client"), ours.issue("client")}}, ""},
		"client certificate of a stranger": {mutual, "zk1.example",
			&tls.Config{RootCAs: ours.pool(), Certificates: []tls.Certificate{impostor.issue("client")}}, "tls: "},
		"plain server": {nil, "zk1.example", &tls.Config{RootCAs: ours.pool()}, "does this port speak TLS?"},
		"plain client": {server, "zk1.example", nil, "handshake with "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, port := serveTLS(t, c.server)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var failed safeBuffer
			cfg := core.Config{Servers: []string{c.host + ":" + port}, TLS: c.client, LookupHost: loopback}
			if c.fails != "" {
				// The first failure is enough: it ends the wait.
				cfg.Logger = debugLog(func(line string) { _, _ = failed.Write([]byte(line)); cancelOn(line, "dialling failed", cancel) })
			}
			sm, err := core.Dial(ctx, cfg)
			if c.fails != "" {
				require.ErrorIs(t, err, core.ErrUnreachable)
				require.ErrorContains(t, err, c.fails)
				require.ErrorContains(t, err, "127.0.0.1:"+port)
				return
			}
			require.NoError(t, err)
			_, err = sm.Create(ctx, "/secret", []byte("x"), core.Persistent)
			require.NoError(t, err)
			require.NoError(t, sm.Close())
			require.Equal(t, []string{"/secret"}, srv.Paths())
			require.Empty(t, srv.Sessions(), "Close said goodbye")
		})
	}
}

// Each of several hosts is verified by its own name: here each has a
// certificate for its name alone, and any of them may come first.
func TestTLSVerifiesEachHostByItsOwnName(t *testing.T) {
	ours := newAuthority(t, "ours")
	srv, port1 := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{ours.issue("zk1.example")}})
	_, port2 := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{ours.issue("someone.else")}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range 10 {
		sm, err := core.Dial(ctx, core.Config{
			Servers:    []string{"zk2.example:" + port2, "zk1.example:" + port1},
			TLS:        &tls.Config{RootCAs: ours.pool()},
			LookupHost: loopback,
		})
		require.NoError(t, err)
		require.Len(t, srv.Sessions(), 1, "only the one with a certificate for its own name is used")
		require.NoError(t, sm.Close())
	}
}
