package scenarios

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// waiting is a one-shot watch or a follower.
type waiting struct {
	what      string
	path      string
	child     bool
	recursive bool
	woken     <-chan struct{} // only of a watch
	told      teller          // only of a follower
	stop      func()
}

// hearsOf reports whether w gets the change of a node's data, or the creation
// of a child of it.
func (w waiting) hearsOf(path string, created bool) bool {
	switch {
	case w.told == nil:
		return w.path == path && w.child == created
	case w.recursive && w.path == "/n":
		return true
	}
	return w.path == path
}

// Follows, watched reads, stops and changes come in any order. Each change
// wakes all watches and followers that wait for it.
func TestFollowInAnyOrder(t *testing.T) {
	t.Parallel()
	e := ensemble.Start(t, 1)
	e.RequireVersion(t, 3, 6)
	p := start(t, e, lasting)
	other := observer(t, e)
	ctx := within(t, 3*patience)
	s, err := bridge.Core(p.Manager).Session(ctx)
	require.NoError(t, err)
	paths := []string{"/n", "/n/m"}
	for _, path := range paths {
		_, err := other.Create(ctx, path, nil, session.Persistent)
		require.NoError(t, err)
	}
	for seed := range uint64(5) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 9))
			var all []waiting
			for range 300 {
				path := paths[r.IntN(2)]
				switch n := r.IntN(12); {
				case n < 2:
					recursive := n == 0
					f, l := follow(t, s, path, recursive)
					all = append(all, waiting{what: "follower", path: path, recursive: recursive, told: l, stop: f.Stop})
				case n < 4:
					_, _, w, err := s.GetW(ctx, path)
					require.NoError(t, err)
					all = append(all, waiting{what: "data", path: path, woken: w.Done(), stop: w.Stop})
				case n < 6:
					_, _, w, err := s.ChildrenW(ctx, path)
					require.NoError(t, err)
					all = append(all, waiting{what: "children", path: path, child: true, woken: w.Done(), stop: w.Stop})
				case n < 9 && len(all) > 0:
					i := r.IntN(len(all))
					all[i].stop()
					all = slices.Delete(all, i, i+1)
				case n == 9:
					_, err := other.Set(ctx, path, nil, session.AnyVersion)
					require.NoError(t, err)
					all = heard(t, all, path, false)
				case n == 10:
					_, err := other.Create(ctx, path+"/c-", nil, session.Sequential)
					require.NoError(t, err)
					all = heard(t, all, path, true)
				case r.IntN(10) == 0:
					p.proxy.DisconnectAll()
					require.NoError(t, s.Sync(ctx, "/"))
					for _, w := range all {
						if w.told != nil {
							w.told.hears(t, core.Followed{Event: core.Resumed})
						}
					}
				}
			}
			for _, w := range all {
				w.stop()
			}
		})
	}
	require.NoError(t, s.Sync(ctx, "/"))
	require.NoError(t, s.Err())
}

// heard demands that the change wakes all that wait for it, and returns those
// that still wait.
func heard(t *testing.T, all []waiting, path string, created bool) []waiting {
	t.Helper()
	var left []waiting
	for _, w := range all {
		switch {
		case !w.hearsOf(path, created):
			left = append(left, w)
		case w.told != nil:
			select {
			case e := <-w.told:
				require.Positive(t, e.Event, "%s of %s", w.what, w.path)
			case <-time.After(patience):
				require.Fail(t, "a follower is not told", "of %s, recursive %v, change of %s", w.path, w.recursive, path)
			}
			left = append(left, w)
		default:
			select {
			case <-w.woken:
			case <-time.After(patience):
				require.Fail(t, "a watch is not woken", "%s of %s", w.what, path)
			}
		}
	}
	return left
}
