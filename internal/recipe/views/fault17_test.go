package views

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

var (
	manyKeys  = testworld.Sized(2500, 10_000)
	manyReads = manyKeys/400 + 4 // of batches that read all keys
)

// A tree of 10,000 keys costs one watch and a few requests. A change of one key
// costs one read. On a new connection, everything is read again in a few
// requests.
func TestFault17_ATreeCostsFewRequests(t *testing.T) {
	t.Run("3.8", func(t *testing.T) { aTreeCostsFewRequests(t, zktest.V38, 2) }) // its watch counts for data and for children
	t.Run("3.9", func(t *testing.T) { aTreeCostsFewRequests(t, zktest.V39, 1) })
}

func aTreeCostsFewRequests(t *testing.T, release zktest.Release, watches int) {
	testworld.Run(t, func(w *testworld.World) {
		for i := range manyKeys {
			w.Put(fmt.Sprintf("/d/n%05d", i), "some value")
		}
		p := w.Process()
		before := w.Srv.Watches()
		var tree *Tree
		counts := w.Count(func() { tree = openTree(p, TreeConfig{Path: "/d"}) })
		w.Logf("open: %v", counts)
		require.Equal(w, 1, counts["addWatch"])
		require.LessOrEqual(w, counts["multiRead"], manyReads)
		require.Len(w, counts, 2)
		require.Equal(w, before+watches, w.Srv.Watches())
		require.Equal(w, manyKeys+1, tree.Load().Len())

		old := tree.Load()
		time.Sleep(time.Second)
		counts = w.Count(func() { w.Put("/d/n00007", "another"); settledTree(tree) })
		require.Equal(w, map[string]int{"multiRead": 1}, counts)
		changed := 0
		for c := range tree.Load().Since(old) {
			require.Equal(w, "n00007", c.Key)
			changed++
		}
		require.Equal(w, 1, changed)

		old = tree.Load()
		counts = w.Count(func() {
			p.Link.Disconnect()
			time.Sleep(5 * time.Second)
		})
		w.Logf("reconnection: %v", counts)
		require.Same(w, old, tree.Load(), "nothing has changed")
		require.False(w, tree.Stale())
		require.LessOrEqual(w, reads(counts), manyReads)
		tree.Close()
		w.WatchesGone(before)
	}, zktest.Version(release))
}

// Updates of many nodes are read together, as often as Pause allows.
func TestFault17_PauseBoundsAllNodesTogether(t *testing.T) {
	eachKind(t, func(w *testworld.World, lasting bool) {
		const keys, pause = 300, time.Second
		for i := range keys {
			w.Put(fmt.Sprintf("/d/n%03d", i), "")
		}
		states := 0
		tree := openTree(w.Process(), TreeConfig{Path: "/d", Pause: pause, OnState: func(*TreeState) { states++ }})
		time.Sleep(2 * pause)
		states = 0
		counts := w.Count(func() {
			for i := range keys {
				w.Put(fmt.Sprintf("/d/n%03d", i), "new")
				time.Sleep(10 * time.Millisecond)
			}
			time.Sleep(2 * pause)
		})
		require.LessOrEqual(w, states, 5, "one at once, and one for each second")
		if lasting {
			require.LessOrEqual(w, counts["multiRead"], 12, "%v", counts)
		}
		for n := range tree.Load().All() {
			require.True(w, n.Path == "" || string(n.Data) == "new")
		}
	})
}

// stuffed returns a tree with n nodes whose events the test delivers.
func stuffed(n int) *Tree {
	t := newTree(nil, TreeConfig{Path: "/d", Pause: time.Nanosecond})
	t.lasting = new(core.Follower)
	t.begin()
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("n%05d", i)
	}
	t.take(answer{reading: t.ask(t.root, ofData), stat: core.Stat{NumChildren: int32(n), Czxid: 1, Mzxid: 1}})
	for i, r := range t.take(answer{reading: t.ask(t.root, ofList), names: names}) {
		t.take(answer{reading: r, data: []byte("x"), stat: core.Stat{Czxid: int64(i), Mzxid: int64(i)}})
	}
	clear(t.dirty)
	if err := t.settle(nil, false); err != nil {
		panic(err)
	}
	return t
}

// bytesPerRun is testing.AllocsPerRun in bytes.
func bytesPerRun(runs int, f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		f()
	}
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc-before.TotalAlloc) / runs
}

// The cost of a change does not grow with the size of the tree.
func TestFault17_AChangeCostsWhatHasChanged(t *testing.T) {
	var allocs, bytes [2]float64
	for i, n := range []int{100, manyKeys} {
		tree, zxid := stuffed(n), int64(manyKeys)
		rev := tree.Load().Rev
		change := func() {
			zxid++
			at := fmt.Sprintf("n%05d", zxid%int64(n))
			tree.hear(core.Followed{Event: core.NodeDataChanged, Path: "/d/" + at})
			tree.absorb()
			for _, r := range tree.nextReadings() {
				tree.take(answer{reading: r, data: []byte("y"), stat: core.Stat{Czxid: 1, Mzxid: zxid}})
			}
			if err := tree.settle(nil, false); err != nil {
				panic(err)
			}
		}
		const runs = 500
		allocs[i] = testing.AllocsPerRun(runs, change)
		bytes[i] = float64(bytesPerRun(runs, change))
		require.EqualValues(t, 2*runs+1, tree.Load().Rev-rev)
	}
	t.Logf("allocations %v, bytes %v", allocs, bytes)
	require.LessOrEqual(t, bytes[1], 8.0*1024)
	require.LessOrEqual(t, allocs[1], 3*allocs[0], "a hundred times the nodes")
}
