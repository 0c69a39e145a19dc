package core_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
)

// tapped is a connection whose path records what the client sends, and cuts the
// connection after some bytes of the server.
type tapped struct {
	net.Conn
	sent *safeBuffer
	left int // bytes of the server until the cut; negative: no cut
}

func (c *tapped) Write(p []byte) (int, error) {
	_, _ = c.sent.Write(p)
	return c.Conn.Write(p)
}

func (c *tapped) Read(p []byte) (int, error) {
	if c.left < 0 {
		return c.Conn.Read(p)
	}
	if c.left == 0 {
		c.Conn.Close()
		return 0, io.EOF
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// speaksPlain accepts connections, answers each with the bytes, and keeps it
// open.
func speaksPlain(t *testing.T, answer []byte) (port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var conns sync.WaitGroup
	t.Cleanup(func() { l.Close(); conns.Wait() })
	conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer c.Close()
				_, _ = c.Write(answer)
				_, _ = io.Copy(io.Discard, c)
			})
		}
	})
	_, port, err = net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return port
}

// Whatever certificate the other end presents, and if it speaks no TLS: a client
// that expects another gives it nothing but a hello of TLS.
func TestTLSPath_nothingForOthers(t *testing.T) {
	ours, others := newAuthority(t, "ours"), newAuthority(t, "others")
	serving := func(certificate tls.Certificate) *tls.Config {
		return &tls.Config{Certificates: []tls.Certificate{certificate}}
	}
	hello := framed(bytes.Join([][]byte{be32(0), be32(8000), be64(7), be32(16), make([]byte, 16)}, nil))
	leaf := ours.issue("zk9.example")
	forged := newAuthority(t, "ours").issue("zk1.example") // by another key with the name of ours
	for name, c := range map[string]struct {
		server *tls.Config // nil: plain
		plain  []byte
		fails  string
	}{
		"expired": {server: serving(ours.issueAs(func(x *x509.Certificate) { x.NotAfter = time.Now().Add(-time.Minute) }, "zk1.example")), fails: "expired"},
		"not yet valid": {server: serving(ours.issueAs(func(x *x509.Certificate) {
			x.NotBefore, x.NotAfter = time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
		}, "zk1.example")), fails: "not yet valid"},
		"of another server": {server: serving(leaf), fails: "not zk1.example"},
		"of no name":        {server: serving(ours.issueAs(func(x *x509.Certificate) { x.DNSNames = nil }, "zk1.example")), fails: "zk1.example"},
		"of a longer name":  {server: serving(ours.issue("zk1.example.evil.example", "a.zk1.example", "*.example.zk1")), fails: "not zk1.example"},
		"for clients":       {server: serving(ours.issueAs(func(x *x509.Certificate) { x.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }, "zk1.example")), fails: "usage"},
		"of a stranger":     {server: serving(others.issue("zk1.example")), fails: "unknown authority"},
		"forged":            {server: serving(forged), fails: "certificate"},
		"by a leaf": {server: serving(func() tls.Certificate {
			x, err := x509.ParseCertificate(leaf.Certificate[0])
			require.NoError(t, err)
			signer := &authority{t, leaf.PrivateKey.(*ecdsa.PrivateKey), x}
			c := signer.issue("zk1.example")
			c.Certificate = append(c.Certificate, leaf.Certificate[0])
			return c
		}()), fails: "certificate"},
		"old TLS":                               {server: &tls.Config{Certificates: []tls.Certificate{ours.issue("zk1.example")}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, fails: "tls: "},
		"plain, the answer of a server at once": {plain: hello, fails: "TLS"},
		"plain, an alert":                       {plain: []byte{21, 3, 3, 0, 2, 2, 40}, fails: "handshake failure"},
		"plain, endless records":                {plain: bytes.Repeat([]byte{22, 3, 3, 0x40, 0}, 1<<16), fails: "tls: "},
		"plain, nothing":                        {plain: nil, fails: "no answer within"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var port string
			if c.server != nil {
				_, port = serveTLS(t, c.server)
			} else {
				port = speaksPlain(t, c.plain)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			sent := new(safeBuffer)
			_, err := core.Dial(ctx, core.Config{
				Servers: []string{"zk1.example:" + port}, TLS: &tls.Config{RootCAs: ours.pool()}, Timeout: 3 * time.Second,
				Auth:   []core.Credential{core.Digest("ann", "a-secret-password")},
				Logger: debugLog(func(line string) { cancelOn(line, "dialling failed", cancel) }),
				Dialer: func(ctx context.Context, network, _ string) (net.Conn, error) {
					inner, err := new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
					if err != nil {
						return nil, err
					}
					return &tapped{inner, sent, -1}, nil
				},
			})
			require.ErrorIs(t, err, core.ErrUnreachable)
			require.ErrorContains(t, err, c.fails)
			require.NotContains(t, sent.String(), "secret")
			require.NotEmpty(t, sent.String())
			require.Contains(t, []byte{21, 22}, sent.String()[0], "records of TLS: an alert or a handshake")
		})
	}
}

// The path cuts the connection after every number of the server's bytes, within
// the handshakes and after them. Each cut costs an attempt, and leaves no goroutine.
func TestTLSPath_cutAnywhere(t *testing.T) {
	ours := newAuthority(t, "ours")
	server := &tls.Config{
		Certificates: []tls.Certificate{ours.issue("zk1.example")}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ours.pool(),
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			t.Parallel()
			as := server.Clone()
			as.MaxVersion = version
			_, port := serveTLS(t, as)
			var servers []string
			for i := range 40 { // a round of dialling has no pauses
				servers = append(servers, fmt.Sprintf("zk%d.example:%s", i, port))
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			sent, after := new(safeBuffer), 0
			sm, err := core.Dial(ctx, core.Config{
				Servers: servers,
				TLS:     &tls.Config{RootCAs: ours.pool(), ServerName: "zk1.example", Certificates: []tls.Certificate{ours.issue("ann")}, ClientSessionCache: tls.NewLRUClientSessionCache(4)},
				Auth:    []core.Credential{core.Digest("ann", "a-secret-password")},
				Dialer: func(ctx context.Context, network, _ string) (net.Conn, error) {
					inner, err := new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
					if err != nil {
						return nil, err
					}
					c := &tapped{inner, sent, after}
					if after += 29; after > 3000 {
						c.left = -1
					}
					return c, nil
				},
			})
			require.NoError(t, err)
			_, _, err = sm.Exists(ctx, "/a") // repeated over connections that are cut
			require.NoError(t, err)
			require.Greater(t, after, 1000, "the handshakes were cut")
			require.NoError(t, sm.Close())
			require.NotContains(t, sent.String(), "secret")
		})
	}
}
