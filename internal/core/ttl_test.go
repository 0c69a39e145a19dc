package core_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// A node with a TTL exists while it changes or has children, and is removed
// after that.
func TestCreateTTL(t *testing.T) {
	inWorld(t, func(w *world) {
		s := w.process(inRoot).session() // which makes the root on demand
		start := time.Now()
		path, err := s.CreateTTL(w.Context(), "/a", []byte("x"), 5*time.Second, core.Persistent)
		require.NoError(w, err)
		require.Equal(w, "/a", path)
		path, err = s.CreateTTL(w.Context(), "/job-", nil, 10*time.Second, core.Sequential)
		require.NoError(w, err)
		require.Equal(w, "/job-0000000001", path)
		time.Sleep(4 * time.Second)
		_, err = s.Set(w.Context(), "/a", nil, core.AnyVersion)
		require.NoError(w, err)
		for path, least := range map[string]time.Duration{"/root/a": 9 * time.Second, "/root" + path: 10 * time.Second} {
			lived := w.deletedAt(path).Sub(start)
			require.GreaterOrEqual(w, lived, least, path)
			require.LessOrEqual(w, lived, least+2*time.Second, path)
		}
		_, err = s.CreateTTL(w.Context(), "/b/c", nil, time.Second, core.Persistent)
		require.ErrorIs(w, err, core.ErrNoNode)
	}, zktest.TTLNodes(), zktest.ContainerInterval(time.Second))
}

func TestCreateTTLRefuses(t *testing.T) {
	inWorld(t, func(w *world) {
		s := w.process().session()
		_, err := s.CreateTTL(w.Context(), "/a", nil, time.Second, core.Persistent)
		require.ErrorIs(w, err, core.ErrUnimplemented)
		require.ErrorContains(w, err, "extendedTypesEnabled=true")
		require.Equal(w, 1, w.Srv.Count(zktest.OpCreateTTL))
		for _, ttl := range []time.Duration{0, -time.Second, core.MaxTTL + 1} {
			_, err = s.CreateTTL(w.Context(), "/a", nil, ttl, core.Persistent)
			require.ErrorContains(w, err, "create /a: the TTL")
		}
		for _, mode := range []core.Mode{core.Ephemeral, core.EphemeralSequential, core.Container} {
			_, err = s.CreateTTL(w.Context(), "/a", nil, time.Second, mode)
			require.ErrorContains(w, err, "Persistent or Sequential")
		}
		_, err = s.CreateTTL(w.Context(), "a", nil, time.Second, core.Sequential)
		require.Error(w, err)
		_, err = s.CreateTTL(w.Context(), "/a", make([]byte, core.DefaultMaxRequest), time.Second, core.Sequential)
		require.ErrorIs(w, err, core.ErrTooLarge)
		require.Equal(w, 1, w.Srv.Count(zktest.OpCreateTTL))
	})
}

// The shortest and the longest TTL arrive as milliseconds.
func TestCreateTTLMillis(t *testing.T) {
	inWorld(t, func(w *world) {
		s := w.process().session()
		for path, ttl := range map[string]time.Duration{"/short": 1, "/long": core.MaxTTL} {
			_, err := s.CreateTTL(w.Context(), path, nil, ttl, core.Persistent)
			require.NoError(w, err, path)
		}
	}, zktest.TTLNodes())
}

func TestWhoAmI(t *testing.T) {
	inWorld(t, func(w *world) {
		s := w.process(func(cfg *core.Config) { cfg.Auth = []core.Credential{core.Digest("ann", "secret")} }).session()
		ids, err := s.WhoAmI(w.Context())
		require.NoError(w, err)
		require.Contains(w, ids, core.Identity{Scheme: "digest", ID: "ann"})
		require.Equal(w, "ip", ids[0].Scheme)
	})
	inWorld(t, func(w *world) {
		s := w.process().session()
		_, err := s.WhoAmI(w.Context())
		require.ErrorIs(w, err, core.ErrUnimplemented)
		require.ErrorContains(w, err, "WhoAmI needs ZooKeeper 3.7 or later")
		require.NoError(w, s.Sync(w.Context(), "/"), "the session goes on")
	}, zktest.NoOps(zktest.OpWhoAmI))
}
