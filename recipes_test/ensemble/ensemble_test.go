package ensemble_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

const soon = 3 * time.Minute

// connect opens a session of two seconds and waits until it is connected.
func connect(t *testing.T, addrs ...string) *zk.Conn {
	t.Helper()
	conn, events, err := zk.Connect(addrs, 2*time.Second, zk.WithLogInfo(false), zk.WithLogger(quiet{}))
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	timeout := time.After(soon)
	for {
		select {
		case ev := <-events:
			if ev.State == zk.StateHasSession {
				return conn
			}
		case <-timeout:
			t.Fatalf("no session with %v within %v", addrs, soon)
		}
	}
}

// quiet drops the client's log: these tests lose connections on purpose.
type quiet struct{}

func (quiet) Printf(string, ...any) {}

// writable waits until a write through conn succeeds. The client reconnects by
// itself.
func writable(t *testing.T, conn *zk.Conn, path string) {
	t.Helper()
	ensemble.Eventually(t, soon, "a write to "+path, func() bool {
		_, err := conn.Set(path, nil, -1)
		return err == nil
	})
}

func quorum(t *testing.T, e *ensemble.Ensemble) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	require.NoError(t, e.WaitQuorum(ctx))
}

func create(t *testing.T, conn *zk.Conn, path string) {
	t.Helper()
	_, err := conn.Create(path, nil, 0, zk.WorldACL(zk.PermAll))
	require.NoError(t, err)
}

func TestStandalone(t *testing.T) {
	began := time.Now()
	e := ensemble.Start(t, 1)
	t.Logf("one server serves after %v", time.Since(began).Round(time.Millisecond))

	require.Equal(t, "standalone", e.Server(0).Mode())
	require.Same(t, e.Server(0), e.Leader())
	require.Empty(t, e.Followers())
	require.Equal(t, []string{e.ConnectString()}, e.Addrs())
	conn := connect(t, e.Addrs()...)
	create(t, conn, "/kept")

	e.Server(0).Stop()
	require.Empty(t, e.Server(0).Mode())
	e.Server(0).Restart()
	quorum(t, e)
	writable(t, conn, "/kept")

	answer, err := e.Server(0).Word("ruok")
	require.NoError(t, err)
	require.Equal(t, "imok", answer)
}

func TestQuorumSurvivesItsLeader(t *testing.T) {
	began := time.Now()
	e := ensemble.Start(t, 3)
	t.Logf("three servers serve after %v", time.Since(began).Round(time.Millisecond))
	require.Len(t, e.Followers(), 2)
	conn := connect(t, e.Addrs()...)
	create(t, conn, "/kept")

	first := e.Leader()
	first.Kill()
	began = time.Now()
	quorum(t, e)
	t.Logf("a new leader after %v", time.Since(began).Round(time.Millisecond))
	require.NotSame(t, first, e.Leader())
	require.Len(t, e.Followers(), 1)
	writable(t, conn, "/kept")

	began = time.Now()
	first.Restart()
	quorum(t, e)
	t.Logf("the old leader follows after %v", time.Since(began).Round(time.Millisecond))
	require.Equal(t, "follower", first.Mode())
	writable(t, conn, "/kept")

	// Without a majority no server serves, and WaitQuorum says so.
	e.Leader().Kill()
	quorum(t, e)
	e.Leader().Kill()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	require.ErrorIs(t, e.WaitQuorum(ctx), context.DeadlineExceeded)
}

func TestPausedFollowerIsLeftBehindAndComesBack(t *testing.T) {
	e := ensemble.Start(t, 3)
	follower := e.Followers()[0]
	through := connect(t, follower.Addr())
	create(t, through, "/kept")
	others := connect(t, e.Leader().Addr())

	follower.Pause()
	require.Empty(t, follower.Mode())
	writable(t, others, "/kept")
	_, err := through.Set("/kept", nil, -1)
	require.Error(t, err, "a paused server does not answer")

	follower.Resume()
	quorum(t, e)
	require.Equal(t, "follower", follower.Mode())
	writable(t, through, "/kept")
}

func TestPausedLeaderLosesItsPlace(t *testing.T) {
	e := ensemble.Start(t, 3)
	leader := e.Leader()
	leader.Pause()
	ensemble.Eventually(t, soon, "another server leads", func() bool {
		return e.Leader() != leader
	})
	leader.Resume()
	quorum(t, e)
	require.Equal(t, "follower", leader.Mode())
}

// TestNothingIsLeftBehind runs an ensemble in a subtest and checks that
// everything was removed.
func TestNothingIsLeftBehind(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	t.Setenv("TMPDIR", t.TempDir())
	var server *ensemble.Server
	t.Run("ensemble", func(t *testing.T) {
		server = ensemble.Start(t, 1).Server(0)
		found, err := filepath.Glob(filepath.Join(os.TempDir(), "docent-ensemble-*"))
		require.NoError(t, err)
		require.Len(t, found, 1)
	})
	_, err := server.Word("ruok")
	require.Error(t, err, "the server is gone")
	found, err := filepath.Glob(filepath.Join(os.TempDir(), "*"))
	require.NoError(t, err)
	require.Empty(t, found)
}
