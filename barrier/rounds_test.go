package barrier_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// A fast member is in the next round before a slow one has noticed that the
// last one is over. The slow one must come out all the same.
func TestFastMemberComesBackBeforeSlowOneHasLeft(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		processes, visits := gather(w, 3)
		slow := leave(w, visits[2])
		w.Srv.Partition(processes[2].Current().ID(), zktest.ToClient)
		var out []*testworld.Call[bool]
		for _, v := range visits[:2] {
			out = append(out, leave(w, v))
		}
		for _, o := range out {
			require.True(t, o.Get())
		}
		require.True(t, slow.Waiting())
		next := []*testworld.Call[*barrier.Visit]{
			enter(processes[0], 3, "a"), enter(processes[1], 3, "b"), enter(w.Process(), 3, "z"),
		}
		var again []*barrier.Visit
		for _, c := range next {
			again = append(again, c.Get())
		}
		w.Srv.Heal(processes[2].Current().ID())
		require.True(t, slow.Get(), "it does not wait for the new nodes of a and b")
		require.Equal(t, []string{"member-a", "member-b", "member-z", "ready"}, w.Children(dir), "nor touch the new round")
		allLeave(w, again)
	})
}

// A late attempt to clear a round away must not hit the next one.
func TestClearingUpDoesNotHitTheNextRound(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		processes, visits := gather(w, 3)
		hold := make(chan struct{})
		w.Once(func(r zktest.Request) bool { return r.Op == zktest.OpMulti && r.Session == processes[2].Current().ID() },
			func() zktest.Action { return zktest.Hold(hold) })
		require.NoError(t, visits[0].Release())
		require.NoError(t, visits[1].Release())
		slow := leave(w, visits[2]) // last to go out: its clearing up is under way
		require.True(t, slow.Waiting())
		require.Equal(t, []string{"ready"}, w.Children(dir))

		var next []*testworld.Call[*barrier.Visit]
		for _, id := range []string{"x", "y", "z"} {
			next = append(next, enter(w.Process(), 3, id))
		}
		require.Len(t, w.Children(dir), 4, "the next round has begun")
		close(hold)
		require.True(t, slow.Get())
		synctest.Wait()
		require.Contains(t, w.Children(dir), "ready")
		var again []*barrier.Visit
		for _, c := range next {
			again = append(again, c.Get())
		}
		allLeave(w, again)
	})
}

// A member takes the id of one that went in and died: the round names it, and
// began before its node was made. It is not in that round.
func TestNamesakeIsNotInTheRound(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		namesake := w.Process()
		w.Put(dir, "")
		create := make(chan struct{})
		w.Once(func(r zktest.Request) bool { return r.Op == zktest.OpCreate && r.Session == namesake.Current().ID() },
			func() zktest.Action { return zktest.Hold(create) })
		late := enter(namesake, 2, "a")
		first, second := enter(w.Process(), 2, "a"), enter(w.Process(), 2, "b")
		require.NoError(t, first.Get().Release())
		close(create)
		require.True(t, late.Waiting())
		require.Equal(t, []string{"member-b", "ready"}, w.Children(dir))
		require.NoError(t, second.Get().Leave(w.Context()))
		next := enter(w.Process(), 2, "b").Get()
		allLeave(w, []*barrier.Visit{late.Get(), next})
	})
}

// Many rounds at once behind each other, with members of all speeds.
func TestManyRounds(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const members, rounds = 5, 40
		inside := make(chan int, members*rounds)
		done := make(chan error, members)
		for i := range members {
			d := barrier.NewDouble(w.Process().Manager, dir, members)
			go func() {
				for r := range rounds {
					v, err := d.Enter(w.Context())
					if err != nil {
						done <- err
						return
					}
					inside <- r
					time.Sleep(time.Duration((i*r)%7) * time.Millisecond)
					if err := v.Leave(w.Context()); err != nil {
						done <- err
						return
					}
				}
				done <- nil
			}()
		}
		for range members {
			require.NoError(t, <-done)
		}
		close(inside)
		n := 0
		for r := range inside {
			require.Equal(t, n/members, r, "everyone was in a round before anybody was in the next")
			n++
		}
		require.Empty(t, w.Children(dir))
		require.Zero(t, w.Srv.Watches())
	})
}

// Members of other libraries count. Other children do not, however many.
func TestStrangersAndPeers(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		for _, name := range []string{
			"stranger", "Ready", "members",
			"0c42bf25-0f3d-4b3c-9d0c-6f2f3f4a5b6g", "0c42bf25x0f3d-4b3c-9d0c-6f2f3f4a5b6c", "0123456789abcdef0123456789abcdeg",
		} {
			w.Put(dir+"/"+name, "")
		}
		c := enter(w.Process(), 3, "a")
		require.True(t, c.Waiting())
		w.Put(dir+"/_c_0c42bf25-0f3d-4b3c-9d0c-6f2f3f4a5b6c-lock-0000000001", "")
		const curator, kazoo = "0c42bf25-0f3d-4b3c-9d0c-6f2f3f4a5b6c", "0123456789abcdef0123456789abcdef"
		come(w.Process(), curator, "10.0.0.1")
		come(w.Process(), kazoo, "host-4711")
		w.Put(ready, "10.0.0.1") // as one of them makes it
		v := c.Get()
		out := leave(w, v)
		require.True(t, out.Waiting())
		w.Remove(dir + "/" + curator)
		require.True(t, out.Waiting())
		w.Remove(dir + "/" + kazoo)
		require.True(t, out.Get())
		require.NotContains(t, w.Children(dir), "ready")
	})
}

// Another client writes into the directory: rounds still end.
func TestDirectoryWrittenByStrangers(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		_, visits := gather(w, 2)
		w.Put(dir, "written")
		allLeave(w, visits)
	})
}

// The container is reaped between two rounds; the rounds begin to count anew.
func TestDirectoryReaped(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		_, visits := gather(w, 2)
		allLeave(w, visits)
		w.Eventually(func() bool { _, found := w.Srv.Node(dir); return !found }, "the container is reaped")
		require.NoError(t, visits[0].Leave(w.Context()))
		_, again := gather(w, 2)
		require.Greater(t, again[0].Token(), visits[0].Token())
		allLeave(w, again)
	})
}

// What fifty members cost. The herd at "ready" is the purpose of the thing; on
// the way out each departure wakes one, and the last one all.
func TestCostOfFifty(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const n = 50
		w.Put(dir, "")
		var doubles []*barrier.Double
		for range n {
			doubles = append(doubles, barrier.NewDouble(w.Process().Manager, dir, n))
		}
		var calls []*testworld.Call[*barrier.Visit]
		counts := w.Count(func() {
			for _, d := range doubles {
				calls = append(calls, testworld.Go(w, d.Enter))
			}
		})
		require.Equal(t, map[string]int{
			"exists":       n, // of ready, before
			"create":       n,
			"getData":      n + n - 1, // of the own node, with the watch of the hold; and of ready by all but the last
			"getChildren2": n,
			"multiRead":    n, // of another member, for its count; of all by the last
			"multi":        1,
		}, counts)
		var visits []*barrier.Visit
		for _, c := range calls {
			visits = append(visits, c.Get())
		}
		counts = w.Count(func() {
			for _, v := range visits {
				leave(w, v)
			}
		})
		t.Log(counts)
		require.Equal(t, n, counts["delete"])
		require.LessOrEqual(t, counts["getChildren2"], 4*n)
		require.LessOrEqual(t, counts["exists"], 3*n)
		require.LessOrEqual(t, counts["multi"], n)
		require.Empty(t, w.Children(dir))
	})
}
