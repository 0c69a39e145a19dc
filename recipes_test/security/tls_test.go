package security

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// A real server speaks TLS and demands certificates. A client with a valid one
// can connect; every other client gets the reason.
func TestTLS(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	_, port := secured(t, a)
	ours, theirs := a.issue("ann", true), other.issue("ann", true)
	address := fmt.Sprintf("localhost:%d", port)
	good := tls.Config{RootCAs: a.pool, Certificates: []tls.Certificate{ours.tls}}

	t.Run("with a certificate", func(t *testing.T) { getsIn(t, address, &good) })
	t.Run("a connection that is lost", func(t *testing.T) { outlivesLoss(t, port, &good) })
	for _, c := range []struct {
		name   string
		change func(*tls.Config)
		flags  string
		why    string
	}{
		{"no certificate", func(c *tls.Config) { c.Certificates = nil },
			"--tls-ca " + a.file, "the server asks for a client certificate, but none is configured"},
		{"a certificate of an authority that the server does not know", func(c *tls.Config) { c.Certificates[0] = theirs.tls },
			"--tls-ca " + a.file + " --tls-cert " + theirs.cert + " --tls-key " + theirs.key, "certificate"},
		{"a server of an authority that we do not know", func(c *tls.Config) { c.RootCAs = other.pool },
			"--tls-ca " + other.file + " --tls-cert " + ours.cert + " --tls-key " + ours.key, "certificate signed by unknown authority"},
		{"a server of another name", func(c *tls.Config) { c.ServerName = "elsewhere.example" }, "",
			"not elsewhere.example"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := good.Clone()
			cfg.Certificates = append([]tls.Certificate{}, good.Certificates...)
			c.change(cfg)
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			_, err := session.Dial(ctx, session.Config{Servers: []string{address}, TLS: cfg})
			require.ErrorIs(t, err, session.ErrUnreachable)
			require.ErrorContains(t, err, c.why)
			require.ErrorContains(t, err, fmt.Sprintf("TLS with 127.0.0.1:%d", port))
			require.NotContains(t, err.Error(), "\n")
			if c.flags == "" {
				return
			}
			cmd := ensemble.Run(t, nil, append(strings.Fields("--connect-timeout 5s --servers "+address+" "+c.flags), "config", "get", "/a")...)
			require.Equal(t, 69, cmd.Wait(patience), cmd.Stderr())
			require.Contains(t, cmd.Stderr(), c.why)
			require.Equal(t, 1, strings.Count(cmd.Stderr(), "\n"), cmd.Stderr())
		})
	}
	t.Run("the command", func(t *testing.T) {
		flags := strings.Fields("--acl creator --servers " + address + " --tls-ca " + a.file + " --tls-cert " + ours.cert + " --tls-key " + ours.key)
		for _, args := range [][]string{
			{"config", "set", "/app/a", "x", "--create"}, {"config", "get", "/app/a"}, {"lock", "/app/l", "--", "true"},
		} {
			cmd := ensemble.Run(t, nil, append(flags, args...)...)
			require.Zero(t, cmd.Wait(patience), cmd.Stderr())
		}
	})
}

// getsIn holds a lock, whose nodes belong to the certificate.
func getsIn(t *testing.T, address string, cfg *tls.Config) {
	sm, err := session.Dial(within(t), session.Config{Servers: []string{address}, TLS: cfg, ACL: session.CreatorACL()})
	require.NoError(t, err)
	defer sm.Close()
	h, err := lock.NewMutex(sm, "/tls/l").Lock(within(t))
	require.NoError(t, err)
	require.NoError(t, h.Release())
}

// outlivesLoss loses the connection for a moment while a lock is held.
func outlivesLoss(t *testing.T, port int, cfg *tls.Config) {
	proxy := ensemble.NewProxy(t, fmt.Sprintf("127.0.0.1:%d", port))
	sm, err := session.Dial(within(t), session.Config{Servers: []string{proxy.Addr()}, TLS: cfg, Timeout: 10 * time.Second})
	require.NoError(t, err)
	defer sm.Close()
	h, err := lock.NewMutex(sm, "/loss/l").Lock(within(t))
	require.NoError(t, err)
	before := h.SessionID()
	for range 3 {
		proxy.Disconnect()
		_, _, err := sm.Get(within(t), "/loss")
		require.NoError(t, err, "the same session continues over a new connection")
	}
	proxy.Refuse(true)
	proxy.Disconnect()
	proxy.Refuse(false)
	require.NoError(t, sm.Sync(within(t), "/loss"))
	require.NoError(t, h.Err())
	require.Equal(t, before, h.SessionID())
	require.NoError(t, h.Release())
}
