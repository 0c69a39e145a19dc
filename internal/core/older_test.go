package core_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

const oldServers = `level=WARN msg="the servers are older than ZooKeeper 3.5, which is the oldest that is supported" missing=`

// The protocol tells no version. The first request that only servers before
// ZooKeeper 3.5 reject does, and is logged once.
func TestServersBefore35AreLoggedOnce(t *testing.T) {
	for name, c := range map[string]struct {
		use     func(w *world, p *process) error
		missing string
	}{
		"a directory": {func(w *world, p *process) error { return p.EnsureDir(w.Context(), "/a/b") }, "createContainer"},
		"a contender": {func(w *world, p *process) error {
			_, err := p.session().Enter(w.Context(), "/locks", "lock-", nil)
			return err
		}, "create2"},
		"a znode": {func(w *world, p *process) error {
			_, err := p.session().CreateWithParents(w.Context(), "/locks/x", nil)
			return err
		}, "create2"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				require.NoError(w, w.Srv.Put("/locks", nil))
				var log logbook
				p := w.process(log.use)
				require.NoError(w, c.use(w, p))
				found := log.grep(oldServers)
				require.Len(w, found, 1)
				require.Contains(w, found[0], oldServers+c.missing)
				_, err := p.session().Enter(w.Context(), "/locks", "lock-", nil)
				require.NoError(w, err)
				require.NoError(w, p.EnsureDir(w.Context(), "/c/d"))
				require.Empty(w, log.grep(oldServers))
			}, zktest.NoContainers())
		})
	}
}

// Servers of ZooKeeper 3.5 are supported: what they lack is not logged.
func TestServersOf35AreNotLogged(t *testing.T) {
	inWorld(t, func(w *world) {
		var log logbook
		p := w.process(log.use)
		require.NoError(w, p.EnsureDir(w.Context(), "/a/b"))
		_, err := p.session().Enter(w.Context(), "/a/b", "lock-", nil)
		require.NoError(w, err)
		_, err = p.session().ReadMany(w.Context(), []core.ReadOp{{Path: "/a"}, {Path: "/a/b"}})
		require.NoError(w, err)
		_, err = p.session().WhoAmI(w.Context())
		require.ErrorIs(w, err, core.ErrUnimplemented)
		require.Empty(w, log.grep("older"))
	}, zktest.NoOps(zktest.OpAddWatch, zktest.OpSetWatches2, zktest.OpMultiRead, zktest.OpGetEphemerals, zktest.OpWhoAmI))
}
