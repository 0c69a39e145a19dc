package core_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// A value over the limit fails before it is sent, and has no effect on other
// requests. One byte less passes, and the server agrees on where the limit is.
func TestRequestsUpToTheLimit(t *testing.T) {
	const limit = 2048
	inWorld(t, func(w *world) {
		ctx := w.Context()
		p := w.process(func(cfg *core.Config) {
			cfg.MaxRequest = limit
			cfg.Root = "/r"
			cfg.Auth = []core.Credential{core.Digest("ann", "pw")}
			cfg.ACL = append(core.CreatorACL(), zk.ACL{Perms: zk.PermRead, Scheme: "world", ID: "anyone"})
		})
		s := p.session()
		require.NoError(w, p.EnsureDir(ctx, "/d"))
		_, err := p.Create(ctx, "/set", nil, core.Persistent)
		require.NoError(w, err)

		// try sends requests of growing size until one is refused, and
		// returns how many bytes of data the last one that passed had.
		try := func(name string, f func(data []byte) error) {
			w.Helper()
			n := limit - 500
			for ; ; n++ {
				before := w.Srv.Counts()
				err := f(bytes.Repeat([]byte("x"), n))
				if err != nil {
					require.ErrorIs(w, err, core.ErrTooLarge, name)
					require.ErrorContains(w, err, "the limit is 2048", name)
					require.NotErrorIs(w, err, core.ErrUnknownOutcome)
					require.Equal(w, before, w.Srv.Counts(), "%s: nothing was sent", name)
					break
				}
				require.Less(w, n, limit, name)
			}
			require.ErrorContains(w, f(bytes.Repeat([]byte("x"), 5*limit)), "the limit is", name)
			require.Equal(w, 1, w.Srv.Count(zktest.OpConnect), "%s: the connection stays up", name)
			require.Equal(w, s.ID(), p.session().ID())
		}
		i := 0
		next := func() string { i++; return "/d/" + strings.Repeat("n", i%7+1) + znode.NewGUID() }
		try("set", func(data []byte) error { _, err := p.Set(ctx, "/set", data, core.AnyVersion); return err })
		try("create", func(data []byte) error {
			_, err := p.Create(ctx, "/d/n"+znode.NewGUID(), data, core.Persistent)
			return err
		})
		try("sequential", func(data []byte) error { _, err := p.Create(ctx, "/d/n-", data, core.Sequential); return err })
		try("container", func(data []byte) error {
			_, err := p.Create(ctx, "/d/n"+znode.NewGUID(), data, core.Container)
			return err
		})
		try("txn", func(data []byte) error {
			_, err := p.Txn(ctx, core.CheckOp("/set", -1), core.SetOp("/set", data, -1),
				core.CreateOp("/d/x", nil, core.Ephemeral), core.DeleteOp("/d/x", 0))
			return err
		})
		try("enter", func(data []byte) error {
			e, err := p.session().Enter(ctx, "/d", "lock-", data)
			if err == nil {
				err = e.Remove(ctx)
			}
			return err
		})
		long := func(data []byte) string { return "/" + string(data) }
		try("get", func(data []byte) error {
			_, _, err := p.Get(ctx, long(data))
			return but(err, zk.ErrNoNode)
		})
		try("delete", func(data []byte) error { return but(p.Delete(ctx, long(data), 0), zk.ErrNoNode) })
		try("watch", func(data []byte) error { _, _, _, err := p.session().ExistsW(ctx, long(data)); return err })
		try("sync", func(data []byte) error { return p.Sync(ctx, long(data)) })
		try("parents", func(data []byte) error { return p.EnsureDir(ctx, "/d"+long(data)) })
		_ = next
	}, zktest.MaxFrame(limit))
}

// but turns an expected error into none.
func but(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}

// The default limit is the server's: a frame of exactly that many bytes passes.
func TestDefaultLimit(t *testing.T) {
	inWorld(t, func(w *world) {
		ctx := w.Context()
		p := w.process()
		require.NoError(w, w.Srv.Put("/a", nil))
		const overhead = 8 + 4 + len("/a") + 4 + 4 // header, path, length, version
		_, err := p.Set(ctx, "/a", make([]byte, core.DefaultMaxRequest-overhead), 0)
		require.NoError(w, err)
		_, err = p.Set(ctx, "/a", make([]byte, core.DefaultMaxRequest-overhead+1), 1)
		require.ErrorIs(w, err, core.ErrTooLarge)
		data, _, err := p.Get(ctx, "/a")
		require.NoError(w, err)
		require.Len(w, data, core.DefaultMaxRequest-overhead)
		require.Equal(w, 1, w.Srv.Count(zktest.OpConnect))
	})
}
