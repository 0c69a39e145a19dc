package core_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// decoys has a stranger create znodes with the guid of each znode below dir, as
// soon as it exists. Some of them the session may not read.
func decoys(w *testworld.World, dir string, hidden bool) {
	seen := make(map[string]bool)
	w.Cleanup(w.Srv.OnChange(func(c zktest.Change) {
		in, name := znode.Split(c.Path)
		guid, ok := znode.GUID(name)
		if in != dir || !ok || seen[guid] {
			return
		}
		seen[guid] = true
		go func() { // not on the server's goroutine
			for i := range 3 {
				decoy := znode.Join(dir, znode.Protected(guid, fmt.Sprintf("a-lock-%010d", i)))
				w.Put(decoy, "")
				if hidden {
					w.Shut(decoy)
				}
			}
		}()
	}))
}

// ownBelow returns the znodes of a session below dir.
func ownBelow(w *testworld.World, p *testworld.Process, dir string) (own []string) {
	for _, name := range w.Children(dir) {
		if n, found := w.Srv.Node(znode.Join(dir, name)); found && n.Stat.EphemeralOwner == p.Current().ID() {
			own = append(own, name)
		}
	}
	return own
}

// The answer to a create is lost, and a stranger has created znodes with the
// guid of the new one meanwhile. The session finds its own.
func TestFault44_DecoysOfALostCreate(t *testing.T) {
	for _, hidden := range []bool{false, true} {
		t.Run(fmt.Sprint("hidden=", hidden), func(t *testing.T) {
			testworld.EachServer(t, func(w *testworld.World, _ *testworld.Process) {
				p := w.Process()
				require.NoError(w, p.EnsureDir(w.Context(), "/locks/a"))
				decoys(w, "/locks/a", hidden)
				p.Meddle(func(r zktest.Request) bool { return strings.HasPrefix(r.Path, "/locks/a/_c_") }, func() {})
				e, err := p.Current().Enter(w.Context(), "/locks/a", "lock-", nil)
				require.NoError(w, err)
				require.Equal(w, []string{e.Name}, ownBelow(w, p, "/locks/a"))
				require.NoError(w, e.Remove(w.Context()))
				require.Empty(w, ownBelow(w, p, "/locks/a"))
			})
		})
	}
}

// The caller of the create gives up. The session sweeps its own znode, and no
// decoy.
func TestFault44_DecoysOfASweep(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, _ *testworld.Process) {
		p := w.Process()
		require.NoError(w, p.EnsureDir(w.Context(), "/locks/a"))
		decoys(w, "/locks/a", false)
		p.Meddle(func(r zktest.Request) bool { return strings.HasPrefix(r.Path, "/locks/a/_c_") }, func() {})
		ctx, cancel := context.WithTimeout(w.Context(), 500*time.Millisecond)
		defer cancel()
		_, err := p.Current().Enter(ctx, "/locks/a", "lock-", nil)
		require.ErrorIs(w, err, context.DeadlineExceeded)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.Empty(w, ownBelow(w, p, "/locks/a"))
		require.Len(w, w.Children("/locks/a"), 3, "the decoys are not ours")
	})
}

// A stranger writes to the znode of a hold, which uses its watch up, and deletes
// it. At once another owner has the path, with a znode that the session may not
// read. The session does not take it for its own.
func TestFault44_HiddenSuccessorAtTheFixedPath(t *testing.T) {
	for _, others := range []int{0, 3} {
		for _, shutBefore := range []bool{false, true} {
			t.Run(fmt.Sprintf("others=%d hidden before=%v", others, shutBefore), func(t *testing.T) {
				testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
					p := w.Process()
					h := claimed(p, "/one")
					var left []*core.Hold
					for i := range others {
						left = append(left, claimed(p, fmt.Sprint("/other", i)))
						w.Shut(left[i].Path())
					}
					time.Sleep(time.Minute)
					if shutBefore {
						w.Shut("/one")
						time.Sleep(time.Minute)
					} else {
						w.Put("/one", "a write")
					}
					w.Remove("/one")
					next, err := owner.Current().Claim(w.Context(), "/one", nil)
					require.NoError(w, err)
					w.Shut("/one")
					w.EndsUnseen(h.Context(), "")
					time.Sleep(time.Minute)
					for _, h := range left {
						require.NoError(w, h.Err(), "it is hidden, and ours")
					}
					require.NoError(w, next.Remove(w.Context()))
				})
			})
		}
	}
}
