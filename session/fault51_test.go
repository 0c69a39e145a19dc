package session_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// routed is a connection that says between which addresses it runs.
type routed struct {
	net.Conn
	local, remote net.Addr
}

func (c routed) LocalAddr() net.Addr  { return c.local }
func (c routed) RemoteAddr() net.Addr { return c.remote }

// encrypted is a connection of a user's dialer that is encrypted already.
type encrypted struct{ routed }

func (encrypted) ConnectionState() tls.ConnectionState { return tls.ConnectionState{} }

type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func tcp(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 2181} }

// Credentials that leave the machine unencrypted are reported, once for each
// Manager, whatever the server is called.
func TestFault51_CredentialsWithoutTLS(t *testing.T) {
	const password = "Xyzzy-4711"
	const message = `level=WARN msg="the credentials go to a server without TLS" server=zk1:2181 credentials=`
	digest := session.Config{Auth: []session.Credential{session.Digest("ann", password)}}
	sasl := session.Config{SASL: session.DigestMD5("ann", password)}
	far := routed{local: tcp("192.0.2.1"), remote: tcp("192.0.2.7")}
	for name, c := range map[string]struct {
		cfg  session.Config
		conn func(net.Conn) net.Conn
		want string
	}{
		"digest": {digest, func(c net.Conn) net.Conn { far.Conn = c; return far }, message + `digest risk="others on the network can read them"`},
		"DIGEST-MD5": {sasl, func(c net.Conn) net.Conn { far.Conn = c; return far },
			message + `"SASL DIGEST-MD5" risk="others on the network can try passwords against the login, and change requests"`},
		"no credentials":    {session.Config{}, func(c net.Conn) net.Conn { return routed{c, tcp("192.0.2.1"), tcp("192.0.2.7")} }, ""},
		"loopback":          {digest, func(c net.Conn) net.Conn { return routed{c, tcp("127.0.0.1"), tcp("127.0.0.1")} }, ""},
		"loopback, SASL":    {sasl, func(c net.Conn) net.Conn { return routed{c, tcp("::1"), tcp("::1")} }, ""},
		"the same machine":  {digest, func(c net.Conn) net.Conn { return routed{c, tcp("192.0.2.1"), tcp("192.0.2.1")} }, ""},
		"in memory":         {digest, func(c net.Conn) net.Conn { return c }, ""},
		"encrypted already": {digest, func(c net.Conn) net.Conn { return encrypted{routed{c, tcp("192.0.2.1"), tcp("192.0.2.7")}} }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := zktest.New(t, zktest.SASL(map[string]string{"ann": password}))
				var log lines
				cfg := c.cfg
				cfg.Servers, cfg.Logger = []string{"zk1"}, slog.New(slog.NewTextHandler(&log, nil))
				cfg.Dialer = func(ctx context.Context, network, address string) (net.Conn, error) {
					inner, err := server.DialContext(ctx, network, address)
					if err != nil {
						return nil, err
					}
					return c.conn(inner), nil
				}
				sm, err := session.Dial(t.Context(), cfg)
				require.NoError(t, err)
				defer sm.Close()
				for range 3 { // on other connections, in other sessions
					require.NoError(t, sm.Sync(t.Context(), "/"))
					server.Disconnect(server.Sessions()[0].ID)
					time.Sleep(time.Minute)
					server.Expire(server.Sessions()[0].ID)
					time.Sleep(time.Minute)
				}
				synctest.Wait()
				said := strings.Count(log.String(), "without TLS")
				if c.want == "" {
					require.Zero(t, said, log.String())
				} else {
					require.Equal(t, 1, said, log.String())
					require.Contains(t, log.String(), c.want+` hint="set Config.TLS, or use a network that you trust"`)
				}
				require.NotContains(t, log.String(), password)
			})
		})
	}
}
