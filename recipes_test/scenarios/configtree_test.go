package scenarios

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/recipes_test/ensemble"
)

// TestConfigTreeThroughFaults makes trees and a file follow keys that are
// published together, with a history, while two servers die one after the
// other. No tree shows a part of a publication or goes back. The file ends with
// the last value, and the history has each value once.
func TestConfigTreeThroughFaults(t *testing.T) {
	t.Parallel()
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 3)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	sm := observer(t, e)
	store := config.NewStore(sm, "/tree")
	require.NoError(t, store.Publish(within(t, patience), config.CreateKey("a", []byte("0")), config.CreateKey("b/c", []byte("0"))))

	var trees []*config.Tree[int]
	done := make(chan struct{})
	for range 3 {
		p := start(t, e, lasting)
		tree, err := config.OpenTree(within(t, patience), p.Manager, "/tree", config.JSON[int]())
		require.NoError(t, err)
		defer tree.Close()
		trees = append(trees, tree)
		go func() {
			defer func() { done <- struct{}{} }()
			last := 0
			for snap, err := range tree.Changes(ctx) {
				a, c := snap.Value("a"), snap.Value("b/c")
				switch {
				case err != nil:
					t.Logf("changes: %v", err)
				case snap.Torn:
					t.Log("torn")
				case a != c:
					t.Errorf("a is %d and b/c is %d", a, c)
				case a < last:
					t.Errorf("%d after %d", a, last)
				}
				last = max(last, a)
			}
		}()
	}
	file := filepath.Join(t.TempDir(), "h")
	syncer := start(t, e, lasting)
	go func() {
		defer func() { done <- struct{}{} }()
		if err := config.SyncFile(ctx, syncer.Manager, "/tree/h", file); err != nil {
			t.Errorf("sync: %v", err)
		}
	}()

	history := store.History(config.MaxHistory)
	n, certain := 0, make(map[string]bool)
	write := func(count int) {
		for range count {
			n++
			data := []byte(strconv.Itoa(n))
			ensemble.Eventually(t, patience, "a publication", func() bool {
				return store.Publish(within(t, patience), config.SetKey("a", data, -1), config.SetKey("b/c", data, -1)) == nil
			})
			if _, err := history.Put(within(t, patience), "h", data); err == nil {
				certain[string(data)] = true
			}
		}
	}
	for i := range 2 {
		write(10)
		e.Server(i).Kill()
		write(10)
		e.Server(i).Restart()
		require.NoError(t, e.WaitQuorum(within(t, patience)))
	}
	write(1)
	for i, tree := range trees {
		ensemble.Eventually(t, patience, "tree "+strconv.Itoa(i)+" is up to date", func() bool {
			return tree.Load().Value("a") == n && tree.Load().Value("b/c") == n && !tree.Stale()
		})
	}
	entry, err := store.Get(within(t, patience), "h")
	require.NoError(t, err)
	ensemble.Eventually(t, patience, "the file is up to date", func() bool {
		data, err := os.ReadFile(file)
		return err == nil && string(data) == string(entry.Data)
	})
	past, err := history.List(within(t, patience), "h")
	require.NoError(t, err)
	kept := make(map[string]bool)
	for _, p := range past {
		require.False(t, kept[string(p.Data)], "%s is kept twice", p.Data)
		kept[string(p.Data)] = true
	}
	for value := range certain {
		require.True(t, kept[value], "%s is not kept", value)
	}
	t.Logf("%d of %d writes with a history had a known outcome", len(certain), n)
	cancel()
	for range len(trees) + 1 {
		<-done
	}
}
