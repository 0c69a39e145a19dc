package groupmembership_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// readRequests are the requests among counted ones that read.
func readRequests(counts map[string]int) int {
	return counts["getData"] + counts["getChildren2"] + counts["exists"] + counts["multiRead"]
}

// A watched group of 2,000 costs few requests, and a change the read of one
// node.
func TestFault17_AWatchedGroup(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const many = 2000
		p, q := w.Process(), w.Process()
		all := make([]*groupmembership.Membership, many)
		for i := range all {
			all[i] = join(p, fmt.Sprintf("m%04d", i), "1")
		}
		var o observer
		counts := w.Count(func() { o = observe(q); o.take() })
		require.LessOrEqual(w, readRequests(counts), 30, "%v", counts)
		require.Equal(w, 1, counts["addWatch"])
		require.Equal(w, many, o.Last().Len())

		nodes := 0
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpMultiRead && r.Session == q.Current().ID() {
				nodes += len(r.Ops)
			}
			return zktest.Pass
		})
		w.Put(path+"/m0007", "2")
		require.Equal(w, "[~m0007=2]", o.take())
		require.Equal(w, 1, nodes)
		counts = w.Count(func() { require.NoError(w, all[8].Leave(context.Background())); require.Equal(w, "[-m0008]", o.take()) })
		require.Equal(w, 2, nodes, "the directory's stat")
		require.Equal(w, 1, counts["multiRead"])
		require.Equal(w, many-1, o.Last().Len())
	})
}

// A change of a group of 2,000 costs what has changed, and no copy of all
// members.
func TestFault17_AChangeCopiesNoMembers(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const many, changes, most = 2000, 20, 40 << 10
		p := w.Process()
		for i := range many {
			join(p, fmt.Sprintf("m%04d", i), "1")
		}
		o := observe(w.Process())
		o.take()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for i := range changes {
			w.Put(fmt.Sprintf("%s/m%04d", path, i), "2")
			require.NotEmpty(w, o.take())
		}
		runtime.ReadMemStats(&after)
		each := (after.TotalAlloc - before.TotalAlloc) / changes
		w.Logf("%d bytes for each change, on the server and here", each)
		require.Less(w, each, uint64(most))
		require.Equal(w, many, o.Last().Len())
		m, found := o.Last().Member("m0007")
		require.True(w, found)
		require.Equal(w, "2", string(m.Payload))
		_, found = o.Last().Member("m")
		require.False(w, found)
		for m := range o.Last().Members() {
			require.Equal(w, "m0000", m.ID)
			break
		}
	})
}

// A Partitioner settles in few requests, where members start one after the
// other and a request takes a millisecond: each member reads each claim about
// once, in batches, and no partition moves. DOCENT_SCALE=1 divides 1,000
// partitions among 100 members.
func TestFault17_ThePartitionerSettlesInFewReads(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		members, partitions, budget := 20, 200, 900
		if os.Getenv("DOCENT_SCALE") != "" {
			members, partitions, budget = 100, 1000, 20_000
		}
		nodes := 0
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpMultiRead {
				nodes += len(r.Ops)
			}
			return zktest.Pass
		})
		delayed(w, 1, 2*time.Millisecond)
		co := newCourt(w)
		processes := make([]*testworld.Process, members)
		for i := range processes {
			processes[i] = w.Process()
		}
		counts := w.Count(func() {
			var all []*worker
			for i, p := range processes {
				all = append(all, co.work(p, fmt.Sprintf("m%03d", i), partitions))
				time.Sleep(time.Millisecond)
			}
			co.settled(partitions, all...)
		})
		reads := readRequests(counts) + counts["addWatch"] + counts["setWatches"] + counts["setWatches2"]
		w.Logf("%d reads, of %d nodes in batches: %v", reads, nodes, counts)
		require.LessOrEqual(w, reads, budget)
		require.LessOrEqual(w, nodes, members*(members+partitions)*5/4)
		require.Equal(w, partitions, co.moves, "no partition moves")
	})
}

// The watchers of a group read what a member reports of itself. The other
// members do not.
func TestFault17_ProgressOfMembersIsNotRead(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		co := newCourt(w)
		joined := make(chan *groupmembership.Membership, 1)
		a := co.work(w.Process(), "a", 4, groupmembership.OnJoin(func(m *groupmembership.Membership) { joined <- m }))
		b, d := co.work(w.Process(), "b", 4), co.work(w.Process(), "d", 4)
		co.settled(4, a, b, d)
		m := <-joined
		var read []string
		own := int64(m.State().Session)
		defer w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			for _, part := range append(r.Ops, r) {
				if part.Op == zktest.OpGetData && part.Path == m.Path() && r.Session != own {
					read = append(read, part.Path)
				}
			}
			return zktest.Pass
		})()
		for range 10 {
			require.NoError(w, m.UpdatePayload(w.Context(), []byte("x")))
			time.Sleep(time.Second)
		}
		require.Empty(w, read)
	})
}

// Members reads the members in batches.
func TestFault17_MembersReadsInBatches(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const many = 1000
		p := w.Process()
		for i := range many {
			join(p, fmt.Sprintf("m%04d", i), "1")
		}
		counts := w.Count(func() {
			members, err := group(p).Members(w.Context())
			require.NoError(w, err)
			require.Len(w, members, many)
		})
		require.LessOrEqual(w, readRequests(counts), 5, "%v", counts)
	})
}

// Servers before ZooKeeper 3.6 have neither the watch nor the batches.
func TestFault17_GroupOnOldServers(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		a := join(p, "a", "1")
		o := observe(q)
		o.take()
		join(p, "b", "2")
		require.Equal(w, "[+b=2]", o.take())
		require.Equal(w, "a=1 b=2", list(q))
		q.Link.Disconnect()
		require.NoError(w, a.Leave(context.Background()))
		require.Equal(w, "[-a]", o.take())
		co := newCourt(w)
		x, y := co.work(w.Process(), "x", 6), co.work(w.Process(), "y", 6)
		co.settled(6, x, y)
	}, zktest.Version(zktest.V35))
}
