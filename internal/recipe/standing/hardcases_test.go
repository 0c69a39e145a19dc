package standing_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/recipe/standing"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// The create is done and its answer lost. The node is ours: it is neither
// refused nor made twice.
func TestHardCase09_CreateReplyLost(t *testing.T) {
	for name, what := range map[string]zktest.Action{"done": zktest.LoseReply, "not done": zktest.DropRequest} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				p := w.Process()
				require.NoError(w, p.EnsureDir(w.Context(), "/services"))
				w.Once(is(zktest.OpCreate), func() zktest.Action { return what })
				k := open(p, policy(standing.Refuse))
				require.Equal(w, p.Current().ID(), owner(w, path))
				require.Zero(w, deletions(w, path))
				synctest.Wait()
				info, _ := w.Srv.Node(path)
				require.Zero(w, info.Stat.Version, "existing data is not written again")
				require.NoError(w, k.Set(w.Context(), []byte("v2")))
				require.Equal(w, "v2", w.Data(path))
				require.NoError(w, k.Close(w.Context()))
				require.False(w, exists(w, path))
			})
		})
	}
}

// The outcome of the create is unknown, its keeper is to give up, and its
// server lags. The node is not taken for absent.
func TestHardCase06_RemovalAsksALaggingFollower(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		require.NoError(w, p.EnsureDir(w.Context(), "/services"))
		ctx, giveUp := context.WithCancel(w.Context())
		w.Once(is(zktest.OpCreate), func() zktest.Action {
			w.Srv.Lag(p.Current().ID())
			giveUp()
			return zktest.LoseReply
		})
		_, err := tryOpen(ctx, p)
		require.ErrorIs(w, err, context.Canceled)
		time.Sleep(4 * time.Second)
		require.False(w, exists(w, path))
		require.Equal(w, 1, deletions(w, path))
	})
}

// The same with a replacement: the lagging follower still shows the replaced
// node.
func TestHardCase06_ReplacementAndALaggingFollower(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		open(w.Process())
		p := w.Process()
		ctx, giveUp := context.WithCancel(w.Context())
		w.Once(is(zktest.OpDelete), func() zktest.Action {
			w.Srv.Lag(p.Current().ID())
			giveUp()
			return zktest.LoseReply
		})
		_, err := tryOpen(ctx, p, policy(standing.Replace), data("v2"))
		require.ErrorIs(w, err, context.Canceled)
		w.Eventually(func() bool { n, found := w.Srv.Node(path); return !found || string(n.Data) == "v1" }, "ours is removed")
	})
}

// The node of the previous session does not count as ours.
func TestHardCase15_OldNodeIsNoProof(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process(testworld.Timeout(12 * time.Second))
		k := open(p)
		old := p.Current()
		p.Link.Cut(zktest.Both)
		<-old.Done()
		require.False(w, k.State().Standing())
		require.True(w, exists(w, path))
		p.Link.Heal()
		s := k.stands()
		require.NotSame(w, old, s.Session)
		require.Equal(w, s.Session.ID(), owner(w, path))
	})
}

// The ghost of our own earlier session is replaced at once, in one transaction.
// The new node does not go with the old session.
func TestHardCase22_GhostIsReplaced(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process(testworld.Timeout(12 * time.Second))
		k := open(p, policy(standing.Refuse))
		old := p.Current()
		p.Link.Cut(zktest.Both)
		<-old.Done()
		p.Link.Heal()
		k.stands()
		changes := w.Changes()
		last := changes[len(changes)-1]
		require.Equal(w, 1, deletions(w, path))
		for _, c := range changes {
			if c.Kind == zktest.Deleted {
				require.Equal(w, last.Zxid, c.Zxid, "deleted and made in one transaction")
			}
		}
		time.Sleep(time.Minute) // the old session expires
		require.Equal(w, 1, deletions(w, path))
		require.Equal(w, "v1", w.Data(path))
		require.Equal(w, k.State().Session.ID(), owner(w, path))
		require.Len(w, k.take(), 3, "stands, away, stands")
	})
}

// A ghost that another Open of the same process left is recognised as well.
func TestHardCase22_GhostOfAnEarlierOpen(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process(testworld.Timeout(12 * time.Second))
		k := open(p)
		old := p.Current()
		p.Link.Cut(zktest.Both)
		<-old.Done()
		require.NoError(w, k.Close(w.Context()), "the node goes with its session")
		require.True(w, exists(w, path))
		p.Link.Heal()
		began := time.Now()
		open(p, data("v2"))
		require.Less(w, time.Since(began), 3*time.Second)
		require.Equal(w, "v2", w.Data(path))
	})
}

// The session survives the reconnection: nothing is written, and no watch
// fires.
func TestHardCase23_NoFlapAtReconnection(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		k := open(p)
		require.NoError(w, k.Set(w.Context(), []byte("v2")))
		before := len(w.Changes())
		counts := w.Count(func() {
			for range 20 {
				p.Link.Disconnect()
				time.Sleep(4 * time.Second)
			}
			w.Srv.Restart()
			time.Sleep(4 * time.Second)
		})
		for _, op := range []string{"create", "delete", "setData", "multi", "getData", "getChildren2"} {
			require.Zero(w, counts[op], op)
		}
		require.LessOrEqual(w, counts["exists"], 21, "the session checks the node's watch once after each reconnection")
		require.Len(w, w.Changes(), before)
		require.Equal(w, []string{"stands"}, k.take())
	})
}

// Close comes while the node is being made again. Nothing is left.
func TestHardCase24_CloseRacesWithReCreation(t *testing.T) {
	for _, op := range []zktest.Op{zktest.OpCreate, zktest.OpGetData, zktest.OpDelete} {
		t.Run(op.String(), func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				p := w.Process()
				k := open(p)
				busy := make(chan struct{})
				w.Once(func(r zktest.Request) bool { return r.Op == op && r.Path == path }, func() zktest.Action {
					close(busy)
					return zktest.Delay(time.Second)
				})
				if op == zktest.OpDelete {
					go k.Close(testworld.Cancelled())
				} else {
					w.Remove(path)
				}
				<-busy
				require.NoError(w, k.Close(w.Context()))
				require.False(w, exists(w, path))
				time.Sleep(time.Minute)
				require.False(w, exists(w, path))
			})
		})
	}
}

// Every later session's node has the newest data, whenever it was set.
func TestHardCase25_NewestDataAfterAnOutage(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		k := open(p)
		require.NoError(w, k.Set(w.Context(), []byte("v2")))
		k.expire()
		require.Equal(w, "v2", w.Data(path))

		p.Sever()
		require.ErrorIs(w, k.Set(w.Within(time.Second), []byte("v3")), context.DeadlineExceeded)
		set := testworld.Go(w, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, k.Set(ctx, []byte("v4"))
		})
		require.True(w, set.Waiting(), "the node stands in no session")
		p.Link.Heal()
		set.Get()
		require.Equal(w, "v4", w.Data(path))
		for _, c := range w.Changes() {
			require.NotEqual(w, "v3", string(c.Data))
		}
	})
}

// The answer to an update is lost. The data is written, or written again.
func TestHardCase25_UpdateReplyLost(t *testing.T) {
	for name, what := range map[string]zktest.Action{"done": zktest.LoseReply, "not done": zktest.DropRequest} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				k := open(w.Process())
				w.Once(is(zktest.OpSetData), func() zktest.Action { return what })
				require.NoError(w, k.Set(w.Context(), []byte("v2")))
				require.Equal(w, "v2", w.Data(path))
				require.NoError(w, k.Set(w.Context(), []byte("v3")))
				require.Equal(w, "v3", w.Data(path))
				require.Equal(w, []string{"stands"}, k.take())
			})
		})
	}
}

// The node is deleted while the connection is down. It is made again.
func TestHardCase26_DeletedDuringAnOutage(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		k := open(p)
		for range 3 {
			p.Link.Cut(zktest.Both)
			time.Sleep(2 * time.Second)
			w.Remove(path)
			k.take()
			p.Link.Heal()
			time.Sleep(5 * time.Second)
			require.Equal(w, []string{session.ErrDeleted.Error(), "stands"}, k.take())
			require.Equal(w, "v1", w.Data(path))
			time.Sleep(2 * time.Minute)
		}
	})
}

// A node that is deleted again and again is made after growing pauses.
func TestDeletedOverAndOver(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		k := open(w.Process())
		w.Remove(path)
		synctest.Wait()
		require.True(w, k.State().Standing(), "the first time at once")
		require.Equal(w, []string{"stands", session.ErrDeleted.Error(), "stands"}, k.take())
		for deadline := time.Now().Add(time.Hour); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			if synctest.Wait(); k.State().Standing() {
				w.Remove(path)
			}
		}
		n := deletions(w, path)
		require.Less(w, n, 900)
		require.Greater(w, n, 300)
		k.stands()
		time.Sleep(2 * time.Minute)
		w.Remove(path)
		synctest.Wait()
		require.True(w, k.State().Standing(), "calm again")
	})
}

// Close during an outage takes effect when the server is back, or with the
// session's end. It may be called again.
func TestHardCase27_CloseDuringAnOutage(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		k := open(p)
		p.Link.Cut(zktest.Both)
		require.ErrorIs(w, k.Close(w.Within(time.Second)), context.DeadlineExceeded)
		require.ErrorIs(w, k.Close(testworld.Cancelled()), context.Canceled)
		require.True(w, exists(w, path))
		require.ErrorIs(w, k.Set(w.Context(), nil), session.ErrReleased)
		p.Link.Heal()
		require.NoError(w, k.Close(w.Context()))
		require.False(w, exists(w, path))

		k = open(p)
		p.Link.Cut(zktest.Both)
		require.NoError(w, k.Close(w.Context()), "the node's session has ended")
		require.True(w, exists(w, path))
		time.Sleep(time.Minute)
		require.False(w, exists(w, path))
		p.Link.Heal()
		time.Sleep(time.Minute)
		require.False(w, exists(w, path))
	})
}

// The delete's answer is lost, or the server refuses the delete for a while.
func TestHardCase27_RemovalIsDisturbed(t *testing.T) {
	for name, what := range map[string]zktest.Action{"done": zktest.LoseReply, "not done": zktest.DropRequest} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				k := open(w.Process())
				w.Once(is(zktest.OpDelete), func() zktest.Action { return what })
				require.NoError(w, k.Close(w.Context()))
				require.False(w, exists(w, path))
				require.Equal(w, 1, deletions(w, path))
			})
		})
	}
	t.Run("refused", func(t *testing.T) {
		testworld.Run(t, func(w *testworld.World) {
			k := open(w.Process())
			allow := w.Fail(zktest.OpDelete, path, zktest.CodeNoAuth)
			require.ErrorIs(w, k.Close(w.Context()), session.ErrNoAuth)
			counts := w.Count(func() {
				require.ErrorIs(w, k.Close(w.Context()), session.ErrNoAuth, "the second Close tries at once")
			})
			require.Equal(w, 1, counts["delete"])
			allow()
			time.Sleep(time.Minute)
			require.False(w, exists(w, path), "the removal continues in the background")
			<-k.Done()
		})
	})
	t.Run("the refusal answers an earlier Close", func(t *testing.T) {
		testworld.Run(t, func(w *testworld.World) {
			p := w.Process()
			k := open(p)
			p.Link.Delay(time.Second)
			allow := w.Fail(zktest.OpDelete, path, zktest.CodeNoAuth)
			first := testworld.Go(w, func(ctx context.Context) (any, error) { return nil, k.Close(ctx) })
			time.Sleep(5500 * time.Millisecond) // the delete follows a sync and a read, and has been refused
			allow()
			require.NoError(w, k.Close(w.Context()), "a refusal on its way answers only earlier calls of Close")
			_, err := first.Result()
			require.ErrorIs(w, err, session.ErrNoAuth)
		})
	})
}

// Lost rights are reported, and the keeper notices when they are granted again.
func TestHardCase80_RightsComeBack(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		allow := w.Fail(zktest.OpCreate, path, zktest.CodeNoAuth)
		_, err := tryOpen(w.Context(), p)
		require.ErrorIs(w, err, session.ErrNoAuth)
		require.ErrorContains(w, err, path)
		allow()
		k := open(p)

		allow = w.Fail(zktest.OpCreate, path, zktest.CodeNoAuth)
		w.Remove(path)
		require.ErrorIs(w, k.awayFor(session.ErrNoAuth).Err, session.ErrNoAuth)
		require.ErrorIs(w, k.Set(w.Context(), []byte("v2")), session.ErrNoAuth)
		k.take()
		counts := w.Count(func() { time.Sleep(time.Hour) })
		require.Less(w, counts["create"], 300, "creates are paced")
		require.Greater(w, counts["create"], 100)
		require.Empty(w, k.take(), "the state is reported once")
		allow()
		k.stands()
		require.Equal(w, "v1", w.Data(path), "the refused data is forgotten")

		allow = w.Fail(zktest.OpSetData, path, zktest.CodeNoAuth)
		require.ErrorIs(w, k.Set(w.Context(), []byte("v3")), session.ErrNoAuth)
		require.True(w, k.State().Standing())
		allow()
		time.Sleep(time.Minute)
		require.Equal(w, "v1", w.Data(path), "the refused data is forgotten")
	})
}

// A node that may be made but not read is not known to stand, and is removed
// again.
func TestHardCase80_MadeButNotReadable(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Fail(zktest.OpGetData, path, zktest.CodeNoAuth)
		_, err := tryOpen(w.Context(), p)
		require.ErrorIs(w, err, session.ErrNoAuth)
		require.False(w, exists(w, path))
		require.Equal(w, 1, deletions(w, path))
	})
}
