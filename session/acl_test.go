package session_test

import (
	"strings"
	"testing"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/session"
)

// A node can be given entries after the configured ACL, in a transaction or by
// itself, below a root too, and they are counted where a request is too large.
func TestNodesWithMoreACL(t *testing.T) {
	inWorld(t, func(w *world) {
		ctx := w.Context()
		p := w.process(func(cfg *session.Config) { cfg.Root = "/app"; cfg.MaxRequest = 1024 })
		s := p.session()
		more := zk.ACL{Scheme: "digest", ID: "mark:x"}
		_, err := s.CreateWithACL(ctx, "/a", []byte("v"), session.Ephemeral, more)
		require.NoError(w, err)
		_, err = s.Txn(ctx, session.CreateOp("/b", nil, session.Ephemeral).WithACL(more), session.CreateOp("/c", nil, session.Ephemeral))
		require.NoError(w, err)
		for path, want := range map[string][]zk.ACL{
			"/a": {zk.WorldACL(zk.PermAll)[0], more}, "/b": {zk.WorldACL(zk.PermAll)[0], more}, "/c": zk.WorldACL(zk.PermAll),
		} {
			acl, stat, err := s.ACL(ctx, path)
			require.NoError(w, err)
			require.Equal(w, want, acl)
			require.Equal(w, s.ID(), stat.EphemeralOwner)
		}
		_, _, err = s.ACL(ctx, "/missing")
		require.ErrorIs(w, err, zk.ErrNoNode)
		_, _, err = s.ACL(ctx, "relative")
		require.Error(w, err)

		more.ID = strings.Repeat("m", 1024) + ":x"
		_, err = s.CreateWithACL(ctx, "/d", nil, session.Ephemeral, more)
		require.ErrorIs(w, err, session.ErrTooLarge)
		_, err = s.Txn(ctx, session.CreateOp("/d", nil, session.Ephemeral).WithACL(more))
		require.ErrorIs(w, err, session.ErrTooLarge)
	})
}
