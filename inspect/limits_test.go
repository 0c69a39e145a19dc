package inspect

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// A tree of a hundred thousand nodes costs no more than the limits say,
// whatever they are. The items of a queue cost one list.
func TestRead_hundredThousandNodes(t *testing.T) {
	testworld.Sequential(t)
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		for i := range 80_000 {
			w.Put(fmt.Sprintf("/big/queue/queue-%010d", i), "")
		}
		for i := range 10_000 {
			w.Put(fmt.Sprintf("/big/keys/%06d", i), "v")
			w.Put(fmt.Sprintf("/big/tree/%02d/%04d", i%20, i/20), "")
		}
		held(w, a, "/small/lock", "a")
		var r *Report
		counts := w.Count(func() { r = report(w, a, "/") })
		require.Equal(t, 80_000, at[*Queue](w, r, "/big/queue").Length)
		require.Equal(t, "a", at[*Lock](w, r, "/small/lock").Holder.ID, "what is small is not crowded out")
		require.False(t, r.Complete())
		left := make(map[string]int)
		total := 0
		for _, o := range r.Omitted() {
			left[o.Path] = o.Nodes
			total += o.Nodes
		}
		require.Equal(t, 9_000, left["/big/keys"])
		require.Len(t, left, 21, "each of the others has its share")
		const inner = 7 + 20 // the nodes that have children
		require.Equal(t, DefaultLimit, r.Nodes)
		require.Equal(t, inner+1+1+20_000-total, r.Nodes)
		require.Equal(t, map[string]int{"multi": 1, "exists": 1, "multiRead": 637, "getChildren2": inner}, counts, "the top alone is read by itself")
		require.Equal(t, r.Requests, counts["multi"]+counts["exists"]+counts["multiRead"]+counts["getChildren2"])
	})
}

// Thousands of nodes without interest do not hide what lies deeper than they
// do, and get what it leaves.
func TestRead_deeperThanMany(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		for i := range 1_000 {
			w.Put(fmt.Sprintf("/many/%03d", i), "")
		}
		held(w, a, "/app/prod/locks/orders", "a")
		w.Put("/app/prod/queue/items/queue-0000000000", "x")
		for _, limit := range []int{40, 100, 1_000, 1_010, 1_012, 2_000} {
			r := report(w, a, "/", Limit(limit))
			require.Equal(w, "a", at[*Lock](w, r, "/app/prod/locks/orders").Holder.ID, limit)
			require.NotNil(w, at[*Queue](w, r, "/app/prod/queue").Oldest, limit)
			const all = 1_010
			require.Equal(w, min(limit, all), r.Nodes)
			require.Equal(w, limit >= all, r.Complete())
			for _, o := range r.Omitted() {
				require.Equal(w, "/many", o.Path)
				require.Equal(w, all-limit, o.Nodes)
				require.Equal(w, reasonLimit, o.Reason)
			}
		}
	})
}

// The name of the directory does not say that it has claims: each child is
// read, as far as the limit allows.
func TestRead_claimsByTheirOwners(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		w.Put("/odd", "")
		for i := range 9 {
			_, err := a.Create(w.Context(), fmt.Sprintf("/odd/queue-%010d", i), nil, session.Ephemeral)
			require.NoError(w, err)
		}
		w.Put("/odd/stranger", "")
		// One child is read before the shape is known. The stranger is not a
		// claim.
		for limit, want := range map[int]struct{ claims, unread int }{2: {0, 2}, 3: {0, 10}, 6: {2, 8}, 12: {8, 2}, 13: {9, 1}, 14: {9, 0}, 100: {9, 0}} {
			r := report(w, a, "/", Limit(limit))
			q := at[*Queue](w, r, "/odd")
			require.Len(w, q.Claims, want.claims, limit)
			require.Equal(w, want.unread, q.Unread, limit)
			require.Equal(w, want.unread == 0, r.Complete(), limit)
		}
	})
}

func TestRead_limits(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		for i := range 20 {
			put(w, a, fmt.Sprintf("/m/_c_%032x-lock-%010d", i, i), fmt.Sprint(i))
			w.Put(fmt.Sprintf("/k/%02d/x", i), "v")
		}
		r := report(w, a, "/", Children(5))
		m := at[*Lock](w, r, "/m")
		require.Equal(t, "0", m.Holder.ID)
		require.Len(t, m.Waiters, 4)
		require.Equal(t, 15, m.Unread)
		require.Len(t, r.Omitted(), 1)
		require.Equal(t, Omitted{Header{Kind: KindOmitted, Path: "/k"}, 15, reasonChildren}, *r.Omitted()[0])

		r = report(w, a, "/", Depth(1))
		require.Equal(t, []string{"plain /", "plain /k", "omitted /k", "lock /m"}, kinds(r))
		require.Equal(t, 20, at[*Lock](w, r, "/m").Unread)
		require.Equal(t, reasonDepth, r.Omitted()[0].Reason)

		r = report(w, a, "/", Names(10))
		require.Equal(t, []string{"plain /", "plain /k", "omitted /k", "plain /m", "omitted /m"}, kinds(r))
		require.Equal(t, reasonNames, r.Omitted()[0].Reason)
		require.Equal(t, 20, r.Omitted()[0].Nodes)

		for limit := 1; limit < 70; limit++ {
			r = report(w, a, "/", Limit(limit))
			require.Equal(t, min(limit, 63), r.Nodes)
			require.Equal(t, limit >= 63, r.Complete(), limit)
		}
	})
}

func TestShare(t *testing.T) {
	plans := [][]want{make([]want, 100), make([]want, 3), nil, make([]want, 50)}
	for left, want := range map[int][]int{
		0: {0, 0, 0, 0}, 1: {1, 0, 0, 0}, 5: {2, 2, 0, 1}, 24: {11, 3, 0, 10}, 120: {67, 3, 0, 50}, 200: {100, 3, 0, 50},
	} {
		require.Equal(t, want, share(plans, left), left)
	}
}

func TestRead_options(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		for _, opt := range []Option{Limit(0), Children(-1), Names(0), Depth(-1), Every(-1), Rate(0), Confirm(-1)} {
			_, err := Read(w.Context(), a.Manager, "/", opt)
			require.ErrorContains(t, err, "inspect /: the option ")
			_, again := Deadlocks(w.Context(), a.Manager, "/", opt)
			require.EqualError(t, again, err.Error())
			for _, again := range Changes(w.Context(), a.Manager, "/", opt) {
				require.EqualError(t, again, err.Error())
			}
			var op *session.OpError
			require.ErrorAs(t, err, &op)
			require.Equal(t, "inspect", op.Op)
		}
		_, err := Read(w.Context(), a.Manager, "relative")
		require.ErrorContains(t, err, "relative")
		_, err = Read(w.Context(), a.Manager, "/missing")
		require.ErrorIs(t, err, session.ErrNoNode)
		_, err = Read(testworld.Cancelled(), a.Manager, "/")
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestRead_accessControl(t *testing.T) {
	testworld.EachRelease(t, func(w *testworld.World, release zktest.Release) {
		secret := w.Process(func(cfg *session.Config) {
			cfg.Auth = []session.Credential{session.Digest("u", "p")}
			cfg.ACL = session.CreatorACL()
		})
		a := w.Process()
		require.NoError(w, a.EnsureDir(w.Context(), "/m"))
		put(w, secret, "/m/"+curatorName(1, "lock-", 0), "10.0.0.1")
		put(w, secret, "/dark/room/x", "")
		_, err := secret.Create(w.Context(), "/key", []byte("value"), session.Persistent)
		require.NoError(w, err)
		r := report(w, a, "/")
		require.False(w, r.Complete())
		key, whats := "config /key", []string{"children", "data", "data"}
		if release == zktest.V39 { // it hides the stat too, and so whether /key has data
			key, whats = "plain /key", []string{"node", "node", "node"}
		}
		require.Equal(w, []string{
			"plain /", "plain /dark", "hidden /dark", key, "hidden /key", "lock /m", "hidden /m/" + curatorName(1, "lock-", 0),
		}, kinds(r))
		require.Equal(w, whats, []string{r.Hidden()[0].What, r.Hidden()[1].What, r.Hidden()[2].What})
		m := at[*Lock](w, r, "/m")
		require.True(w, m.Holder.Hidden)
		if release == zktest.V39 {
			require.Zero(w, m.Holder.Session)
		} else {
			require.Equal(w, session.ID(secret.Current().ID()), m.Holder.Session, "for which ZooKeeper asks no right")
		}
		require.True(w, report(w, secret, "/").Complete())
	})
}

// Nodes that disappear during the reads are left out. The end of a session does
// not make Read fail.
func TestRead_faults(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		for i := range 10 {
			w.Put(fmt.Sprintf("/k/%d", i), "v")
		}
		batch := func(r zktest.Request) bool { return r.Op == zktest.OpMultiRead }
		w.Once(batch, func() zktest.Action {
			w.Remove("/k/3")
			return zktest.Pass
		})
		w.Once(func(r zktest.Request) bool { return r.Path == "/k/5" && r.Op == zktest.OpGetData }, func() zktest.Action {
			w.Remove("/k/5")
			return zktest.Pass
		})
		require.Len(t, report(w, a, "/k").Findings, 9)

		w.Once(batch, func() zktest.Action {
			w.Srv.Expire(a.Current().ID())
			return zktest.DropRequest
		})
		caughtUp := 0
		defer w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpMulti {
				caughtUp++
			}
			return zktest.Pass
		})()
		require.Len(t, report(w, a, "/k").Findings, 9)
		require.Equal(t, 2, caughtUp, "the next session has to catch up, too")
	})
}
