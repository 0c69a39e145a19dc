//go:build unix

package moving

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
	"go.uber.org/zap"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// startEtcd starts a real etcd, and returns its address.
func startEtcd(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("etcd")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("CI=true forbids skipping: no etcd (Debian: apt-get install etcd-server)")
		}
		t.Skip("needs etcd (Debian: apt-get install etcd-server)")
	}
	var urls [2]string
	for i := range urls {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		urls[i] = "http://" + l.Addr().String()
		defer l.Close() // both are free when etcd starts
		require.NoError(t, l.Close())
	}
	cmd := exec.Command(program, "--data-dir", t.TempDir(), "--logger", "zap", "--log-level", "error", "--unsafe-no-fsync",
		"--listen-client-urls", urls[0], "--advertise-client-urls", urls[0], "--listen-peer-urls", urls[1],
		"--initial-advertise-peer-urls", urls[1], "--initial-cluster", "default="+urls[1])
	cmd.Env = append(os.Environ(), "ETCD_UNSUPPORTED_ARCH="+runtime.GOARCH)
	var said bytes.Buffer
	cmd.Stderr = &said
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		require.NoError(t, cmd.Process.Kill())
		_ = cmd.Wait() // killed
		if t.Failed() {
			t.Logf("etcd: %s", &said)
		}
	})
	return urls[0]
}

// etcdWorld is a real etcd and an embedded ZooKeeper.
type etcdWorld struct {
	*testing.T
	client *clientv3.Client
	srv    *zktest.Server
}

func (w *etcdWorld) docent() *session.Manager {
	return ensemble.Dial(w, patience, session.Config{Servers: []string{"zk1"}, Dialer: w.srv.DialContext})
}

func TestEtcd(t *testing.T) {
	t.Parallel()
	client := newEtcdClient(t, startEtcd(t))
	for name, part := range map[string]func(w *etcdWorld){
		"a move in two steps": etcdMove, "the session ends": etcdSessionEnds, "one session twice": etcdSameSession,
	} {
		t.Run(name, func(t *testing.T) { part(&etcdWorld{t, client, zktest.New(t)}) })
	}
}

// newEtcdClient opens a client, and waits for the server.
func newEtcdClient(t *testing.T, address string) *clientv3.Client {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{address}, Logger: zap.NewNop()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	ensemble.Eventually(t, patience, "etcd answers", func() bool {
		_, err := client.Get(ensemble.Within(t, patience), "/")
		return err == nil
	})
	return client
}

// Programs with etcd's lock alone, with both locks, and with Docent's alone work
// on the same data: first the former two, then the latter two. At most one of
// them works at a time, and the tokens of each kind grow.
func etcdMove(w *etcdWorld) {
	ctx := ensemble.Within(w, patience)
	first, second, third := w.docent(), w.docent(), w.docent()

	var working, done atomic.Int32
	var last [2]int64 // tokens
	write := func(kinds ...int) Write {
		return func(ctx context.Context, tokens ...int64) error {
			if n := working.Add(1); n != 1 {
				return fmt.Errorf("%d work at a time", n)
			}
			defer working.Add(-1)
			for i, kind := range kinds {
				if tokens[i] <= last[kind] {
					return fmt.Errorf("the token %d comes after %d", tokens[i], last[kind])
				}
				last[kind] = tokens[i]
			}
			if _, err := w.client.Get(ctx, "/"); err != nil { // time for another to come in
				return err
			}
			done.Add(1)
			return nil
		}
	}
	old := func() error { return UnderEtcd(ctx, w.client, write(0)) }
	both := func() error { return UnderEtcdAndDocent(ctx, w.client, first, write(0, 1)) }
	otherBoth := func() error { return UnderEtcdAndDocent(ctx, w.client, second, write(0, 1)) }
	moved := func() error {
		return lock.NewMutex(third, path).Do(ctx, func(ctx context.Context, h *lock.Hold) error {
			return write(1)(ctx, h.Token())
		})
	}
	const rounds = 10
	for _, phase := range [][]func() error{{old, old, both, otherBoth}, {both, otherBoth, moved}} {
		var work sync.WaitGroup
		for _, program := range phase {
			work.Go(func() {
				for range rounds {
					if err := program(); err != nil {
						w.Error(err)
						return
					}
				}
			})
		}
		work.Wait()
	}
	require.EqualValues(w, 7*rounds, done.Load())
}

// If etcd's session ends, the context of the work under both locks ends.
func etcdSessionEnds(w *etcdWorld) {
	sm := w.docent()
	err := UnderEtcdAndDocent(ensemble.Within(w, patience), w.client, sm, func(ctx context.Context, _ ...int64) error {
		leases, err := w.client.Leases(ctx)
		require.NoError(w, err)
		for _, lease := range leases.Leases {
			_, err = w.client.Revoke(ctx, lease.ID)
			require.NoError(w, err)
		}
		<-ctx.Done()
		return ctx.Err()
	})
	require.ErrorIs(w, err, context.Canceled)
}

// Two mutexes of one session hold the lock at the same time. Two of Docent's
// mutexes of one Manager do not.
func etcdSameSession(w *etcdWorld) {
	s, err := concurrency.NewSession(w.client)
	require.NoError(w, err)
	defer s.Close()
	ctx := ensemble.Within(w, patience)
	require.NoError(w, concurrency.NewMutex(s, "/locks/same").Lock(ctx))
	require.NoError(w, concurrency.NewMutex(s, "/locks/same").Lock(ctx), "etcd tells them apart now")

	sm := w.docent()
	_, err = lock.NewMutex(sm, path).Lock(ctx)
	require.NoError(w, err)
	_, err = lock.NewMutex(sm, path).TryLock(ctx)
	require.ErrorIs(w, err, lock.ErrHeld)
}
