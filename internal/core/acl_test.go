package core_test

import (
	"strings"
	"testing"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
)

// A create may have entries after the configured ACL, in a transaction or
// alone, also below a root. The entries count for the size limit of a request.
func TestNodesWithMoreACL(t *testing.T) {
	inWorld(t, func(w *world) {
		ctx := w.Context()
		p := w.process(func(cfg *core.Config) { cfg.Root = "/app"; cfg.MaxRequest = 1024 })
		s := p.session()
		more := zk.ACL{Scheme: "digest", ID: "mark:x"}
		_, err := s.CreateWithACL(ctx, "/a", []byte("v"), core.Ephemeral, more)
		require.NoError(w, err)
		_, err = s.Txn(ctx, core.CreateOp("/b", nil, core.Ephemeral).WithACL(more), core.CreateOp("/c", nil, core.Ephemeral))
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
		_, err = s.CreateWithACL(ctx, "/d", nil, core.Ephemeral, more)
		require.ErrorIs(w, err, core.ErrTooLarge)
		_, err = s.Txn(ctx, core.CreateOp("/d", nil, core.Ephemeral).WithACL(more))
		require.ErrorIs(w, err, core.ErrTooLarge)
	})
}
