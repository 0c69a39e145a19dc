package groupmembership_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/simulation"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// ended waits until the worker's Run has ended.
func (k *worker) ended() error {
	k.c.w.Helper()
	select {
	case <-k.done:
	case <-time.After(testworld.Patience):
		require.FailNow(k.c.w, "it goes on")
	}
	return k.err
}

// Two members with two numbers start at once, in a directory that is empty: one
// is refused, and the other has all.
func TestCountsOfMembersThatStartAtOnce(t *testing.T) {
	for _, seed := range simulation.Seeds(t, 20) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				delayed(w, seed, 20*time.Millisecond)
				c := newCourt(w)
				a, b := c.work(w.Process(), "a", 4), c.work(w.Process(), "b", 5)
				select {
				case <-a.done:
				case <-b.done:
					a, b = b, a
				case <-time.After(time.Minute):
					require.FailNow(w, "no member is refused")
				}
				require.ErrorIs(w, a.err, groupmembership.ErrPartitionCount)
				c.settled(b.n, b)
			})
		})
	}
}

// delayed lets each request take a random time.
func delayed(w *testworld.World, seed uint64, longest time.Duration) {
	r := rand.New(rand.NewPCG(seed, 15)) // interceptors are called one at a time
	w.Srv.Intercept(func(zktest.Request) zktest.Action {
		return zktest.Delay(time.Duration(r.Int64N(int64(longest))))
	})
}

// Nothing is claimed, since the first member waits for others. A member that
// knows another number waits for it, and is refused when it has claimed.
func TestCountOfTheOldestMember(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		c := newCourt(w)
		settle := groupmembership.Settle(time.Minute)
		a := c.work(w.Process(), "z", 4, settle)
		time.Sleep(time.Second)
		b := c.work(w.Process(), "b", 5, settle)
		time.Sleep(50 * time.Second)
		require.Equal(w, "4", w.Data(orders+"/claims"))
		require.ErrorIs(w, b.ended(), groupmembership.ErrPartitionCount)
		c.settled(4, a)
	})
}

// The first member goes before it has claimed anything: the next one writes its
// number.
func TestCountOfTheNextOldestMember(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		c := newCourt(w)
		a := c.work(w.Process(), "a", 4, groupmembership.Settle(time.Minute))
		time.Sleep(time.Second)
		b := c.work(w.Process(), "b", 5)
		time.Sleep(time.Second)
		a.stop()
		c.settled(5, b)
	})
}

// All members are stopped, and start again with another number at the same
// instant.
func TestCountIsChangedByAllAtOnce(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put(orders+"/claims", "4")
		c := newCourt(w)
		var all []*worker
		for i := range 5 {
			all = append(all, c.work(w.Process(), fmt.Sprint("m", i), 10))
		}
		c.settled(10, all...)
	})
}

// The directory of claims vanishes, with the number, while members wait in the
// group.
func TestCountOfADirectoryThatVanishes(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		c := newCourt(w)
		settle := groupmembership.Settle(time.Minute)
		a := c.work(w.Process(), "a", 4, settle)
		time.Sleep(time.Second)
		w.Remove(orders + "/claims")
		b := c.work(w.Process(), "b", 5, settle)
		time.Sleep(50 * time.Second)
		w.Remove(orders + "/claims")
		require.ErrorIs(w, b.ended(), groupmembership.ErrPartitionCount)
		c.settled(4, a)
	})
}

// Another client writes another number while a member works. The member is
// refused, and no member works under the new number before it has stopped.
func TestCountIsRewrittenWhileMembersWork(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		c := newCourt(w)
		c.slow = 10 * time.Second
		a := c.work(w.Process(), "a", 4)
		w.Eventually(func() bool { return len(a.owned()) == 4 }, "a has all")
		w.Put(orders+"/claims", "2")
		c.slow = 0
		b := c.work(w.Process(), "b", 2)
		time.Sleep(5 * time.Second)
		require.Len(w, a.owned(), 4, "it finishes what is under way")
		require.Empty(w, b.owned())
		require.ErrorIs(w, a.ended(), groupmembership.ErrPartitionCount)
		c.settled(2, b)
	})
}

// Another client writes the present number again. All claims are made again,
// since a claim that is older than the number may belong to a member that knows
// another.
func TestCountIsRewrittenAsItWas(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		c := newCourt(w)
		a, b := c.work(w.Process(), "a", 4), c.work(w.Process(), "b", 4)
		c.settled(4, a, b)
		require.Equal(w, 4, c.count(func() {
			w.Put(orders+"/claims", "4")
			c.settled(4, a, b)
		}))
		d := c.work(w.Process(), "d", 4)
		c.settled(4, a, b, d)
	})
}

// A member that was cut off comes back among members that know another number.
// It claims before its view is current, and does not work.
func TestCountOfAMemberThatWasCutOff(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		c := newCourt(w)
		p, q := w.Process(), w.Process()
		a := c.work(p, "a", 8)
		c.settled(8, a)
		p.Link.Cut(zktest.Both)
		w.Eventually(func() bool { return len(w.Children(orders+"/members")) == 0 }, "a is out")
		b := c.work(q, "b", 4)
		c.settled(4, b)
		other := q.Current().ID()
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Session != other && (r.Op == zktest.OpMultiRead || r.Op == zktest.OpAddWatch) {
				return zktest.Delay(2 * time.Second)
			}
			return zktest.Pass
		})
		require.Zero(w, c.count(func() {
			p.Link.Heal()
			require.ErrorIs(w, a.ended(), groupmembership.ErrPartitionCount)
		}))
		c.settled(4, b)
	})
}
