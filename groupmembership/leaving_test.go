package groupmembership_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// A member that joins again while its own znode is still being removed waits for
// the removal, under every policy. The id is not in use: it is leaving.
func TestJoinWaitsForItsOwnLeavingZnode(t *testing.T) {
	for name, opts := range map[string][]groupmembership.GroupOption{
		"wait": nil, "refuse": {groupmembership.Refuse()}, "replace": {groupmembership.Replace()},
	} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				p := w.Process()
				w.Srv.Intercept(func(r zktest.Request) zktest.Action {
					if r.Op == zktest.OpDelete {
						return zktest.Delay(3 * time.Second)
					}
					return zktest.Pass
				})
				g := groupmembership.NewGroup(p.Manager, path, opts...)
				first, err := g.Join(w.Context(), "a", nil)
				require.NoError(w, err)
				gone, cancel := context.WithCancel(w.Context())
				cancel()
				require.ErrorIs(w, first.Leave(gone), context.Canceled, "the removal goes on in the background")
				began := time.Now()
				second, err := g.Join(w.Context(), "a", []byte("again"))
				require.NoError(w, err)
				require.GreaterOrEqual(w, time.Since(began), 2*time.Second)
				time.Sleep(time.Minute)
				require.True(w, second.State().In)
				require.Greater(w, second.State().Token, first.State().Token)
				require.Equal(w, "a=again", list(p))

				_, err = g.Join(w.Context(), "a", nil)
				require.ErrorIs(w, err, session.ErrIDTaken, "it is in the group, and not leaving")
			})
		})
	}
}

// A Join whose ctx has ended is leaving, too.
func TestJoinWaitsForItsOwnAbandonedJoin(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpCreate && r.Path == path+"/a" {
				return zktest.Delay(2 * time.Second)
			}
			return zktest.Pass
		})
		g := groupmembership.NewGroup(p.Manager, path, groupmembership.Refuse())
		soon, cancel := context.WithTimeout(w.Context(), time.Second)
		defer cancel()
		_, err := g.Join(soon, "a", nil)
		require.ErrorIs(w, err, context.DeadlineExceeded)
		m, err := g.Join(w.Context(), "a", []byte("again"))
		require.NoError(w, err)
		time.Sleep(time.Minute)
		require.True(w, m.State().In)
		require.Equal(w, "a=again", list(p))
	})
}
