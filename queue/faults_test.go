package queue_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

const item0 = path + "/items/queue-0000000000"
const claim0 = path + "/claims/queue-0000000000"

// A put whose answer is lost returns ErrUnknownOutcome, and is never repeated.
func TestHardCase09_LostPutIsNotRepeated(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		u.put("a")
		u.drain()
		for _, c := range []struct {
			fault zktest.Action
			left  int
		}{{zktest.LoseReply, 1}, {zktest.DropRequest, 0}} {
			w.Once(on(zktest.OpCreate, path+"/items/queue-"), testworld.Always(c.fault))
			_, err := u.Put(w.Context(), []byte("b"))
			require.ErrorIs(w, err, session.ErrUnknownOutcome)
			require.Len(w, u.drain(), c.left)
		}
	})
}

// A claim whose answer is lost is found again, and not taken for another's.
func TestHardCase09_LostClaimIsOurs(t *testing.T) {
	run(t, func(w world) {
		u, other := w.user(), w.user()
		for i, fault := range []zktest.Action{zktest.LoseReply, zktest.DropRequest} {
			id := u.put("a")
			w.Once(on(zktest.OpMulti, path+"/claims/queue-"+string(id)), testworld.Always(fault))
			item := u.take()
			require.Equal(w, id, item.ID)
			require.Equal(w, 1, item.Attempt, "it was claimed once")
			info, found := w.Srv.Node(item.Path())
			require.True(w, found)
			require.Equal(w, info.Stat.Czxid, item.Token())
			other.empty()
			require.NoError(w, item.Ack(), i)
		}
	})
}

// Two queues of one process share a session: whose claim it is, is not told by
// its owner alone.
func TestHardCase09_ClaimOfTheSameSession(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		twin := &user{queue.New(u.p.Manager, path), u.p, w}
		u.put("a")
		w.Once(on(zktest.OpMulti, claim0), testworld.Always(zktest.DropRequest))
		var hold atomic.Bool // the checks behind which the taker looks what has become of its claim
		hold.Store(true)
		w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if hold.Load() && len(r.Ops) == 1 && r.Ops[0].Op == zktest.OpCheck {
				return zktest.Fail(zktest.CodeThrottledOp)
			}
			return zktest.Pass
		}))
		call := u.taking()
		require.True(w, call.Waiting())
		stolen := twin.take()
		hold.Store(false)
		time.Sleep(5 * time.Second)
		require.True(w, call.Waiting(), "the claim is our session's, and not this taker's")
		require.NoError(w, stolen.Ack())
		require.True(w, call.Waiting())
	})
}

// A lost answer to an acknowledgement neither loses the item nor doubles it.
func TestHardCase10_LostAck(t *testing.T) {
	run(t, func(w world) {
		u, other := w.user(), w.user()
		for _, fault := range []zktest.Action{zktest.LoseReply, zktest.DropRequest} {
			id := u.put("a")
			item := u.take()
			w.Once(on(zktest.OpMulti, path+"/items/queue-"+string(id)), testworld.Always(fault))
			require.NoError(w, item.Ack())
			require.Empty(w, w.Children(path+"/items"))
			require.Empty(w, w.Children(path+"/claims"))
			other.empty()
		}
	})
}

// If another consumer has taken the item in between, it is not deleted, and not
// reported as acknowledged.
func TestHardCase10_AckOfALostClaim(t *testing.T) {
	run(t, func(w world) {
		u, other := w.user(), w.user()
		u.put("a")
		item := u.take()
		u.p.Expire()
		<-item.Done()
		require.ErrorIs(w, item.Ack(), session.ErrLost)
		require.ErrorIs(w, item.Release(), session.ErrLost)
		again := other.take()
		require.Equal(w, 2, again.Attempt)
		require.ErrorIs(w, item.Ack(), session.ErrLost)
		require.NoError(w, again.Err())
		require.NoError(w, again.Ack())

		// Another client deletes the claim, and the event has not come yet.
		u.put("b")
		item = u.take()
		synctest.Wait()
		w.Once(on(zktest.OpMulti, item.Path()), func() zktest.Action {
			w.Remove(item.Path())
			return zktest.Pass
		})
		require.ErrorIs(w, item.Ack(), session.ErrLost)
		require.Equal(w, []string{"b"}, other.drain(), "nothing was deleted")
	})
}

// The claim is lost while the item is being worked on. Its context ends before
// another consumer can have the item, and the late Ack is refused.
func TestHardCase73_ClaimLostWhileWorking(t *testing.T) {
	run(t, func(w world) {
		u, other := w.user(), w.user()
		u.put("a")
		item := u.take()
		synctest.Wait()
		ended := make(chan time.Time, 1)
		context.AfterFunc(item.Context(), func() { ended <- time.Now() })
		u.p.Link.Cut(zktest.Both)
		waiting := other.taking()
		again := waiting.Get()
		taken := time.Now()
		require.Equal(w, 2, again.Attempt)
		require.ErrorIs(w, item.Err(), session.ErrTrustElapsed)
		require.True(w, (<-ended).Before(taken))
		u.p.Link.Heal()
		require.ErrorIs(w, item.Ack(), session.ErrLost)
		require.NoError(w, again.Err())
		require.NoError(w, again.Ack())
	})
}

// With the strict policy the claim is given up although the session lives: then
// it goes at once.
func TestClaimGivenUpAtDisconnection(t *testing.T) {
	run(t, func(w world) {
		p := w.Process(func(c *session.Config) { c.LossPolicy = session.OnDisconnect })
		u, other := &user{queue.New(p.Manager, path), p, w}, w.user()
		u.put("a")
		item := u.take()
		synctest.Wait()
		p.Link.Disconnect()
		<-item.Done()
		require.ErrorIs(w, item.Ack(), session.ErrDisconnected)
		require.Equal(w, []string{"a"}, other.drain())
	})
}

// The session ends under the acknowledgement: it is not known what became of
// it, and that is said.
func TestAckUnderTheEndOfTheSession(t *testing.T) {
	run(t, func(w world) {
		u, other := w.user(), w.user()
		u.put("a")
		item := u.take()
		w.Once(on(zktest.OpMulti, claim0), func() zktest.Action {
			u.p.Link.Refuse(true)
			return zktest.LoseReply
		})
		err := item.Ack()
		require.ErrorIs(w, err, session.ErrLost)
		require.ErrorIs(w, err, session.ErrSessionEnded)
		require.Empty(w, w.Children(path+"/items"))
		other.empty()
	})
}

// A consumer that waits through a long outage goes on when it is over.
func TestHardCase63_LongOutage(t *testing.T) {
	run(t, func(w world) {
		u, producer := w.user(), w.user()
		waiting := u.taking()
		require.True(w, waiting.Waiting())
		u.p.Link.Cut(zktest.Both)
		time.Sleep(time.Hour)
		producer.put("a")
		require.True(w, waiting.Waiting())
		u.p.Link.Heal()
		require.Equal(w, "a", string(waiting.Get().Data))
		require.LessOrEqual(w, w.Srv.SessionWatches(u.p.Current().ID()), 3)

		// Waits that are given up leave one watch for all.
		u = w.user()
		for range 100 {
			call := u.taking()
			_, err := call.GiveUp()
			require.Error(w, err)
		}
		require.LessOrEqual(w, w.Srv.SessionWatches(u.p.Current().ID()), 2)
	})
}

// Directories vanish between their making and their use, as containers do.
func TestHardCase67_DirectoriesReaped(t *testing.T) {
	run(t, func(w world) {
		u := w.user(queue.MaxAttempts(1))
		u.put("a")
		require.NoError(w, u.take().Reject("no"))
		_, err := u.Redrive(w.Context())
		require.NoError(w, err)
		u.drain()
		waiting := u.taking()
		require.True(w, waiting.Waiting())
		time.Sleep(5 * time.Minute)
		require.Empty(w, w.Srv.Paths(), "the server has removed everything")
		require.True(w, waiting.Waiting())
		u.put("b")
		require.NoError(w, waiting.Get().Ack())

		n := 0
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if n < 3 && r.Op == zktest.OpCreate {
				n++
				require.NoError(w, w.Srv.Remove("/queues"))
			}
			return zktest.Pass
		})
		u.put("c")
		require.Equal(w, 3, n)
		w.Once(on(zktest.OpMulti, claim0), func() zktest.Action {
			if info, found := w.Srv.Node(path + "/claims"); found && len(info.Children) == 0 {
				w.Remove(path + "/claims")
			}
			return zktest.Pass
		})
		item := u.take()
		if _, found := w.Srv.Node(path + "/dead"); found {
			w.Remove(path + "/dead")
		}
		require.NoError(w, item.Reject("no"))
		w.Remove(path + "/items")
		moved, err := u.Redrive(w.Context())
		require.NoError(w, err)
		require.Equal(w, 1, moved)
		require.Len(w, u.drain(), 1)
	})
}

// A put that fails returns the error to its caller, and delays nothing else.
func TestHardCase74_FailedPutIsTold(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		u.put("a")
		undo := w.Fail(zktest.OpCreate, path+"/items/queue-", zktest.CodeNoAuth)
		_, err := u.Put(w.Context(), []byte("b"))
		require.ErrorContains(w, err, "put into queue "+path+": ")
		undo()
		u.p.Link.Cut(zktest.Both)
		_, err = u.Put(w.Within(time.Second), []byte("c"))
		require.ErrorIs(w, err, context.DeadlineExceeded)
		u.p.Link.Heal()
		require.NotEmpty(w, u.drain())
	})
}

// Nothing goes on after Close.
func TestHardCase60_NothingRunsAfterClose(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		u.put("a")
		item := u.take()
		waiting := u.taking()
		consuming := make(chan error, 1)
		go func() {
			consuming <- u.Consume(w.Context(), func(context.Context, *queue.Item) error { return nil }, queue.Prefetch(2))
		}()
		synctest.Wait()
		require.NoError(w, u.p.Close())
		_, err := waiting.Result()
		require.ErrorIs(w, err, session.ErrClosed)
		require.ErrorIs(w, <-consuming, session.ErrClosed)
		require.ErrorIs(w, item.Ack(), session.ErrClosed)
		require.ErrorIs(w, item.Ack(), session.ErrLost)
		_, err = u.Put(w.Context(), nil)
		require.ErrorIs(w, err, session.ErrClosed)
		require.Equal(w, []string{"a"}, w.user().drain())
	})
}

// A Take that is given up leaves no claim, at whatever moment that is, and its
// attempt does not count.
func TestTakeGivenUp(t *testing.T) {
	run(t, func(w world) {
		u := w.user(queue.MaxAttempts(1))
		u.put("a")
		for _, op := range []zktest.Op{zktest.OpGetData, zktest.OpMulti} {
			answer := make(chan struct{})
			w.Once(func(r zktest.Request) bool { return r.Op == op }, testworld.Always(zktest.Hold(answer)))
			call := u.taking()
			_, err := call.GiveUp()
			require.ErrorIs(w, err, context.Canceled)
			close(answer)
			synctest.Wait()
			require.Empty(w, w.Children(path+"/claims"))
		}
		item := u.take()
		require.Equal(w, 1, item.Attempt)
		require.NoError(w, item.Ack())
		require.Empty(w, u.letters())
	})
}

// A Release whose answer is lost is done once.
func TestLostRelease(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		u.put("a")
		for i, fault := range []zktest.Action{zktest.LoseReply, zktest.DropRequest} {
			item := u.take()
			require.Equal(w, 2*i+1, item.Attempt)
			w.Once(on(zktest.OpMulti, item.Path()), testworld.Always(fault))
			require.NoError(w, item.Release(queue.After(time.Minute)))
			u.empty()
			time.Sleep(time.Minute)
			require.Len(w, w.Children(path+"/items"), 1)
			item = u.take()
			require.NoError(w, item.Release())
		}
		// And one into the dead letters.
		item := u.take()
		w.Once(on(zktest.OpMulti, item.Path()), testworld.Always(zktest.LoseReply))
		require.NoError(w, item.Reject("no"))
		require.Len(w, u.letters(), 1)
		l := u.letters()[0]
		w.Once(on(zktest.OpMulti, path+"/dead/"+l.ID), testworld.Always(zktest.LoseReply))
		_, err := u.Redrive(w.Context())
		require.ErrorIs(w, err, session.ErrUnknownOutcome)
		n, err := u.Redrive(w.Context())
		require.NoError(w, err)
		require.Zero(w, n)
		// And one that is thrown away.
		require.NoError(w, u.take().Reject("no"))
		l = u.letters()[0]
		w.Once(on(zktest.OpDelete, path+"/dead/"+l.ID), testworld.Always(zktest.LoseReply))
		_, err = u.Discard(w.Context(), l.ID)
		require.ErrorIs(w, err, session.ErrUnknownOutcome)
		n, err = u.Discard(w.Context(), l.ID)
		require.NoError(w, err)
		require.Zero(w, n)
		require.Empty(w, u.drain())
	})
}

// What may not be done does not keep the item from others.
func TestAckRefused(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		u.put("a")
		item := u.take()
		w.Once(on(zktest.OpMulti, item0), testworld.Always(zktest.Fail(zktest.CodeNoAuth)))
		err := item.Ack()
		require.Error(w, err)
		require.False(w, errors.Is(err, session.ErrLost))
		require.Empty(w, w.Children(path+"/claims"))
		require.Equal(w, []string{"a"}, w.user().drain())
	})
}

// The servers come back empty.
func TestWipedServer(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		u.put("a")
		item := u.take()
		w.Srv.Wipe()
		<-item.Done()
		require.ErrorIs(w, item.Ack(), session.ErrLost)
		waiting := u.taking()
		require.True(w, waiting.Waiting())
		u.put("b")
		require.Equal(w, "b", string(waiting.Get().Data))
	})
}
