package core_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/base/grace"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

func second[T any](_ T, err error) error        { return err }
func third[A, B any](_ A, _ B, err error) error { return err }

// An ended context wins: nothing is sent, and no outcome is in doubt.
func TestDoneContextSendsNothing(t *testing.T) {
	eachWay(t, func(w *world, ops operations, _ string) {
		ctx, cancel := context.WithCancel(w.Context())
		cancel()
		before := w.Srv.Counts()
		for name, err := range map[string]error{
			"set":     second(ops.Set(ctx, "/a", nil, 0)),
			"create":  second(ops.Create(ctx, "/a", nil, core.Ephemeral)),
			"delete":  ops.Delete(ctx, "/a", 0),
			"txn":     second(ops.Txn(ctx, core.CheckOp("/a", 0))),
			"sync":    ops.Sync(ctx, "/a"),
			"parents": ops.EnsureDir(ctx, "/a/b"),
			"newest":  third(ops.GetNewest(ctx, "/a")),
			"make":    second(ops.CreateWithParents(ctx, "/a/b", nil)),
		} {
			require.ErrorIs(w, err, context.Canceled, name)
			require.NotErrorIs(w, err, core.ErrUnknownOutcome, name)
		}
		synctest.Wait()
		require.Equal(w, before, w.Srv.Counts())
	})
}

func TestOperationsAfterClose(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		s := p.session()
		require.NoError(w, p.Close())
		require.NoError(w, p.Close())
		ctx := w.Context()
		for name, err := range map[string]error{
			"get":     third(p.Get(ctx, "/a")),
			"exists":  third(p.Exists(ctx, "/a")),
			"list":    third(p.Children(ctx, "/a")),
			"set":     second(p.Set(ctx, "/a", nil, 0)),
			"create":  second(p.Create(ctx, "/a", nil, 0)),
			"delete":  p.Delete(ctx, "/a", 0),
			"sync":    p.Sync(ctx, "/"),
			"txn":     second(p.Txn(ctx, core.CheckOp("/a", 0))),
			"parents": p.EnsureDir(ctx, "/a"),
			"newest":  third(p.GetNewest(ctx, "/a")),
			"make":    second(p.CreateWithParents(ctx, "/a/b", nil)),
			"session": second(p.Session(ctx)),
			"enter":   second(s.Enter(ctx, "/a", "lock-", nil)),
			"ended":   third(s.Get(ctx, "/a")),
		} {
			require.ErrorIs(w, err, core.ErrClosed, name)
			require.NotErrorIs(w, err, core.ErrUnknownOutcome, name)
		}
		<-p.Done()
		<-s.Done()
		require.ErrorIs(w, s.Err(), core.ErrClosed)
	})
}

// Case 75: retries do not nest. While every connection ends at its first
// request, a read is sent again with pauses, and ends exactly with its context.
func TestHardCase75_RetriesArePaced(t *testing.T) {
	inWorld(t, func(w *world) {
		s := w.process().session()
		sent := 0
		w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op != zktest.OpGetData {
				return zktest.Pass
			}
			sent++
			return zktest.DropRequest
		}))
		start := time.Now()
		err := third(s.Get(w.Within(time.Minute), "/a"))
		require.ErrorIs(w, err, context.DeadlineExceeded)
		require.Equal(w, time.Minute, time.Since(start))
		// A pause is half a second on average once it has grown.
		require.Less(w, sent, 600)
		require.Greater(w, sent, 30)
		require.NoError(w, s.Err(), "the session lives through it")
	})
}

// A write that waits for a connection at the end of its context has certainly
// not been done, and is not done later either.
func TestWriteThatNeverLeft(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w, w.Srv.Put("/a", nil))
		p := w.process()
		s := p.session()
		p.link.Refuse(true)
		p.link.Disconnect()
		w.eventually("suspended", func() bool { return p.State() == core.Suspended })
		err := second(s.Set(w.Within(time.Second), "/a", []byte("x"), core.AnyVersion))
		require.ErrorIs(w, err, context.DeadlineExceeded)
		require.ErrorContains(w, err, "no connection to ZooKeeper")
		require.NotErrorIs(w, err, core.ErrUnknownOutcome)
		p.link.Refuse(false)
		time.Sleep(time.Minute)
		n, _ := w.Srv.Node("/a")
		require.Zero(w, n.Stat.Version)
		require.NoError(w, s.Err())
	})
}

// On a server that lags, a watch fires when the server catches up; after Sync a
// read sees what was written before.
func TestWatchOnALaggingServer(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w, w.Srv.Put("/a", []byte("old")))
		s := w.process().session()
		w.Srv.Lag(s.ID())
		require.NoError(w, w.Srv.Put("/a", []byte("new")))
		data, _, watch, err := s.GetW(w.Context(), "/a")
		require.NoError(w, err)
		require.Equal(w, "old", string(data))
		require.Zero(w, watch.Event())
		require.NoError(w, s.Sync(w.Context(), "/a"))
		<-watch.Done()
		data, _, err = s.Get(w.Context(), "/a")
		require.NoError(w, err)
		require.Equal(w, "new", string(data))
	})
}

// Case 55: a slow hook delays the request that it gets by a second. It delays
// neither the session nor other requests.
func TestHardCase55_SlowHook(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process(func(cfg *core.Config) { cfg.Hooks = []core.Hook{slowHook{}} })
		s := p.session()
		began := time.Now()
		_, _, err := p.Exists(w.Context(), "/slow")
		require.NoError(w, err)
		require.Equal(w, grace.Period, time.Since(began), "the request waits for its hook, but not for an hour")
		for i := range 100 {
			require.NoError(w, p.Sync(w.Context(), fmt.Sprintf("/n%d", i)))
		}
		require.Equal(w, grace.Period, time.Since(began), "others do not wait")
		time.Sleep(time.Hour)
		require.NoError(w, s.Err(), "an hour in a hook, and the session is well")
		require.Equal(w, core.Connected, p.State())
		start := time.Now()
		require.NoError(w, p.Close())
		require.Less(w, time.Since(start), 5*time.Second, "Close does not wait for the hook")
		time.Sleep(2 * time.Hour) // the hook still has to be told
	})
}

// slowHook takes an hour over every state and over operations on /slow.
type slowHook struct{}

func (slowHook) OnState(core.StateChange) { time.Sleep(time.Hour) }
func (slowHook) OnOp(o core.OpInfo) {
	if o.Path == "/slow" {
		time.Sleep(time.Hour)
	}
}

// A create is still on its way when its connection breaks, and would run after
// the client has reconnected and listed the directory. The session's requests
// on its new connection settle it, and no second node is left.
func TestEnterWhoseCreateIsLate(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		require.NoError(w, p.EnsureDir(w.Context(), "/locks/a"))
		w.onCreate(func(n int, _ zktest.Request) zktest.Action {
			if n == 1 {
				time.AfterFunc(10*time.Millisecond, p.link.Disconnect)
				return zktest.Delay(2 * time.Second)
			}
			return zktest.Pass
		})
		e, err := w.enter(p, w.Context())
		require.NoError(w, err)
		time.Sleep(time.Minute)
		require.Equal(w, []string{e.Name}, w.standing("/locks/a"))
	})
}
