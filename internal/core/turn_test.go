package core_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// twoInLine creates two nodes of two processes in a directory.
func twoInLine(w *world) (p *process, first, second *core.Entry) {
	w.Helper()
	enter := func(p *process) *core.Entry {
		e, err := p.session().Enter(w.Context(), "/line", "lock-", nil)
		require.NoError(w, err)
		return e
	}
	p = w.process()
	return p, enter(w.process()), enter(p)
}

// requestsOf returns the session's requests while f runs, in order.
func (w *world) requestsOf(p *process, f func()) (asked []string) {
	id := p.session().ID()
	defer w.Srv.Intercept(func(r zktest.Request) zktest.Action {
		if r.Session == id && r.Op != zktest.OpPing {
			asked = append(asked, r.Op.String()+" "+r.Path)
		}
		return zktest.Pass
	})()
	f()
	synctest.Wait()
	return asked
}

func TestPrepare(t *testing.T) {
	inWorld(t, func(w *world) {
		p, first, second := twoInLine(w)
		var turn *core.Turn
		prepare := func(list bool) {
			w.Helper()
			var err error
			turn, err = second.Prepare(w.Context(), first.Path(), list)
			require.NoError(w, err)
			require.True(w, turn.Lasts())
		}
		require.Equal(w, []string{"getChildren2 /line", "getData " + first.Path(), "getData " + second.Path()},
			w.requestsOf(p, func() { prepare(true) }))
		require.ElementsMatch(w, []string{first.Name, second.Name}, turn.Names)
		require.Equal(w, second.Czxid, turn.Stat.Czxid)
		require.Zero(w, turn.Watch.Event())
		require.Equal(w, 2, w.Srv.SessionWatches(p.session().ID()))

		require.Equal(w, []string{"getData " + first.Path()}, w.requestsOf(p, func() { prepare(false) }),
			"the node is watched already")
		require.Nil(w, turn.Names)
		require.Zero(w, turn.Stat)

		require.NoError(w, first.Remove(w.Context()))
		<-turn.Watch.Done()
		require.Equal(w, core.NodeDeleted, turn.Watch.Event())
		require.True(w, turn.Lasts())
		prepare(true)
		require.Nil(w, turn.Watch, "the node before is missing")
		require.Equal(w, []string{second.Name}, turn.Names)

		require.NoError(w, w.Srv.Remove(second.Path()))
		<-second.Gone()
		time.Sleep(time.Minute)
		require.Zero(w, w.Srv.SessionWatches(p.session().ID()))
	})
}

// All requests of a preparation take one round trip.
func TestPrepareInOnePacket(t *testing.T) {
	inWorld(t, func(w *world) {
		p, first, second := twoInLine(w)
		p.link.Delay(time.Second)
		start := time.Now()
		turn, err := second.Prepare(w.Context(), first.Path(), true)
		require.NoError(w, err)
		require.NotNil(w, turn.Watch)
		require.Equal(w, 2*time.Second, time.Since(start))
	})
}

// Our own node is gone: by the list, by its read, or with its directory.
func TestPrepareWithoutTheNode(t *testing.T) {
	inWorld(t, func(w *world) {
		p, first, second := twoInLine(w)
		require.NoError(w, w.Srv.Remove(second.Path()))
		_, err := second.Prepare(w.Context(), first.Path(), true)
		require.ErrorIs(w, err, core.ErrDeleted)
		require.True(w, second.HasGone())

		third, err := p.session().Enter(w.Context(), "/line", "lock-", nil)
		require.NoError(w, err)
		_, err = third.Watch(w.Context())
		require.NoError(w, err)
		require.NoError(w, w.Srv.Remove(third.Path()))
		require.NoError(w, w.Srv.Remove(first.Path()))
		require.NoError(w, w.Srv.Remove("/line"))
		_, err = third.Prepare(w.Context(), first.Path(), true)
		require.ErrorIs(w, err, core.ErrDeleted)
		time.Sleep(time.Minute)
		require.Zero(w, w.Srv.Watches())
	})
}

// If the requests of a preparation are lost or not executed, all of them are
// sent again, except the watch on our own node if the session has it.
func TestPrepareThroughFaults(t *testing.T) {
	for name, fault := range map[string]zktest.Action{
		"dropped": zktest.DropRequest, "lost": zktest.LoseReply, "throttled": zktest.Fail(zktest.CodeThrottledOp),
	} {
		t.Run(name, func(t *testing.T) {
			for at := range 3 {
				inWorld(t, func(w *world) {
					p, first, second := twoInLine(w)
					id, count := p.session().ID(), 0
					w.Srv.Intercept(func(r zktest.Request) zktest.Action {
						if r.Session != id || r.Op != zktest.OpGetChildren2 && r.Op != zktest.OpGetData {
							return zktest.Pass
						}
						if count++; count == at+1 {
							return fault
						}
						return zktest.Pass
					})
					turn, err := second.Prepare(w.Context(), first.Path(), true)
					require.NoError(w, err)
					require.True(w, turn.Lasts())
					require.Len(w, turn.Names, 2)
					require.Equal(w, second.Czxid, turn.Stat.Czxid)
					require.Greater(w, count, 3)
					require.NoError(w, first.Remove(w.Context()))
					<-turn.Watch.Done()
					require.NoError(w, w.Srv.Remove(second.Path()))
					<-second.Gone()
				})
			}
		})
	}
}

// A refused request, and the end of ctx, leave no watch on the predecessor.
// Prepare can be called again.
func TestPrepareFails(t *testing.T) {
	for at := range 3 {
		inWorld(t, func(w *world) {
			p, first, second := twoInLine(w)
			id := p.session().ID()
			nth := func(act func() zktest.Action) (remove func()) {
				count := 0
				return w.Srv.Intercept(func(r zktest.Request) zktest.Action {
					if r.Session != id || r.Op != zktest.OpGetChildren2 && r.Op != zktest.OpGetData {
						return zktest.Pass
					}
					if count++; count == at+1 {
						return act()
					}
					return zktest.Pass
				})
			}
			remove := nth(func() zktest.Action { return zktest.Fail(zktest.CodeSystemError) })
			_, err := second.Prepare(w.Context(), first.Path(), true)
			require.ErrorContains(w, err, "-1")
			remove()

			ctx, cancel := context.WithCancel(w.Context())
			remove = nth(func() zktest.Action {
				cancel()
				return zktest.Delay(time.Second)
			})
			_, err = second.Prepare(ctx, first.Path(), true)
			require.ErrorIs(w, err, context.Canceled)
			remove()
			time.Sleep(time.Minute)
			require.LessOrEqual(w, w.Srv.SessionWatches(id), 1, "that on the own node")
			require.Zero(w, w.Srv.WatchesOf(first.Path()))

			turn, err := second.Prepare(w.Context(), first.Path(), true)
			require.NoError(w, err)
			require.NoError(w, first.Remove(w.Context()))
			<-turn.Watch.Done()
			require.NoError(w, w.Srv.Remove(second.Path()))
			<-second.Gone()
		})
	}
}

// A turn does not last through a reconnection, nor with a hidden predecessor.
func TestTurnLasts(t *testing.T) {
	inWorld(t, func(w *world) {
		p, first, second := twoInLine(w)
		turn, err := second.Prepare(w.Context(), first.Path(), true)
		require.NoError(w, err)
		p.link.Disconnect()
		synctest.Wait()
		require.False(w, turn.Lasts())
		time.Sleep(3 * time.Second)
		require.False(w, turn.Lasts())
		turn, err = second.Prepare(w.Context(), first.Path(), true)
		require.NoError(w, err)
		require.True(w, turn.Lasts())

		hide := core.DigestACL(core.PermAll, "owner", "secret")[0]
		require.NoError(w, w.Srv.SetACL(first.Path(), zktest.ACL{Perms: hide.Perms, Scheme: hide.Scheme, ID: hide.ID}))
		turn, err = second.Prepare(w.Context(), first.Path(), true)
		require.NoError(w, err)
		require.NotNil(w, turn.Watch)
		require.False(w, turn.Lasts())
		require.NoError(w, w.Srv.Remove(first.Path()))
		<-turn.Watch.Done()
		turn, err = second.Prepare(w.Context(), first.Path(), true)
		require.NoError(w, err)
		require.Nil(w, turn.Watch)
		require.True(w, turn.Lasts())
	})
}

// If the own node cannot be read, it cannot be watched. Prepare returns the
// error of Watch.
func TestPrepareAnUnreadableNode(t *testing.T) {
	inWorld(t, func(w *world) {
		_, first, second := twoInLine(w)
		hide := core.DigestACL(core.PermAll, "owner", "secret")[0]
		require.NoError(w, w.Srv.SetACL(second.Path(), zktest.ACL{Perms: hide.Perms, Scheme: hide.Scheme, ID: hide.ID}))
		_, err := second.Prepare(w.Context(), first.Path(), true)
		require.ErrorIs(w, err, core.ErrNoAuth)
		require.ErrorContains(w, err, "its owner")
		require.NoError(w, w.Srv.SetACL(second.Path(), zktest.ACL{Perms: core.PermAll, Scheme: "world", ID: "anyone"}))
		_, err = second.Prepare(w.Context(), first.Path(), true)
		require.NoError(w, err)
	})
}

func TestPrepareRefusesPaths(t *testing.T) {
	inWorld(t, func(w *world) {
		p, _, second := twoInLine(w)
		require.Empty(w, w.requestsOf(p, func() {
			_, err := second.Prepare(w.Context(), "line/a", true)
			require.Error(w, err)
		}))
	})
}
