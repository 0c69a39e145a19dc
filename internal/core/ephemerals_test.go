package core_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// A session learns whether it owns a node that it may not read.
func TestOwnsAt(t *testing.T) {
	testworld.EachRelease(t, func(w *testworld.World, _ zktest.Release) {
		p, owner := w.Process(), w.Process()
		for path, by := range map[string]*testworld.Process{"/mine": p, "/theirs": owner, "/mine-too": p} {
			_, err := by.Core().Create(w.Context(), path, nil, core.Ephemeral)
			require.NoError(w, err)
			w.Shut(path)
		}
		_, err := p.Core().Create(w.Context(), "/lasting", nil, core.Persistent)
		require.NoError(w, err)
		for path, want := range map[string]bool{"/mine": true, "/theirs": false, "/lasting": false, "/m": false, "/none": false} {
			owned, err := p.Current().OwnsAt(w.Context(), path)
			require.NoError(w, err)
			require.Equal(w, want, owned, path)
		}
		_, err = p.Current().OwnsAt(w.Context(), "relative")
		require.Error(w, err)
	})
}

// The delete of a hidden node of this session is lost, or its answer is. The
// node goes nevertheless, and the node of another session at its path stays.
func TestDeleteOwnedOfAHiddenNodeInDoubt(t *testing.T) {
	for fault, action := range map[string]zktest.Action{"request": zktest.DropRequest, "answer": zktest.LoseReply} {
		for lost := range 4 {
			for _, replaced := range []bool{false, true} {
				t.Run(fmt.Sprint(fault, " lost ", lost, " times, replaced: ", replaced), func(t *testing.T) {
					testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
						p := w.Process()
						_, err := p.Core().Create(w.Context(), "/a", nil, core.Ephemeral)
						require.NoError(w, err)
						w.Shut("/a")
						id, n, free := p.Current().ID(), 0, replaced
						w.Srv.OnChange(func(c zktest.Change) {
							if free && c.Kind == zktest.Deleted && c.Path == "/a" {
								free = false
								go func() {
									_, err := owner.Core().Create(w.Context(), "/a", nil, core.Ephemeral)
									require.NoError(w, err)
								}()
							}
						})
						w.Srv.Intercept(func(r zktest.Request) zktest.Action {
							if r.Session == id && r.Op == zktest.OpDelete {
								if n++; n <= lost {
									return action
								}
							}
							return zktest.Pass
						})
						_, err = p.Current().DeleteOwned(w.Context(), "/a")
						require.NoError(w, err)
						synctest.Wait()
						node, found := w.Srv.Node("/a")
						require.Equal(w, replaced, found)
						if replaced {
							require.Equal(w, owner.Current().ID(), node.Stat.EphemeralOwner)
						}
						require.Equal(w, id, p.Current().ID())
					})
				})
			}
		}
	}
}
