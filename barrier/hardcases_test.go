package barrier_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// A slow member looks after the fast ones have gone out: it is "ready" that
// counts, not how many stand there.
func TestHardCase33_SlowMemberAfterFastOnesLeft(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		slow := w.Process()
		call := enter(slow, 5, "slow")
		w.Srv.Partition(slow.Current().ID(), zktest.ToClient)
		var fast []*testworld.Call[*barrier.Visit]
		for _, id := range []string{"a", "b", "c", "d"} {
			fast = append(fast, enter(w.Process(), 5, id))
		}
		var out []*testworld.Call[bool]
		for _, f := range fast {
			out = append(out, leave(w, f.Get()))
		}
		require.Equal(t, []string{"member-a", "member-slow", "ready"}, w.Children(dir), "the lowest stays to the last")
		require.True(t, call.Waiting())
		w.Srv.Heal(slow.Current().ID())
		v := call.Get()
		for _, o := range out {
			require.True(t, o.Waiting())
		}
		require.NoError(t, v.Leave(w.Context()))
		for _, o := range out {
			require.True(t, o.Get())
		}
	})
}

// A spurious wake lets no process through the gate.
func TestHardCase33_SpuriousWake(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		calls := []*testworld.Call[*barrier.Visit]{enter(p, 3, "a"), enter(w.Process(), 3, "b")}
		for range 3 {
			p.Link.Disconnect() // watches are set anew
			w.Srv.Restart()
			w.Put(dir, "touched")
			w.Put(dir+"/member-a", "touched")
			w.Put(dir+"/stranger", "")
			w.Put(dir+"/member-guest", "") // and another that goes again
			time.Sleep(time.Minute)
			w.Remove(dir + "/stranger")
			w.Remove(dir + "/member-guest")
			for _, c := range calls {
				require.True(t, c.Waiting())
			}
			_, found := w.Srv.Node(ready)
			require.False(t, found)
		}
		calls = append(calls, enter(w.Process(), 3, "c"))
		for _, c := range calls {
			c.Get()
		}
	})
}

// A "ready" appears and goes again before a member reads it: the wake alone
// lets no member enter.
func TestHardCase33_ReadyGoneBeforeTheLook(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		c := enter(p, 2, "a")
		p.Link.Delay(time.Second) // it hears of it when both has happened
		w.Put(ready, "")
		w.Remove(ready)
		time.Sleep(time.Minute)
		require.True(t, c.Waiting())
		p.Link.Delay(0)
		d := enter(w.Process(), 2, "b")
		allLeave(w, []*barrier.Visit{c.Get(), d.Get()})
	})
}

// No Leave returns while a member is inside: in each order, with other nodes in
// the directory, and with each member as the last.
func TestHardCase34_LeaveWhileAnotherIsInside(t *testing.T) {
	for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
		testworld.Run(t, func(w *testworld.World) {
			_, visits := gather(w, 3)
			w.Put(dir+"/stranger", "")
			var out []*testworld.Call[bool]
			for i, who := range order {
				for _, o := range out {
					require.True(t, o.Waiting(), "order %v, before number %d", order, i)
				}
				out = append(out, leave(w, visits[who]))
			}
			for _, o := range out {
				require.True(t, o.Get(), "order %v", order)
			}
			require.Equal(t, []string{"stranger"}, w.Children(dir))
		})
	}
}

// If a member dies inside, the members that have left wait until its session
// has ended. That holds for each member.
func TestHardCase34_MemberDiesInside(t *testing.T) {
	for dead := range 3 {
		testworld.Run(t, func(w *testworld.World) {
			processes, visits := gather(w, 3)
			processes[dead].Link.Cut(zktest.Both)
			var out []*testworld.Call[bool]
			for i, v := range visits {
				if i != dead {
					out = append(out, leave(w, v))
				}
			}
			for _, o := range out {
				require.True(t, o.Waiting())
			}
			<-visits[dead].Done()
			for _, o := range out {
				require.True(t, o.Waiting(), "its node still stands")
			}
			for _, o := range out {
				require.True(t, o.Get())
			}
			require.Empty(t, w.Children(dir))
			err := visits[dead].Leave(w.Context())
			require.ErrorIs(t, err, session.ErrLost)
		})
	}
}

func TestHardCase35_LeaveEndsWithItsContext(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		_, visits := gather(w, 3)
		for i, v := range visits[:2] { // the lowest and another
			start := time.Now()
			err := v.Leave(w.Within(time.Minute))
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.ErrorContains(t, err, "to leave: ")
			require.Equal(t, time.Minute, time.Since(start))
			synctest.Wait()
			require.Len(t, w.Children(dir), 3-i, "it has left all the same")
			require.ErrorIs(t, v.Err(), session.ErrReleased)
		}
		again := leave(w, visits[0])
		require.True(t, again.Waiting(), "one is inside")
		require.ErrorIs(t, visits[1].Leave(testworld.Cancelled()), context.Canceled)
		require.NoError(t, visits[2].Leave(w.Context()))
		require.True(t, again.Get())
		require.NoError(t, visits[1].Leave(w.Context()))
		require.Empty(t, w.Children(dir))
	})
}

// The ctx of Leave holds although no server answers.
func TestHardCase35_LeaveWithoutServer(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		processes, visits := gather(w, 2)
		for i, v := range visits {
			processes[i].Link.Cut(zktest.Both)
			start := time.Now()
			err := v.Leave(w.Within(time.Second))
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.ErrorContains(t, err, "no answer from ZooKeeper")
			require.Equal(t, time.Second, time.Since(start))
			processes[i].Link.Heal()
		}
		w.Eventually(func() bool { return len(w.Children(dir)) == 1 }, "the members are out")
		_, next := gather(w, 2) // clears up
		allLeave(w, next)
	})
}

func TestHardCase35_MoreThanItIsFor(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		_, visits := gather(w, 3)
		late := w.Process()
		_, err := enter(late, 3, "late").Result()
		require.ErrorIs(t, err, barrier.ErrFull)
		require.ErrorContains(t, err, dir)
		require.ErrorContains(t, err, "; try again when the round has ended, or correct the count")
		require.Equal(t, []string{"member-a", "member-b", "member-c", "ready"}, w.Children(dir))

		// Once one has left the round is ending, and a newcomer waits for the
		// next.
		out := leave(w, visits[2])
		next := enter(late, 3, "late")
		require.True(t, next.Waiting())
		require.NotContains(t, w.Children(dir), "member-late", "it does not keep Curator's members from leaving")
		for _, v := range visits[:2] {
			leave(w, v)
		}
		require.True(t, out.Get())
		require.True(t, next.Waiting())
		require.Equal(t, []string{"member-late"}, w.Children(dir))
	})
}

// Four members come to a barrier for three before any of them could read it:
// the first three enter, and the fourth gets ErrFull.
func TestHardCase35_MoreComeAtOnce(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		look := make(chan struct{})
		remove := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpGetChildren2 {
				return zktest.Hold(look)
			}
			return zktest.Pass
		})
		var calls []*testworld.Call[*barrier.Visit]
		for _, id := range []string{"d", "c", "b", "a"} { // the names say nothing about who was first
			calls = append(calls, enter(w.Process(), 3, id))
		}
		require.Len(t, w.Children(dir), 4)
		remove()
		close(look)
		_, err := calls[3].Result()
		require.ErrorIs(t, err, barrier.ErrFull)
		var visits []*barrier.Visit
		for _, c := range calls[:3] {
			visits = append(visits, c.Get())
		}
		require.Equal(t, []string{"member-b", "member-c", "member-d", "ready"}, w.Children(dir))
		allLeave(w, visits)
	})
}

// The create is done and its answer lost: the node that is found is ours.
func TestHardCase36_EnterAgainAfterConnectionLoss(t *testing.T) {
	for _, action := range []zktest.Action{zktest.LoseReply, zktest.DropRequest} {
		testworld.Run(t, func(w *testworld.World) {
			a, b := w.Process(), w.Process()
			w.Put(dir, "")
			w.Once(func(r zktest.Request) bool { return r.Op == zktest.OpCreate }, func() zktest.Action { return action })
			first := enter(a, 2, "a")
			w.Eventually(func() bool { return len(w.Children(dir)) == 1 }, "it stands")
			require.True(t, first.Waiting())
			a.Link.Disconnect()
			require.True(t, first.Waiting())
			second := enter(b, 2, "b").Get()
			allLeave(w, []*barrier.Visit{first.Get(), second})
		})
	}
}

// The transaction that begins the round is done and its answer lost.
func TestHardCase36_ReadyMadeReplyLost(t *testing.T) {
	for _, action := range []zktest.Action{zktest.LoseReply, zktest.DropRequest} {
		testworld.Run(t, func(w *testworld.World) {
			w.Once(func(r zktest.Request) bool { return r.Op == zktest.OpMulti }, func() zktest.Action { return action })
			_, visits := gather(w, 3)
			require.Contains(t, w.Data(ready), `"round":1,`)
			w.Once(func(r zktest.Request) bool { return r.Op == zktest.OpMulti }, func() zktest.Action { return action })
			w.Once(func(r zktest.Request) bool { return r.Op == zktest.OpDelete }, func() zktest.Action { return action })
			allLeave(w, visits)
		})
	}
}
