package naming_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// nodesRead counts the nodes that are read while f runs, and the requests.
func nodesRead(w *testworld.World, f func()) (nodes int, counts map[string]int) {
	defer w.Srv.Intercept(func(r zktest.Request) zktest.Action {
		if r.Op == zktest.OpMultiRead {
			nodes += len(r.Ops)
		}
		return zktest.Pass
	})()
	counts = w.Count(f)
	return nodes + counts["getData"] + counts["getChildren2"] + counts["exists"], counts
}

func requests(counts map[string]int) (n int) {
	for op, count := range counts {
		if op != "setData" && op != "create" && op != "delete" {
			n += count
		}
	}
	return n
}

// A watch of 5,000 instances costs few requests, also after a reconnection;
// what changes costs the read of what has changed.
func TestFault17_FiveThousandInstances(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const many = 5000
		for i := range many {
			w.Put(fmt.Sprintf("%s/i%04d", orders, i), fmt.Sprintf(`{"address":"h%d","port":80}`, i))
		}
		p := w.Process()
		var s *naming.Service
		_, counts := nodesRead(w, func() { s = watch(p) })
		w.Logf("open: %v", counts)
		require.LessOrEqual(w, requests(counts), 30)
		require.Len(w, s.Load(), many)

		time.Sleep(time.Second)
		nodes, counts := nodesRead(w, func() {
			w.Put(orders+"/i0007", `{"address":"other"}`)
			time.Sleep(time.Second)
		})
		require.Equal(w, 1, nodes)
		require.Equal(w, 1, requests(counts))
		require.Equal(w, "other", s.Load()[7].Address)

		nodes, counts = nodesRead(w, func() {
			for i := range 500 {
				w.Put(fmt.Sprintf("%s/i%04d", orders, i*10), `{"address":"new"}`)
				time.Sleep(10 * time.Millisecond)
			}
			time.Sleep(time.Second)
		})
		w.Logf("500 changes in 5 s: %d nodes, %v", nodes, counts)
		require.LessOrEqual(w, nodes, 2*500, "what changes during its read is read once more")
		require.LessOrEqual(w, requests(counts), 110, "Pause bounds the rounds")

		w.Remove(orders + "/i0008")
		_, counts = nodesRead(w, func() {
			p.Link.Disconnect()
			time.Sleep(5 * time.Second)
		})
		w.Logf("reconnection: %v", counts)
		require.LessOrEqual(w, requests(counts), 30)
		require.Len(w, s.Load(), many-1)
		require.False(w, s.Stale())
	})
}

// The problems of thousands of znodes are reported once, whatever else changes.
func TestFault17_MalformedNodesAreNotLookedAtAgain(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const many = 3000
		for i := range many {
			w.Put(fmt.Sprintf("%s/bad%04d", orders, i), "no instance")
		}
		w.Put(orders+"/i", `{"address":"h"}`)
		s := watch(w.Process())
		o := observe(w, s)
		o.take()
		require.Len(w, o.Errs(), many)
		problems := s.View().Problems
		for i := range 20 {
			w.Put(orders+"/i", fmt.Sprintf(`{"address":"h%d"}`, i))
			o.take()
		}
		require.Len(w, o.Errs(), many)
		require.Same(w, &problems[0], &s.View().Problems[0], "the problems are the same slice")
		w.Put(orders+"/bad0007", "another")
		o.take()
		require.Len(w, o.Errs(), many+1)
	})
}

// Instances that are hidden when they come are reported, at the latest a minute
// later where the process has credentials.
func TestFault17_InstanceThatIsHidden(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		w.Put(orders+"/o1", `{"address":"h1"}`)
		s := watch(w.Process(testworld.Guest))
		_, err := owner.Create(w.Context(), orders+"/o2", []byte(`{"address":"h2"}`), session.Persistent)
		require.NoError(w, err)
		start := time.Now()
		w.Eventually(func() bool { return len(s.View().Problems) == 1 }, "it is seen")
		require.LessOrEqual(w, time.Since(start), 2*time.Minute)
		require.ErrorIs(w, s.View().Problems[0], session.ErrNoAuth)
		w.Open(orders + "/o2")
		w.Eventually(func() bool { return len(s.Load()) == 2 && len(s.View().Problems) == 0 }, "it is read")
	})
}

// Servers before ZooKeeper 3.6 have neither the watch nor the batches.
func TestFault17_ServiceOnOldServers(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		s := watch(b, naming.ProtectEmpty(0))
		g := register(a, at("o1", "h1"))
		register(a, at("o2", "h2"))
		require.Equal(w, "o1=h1 o2=h2", settled(s))
		require.NoError(w, g.Unregister(w.Context()))
		b.Link.Disconnect()
		w.Eventually(func() bool { return len(s.Load()) == 1 && !s.Stale() }, "it is gone")
	}, zktest.Version(zktest.V35))
}
