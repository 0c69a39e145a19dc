package standing_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/recipe/standing"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// A process was cut off and replaced. It does not evict its successor, whether
// its old node was replaced or its session had expired.
func TestFault18_ZombieDoesNotReplaceItsSuccessor(t *testing.T) {
	for name, expired := range map[string]bool{"expired": true, "replaced": false} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				a, b := w.Process(), w.Process()
				ka := open(a, policy(standing.Replace))
				a.Link.Cut(zktest.Both)
				if expired {
					a.Sever()
				}
				kb := open(b, policy(standing.Replace), data("v2"))
				time.Sleep(time.Minute)
				before := deletions(w, path)
				a.Link.Heal()
				ka.awayFor(session.ErrReplaced)
				require.ErrorIs(w, ka.Set(w.Context(), []byte("late")), session.ErrReplaced)
				a.Expire()
				time.Sleep(time.Hour)
				require.Equal(w, before, deletions(w, path))
				require.Equal(w, "v2", w.Data(path))
				require.Equal(w, b.Current().ID(), owner(w, path))
				require.Equal(w, []string{"stands"}, kb.take(), "undisturbed")
				ka.awayFor(session.ErrReplaced)
			})
		})
	}
}

// All processes are cut off until their sessions have expired. Whatever the
// order of their return, the one that was opened last gets the path, and keeps
// it.
func TestFault18_TheNewestWinsInAnyOrder(t *testing.T) {
	orders := [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}
	for _, order := range orders {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				var all []*kept
				for i := range 3 {
					p := w.Process()
					all = append(all, open(p, policy(standing.Replace), data(fmt.Sprint(i))))
					p.Sever()
				}
				require.False(w, exists(w, path))
				for _, i := range order {
					all[i].p.Link.Heal()
					time.Sleep(time.Minute)
				}
				newest := all[2]
				require.Equal(w, newest.stands().Session.ID(), owner(w, path))
				before := deletions(w, path)
				for _, k := range all[:2] {
					k.awayFor(session.ErrReplaced)
					k.p.Expire()
				}
				time.Sleep(time.Hour)
				require.Equal(w, before, deletions(w, path))
				require.Equal(w, "2", w.Data(path))

				// The newest loses its session while an older one is ready to
				// take the path. In the end the newest has the path again.
				newest.expire()
				time.Sleep(time.Minute)
				require.Equal(w, newest.stands().Session.ID(), owner(w, path))
				require.Equal(w, "2", w.Data(path))
			})
		})
	}
}

// Another client deletes the newest node, and an older process is faster.
func TestFault18_TheNewestComesBackAfterADeletion(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		ka := open(a)
		kb := open(b, policy(standing.Replace), data("v2"))
		ka.awayFor(session.ErrReplaced)
		b.Link.Delay(time.Second) // b learns of the deletion late
		w.Remove(path)
		ka.stands()
		require.Equal(w, "v1", w.Data(path))
		b.Link.Delay(0)
		w.Eventually(func() bool { return w.Data(path) == "v2" }, "b is back")
		ka.awayFor(session.ErrReplaced)
		kb.stands()
		time.Sleep(time.Hour)
		require.Equal(w, "v2", w.Data(path))
	})
}

// If servers hide the order, the existing node is left alone.
func TestFault18_OrderThatCannotBeRead(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		ka := open(a, policy(standing.Replace))
		a.Sever()
		w.Fail(zktest.OpGetACL, path, zktest.CodeNoAuth)
		kb := open(b, policy(standing.Replace), data("v2"))
		a.Link.Heal()
		ka.awayFor(session.ErrReplaced)
		time.Sleep(time.Hour)
		require.Equal(w, []string{"stands"}, kb.take())
	})
}

// A first registration makes its node without a mark: only a node that is made
// again carries one.
func TestFault18_FirstNodesCarryNoMark(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		k := open(p)
		info, _ := w.Srv.Node(path)
		require.Len(w, info.ACL, 1)
		first := k.State().Czxid
		for range 3 {
			k.expire()
			info, _ = w.Srv.Node(path)
			require.Len(w, info.ACL, 2)
			require.Equal(w, zktest.ACL{Perms: 31, Scheme: "world", ID: "anyone"}, info.ACL[0])
			require.Equal(w, fmt.Sprintf("docent-since-%d:x", first), info.ACL[1].ID)
			require.Zero(w, info.ACL[1].Perms)
		}
	})
}
