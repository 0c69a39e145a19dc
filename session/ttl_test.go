package session_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// A node with a TTL stays while it changes or has children, and goes after that.
func TestCreateTTL(t *testing.T) {
	inWorld(t, func(w *world) {
		s := w.process(inRoot).session() // which makes the root on demand
		start := time.Now()
		path, err := s.CreateTTL(w.Context(), "/a", []byte("x"), 5*time.Second, session.Persistent)
		require.NoError(w, err)
		require.Equal(w, "/a", path)
		path, err = s.CreateTTL(w.Context(), "/job-", nil, 10*time.Second, session.Sequential)
		require.NoError(w, err)
		require.Equal(w, "/job-0000000001", path)
		time.Sleep(4 * time.Second)
		_, err = s.Set(w.Context(), "/a", nil, session.AnyVersion)
		require.NoError(w, err)
		for path, least := range map[string]time.Duration{"/root/a": 9 * time.Second, "/root" + path: 10 * time.Second} {
			lived := w.deletedAt(path).Sub(start)
			require.GreaterOrEqual(w, lived, least, path)
			require.LessOrEqual(w, lived, least+2*time.Second, path)
		}
		_, err = s.CreateTTL(w.Context(), "/b/c", nil, time.Second, session.Persistent)
		require.ErrorIs(w, err, session.ErrNoNode)
	}, zktest.WithTTLNodes(), zktest.WithContainerInterval(time.Second))
}

func TestCreateTTLRefuses(t *testing.T) {
	inWorld(t, func(w *world) {
		s := w.process().session()
		_, err := s.CreateTTL(w.Context(), "/a", nil, time.Second, session.Persistent)
		require.ErrorIs(w, err, session.ErrUnimplemented)
		require.ErrorContains(w, err, "extendedTypesEnabled=true")
		require.Equal(w, 1, w.srv.Count(zktest.OpCreateTTL))
		for _, ttl := range []time.Duration{0, -time.Second, session.MaxTTL + 1} {
			_, err = s.CreateTTL(w.Context(), "/a", nil, ttl, session.Persistent)
			require.ErrorContains(w, err, "create /a: the TTL")
		}
		for _, mode := range []session.Mode{session.Ephemeral, session.EphemeralSequential, session.Container} {
			_, err = s.CreateTTL(w.Context(), "/a", nil, time.Second, mode)
			require.ErrorContains(w, err, "Persistent or Sequential")
		}
		_, err = s.CreateTTL(w.Context(), "a", nil, time.Second, session.Sequential)
		require.Error(w, err)
		_, err = s.CreateTTL(w.Context(), "/a", make([]byte, session.DefaultMaxRequest), time.Second, session.Sequential)
		require.ErrorIs(w, err, session.ErrTooLarge)
		require.Equal(w, 1, w.srv.Count(zktest.OpCreateTTL))
	})
}

// The shortest and the longest life arrive as milliseconds.
func TestCreateTTLMillis(t *testing.T) {
	inWorld(t, func(w *world) {
		s := w.process().session()
		for path, ttl := range map[string]time.Duration{"/short": 1, "/long": session.MaxTTL} {
			_, err := s.CreateTTL(w.Context(), path, nil, ttl, session.Persistent)
			require.NoError(w, err, path)
		}
	}, zktest.WithTTLNodes())
}

func TestWhoAmI(t *testing.T) {
	inWorld(t, func(w *world) {
		s := w.process(func(cfg *session.Config) { cfg.Auth = []session.Credential{session.Digest("ann", "secret")} }).session()
		ids, err := s.WhoAmI(w.Context())
		require.NoError(w, err)
		require.Contains(w, ids, session.Identity{Scheme: "digest", ID: "ann"})
		require.Equal(w, "ip", ids[0].Scheme)
	})
	inWorld(t, func(w *world) {
		s := w.process().session()
		_, err := s.WhoAmI(w.Context())
		require.ErrorIs(w, err, session.ErrUnimplemented)
		require.ErrorContains(w, err, "WhoAmI needs ZooKeeper 3.7 or later")
		require.NoError(w, s.Sync(w.Context(), "/"), "the session goes on")
	}, zktest.WithoutOps(zktest.OpWhoAmI))
}
