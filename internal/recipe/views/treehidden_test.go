package views

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

// hiddenIn lists the hidden nodes.
func hiddenIn(s *TreeState) (all []string) {
	for n := range s.Hidden() {
		all = append(all, n.Path)
	}
	return all
}

// No event reports the creation of a hidden node. If nothing shows that ACLs
// are in use, the next creation or deletion of a sibling reveals the node.
func TestHiddenNodeIsSeenWithTheNextOne(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		w.Put("/d/a", "1")
		w.Put("/d/b", "1")
		tree := openTree(w.Process(), TreeConfig{Path: "/d"})
		_, err := owner.Create(w.Context(), "/d/secret", []byte("x"), session.Persistent)
		require.NoError(w, err)
		require.Equal(w, "= a=1 b=1", settledTree(tree))
		w.Remove("/d/b")
		require.Equal(w, "= a=1", settledTree(tree))
		require.Equal(w, []string{"secret"}, hiddenIn(tree.Load()))
		require.ErrorIs(w, tree.Load().Err, core.ErrNoAuth)
		_, err = owner.Create(w.Context(), "/d/another", []byte("x"), session.Persistent)
		require.NoError(w, err)
		w.Eventually(func() bool { return tree.Load().HiddenLen() == 2 }, "the tree looks by itself now")
		w.Open("/d/secret")
		w.Remove("/d/another")
		awaitTree(w, tree, treeShows("= a=1 secret=x"), "they are asked for again and again")
	})
}

// Where ACLs are in use, a tree looks by itself, a bounded number of nodes at a
// time.
func TestTreeLooksWhereACLsAreInUse(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		const keys = 1000
		for i := range keys {
			w.Put(fmt.Sprintf("/d/n%04d", i), "1")
		}
		tree := openTree(w.Process(testworld.Guest), TreeConfig{Path: "/d"})
		last := tree.Load()
		counts := w.Count(func() { time.Sleep(time.Hour) })
		require.Greater(w, counts["multiRead"], 50)
		require.LessOrEqual(w, counts["multiRead"], 60*3, "a look takes three requests: %v", counts)
		require.Same(w, last, tree.Load())

		_, err := owner.Create(w.Context(), "/d/secret", []byte("x"), session.Persistent)
		require.NoError(w, err)
		start := time.Now()
		w.Eventually(func() bool { return tree.Load().HiddenLen() == 1 }, "the root tells")
		require.LessOrEqual(w, time.Since(start), lookEvery+time.Second)
		w.Shut("/d/n0700")
		w.Put("/d/n0700", "2")
		start = time.Now()
		w.Eventually(func() bool { return tree.Load().Get("n0700").Err != nil }, "the ACL was changed")
		require.LessOrEqual(w, time.Since(start), (keys/lookNodes+2)*lookEvery)
		require.Equal(w, "1", string(tree.Load().Get("n0700").Data))
		w.Remove("/d/n0700")
		w.Remove("/d/secret")
		w.Eventually(func() bool { return tree.Load().Len() == keys && tree.Load().HiddenLen() == 0 }, "gone")
		require.NoError(w, tree.Load().Err)
	})
}

// Without ACLs, looks cost nothing.
func TestTreeThatMeetsNoACLsDoesNotLook(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put("/d/a", "1")
		openTree(w.Process(), TreeConfig{Path: "/d"})
		require.Zero(w, reads(w.Count(func() { time.Sleep(time.Hour) })))
	})
}
