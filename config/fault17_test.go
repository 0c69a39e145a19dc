package config_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// allocated returns how many bytes each run of f allocates.
func allocated(runs int, f func(i int)) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range runs {
		f(i)
	}
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc-before.TotalAlloc) / runs
}

// A change of one key among 10,000 costs 20 KB at most, with all that a server
// in the process does for it.
func TestFault17_AChangedKeyAmongMany(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const keys = 10_000
		for i := range keys {
			w.Put(fmt.Sprintf("/c/k%04d", i), fmt.Sprint(i))
		}
		tree := openTree(w.Process(), config.JSON[int]())
		old := tree.Load()
		bytes := allocated(100, func(i int) {
			w.Put(fmt.Sprintf("/c/k%04d", i), "-1")
			settle()
		})
		w.Logf("%d bytes for each change", bytes)
		require.LessOrEqual(w, bytes, 20<<10)
		now, changed, same := tree.Load(), 0, 0
		for k := range now.All() {
			switch before := old.Lookup(k.Key); {
			case before == k:
				same++
			case k.Value == -1 && before.Value != -1:
				changed++
			}
		}
		require.Equal(w, 100, changed)
		require.Equal(w, keys-100, same, "snapshots share what has not changed")
		require.Equal(w, keys, now.Len())
	})
}

// Thousands of bad values cost nothing when another key changes.
func TestFault17_BadKeysAreNotLookedAtAgain(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const keys = 3000
		for i := range keys {
			w.Put(fmt.Sprintf("/c/bad%04d", i), "bad")
		}
		w.Put("/c/good", "0")
		tree := openTree(w.Process(), config.JSON[int](), config.Default(0))
		told := 0
		done := make(chan struct{})
		go func() {
			defer close(done)
			for snap, err := range tree.Changes(w.Context()) {
				if err != nil {
					told++
				}
				if snap.Value("good") == 100 {
					return
				}
			}
		}()
		settle()
		require.Equal(w, keys, told)
		bytes := allocated(100, func(i int) {
			w.Put("/c/good", fmt.Sprint(i+1))
			settle()
		})
		<-done
		w.Logf("%d bytes for each change", bytes)
		require.LessOrEqual(w, bytes, 20<<10)
		require.Equal(w, keys, told, "each is told once")
		require.Len(w, tree.Load().Bad, keys)
		time.Sleep(time.Second)
	})
}

// Servers before ZooKeeper 3.6 have neither the watch nor the batches.
func TestFault17_TreeOnOldServers(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put("/c/a", "1")
		w.Put("/c/dir/b", "2")
		p := w.Process()
		tree := openTree(p, config.JSON[int]())
		require.Equal(w, map[string]int{"a": 1, "dir/b": 2}, show(tree.Load()))
		w.Put("/c/dir/b", "3")
		w.Put("/c/dir/c", "4")
		w.Remove("/c/a")
		settle()
		require.Equal(w, map[string]int{"dir/b": 3, "dir/c": 4}, show(tree.Load()))
		p.Link.Disconnect()
		w.Put("/c/dir/b", "5")
		w.Eventually(func() bool { return tree.Load().Value("dir/b") == 5 && !tree.Stale() }, "it is read again")
	}, zktest.Version(zktest.V35))
}
