package security

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/zktest"
)

// saslPasswords has the SASL users and their passwords. The user named super
// has the rights of every entry with the scheme sasl.
var saslPasswords = map[string]string{
	"ann": annsPassword, "bob": `bobs sasl "password"`, "super": "supers-sasl-password", "zoë": "päss", "漢字": "密 é",
}

const annsPassword = "anns-sasl-password"

// withSASL makes a server of [ensemble.Start] log users in by DIGEST-MD5. The
// JAAS file is in a directory of the test.
func withSASL(t *testing.T) []ensemble.Option {
	t.Helper()
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	var users strings.Builder
	for user, password := range saslPasswords {
		fmt.Fprintf(&users, "\n  user_%s=\"%s\"", user, quoted.Replace(password))
	}
	file := filepath.Join(t.TempDir(), "jaas.conf")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil,
		"Server {\n  org.apache.zookeeper.server.auth.DigestLoginModule required%s;\n};\n", users.String()), 0o600))
	return []ensemble.Option{
		ensemble.TickTime(2 * time.Second), // so that sessions outlast a restart
		ensemble.JVM("-Djava.security.auth.login.config="+file, "-Dzookeeper.fips-mode=false"), // 3.9 has no DIGEST-MD5 in its FIPS mode
		ensemble.Config("authProvider.1", "org.apache.zookeeper.server.auth.SASLAuthenticationProvider"),
		ensemble.Config("fips-mode", "false"), // otherwise ZooKeeper 3.9 has no DIGEST-MD5
	}
}

// saslServer is a server with the users of [saslPasswords], real or embedded.
type saslServer struct {
	addr string
	// dial connects in memory; nil means the network.
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	tls      *tls.Config // nil: none
	required bool        // the server serves only logged-in clients
	flags    []string    // flags with which the command connects; nil: it cannot
	restart  func()
}

// onSASL runs a test on real servers and on the embedded one: with and without
// a required login, and by TLS.
func onSASL(t *testing.T, f func(t *testing.T, s saslServer)) {
	required := ensemble.Config("sessionRequireClientSASLAuth", "true")
	t.Run("real", func(t *testing.T) {
		f(t, realSASL(t, ensemble.Start(t, 1, withSASL(t)...)))
	})
	t.Run("real, required", func(t *testing.T) {
		s := realSASL(t, ensemble.Start(t, 1, append(withSASL(t), required)...))
		s.required = true
		f(t, s)
	})
	t.Run("real, required, TLS", func(t *testing.T) {
		a := newAuthority(t)
		e, port := secured(t, a, append(withSASL(t), required)...)
		client := a.issue("client", true)
		s := realSASL(t, e)
		s.addr, s.required = fmt.Sprintf("127.0.0.1:%d", port), true
		s.tls = &tls.Config{RootCAs: a.pool, ServerName: "localhost", Certificates: []tls.Certificate{client.tls}}
		s.flags = []string{"--servers", s.addr, "--tls-ca", a.file, "--tls-cert", client.cert, "--tls-key", client.key}
		f(t, s)
	})
	t.Run("embedded", func(t *testing.T) {
		s := zktest.New(t, zktest.SASL(saslPasswords))
		f(t, saslServer{addr: s.Addr(), dial: s.DialContext, restart: s.Restart})
	})
	t.Run("embedded, required", func(t *testing.T) {
		s := zktest.New(t, zktest.SASL(saslPasswords), zktest.RequireSASL())
		f(t, saslServer{addr: s.Addr(), dial: s.DialContext, required: true, restart: s.Restart})
	})
}

// realSASL is the only server of an ensemble.
func realSASL(t *testing.T, e *ensemble.Ensemble) saslServer {
	return saslServer{
		addr: e.Server(0).Addr(), flags: []string{"--servers", e.Server(0).Addr()},
		restart: func() {
			e.Server(0).Restart()
			require.NoError(t, e.WaitQuorum(within(t)))
		},
	}
}
