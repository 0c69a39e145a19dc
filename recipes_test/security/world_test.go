package security

import (
	"context"
	"net"
	"path"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func TestMain(m *testing.M) { ensemble.Main(m) }

// patience is the maximum wait for an event that must happen, not a measure of
// speed.
const patience = 3 * time.Minute

// lasting is the timeout of sessions that no test expects to end: a busy
// machine must not end them.
const lasting = 3 * time.Minute

// world is a server, real or embedded, and a bare client of it with the owner's
// credentials.
type world struct {
	t       *testing.T
	servers []string
	dial    func(ctx context.Context, network, address string) (net.Conn, error) // nil: the network
	bare    *zk.Conn
}

// onBoth runs a test on a real server, and on the embedded one in virtual time,
// where a leaked goroutine fails the test. Neither server removes empty
// containers during the test.
func onBoth(t *testing.T, f func(w *world)) {
	t.Run("embedded", func(t *testing.T) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // https://go.dev/issue/78156
		synctest.Test(t, func(t *testing.T) {
			srv := zktest.New(t, zktest.ContainerInterval(24*time.Hour))
			conn, events, err := zk.Connect([]string{srv.Addr()}, 10*time.Second, zk.WithDialer(srv.Dial),
				zk.WithHostProvider(new(zktest.Hosts)), zk.WithLogger(silent{}))
			f(&world{t, []string{srv.Addr()}, srv.DialContext, owned(t, conn, events, err)})
		})
	})
	t.Run("real", func(t *testing.T) {
		e := ensemble.Start(t, 1, ensemble.JVM("-Dznode.container.checkIntervalMs=86400000"))
		conn, events, err := zk.Connect(e.Addrs(), 10*time.Second, zk.WithLogger(silent{}))
		f(&world{t, e.Addrs(), nil, owned(t, conn, events, err)})
	})
}

type silent struct{}

func (silent) Printf(string, ...any) {}

// owned gives a bare client the owner's credentials.
func owned(t *testing.T, conn *zk.Conn, events <-chan zk.Event, err error) *zk.Conn {
	t.Helper()
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	for event := range events {
		if event.State == zk.StateHasSession {
			break
		}
	}
	require.NoError(t, conn.AddAuth("digest", []byte("owner:"+ownersPassword)))
	return conn
}

// who is an identity: its credentials, and the ACL of its nodes.
type who struct {
	auth []session.Credential
	acl  []zk.ACL
}

// session opens a session, which is closed with the test at the latest.
func (w *world) session(t *testing.T, me who) *session.Manager {
	t.Helper()
	return ensemble.Dial(t, patience, session.Config{
		Servers: w.servers, Dialer: w.dial, Timeout: lasting, Auth: me.auth, ACL: me.acl,
	})
}

func within(t *testing.T) context.Context {
	t.Helper()
	return ensemble.Within(t, patience)
}

// node is the owner's view of a node.
type node struct {
	acl   []zk.ACL
	owner int64
}

// tree returns root and every node below it, except for those below the nodes
// in except. Nodes that are deleted meanwhile are left out.
func (w *world) tree(root string, except ...string) map[string]node {
	w.t.Helper()
	all := make(map[string]node)
	var walk func(at string)
	walk = func(at string) {
		acl, _, err := w.bare.GetACL(at)
		if err == zk.ErrNoNode {
			return
		}
		require.NoError(w.t, err, at)
		children, stat, err := w.bare.Children(at)
		if err == zk.ErrNoNode {
			return
		}
		require.NoError(w.t, err, at)
		all[at] = node{acl, stat.EphemeralOwner}
		if slices.Contains(except, at) {
			return
		}
		for _, child := range children {
			walk(path.Join(at, child))
		}
	}
	walk(root)
	return all
}

// paths lists a tree's nodes.
func paths(tree map[string]node) []string {
	list := make([]string, 0, len(tree))
	for at := range tree {
		list = append(list, at)
	}
	return list
}

// refused checks the error of a call by a session without the right.
func refused(t *testing.T, err error) {
	t.Helper()
	require.ErrorIs(t, err, zk.ErrNoAuth)
	require.NotErrorIs(t, err, context.DeadlineExceeded)
	require.NotContains(t, err.Error(), "\n", "an error is one line")
	require.Contains(t, err.Error(), "/", "an error says where")
	for _, secret := range []string{ownersPassword, makersPassword} {
		require.NotContains(t, err.Error(), secret)
	}
}
