package core_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// debugLog calls f with each line that is logged.
func debugLog(f func(line string)) *slog.Logger {
	return slog.New(slog.NewTextHandler(lineFunc(f), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

type lineFunc func(string)

func (f lineFunc) Write(p []byte) (int, error) { f(string(p)); return len(p), nil }

func cancelOn(line, part string, cancel context.CancelFunc) {
	if strings.Contains(line, part) {
		cancel()
	}
}

// creator is the Config of a user with credentials, whose nodes only this user
// may access.
func creator(cfg *core.Config) {
	cfg.Auth = []core.Credential{core.Digest("ann", "secret"), core.Digest("team", "shared")}
	cfg.ACL = core.CreatorACL()
}

// The credentials are presented again on every connection and in every session.
func TestAuthInEveryGeneration(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process(creator)
		ctx := w.Context()
		require.NoError(w, p.EnsureDir(ctx, "/private/dir"))
		_, err := p.Create(ctx, "/private/a", []byte("v0"), core.Persistent)
		require.NoError(w, err)
		n, ok := w.Srv.Node("/private")
		require.True(w, ok)
		require.Len(w, n.ACL, 2, "parents are as private as their children")

		version := int32(0)
		write := func(what string) {
			w.Helper()
			require.NoError(w, p.Sync(ctx, "/"), "a read waits for the connection")
			_, err := p.Set(ctx, "/private/a", []byte(what), version)
			require.NoError(w, err, what)
			version++
		}
		for range 3 {
			s := p.session()
			for range 3 {
				w.Srv.Disconnect(s.ID())
				write("after a reconnection")
				require.Equal(w, s.ID(), p.session().ID())
			}
			w.Srv.Restart()
			write("after a restart")
			w.Srv.Expire(s.ID())
			require.NotEqual(w, s.ID(), p.next(s).ID())
			write("in the next session")
			_, err := p.Create(ctx, "/private/e", nil, core.Ephemeral)
			require.NoError(w, err)
		}
	})
}

// A watch on a node that only its creator may read sees what happened while
// the connection was away: the credentials come before the watches.
func TestAuthComesBeforeWatches(t *testing.T) {
	inWorld(t, func(w *world) {
		p, other := w.process(creator), w.process(creator)
		ctx := w.Context()
		_, err := p.Create(ctx, "/a", nil, core.Persistent)
		require.NoError(w, err)
		_, _, watch, err := p.session().GetW(ctx, "/a")
		require.NoError(w, err)
		p.link.Refuse(true)
		p.link.Disconnect()
		_, err = other.Set(ctx, "/a", []byte("news"), 0)
		require.NoError(w, err)
		p.link.Refuse(false)
		w.eventually("the watch fires", func() bool { return watch.Event() != 0 })
		require.Equal(w, core.NodeDataChanged, watch.Event())
		require.NoError(w, p.session().Err())
	})
}

func TestStrangersAreRefused(t *testing.T) {
	inWorld(t, func(w *world) {
		ctx := w.Context()
		owner, stranger := w.process(creator), w.process()
		_, err := owner.Create(ctx, "/private", nil, core.Persistent)
		require.NoError(w, err)
		_, err = owner.Create(ctx, "/private/a", []byte("x"), core.Persistent)
		require.NoError(w, err)

		_, _, err = stranger.Get(ctx, "/private/a")
		refused(w, err, "get", "/private/a")
		_, err = stranger.Set(ctx, "/private/a", nil, core.AnyVersion)
		refused(w, err, "set", "/private/a")
		_, err = stranger.Create(ctx, "/private/b", nil, core.Persistent)
		refused(w, err, "create", "/private/b")
		err = stranger.Delete(ctx, "/private/a", core.AnyVersion)
		refused(w, err, "delete", "/private/a")
		_, _, err = stranger.Children(ctx, "/private")
		refused(w, err, "list children", "/private")
		_, _, watch, err := stranger.session().GetW(ctx, "/private/a")
		refused(w, err, "get", "/private/a")
		require.Nil(w, watch)
		_, err = stranger.session().Enter(ctx, "/private", "lock-", nil)
		refused(w, err, "create below", "/private")
		_, err = stranger.Txn(ctx, core.CreateOp("/fine", nil, core.Persistent), core.SetOp("/private/a", nil, -1))
		refused(w, err, "commit txn", "/private/a")
		require.ErrorContains(w, err, "op 2 (set /private/a)")

		_, found, err := stranger.Exists(ctx, "/private/a")
		require.NoError(w, err, "whether a node exists is no secret")
		require.True(w, found)
		require.Equal(w, []string{"/private", "/private/a"}, w.Srv.Paths())
	})
}

// refused requires an error that names the refused operation and its path.
func refused(w *world, err error, op, path string) {
	w.Helper()
	require.ErrorIs(w, err, zk.ErrNoAuth)
	var at *core.OpError
	require.ErrorAs(w, err, &at)
	require.Equal(w, op, at.Op)
	require.ErrorContains(w, err, op)
	require.ErrorContains(w, err, path)
	require.ErrorContains(w, err, "the ACL denies access")
}

// The error names the parent that refuses, also if several nodes are missing
// below it.
func TestParentThatRefusesIsNamed(t *testing.T) {
	inWorld(t, func(w *world) {
		owner, stranger := w.process(creator), w.process()
		require.NoError(w, owner.EnsureDir(w.Context(), "/team/ann"))
		err := stranger.EnsureDir(w.Context(), "/team/ann/locks/a/b")
		refused(w, err, "create parents", "/team/ann/locks/a/b")
		require.ErrorContains(w, err, "/team/ann/locks: ")
		_, err = stranger.session().Enter(w.Context(), "/team/ann/locks/a", "lock-", nil)
		refused(w, err, "create below", "/team/ann/locks/a")
		require.ErrorContains(w, err, "/team/ann/locks: ")
	})
}

// Case 71: EnsureDir begins at the bottom and does not create existing nodes.
// It needs no right on the ancestors of an existing directory.
func TestHardCase71_ForbiddenAncestors(t *testing.T) {
	inWorld(t, func(w *world) {
		ctx := w.Context()
		admin := w.client()
		readOnly := zk.WorldACL(zk.PermRead)
		for path, acl := range map[string][]zk.ACL{"/top": zk.WorldACL(zk.PermAll)} {
			_, err := admin.Create(path, nil, 0, acl)
			require.NoError(w, err)
		}
		for _, path := range []string{"/top/mid", "/top/mid/ours"} {
			_, err := admin.Create(path, nil, 0, zk.WorldACL(zk.PermAll))
			require.NoError(w, err)
		}
		_, err := admin.SetACL("/top/mid", readOnly, -1)
		require.NoError(w, err)
		_, err = admin.SetACL("/top", zk.WorldACL(0), -1) // nobody may do anything
		require.NoError(w, err)

		p := w.process()
		require.NoError(w, p.EnsureDir(ctx, "/top/mid/ours/a/b"))
		require.NoError(w, p.EnsureDir(ctx, "/top/mid/ours"), "it exists: there is nothing to create")
		require.NoError(w, p.EnsureDir(ctx, "/top/mid"))
		require.NoError(w, p.EnsureDir(ctx, "/top"))
		_, err = p.session().Enter(ctx, "/top/mid/ours/locks", "lock-", nil)
		require.NoError(w, err)
		err = p.EnsureDir(ctx, "/top/mid/new/a")
		require.ErrorIs(w, err, zk.ErrNoAuth)
		require.ErrorContains(w, err, "/top/mid/new: ")
	})
}

// Refused credentials end Dial at once, before its context, and leave no
// goroutine.
func TestDialWithRefusedCredentials(t *testing.T) {
	inWorld(t, func(w *world) {
		start := time.Now()
		sm, err := core.Dial(w.Within(time.Hour), core.Config{
			Servers: []string{"zk1"}, Dialer: w.Srv.DialContext,
			Auth: []core.Credential{core.Digest("ann", "pw"), core.AddAuth("kerberos", []byte("ticket"))},
		})
		require.Nil(w, sm)
		require.ErrorIs(w, err, core.ErrAuth)
		require.ErrorContains(w, err, "kerberos")
		require.NotContains(w, err.Error(), "ticket")
		require.Less(w, time.Since(start), 5*time.Second)
		require.Equal(w, 1, w.Srv.Count(zktest.OpConnect))
		dials := w.Srv.Count(zktest.OpConnect)
		time.Sleep(time.Hour)
		require.Equal(w, dials, w.Srv.Count(zktest.OpConnect))
		require.Empty(w, w.Srv.Sessions())
	})
}

// Case 80: a server that refuses the credentials in a later session blocks no
// call: operations end with their own context, and Close works.
func TestHardCase80_CredentialsRefusedLater(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process(creator)
		s := p.session()
		w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpAuth {
				return zktest.Fail(zktest.CodeAuthFailed)
			}
			return zktest.Pass
		}))
		w.Srv.Expire(s.ID())
		<-s.Done()
		_, _, err := p.Get(w.Within(time.Minute), "/")
		require.ErrorIs(w, err, core.ErrUnreachable)
		require.ErrorIs(w, err, core.ErrAuth, "the reason is told")
		start := time.Now()
		require.NoError(w, p.Close())
		require.Less(w, time.Since(start), 5*time.Second)
	})
}

// A server that refuses the credentials of a session that lasts does not keep the
// session alive by its handshakes.
func TestCredentialsRefusedOnReattachment(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process(creator)
		s := p.session()
		stop := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpAuth {
				return zktest.Fail(zktest.CodeAuthFailed)
			}
			return zktest.Pass
		})
		start := time.Now()
		w.Srv.Disconnect(s.ID())
		select {
		case <-s.Done():
		case <-time.After(time.Minute):
			require.Fail(w, "the session goes on without its credentials")
		}
		require.ErrorIs(w, s.Err(), core.ErrTrustElapsed)
		require.LessOrEqual(w, time.Since(start), s.Timeout())
		stop()
		require.NotEqual(w, s.ID(), p.session().ID())
	})
}
