//go:build unix

package kerberos

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/contrib/kerberos"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

func TestMain(m *testing.M) { ensemble.Main(m) }

const (
	patience = 2 * time.Minute // the maximum wait for an event that must happen
	lasting  = 3 * time.Minute // the timeout of sessions that no test expects to end: a busy machine starts a server in a minute
)

const ordersPassword = "secret of orders"

// world is a KDC and a ZooKeeper server that lets in only clients that log in.
type world struct {
	*testing.T
	kdc   *kdc
	zk    *ensemble.Ensemble
	login kerberos.Option // krb5.conf of the KDC
}

// inWorld starts a KDC with the principals orders, billing and zookeeper, and a
// server. more are arguments for the server's JVM.
func inWorld(t *testing.T, more ...string) *world {
	t.Helper()
	ensemble.RequireZooKeeper(t)
	k := startKDC(t)
	k.admin(fmt.Sprintf("addprinc -pw %q +requires_preauth orders", ordersPassword))
	k.admin("addprinc -randkey +requires_preauth billing")
	k.admin("addprinc -randkey zookeeper/localhost")
	jaas := k.write("jaas.conf", fmt.Sprintf(`Server {
  com.sun.security.auth.module.Krb5LoginModule required
  useKeyTab=true keyTab=%q storeKey=true useTicketCache=false isInitiator=false
  principal="zookeeper/localhost@%s";
};
`, k.keytab("zookeeper.keytab", "zookeeper/localhost"), realm))
	return &world{t, k, ensemble.Start(t, 1,
		ensemble.TickTime(2*time.Second), // so that sessions outlast a restart
		ensemble.JVM(append([]string{"-Djava.security.auth.login.config=" + jaas, "-Djava.security.krb5.conf=" + k.conf()}, more...)...),
		ensemble.Config("authProvider.1", "org.apache.zookeeper.server.auth.SASLAuthenticationProvider"),
		ensemble.Config("sessionRequireClientSASLAuth", "true"),
	), kerberos.Config(k.conf())}
}

// addr is the server's address, by the host of its principal.
func (w *world) addr() string {
	w.Helper()
	_, port, err := net.SplitHostPort(w.zk.Server(0).Addr())
	require.NoError(w, err)
	return net.JoinHostPort("localhost", port)
}

// config is the configuration of a session. localhost may have two addresses,
// and the server listens on one: both lead to it.
func (w *world) config(m session.SASLMechanism) session.Config {
	return session.Config{
		Servers: []string{w.addr()}, Timeout: lasting, SASL: m, ACL: session.CreatorACL(), Logger: slog.New(slog.DiscardHandler),
		Dialer: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, w.zk.Server(0).Addr())
		},
	}
}

// try opens a session, whose warnings no test reads.
func (w *world) try(ctx context.Context, m session.SASLMechanism) (*session.Manager, error) {
	return session.Dial(ctx, w.config(m))
}

// open opens a session, which is closed with the test.
func (w *world) open(t *testing.T, m session.SASLMechanism) *session.Manager {
	t.Helper()
	sm, err := w.try(within(t), m)
	require.NoError(t, err)
	t.Cleanup(func() { sm.Close() })
	return sm
}

// orders logs in with a password.
func (w *world) orders() *kerberos.Mechanism {
	return kerberos.Password("orders@"+realm, ordersPassword, w.login)
}

func (w *world) restartServer() {
	w.zk.Server(0).Restart()
	require.NoError(w, w.zk.WaitQuorum(within(w.T)))
}

func within(t *testing.T) context.Context {
	t.Helper()
	return ensemble.Within(t, patience)
}

// identity returns what the server says of the session.
func identity(t *testing.T, sm *session.Manager) string {
	t.Helper()
	ids, err := sm.WhoAmI(within(t))
	require.NoError(t, err)
	found := make(map[string]string)
	for _, id := range ids {
		found[id.Scheme] = id.ID
	}
	require.Contains(t, found, "sasl")
	return found["sasl"]
}

// lines has what a Manager logs.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *lines) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
