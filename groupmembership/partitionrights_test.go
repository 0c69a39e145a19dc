package groupmembership_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// The node of a member or of a claim is shut while members work. Members come
// and go all the same, and each partition has an owner. The member has no
// share, and the claim stays where it is.
func TestANodeIsShutWhileMembersWork(t *testing.T) {
	for _, node := range []string{"/members/a", "/claims/0"} {
		t.Run(node, func(t *testing.T) {
			testworld.EachServer(t, func(w *testworld.World, _ *testworld.Process) {
				c := newCourt(w)
				a, b := c.work(w.Process(testworld.Guest), "a", 6), c.work(w.Process(testworld.Guest), "b", 6)
				c.settled(6, a, b)
				w.Shut(orders + node)
				d := c.work(w.Process(testworld.Guest), "d", 6)
				all := func(workers ...*worker) func() bool {
					return func() bool {
						n := 0
						for _, k := range workers {
							n += len(k.owned())
						}
						return n == 6 && len(d.owned()) >= 1 && (node != "/members/a" || len(a.owned()) == 0)
					}
				}
				w.Eventually(all(a, b, d), "each partition has an owner")
				time.Sleep(time.Hour)
				require.True(w, all(a, b, d)())
				a.stop()
				c.settled(6, b, d)
			})
		})
	}
}

// The directory of claims, or of members, may not be read while members work.
// They keep what they own; a new member is refused. When it may be read again,
// all goes on.
func TestADirectoryIsShutWhileMembersWork(t *testing.T) {
	for _, dir := range []string{"/members", "/claims"} {
		t.Run(dir, func(t *testing.T) {
			testworld.EachServer(t, func(w *testworld.World, _ *testworld.Process) {
				c := newCourt(w)
				a, b := c.work(w.Process(testworld.Guest), "a", 6), c.work(w.Process(testworld.Guest), "b", 6)
				c.settled(6, a, b)
				w.Shut(orders + dir)
				d := c.work(w.Process(testworld.Guest), "d", 6)
				require.ErrorIs(w, d.ended(), session.ErrNoAuth)
				time.Sleep(time.Hour)
				c.settled(6, a, b)
				w.Open(orders + dir)
				d = c.work(w.Process(testworld.Guest), "d", 6)
				c.settled(6, a, b, d)
			})
		})
	}
}

// The number of partitions may not be read for a while after partitions were
// claimed. The claims are given up, the error is reported, and later they are
// made again.
func TestTheNumberMayNotBeReadAfterAClaim(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		var since time.Time
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if since.IsZero() && strings.HasPrefix(r.Path, orders+"/claims/") {
				since = time.Now()
			}
			if r.Op == zktest.OpGetData && r.Path == orders+"/claims" && time.Since(since) < time.Minute {
				return zktest.Fail(zktest.CodeNoAuth)
			}
			return zktest.Pass
		})
		var told problems
		c := newCourt(w)
		a := c.work(w.Process(), "a", 4, told.option())
		time.Sleep(50 * time.Second)
		require.Empty(w, a.owned())
		errs := told.take()
		require.Len(w, errs, 1)
		require.ErrorIs(w, errs[0], session.ErrNoAuth)
		require.ErrorContains(w, errs[0], orders+"/claims")
		c.settled(4, a)
		require.Equal(w, []error{nil}, told.take())
	})
}

// Payloads and claims that are as large as a server takes do not matter.
func TestPartitionsBesideLargeNodes(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		large := bytes.Repeat([]byte{0xff}, 900<<10)
		stranger := w.Process()
		require.NoError(w, stranger.EnsureDir(w.Context(), orders+"/claims"))
		_, err := stranger.Create(w.Context(), orders+"/claims/3", large, session.Ephemeral)
		require.NoError(w, err)
		w.Put(orders+"/claims/4", string(large))
		w.Put(orders+"/members/by hand", string(large))
		c := newCourt(w)
		var all []*worker
		for i := range 8 {
			all = append(all, c.work(w.Process(), fmt.Sprint("m", i), 16, groupmembership.Payload(large)))
		}
		total := func() (n int) {
			for _, k := range all {
				n += len(k.owned())
			}
			return n
		}
		w.Eventually(func() bool { return total() == 14 }, "all but two are owned")
		time.Sleep(time.Minute)
		require.Equal(w, 14, total())
		require.NoError(w, stranger.Close())
		w.Remove(orders + "/claims/4")
		c.settled(16, all...)
	})
}
