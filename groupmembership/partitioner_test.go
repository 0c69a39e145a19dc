package groupmembership_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func TestPartitionsAreDivided(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		c := newCourt(w)
		a := c.work(w.Process(), "a", 10)
		c.settled(10, a)

		// A member that comes takes its share, and nothing else moves.
		b := c.work(w.Process(), "b", 10)
		require.Equal(t, 5, c.count(func() { c.settled(10, a, b) }))
		d := c.work(w.Process(), "d", 10)
		require.Equal(t, 3, c.count(func() { c.settled(10, a, b, d) }))
		for _, cause := range slices.Concat(a.causes, b.causes) {
			require.ErrorIs(t, cause, groupmembership.ErrMoved)
		}

		// A member that goes leaves its partitions to the others, and nothing
		// else moves.
		left := len(b.owned())
		require.Equal(t, left, c.count(func() {
			b.stop()
			c.settled(10, a, d)
		}))
		require.Equal(t, []string{"a", "d"}, w.Children(orders+"/members"))

		owners, err := groupmembership.NewPartitioner(w.Process().Manager, orders, 10).Owners(w.Context())
		require.NoError(t, err)
		for i, owner := range owners {
			require.Equal(t, i, owner.Number)
			require.Contains(t, []string{"a", "d"}, owner.ID)
			require.Positive(t, owner.Token)
			require.NotZero(t, owner.Session)
		}
		a.stop()
		d.stop()
		require.Empty(t, w.Children(orders+"/members"))
		synctest.Wait() // d may have begun to claim what a left
		require.Empty(t, w.Children(orders+"/claims"))
	})
}

func TestSpareMembersAreIdle(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		c := newCourt(w)
		var workers []*worker
		for _, id := range []string{"a", "b", "d", "e"} {
			workers = append(workers, c.work(w.Process(), id, 2))
			synctest.Wait()
		}
		c.settled(2, workers...)
		// A working member goes: an idle one takes over.
		workers[0].stop()
		c.settled(2, workers[1:]...)
	})
}

// The partitions of a member whose session ends go to the others, and their
// contexts have ended before.
func TestPartitionsOfTheDead(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		c := newCourt(w)
		dying := w.Process()
		a, b := c.work(dying, "a", 6), c.work(w.Process(), "b", 6)
		c.settled(6, a, b)
		require.Equal(t, 3, c.count(func() {
			dying.Link.Cut(zktest.Both)
			w.Eventually(func() bool { return len(b.owned()) == 6 }, "b has all")
		}))
		require.Empty(t, a.owned())
		for _, cause := range a.causes {
			if !errors.Is(cause, groupmembership.ErrMoved) {
				require.ErrorIs(t, cause, session.ErrTrustElapsed)
			}
		}
		// It comes back, in a new session.
		dying.Link.Heal()
		c.settled(6, a, b)
	})
}

// The context of a partition whose claim is lost never ends with ErrMoved. A
// function that reads ErrMoved may go on for a while, because the partition is
// still its own.
func TestALostPartitionHasNotMoved(t *testing.T) {
	for name, end := range map[string]func(*testworld.Process){
		"cut off": func(p *testworld.Process) { p.Link.Cut(zktest.ToServer) },
		"expired": func(p *testworld.Process) { p.Expire() },
	} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				p, c := w.Process(), newCourt(w)
				a := c.work(p, "a", 50)
				c.settled(50, a)
				end(p)
				w.Eventually(func() bool { return len(a.ends()) >= 50 }, "every partition has ended")
				for _, cause := range a.ends()[:50] {
					require.ErrorIs(t, cause, session.ErrLost)
					require.NotErrorIs(t, cause, groupmembership.ErrMoved)
				}
			})
		})
	}
}

// Hard case 76: the members change while partitions are claimed and given up,
// and another client holds claims and does not let go. No member is stuck in
// between, and every partition that can be owned is.
func TestHardCase76_PartitionsWhileMembersChange(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		c := newCourt(w)
		// A claim in the session of a process that is not a member.
		stranger := w.Process()
		_, err := stranger.Create(w.Context(), orders+"/claims/2", []byte("stranger"), session.Ephemeral)
		require.ErrorIs(t, err, session.ErrNoNode)
		require.NoError(t, stranger.EnsureDir(w.Context(), orders+"/claims"))
		_, err = stranger.Create(w.Context(), orders+"/claims/2", []byte("stranger"), session.Ephemeral)
		require.NoError(t, err)

		var workers []*worker
		for i := range 5 {
			workers = append(workers, c.work(w.Process(), fmt.Sprint("m", i), 8))
			time.Sleep(3 * time.Millisecond) // while the one before claims
		}
		workers[0].stop() // while the last one waits for what it gives up
		workers[3].stop()
		workers = []*worker{workers[1], workers[2], workers[4]}
		total := func() int {
			n := 0
			for _, k := range workers {
				n += len(k.owned())
			}
			return n
		}
		w.Eventually(func() bool { return total() == 7 }, "all but the stranger's are owned")
		time.Sleep(time.Minute)
		require.Equal(t, 7, total())
		require.NoError(t, stranger.Close())
		c.settled(8, workers...)
	})
}

func TestMembersDisagreeAboutTheNumber(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		c := newCourt(w)
		a := c.work(w.Process(), "a", 4)
		c.settled(4, a)
		b := c.work(w.Process(), "b", 5)
		<-b.done
		require.ErrorIs(t, b.err, groupmembership.ErrPartitionCount)
		require.ErrorContains(t, b.err, "4 instead of 5")
		require.Equal(t, []string{"a"}, w.Children(orders+"/members"))
		owners, err := groupmembership.NewPartitioner(w.Process().Manager, orders, 5).Owners(w.Context())
		require.ErrorIs(t, err, groupmembership.ErrPartitionCount)
		require.ErrorContains(t, err, "4 instead of 5; give 4, or stop all members to change the number")
		require.Empty(t, owners, "partitions that do not exist are not listed")
		c.settled(4, a)
		a.stop()
		// Without members, another number may be chosen.
		b = c.work(w.Process(), "b", 5)
		c.settled(5, b)
	})
}

// Data that are not a number of partitions belong to another program, and are
// left.
func TestFault25_PartitionCountsAlone(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put(orders+"/claims", `{"qps":2}`)
		c := newCourt(w)
		b := c.work(w.Process(), "b", 5)
		<-b.done
		require.ErrorIs(t, b.err, groupmembership.ErrPartitionCount)
		require.ErrorContains(t, b.err, "run partitioner "+orders+": "+orders+"/claims holds 9 bytes that are not a number of partitions; "+
			"if no other program needs them, write 5 there, or delete the znode")
		require.Equal(t, `{"qps":2}`, w.Data(orders+"/claims"))
		_, err := groupmembership.NewPartitioner(w.Process().Manager, orders, 5).Owners(w.Context())
		require.ErrorContains(t, err, "holds 9 bytes that are not a number of partitions")
		// The advice can be followed, with the command too.
		_, err = config.NewStore(w.Process().Manager, "/").Set(w.Context(), orders+"/claims", []byte("5"), session.AnyVersion)
		require.NoError(t, err)
		c.settled(5, c.work(w.Process(), "b", 5))
	})
}

func TestSettleWaitsForMembers(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		c := newCourt(w)
		var workers []*worker
		moves := c.count(func() {
			for i := range 4 {
				workers = append(workers, c.work(w.Process(), fmt.Sprint("m", i), 8, groupmembership.Settle(10*time.Second)))
				time.Sleep(5 * time.Second)
			}
			c.settled(8, workers...)
		})
		require.Equal(t, 8, moves, "each partition is claimed once")
	})
}

// Foreign children, and a claim that was made by hand, affect only the claim's
// partition.
func TestPartitionsAmongStrangers(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		c := newCourt(w)
		for _, name := range []string{"claims/readme", "claims/07", "claims/99", "members/readme", "other"} {
			w.Put(orders+"/"+name, "x")
		}
		w.Put(orders+"/claims/1", "")
		a, b := c.work(w.Process(), "a", 4), c.work(w.Process(), "b", 4)
		w.Eventually(func() bool { return len(a.owned())+len(b.owned()) == 3 }, "three are owned")
		time.Sleep(time.Minute)
		require.NotContains(t, append(a.owned(), b.owned()...), 1)
		owners, err := groupmembership.NewPartitioner(w.Process().Manager, orders, 4).Owners(w.Context())
		require.NoError(t, err)
		require.NotZero(t, owners[1].Token)
		require.Zero(t, owners[1].Session)
		w.Remove(orders + "/claims/1")
		c.settled(4, a, b)
	})
}

func TestPartitionerRefusesNonsense(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		sm := w.Process().Manager
		f := func(context.Context, *groupmembership.Partition) error { return nil }
		for _, c := range []struct {
			path string
			n    int
			id   string
			want string
		}{
			{"/c", 0, "a", "number of partitions is 0"},
			{"/c", -1, "a", "number of partitions is -1"},
			{"/c", 10_001, "a", "number of partitions is 10001"},
			{"c", 1, "a", "c"},
			{"/c", 1, "a/b", "a/b"},
			{"/c", 1, "", "id"},
		} {
			err := groupmembership.NewPartitioner(sm, c.path, c.n).Run(w.Context(), c.id, f)
			require.Error(t, err)
			if c.id != "" {
				require.ErrorContains(t, err, c.want)
			}
			require.NotContains(t, err.Error(), "\n")
		}
		err := groupmembership.NewPartitioner(sm, "/c", 1, groupmembership.Settle(-1)).Run(w.Context(), "a", f)
		require.ErrorContains(t, err, "Settle(-1ns)")
		_, err = groupmembership.NewPartitioner(sm, "/c", 0).Owners(w.Context())
		require.ErrorContains(t, err, "number of partitions is 0")
		require.Empty(t, w.Children("/c"))
	})
}

// Two processes with one id: the second is refused, the first undisturbed.
func TestPartitionerDuplicateID(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		c := newCourt(w)
		a := c.work(w.Process(), "a", 3)
		c.settled(3, a)
		err := groupmembership.NewPartitioner(w.Process().Manager, orders, 3,
			groupmembership.GroupOptions(groupmembership.Refuse())).Run(w.Context(), "a", a.on)
		require.ErrorIs(t, err, session.ErrIDTaken)
		c.settled(3, a)

		// The second takes the place by force: the first gives up what it has.
		b := c.work(w.Process(), "a", 3, groupmembership.GroupOptions(groupmembership.Replace()))
		w.Eventually(func() bool { return len(b.owned()) == 3 }, "b has all")
		require.Empty(t, a.owned())
	})
}

func TestPartitionerReportsProgress(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		c := newCourt(w)
		joined := make(chan *groupmembership.Membership, 1)
		a := c.work(w.Process(), "a", 1, groupmembership.Payload([]byte("0")),
			groupmembership.OnJoin(func(m *groupmembership.Membership) { joined <- m }))
		c.settled(1, a)
		require.Equal(t, "0", w.Data(orders+"/members/a"))
		require.NoError(t, (<-joined).UpdatePayload(w.Context(), []byte("half")))
		members, err := groupmembership.NewPartitioner(w.Process().Manager, orders, 1).Group().Members(w.Context())
		require.NoError(t, err)
		require.Equal(t, "a=half", show(members))
	})
}

func TestPartitionerWithoutRights(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		defer w.Fail(zktest.OpCreate, orders+"/claims/0", zktest.CodeNoAuth)()
		err := groupmembership.NewPartitioner(w.Process().Manager, orders, 2).Run(w.Context(), "a",
			func(ctx context.Context, _ *groupmembership.Partition) error {
				<-ctx.Done()
				return ctx.Err()
			})
		require.ErrorIs(t, err, session.ErrNoAuth)
		require.False(t, strings.Contains(err.Error(), "\n"), err)
		require.Empty(t, w.Children(orders+"/members"))
	})
}

func TestPartitionerOfAClosedManager(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		c := newCourt(w)
		p := w.Process()
		a := c.work(p, "a", 2)
		c.settled(2, a)
		require.NoError(t, p.Close())
		<-a.done
		require.ErrorIs(t, a.err, session.ErrClosed)
	})
}
