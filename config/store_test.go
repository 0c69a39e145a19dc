package config_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func TestStore(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		store := config.NewStore(w.sm, "/config")
		_, err := store.Get(ctx, "db/limits")
		require.ErrorIs(t, err, session.ErrNoNode)
		require.EqualError(t, err, fmt.Sprintf("get key /config/db/limits: the znode does not exist (session 0x%x)", uint64(w.p.Current().ID())))
		_, err = store.Set(ctx, "db/limits", []byte("x"), session.AnyVersion)
		require.ErrorIs(t, err, session.ErrNoNode, "Set does not create")

		made, err := store.Create(ctx, "db/limits", []byte("one"))
		require.NoError(t, err)
		require.Equal(t, must(store.Get(ctx, "db/limits")), made)
		require.ErrorIs(t, testworld.ErrOf(store.Create(ctx, "db/limits", []byte("two"))), session.ErrNodeExists)
		e, err := store.Get(ctx, "/db/limits")
		require.NoError(t, err)
		node, _ := w.Srv.Node("/config/db/limits")
		require.Equal(t, "/config/db/limits", e.Path)
		require.Equal(t, "one", string(e.Data))
		require.Equal(t, node.Stat.Mzxid, e.Zxid)
		require.Equal(t, node.Stat.Czxid, e.Created)
		require.Zero(t, node.Stat.EphemeralOwner)

		set, err := store.Set(ctx, "db/limits", []byte("two"), e.Version)
		require.NoError(t, err)
		require.EqualValues(t, 1, set.Version)
		require.Greater(t, set.Zxid, e.Zxid)
		require.Equal(t, e.Created, set.Created)
		_, err = store.Set(ctx, "db/limits", []byte("three"), e.Version)
		require.ErrorIs(t, err, session.ErrBadVersion)
		require.ErrorIs(t, store.Delete(ctx, "db/limits", e.Version), session.ErrBadVersion)
		require.ErrorIs(t, store.Delete(ctx, "db", session.AnyVersion), session.ErrNotEmpty)
		require.NoError(t, store.Delete(ctx, "db/limits", set.Version))
		require.ErrorIs(t, store.Delete(ctx, "db/limits", session.AnyVersion), session.ErrNoNode)

		put, err := store.Put(ctx, "db/limits", []byte("four"))
		require.NoError(t, err)
		require.Equal(t, put.Created, put.Zxid, "it was created")
		require.Equal(t, must(store.Get(ctx, "db/limits")), put)
		put, err = store.Put(ctx, "db/limits", nil)
		require.NoError(t, err)
		require.Greater(t, put.Zxid, put.Created, "it was there")
		require.EqualValues(t, 1, put.Version)
		require.Empty(t, w.Data("/config/db/limits"))
	})
}

func TestStoreRefusesBadKeys(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Srv.ResetCounts()
		for _, c := range []struct{ base, key, reason string }{
			{"/", "", "root"}, {"/c", "", "ends with /"}, {"/c", "a/", "ends with /"}, {"/c", "a//b", "empty segment"},
			{"/c", "../a", "relative segment"}, {"c", "a", "relative"}, {"/c/", "a", "base"}, {"/c", "\x00", "U+0000"},
			{"/", "zookeeper/config", "reserved"},
		} {
			store := config.NewStore(w.sm, c.base)
			_, err := store.Get(t.Context(), c.key)
			require.ErrorContains(t, err, c.reason, "%q %q", c.base, c.key)
			_, err = store.Set(t.Context(), c.key, nil, 0)
			require.ErrorContains(t, err, c.reason)
			require.ErrorContains(t, testworld.ErrOf(store.Create(t.Context(), c.key, nil)), c.reason)
			require.ErrorContains(t, store.Delete(t.Context(), c.key, 0), c.reason)
			require.ErrorContains(t, store.Publish(t.Context(), config.CreateKey(c.key, nil)), c.reason)
			_, err = store.Put(t.Context(), c.key, nil)
			require.ErrorContains(t, err, c.reason)
		}
		require.Empty(t, w.Srv.Counts())
	})
}

func TestTooLargeNeverReachesTheWire(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		store := config.NewStore(w.sm, "/")
		require.NoError(t, testworld.ErrOf(store.Create(t.Context(), "a", nil)))
		w.Srv.ResetCounts()
		huge, half := []byte(strings.Repeat("x", 1<<20)), []byte(strings.Repeat("x", 600<<10))
		_, err := store.Set(t.Context(), "a", huge, session.AnyVersion)
		require.ErrorIs(t, err, session.ErrTooLarge)
		require.ErrorContains(t, err, "/a")
		require.ErrorIs(t, testworld.ErrOf(store.Create(t.Context(), "b", huge)), session.ErrTooLarge)
		_, err = store.Put(t.Context(), "b", huge)
		require.ErrorIs(t, err, session.ErrTooLarge)
		require.ErrorIs(t, store.Publish(t.Context(), config.SetKey("a", half, 0), config.CreateKey("b", half)), session.ErrTooLarge)
		require.Empty(t, w.Srv.Counts())
		_, err = store.Set(t.Context(), "a", half, session.AnyVersion)
		require.NoError(t, err)
	})
}

func TestPublish(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		store := config.NewStore(w.sm, "/cfg")
		require.NoError(t, store.Publish(ctx,
			config.CreateKey("dir", nil), config.CreateKey("dir/a", []byte("1")), config.CreateKey("far/away/b", []byte("1"))))
		require.Equal(t, []string{"/cfg", "/cfg/dir", "/cfg/dir/a", "/cfg/far", "/cfg/far/away", "/cfg/far/away/b"}, w.Srv.Paths())

		zxid := w.Srv.Zxid()
		require.NoError(t, store.Publish(ctx, config.CheckKey("dir", 0),
			config.SetKey("dir/a", []byte("2"), 0), config.DeleteKey("far/away/b", 0), config.CreateKey("dir/c", nil)))
		require.Equal(t, zxid+1, w.Srv.Zxid(), "one transaction")
		require.Equal(t, "2", w.Data("/cfg/dir/a"))

		before := w.Srv.Paths()
		for _, c := range []struct {
			step config.KeyOp
			want error
			text string
		}{
			{config.SetKey("dir/a", nil, 0), session.ErrBadVersion, "publish keys /cfg: step 2 of 2 (set key dir/a): "},
			{config.SetKey("none", nil, 0), session.ErrNoNode, "publish keys /cfg: step 2 of 2 (set key none): "},
			{config.CheckKey("dir", 5), session.ErrBadVersion, "publish keys /cfg: step 2 of 2 (check key dir): "},
			{config.CreateKey("dir/c", nil), session.ErrNodeExists, "publish keys /cfg: step 2 of 2 (create key dir/c): "},
			{config.DeleteKey("dir", 0), session.ErrNotEmpty, "publish keys /cfg: step 2 of 2 (delete key dir): "},
		} {
			err := store.Publish(ctx, config.CreateKey("dir/d", nil), c.step)
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.text)
			require.NotContains(t, err.Error(), "txn", "the requests of a verb are not its user's")
			index, refused := session.RefusedOp(err)
			require.True(t, refused)
			require.Equal(t, 1, index, "as of the steps, from zero")
			require.Equal(t, before, w.Srv.Paths(), "none of the steps was done")
		}
		require.Error(t, store.Publish(ctx))
		require.ErrorContains(t, store.Publish(ctx, config.KeyOp{}), "zero KeyOp")
	})
}

func TestPublishWithALostReply(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/a", "one")
		store := config.NewStore(w.sm, "/")
		w.Once(testworld.Is(zktest.OpMulti, ""), func() zktest.Action { return zktest.LoseReply })
		err := store.Publish(t.Context(), config.SetKey("a", []byte("two"), session.AnyVersion))
		require.ErrorIs(t, err, session.ErrUnknownOutcome)
		require.Equal(t, 1, w.Srv.Count(zktest.OpMulti), "not repeated")
	})
}

// Values of several keys follow a Publish; each sees whole values only.
func TestValuesFollowAPublish(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/a", "1")
		w.Put("/b", "1")
		a, b := open(w, "/a", config.Text()), open(w, "/b", config.Text())
		store := config.NewStore(w.sm, "")
		require.NoError(t, store.Publish(t.Context(), config.SetKey("a", []byte("2"), 0), config.SetKey("b", []byte("2"), 0)))
		require.Equal(t, await(w, a, becomes("2")).Zxid, await(w, b, becomes("2")).Zxid)
	})
}

func TestStoreUseAfterClose(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		store := config.NewStore(w.sm, "/")
		require.NoError(t, w.sm.Close())
		_, err := store.Get(t.Context(), "a")
		require.ErrorIs(t, err, session.ErrClosed)
		require.ErrorIs(t, testworld.ErrOf(store.Create(t.Context(), "a", nil)), session.ErrClosed)
		require.ErrorIs(t, store.Publish(t.Context(), config.CreateKey("a", nil)), session.ErrClosed)
	})
}
