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

// Older servers close the connection for a request that they do not know. No
// hold ends with it, under either policy.
func TestOlderServersEndNoHold(t *testing.T) {
	for policy, tweak := range map[string]func(*core.Config){"AtDeadline": func(*core.Config) {}, "OnDisconnect": strict} {
		for release, opt := range map[string]zktest.Option{"3.5": zktest.Version(zktest.V35), "3.6": zktest.NoOps(zktest.OpWhoAmI)} {
			t.Run(policy+" "+release, func(t *testing.T) {
				inWorld(t, func(w *world) {
					p := w.process(tweak)
					s := p.session()
					h := p.enter("/locks/a")
					_, err := s.ReadMany(w.Context(), []core.ReadOp{{Path: "/locks"}, {Path: "/locks/a"}})
					require.NoError(w, err)
					f, err := s.Follow(w.Context(), "/locks", true, func(core.Followed) {})
					if release == "3.5" {
						require.ErrorIs(w, err, core.ErrUnimplemented)
					} else {
						require.NoError(w, err)
						f.Stop()
					}
					for range 2 {
						_, err = s.WhoAmI(w.Context())
						require.ErrorIs(w, err, core.ErrUnimplemented)
						require.ErrorContains(w, err, "WhoAmI needs ZooKeeper 3.7 or later")
					}
					require.Equal(w, 1, w.Srv.Count(zktest.OpWhoAmI), "a second request would close the connection again")
					owned, err := s.OwnsAt(w.Context(), h.Path())
					require.NoError(w, err)
					require.True(w, owned)
					require.NoError(w, h.Err())
					require.NoError(w, h.Release())
				}, opt)
			})
		}
	}
}

// What the servers know is asked once for each Manager, and only under
// OnDisconnect. What a lost connection or session cuts short is asked again.
func TestSurvey(t *testing.T) {
	inWorld(t, func(w *world) {
		w.process().session()
		require.Zero(w, w.Srv.Count(zktest.OpWhoAmI))
		lost := 0
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpWhoAmI && lost < 2 {
				if lost++; lost == 2 {
					w.Srv.Expire(r.Session)
				}
				return zktest.LoseReply
			}
			return zktest.Pass
		})
		p := w.process(strict)
		s := p.session()
		require.Equal(w, 3, w.Srv.Count(zktest.OpWhoAmI))
		w.Srv.Expire(s.ID())
		p.next(s)
		require.Equal(w, 3, w.Srv.Count(zktest.OpWhoAmI))
	})
}
