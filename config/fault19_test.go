package config_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

// A tree names the nodes that may not be read, and has the others.
func TestFault19_TreeBesideAHiddenKey(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, _ *testworld.Process) {
		w.Put("/c/a", "1")
		w.Put("/c/b", "2")
		w.Put("/c/dir/c", "3")
		w.Shut("/c/a")
		w.Shut("/c/dir")
		tree := openTree(w.Process(), config.Text(), config.Default(""))
		snap := tree.Load()
		require.True(w, snap.Exists)
		require.Equal(w, "2", snap.Value("b"))
		require.Equal(w, 1, snap.Len())
		require.Len(w, snap.Hidden, 2)
		for i, key := range []string{"a", "dir"} {
			require.Equal(w, key, snap.Hidden[i].Key)
			require.Equal(w, "/c/"+key, snap.Hidden[i].Path)
			require.ErrorIs(w, snap.Hidden[i].Err, session.ErrNoAuth)
		}
		require.ErrorIs(w, tree.Err(), session.ErrNoAuth)

		// What was seen before stays among the keys, with the reason.
		w.Shut("/c/b")
		w.Eventually(func() bool { k := tree.Load().Lookup("b"); return k != nil && k.Err != nil }, "it is noticed")
		require.Len(w, tree.Load().Hidden, 2)

		// It is a change if a node becomes hidden or visible.
		changes := testworld.Go(w, func(ctx context.Context) (all []int, err error) {
			for snap, err := range tree.Changes(ctx) {
				if n := len(snap.Hidden); err == nil && (len(all) == 0 || all[len(all)-1] != n) {
					all = append(all, n)
				}
				if len(snap.Hidden) == 3 {
					break
				}
			}
			return all, nil
		})
		w.Put("/c/new/key", "4")
		w.Eventually(func() bool { return tree.Load().Lookup("new/key") != nil }, "it is seen")
		w.Shut("/c/new")
		all := changes.Get()
		require.Equal(w, []int{2, 3}, all)
		w.Open("/c/new")

		w.Open("/c/a")
		w.Open("/c/dir")
		w.Eventually(func() bool { return len(tree.Load().Hidden) == 0 }, "they are tried again")
		require.Equal(w, "1", tree.Load().Value("a"))
		require.Equal(w, "3", tree.Load().Value("dir/c"))
	})
}

// A directory that may not be listed is the first of the hidden nodes.
func TestFault19_HiddenTree(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, _ *testworld.Process) {
		w.Put("/c/a", "1")
		w.Shut("/c")
		tree := openTree(w.Process(), config.Text(), config.Default(""))
		require.Len(w, tree.Load().Hidden, 1)
		require.Equal(w, config.HiddenKey{Path: "/c", Err: tree.Load().Hidden[0].Err}, tree.Load().Hidden[0])
		require.ErrorIs(w, tree.Load().Hidden[0].Err, session.ErrNoAuth)
	})
}

// A value of a history that may not be read is listed as hidden, beside the
// others.
func TestFault19_HistoryBesideAHiddenValue(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, _ *testworld.Process) {
		store := config.NewStore(w.Process().Manager, "/app")
		history := store.History(10)
		for _, value := range []string{"a", "b", "c"} {
			_, err := history.Put(w.Context(), "key", []byte(value))
			require.NoError(w, err)
		}
		past, err := history.List(w.Context(), "key")
		require.NoError(w, err)
		require.Len(w, past, 3)
		for _, name := range w.Children("/app/.history/key") {
			if path := "/app/.history/key/" + name; w.Data(path) == "b" {
				w.Shut(path)
			}
		}
		now, err := history.List(w.Context(), "key")
		require.NoError(w, err)
		require.Len(w, now, 3)
		require.Equal(w, past[0], now[0])
		require.Equal(w, past[2], now[2])
		require.True(w, now[1].Hidden)
		require.Equal(w, past[1].ID, now[1].ID)
		require.Nil(w, now[1].Data)
		_, err = history.Rollback(w.Context(), "key", now[1].ID)
		require.ErrorIs(w, err, session.ErrNoAuth)
		_, err = history.Put(w.Context(), "key", []byte("d"))
		require.NoError(w, err)
		time.Sleep(time.Second)
		now, err = history.List(w.Context(), "key")
		require.NoError(w, err)
		require.Len(w, now, 4)
	})
}
