package barrier_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

const (
	dir   = "/barriers/epoch"
	ready = dir + "/ready"
)

// enter starts an Enter of a member with the id.
func enter(p *testworld.Process, count int, id string) *testworld.Call[*barrier.Visit] {
	return testworld.Go(p.W, barrier.NewDouble(p.Manager, dir, count, barrier.ID(id)).Enter)
}

// leave starts a Leave.
func leave(w *testworld.World, v *barrier.Visit) *testworld.Call[bool] {
	return testworld.Go(w, func(ctx context.Context) (bool, error) {
		err := v.Leave(ctx)
		return err == nil, err
	})
}

// gather has members with the ids "a", "b", … enter together, one process each.
func gather(w *testworld.World, count int) ([]*testworld.Process, []*barrier.Visit) {
	w.Helper()
	var processes []*testworld.Process
	var calls []*testworld.Call[*barrier.Visit]
	for i := range count {
		p := w.Process()
		processes = append(processes, p)
		calls = append(calls, enter(p, count, string(rune('a'+i))))
	}
	var visits []*barrier.Visit
	for _, c := range calls {
		visits = append(visits, c.Get())
	}
	return processes, visits
}

// allLeave makes all members leave, and checks that nothing is left.
func allLeave(w *testworld.World, visits []*barrier.Visit) {
	w.Helper()
	var calls []*testworld.Call[bool]
	for _, v := range visits {
		calls = append(calls, leave(w, v))
	}
	for _, c := range calls {
		require.True(w, c.Get())
	}
	require.Empty(w, w.Children(dir))
}

func TestDoubleEntersAndLeavesTogether(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b, c := w.Process(), w.Process(), w.Process()
		first, second := enter(a, 3, "a"), enter(b, 3, "b")
		require.True(t, first.Waiting())
		require.True(t, second.Waiting())
		require.Equal(t, []string{"member-a", "member-b"}, w.Children(dir))
		third := enter(c, 3, "c")
		visits := []*barrier.Visit{first.Get(), second.Get(), third.Get()}
		info, _ := w.Srv.Node(ready)
		require.Zero(t, info.Stat.EphemeralOwner, "ready is persistent, as Curator has it")
		require.JSONEq(t, `{"round":1,"members":["member-a","member-b","member-c"]}`, string(info.Data))
		for _, v := range visits {
			require.NoError(t, v.Err())
			require.Equal(t, info.Stat.Czxid, v.Token(), "one token for all of a round")
		}

		out := []*testworld.Call[bool]{leave(w, visits[1]), leave(w, visits[0])}
		require.True(t, out[0].Waiting())
		require.True(t, out[1].Waiting())
		last := leave(w, visits[2])
		for _, l := range append(out, last) {
			require.True(t, l.Get())
		}
		for _, v := range visits {
			require.ErrorIs(t, v.Err(), session.ErrReleased)
			require.NoError(t, v.Leave(w.Context()), "leaving again is nothing")
		}
		require.Empty(t, w.Children(dir))
		require.Zero(t, w.Srv.Watches())

		_, again := gather(w, 3)
		require.Greater(t, again[0].Token(), visits[0].Token())
		allLeave(w, again)
	})
}

func TestDoubleOfOne(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		d := barrier.NewDouble(p.Manager, dir, 1)
		require.Equal(t, dir, d.Path())
		require.Equal(t, 1, d.Count())
		for range 3 {
			v, err := d.Enter(w.Context())
			require.NoError(t, err)
			require.Len(t, w.Children(dir), 2)
			require.NoError(t, v.Leave(w.Context()))
			require.Empty(t, w.Children(dir))
		}
	})
}

// One value serves several goroutines: each Enter is a member.
func TestDoubleSharedByGoroutines(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		d := barrier.NewDouble(w.Process().Manager, dir, 3)
		var calls []*testworld.Call[*barrier.Visit]
		for range 3 {
			calls = append(calls, testworld.Go(w, d.Enter))
		}
		var visits []*barrier.Visit
		for _, c := range calls {
			visits = append(visits, c.Get())
		}
		allLeave(w, visits)
	})
}

func TestDoubleRefusesBadInput(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		sm := w.Process().Manager
		for _, c := range []struct {
			d      *barrier.Double
			reason string
		}{
			{barrier.NewDouble(sm, dir, 0), "count of members is 0"},
			{barrier.NewDouble(sm, dir, -3), "count of members is -3"},
			{barrier.NewDouble(sm, dir, barrier.MaxCount+1), "from 1 to 4096"},
			{barrier.NewDouble(sm, "epoch", 2), "relative"},
			{barrier.NewDouble(sm, dir, 2, barrier.ID("a/b")), "id"},
		} {
			_, err := c.d.Enter(w.Context())
			require.ErrorContains(t, err, c.reason)
			_, err = c.d.Members(w.Context())
			require.ErrorContains(t, err, c.reason)
			err = c.d.Do(w.Context(), func(context.Context, *barrier.Visit) error { return nil })
			require.ErrorContains(t, err, c.reason)
		}
		require.Zero(t, w.Srv.Count(zktest.OpCreate))
	})
}

func TestDoubleIDTaken(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		first := enter(a, 3, "same")
		for _, p := range []*testworld.Process{a, b} {
			_, err := enter(p, 3, "same").Result()
			require.ErrorIs(t, err, session.ErrIDTaken)
			require.ErrorContains(t, err, `"same"`)
			require.ErrorContains(t, err, fmt.Sprintf(" is at the barrier, and session 0x%x holds it; choose another id", uint64(a.Current().ID())))
			require.Equal(t, p == a, strings.Contains(err.Error(), "of this process"))
			require.Equal(t, p != a, strings.HasSuffix(err.Error(), ", or end its process: the id is free when that session has ended"), err)
		}
		require.True(t, first.Waiting(), "nothing has happened to the first")
		require.Equal(t, []string{"member-same"}, w.Children(dir))
	})
}

func TestDoubleGivenUpWhileWaiting(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		for range 3 {
			_, err := enter(p, 2, "a").GiveUp()
			require.ErrorIs(t, err, context.Canceled)
			synctest.Wait()
			require.Empty(t, w.Children(dir))
		}
		require.Equal(t, 1, w.Srv.SessionWatches(p.Current().ID()), "the one on ready, which all shared")
		b := enter(q, 2, "b")
		require.True(t, b.Waiting(), "who has given up does not count")
		a := enter(p, 2, "a")
		allLeave(w, []*barrier.Visit{a.Get(), b.Get()})
		_, err := barrier.NewDouble(p.Manager, dir, 2).Enter(testworld.Cancelled())
		require.ErrorIs(t, err, context.Canceled)
	})
}

// ctx ends at the moment at which the round begins: we leave, the others are
// inside, and we do not hold them up.
func TestDoubleGivenUpAsItBegins(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		first := enter(a, 2, "a")
		w.Srv.Partition(a.Current().ID(), zktest.ToClient) // the news of ready do not arrive
		second := enter(b, 2, "b").Get()
		require.True(t, first.Waiting())
		_, err := first.GiveUp()
		require.ErrorIs(t, err, context.Canceled)
		out := leave(w, second)
		w.Srv.Heal(a.Current().ID())
		require.True(t, out.Get())
		require.Empty(t, w.Children(dir))
	})
}

// The answer to the create comes only after the caller's ctx has ended.
func TestDoubleGivenUpDuringCreate(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Put(dir, "")
		answer := make(chan struct{})
		w.Once(func(r zktest.Request) bool { return r.Op == zktest.OpCreate }, func() zktest.Action { return zktest.Hold(answer) })
		_, err := enter(p, 2, "a").GiveUp()
		require.ErrorIs(t, err, context.Canceled)
		close(answer)
		synctest.Wait()
		require.Empty(t, w.Children(dir))
	})
}

func TestDoubleDo(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		broken := errors.New("broken")
		do := func(p *testworld.Process, result error) *testworld.Call[bool] {
			return testworld.Go(w, func(ctx context.Context) (bool, error) {
				err := barrier.NewDouble(p.Manager, dir, 2).Do(ctx, func(ctx context.Context, v *barrier.Visit) error {
					require.NoError(t, ctx.Err())
					require.Positive(t, v.Token())
					time.Sleep(time.Second)
					return result
				})
				return err == nil, err
			})
		}
		first, second := do(a, nil), do(b, broken)
		require.True(t, first.Get())
		_, err := second.Result()
		require.ErrorIs(t, err, broken)
		require.Empty(t, w.Children(dir))

		require.PanicsWithValue(t, "oh", func() {
			_ = barrier.NewDouble(a.Manager, dir, 1).Do(w.Context(), func(context.Context, *barrier.Visit) error { panic("oh") })
		})
		require.Equal(t, []string{"ready"}, w.Children(dir), "it left without waiting")

		// The next round clears up, and its function is told of a loss.
		err = barrier.NewDouble(a.Manager, dir, 1).Do(w.Context(), func(ctx context.Context, v *barrier.Visit) error {
			w.Remove(v.Path())
			<-ctx.Done()
			return context.Cause(ctx)
		})
		require.ErrorIs(t, err, session.ErrDeleted)
	})
}

func TestDoubleStatus(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		d := barrier.NewDouble(p.Manager, dir, 2)
		status, err := d.Status(w.Context())
		require.NoError(t, err)
		require.Zero(t, status)
		w.Put(dir+"/stranger", "")
		first := enter(p, 2, "a")
		members, err := d.Members(w.Context())
		require.NoError(t, err)
		require.Len(t, members, 1)
		require.Equal(t, "a", members[0].ID)
		require.Equal(t, session.ID(p.Current().ID()), members[0].Session)
		require.Equal(t, dir+"/member-a", members[0].Path)
		require.Positive(t, members[0].PID)
		require.False(t, members[0].Inside)
		second := testworld.Go(w, d.Enter).Get()
		status, err = d.Status(w.Context())
		require.NoError(t, err)
		require.True(t, status.Ready)
		require.Equal(t, second.Token(), status.Token)
		for _, m := range status.Members {
			require.True(t, m.Inside)
		}
		require.NoError(t, first.Get().Release())
		remove := w.Fail(zktest.OpGetData, ready, zktest.CodeNoAuth)
		status, err = d.Status(w.Context())
		require.NoError(t, err)
		require.True(t, status.Ready)
		require.Equal(t, second.Token(), status.Token, "the stat tells it")
		remove()
		remove = w.Fail(zktest.OpGetChildren2, dir, zktest.CodeNoAuth)
		_, err = d.Status(w.Context())
		require.ErrorIs(t, err, session.ErrNoAuth)
		remove()
	})
}

func TestDoubleErrors(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		d := barrier.NewDouble(p.Manager, dir, 1)
		for _, op := range []zktest.Op{zktest.OpExists, zktest.OpGetChildren2, zktest.OpCreate, zktest.OpGetData, zktest.OpMulti} {
			remove := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
				if r.Op == op {
					return zktest.Fail(zktest.CodeNoAuth)
				}
				return zktest.Pass
			})
			_, err := d.Enter(w.Context())
			require.ErrorIs(t, err, session.ErrNoAuth, "%v", op)
			require.ErrorContains(t, err, "enter barrier "+dir+": ")
			remove()
			synctest.Wait()
			require.Empty(t, w.Children(dir), "%v", op)
		}
		waiting := enter(p, 2, "a")
		require.NoError(t, p.Close())
		_, err := waiting.Result()
		require.ErrorIs(t, err, session.ErrClosed)
	})
}
