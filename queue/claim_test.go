package queue_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// The answer to a release is lost, and another consumer claims the item before
// we are back. Its claim has the same name, and is not deleted.
func TestHardCase10_LostReleaseDeletesNobodysClaim(t *testing.T) {
	run(t, func(w world) {
		u, other := w.user(), w.user()
		u.put("a")
		item := u.take()
		synctest.Wait()
		waiting := other.taking()
		w.Once(on(zktest.OpDelete, item.Path()), testworld.Always(zktest.LoseReply))
		require.NoError(w, item.Release())
		again := waiting.Get()
		time.Sleep(10 * time.Second)
		require.NoError(w, again.Err())
		require.NoError(w, again.Ack())
	})
}

// With the strict policy, a claim that is found again after a disconnection is
// held in the new connection.
func TestStrictPolicyAndALostClaim(t *testing.T) {
	run(t, func(w world) {
		p := w.Process(func(c *session.Config) { c.LossPolicy = session.OnDisconnect })
		u, other := &user{queue.New(p.Manager, path), p, w}, w.user()
		u.put("a")
		for range 5 {
			w.Once(on(zktest.OpMulti, claim0), testworld.Always(zktest.LoseReply))
			w.Once(on(zktest.OpGetData, claim0), testworld.Always(zktest.LoseReply))
			require.NoError(w, u.take().Release(queue.WithoutAttempt()))
		}
		require.Equal(w, []string{"a"}, other.drain())
	})
}

// A znode is created again with the same name, data and version, between the
// read and the claim. An acknowledgement whose answer is lost is not taken for
// done.
func TestNodeMadeAnewBeforeTheClaim(t *testing.T) {
	run(t, func(w world) {
		u, other := w.user(), w.user()
		u.put("a")
		w.Once(on(zktest.OpMulti, claim0), func() zktest.Action {
			data := w.Data(item0)
			w.Remove(item0)
			w.Put(item0, data)
			return zktest.Pass
		})
		item := u.take()
		w.Once(on(zktest.OpMulti, claim0), testworld.Always(zktest.DropRequest))
		require.NoError(w, item.Ack())
		other.empty()
		require.Empty(w, w.Children(path+"/items"))
	})
}

// Another consumer has made the item a dead letter, and our server does not
// know that yet.
func TestBuriedByAnother(t *testing.T) {
	run(t, func(w world) {
		u, other, late := w.user(queue.MaxAttempts(1)), w.user(queue.MaxAttempts(1)), w.user(queue.MaxAttempts(1))
		u.put("a")
		item := u.take()
		u.p.Expire()
		<-item.Done()
		w.Srv.Lag(late.p.Current().ID())
		other.empty()
		require.Len(w, other.letters(), 1)
		late.empty()
		require.Len(w, late.letters(), 1)

		// A foreign znode in the place of a letter is reported.
		u.put("b")
		item = u.take()
		name := strings.TrimPrefix(item.Path(), path+"/claims/")
		node, found := w.Srv.Node(path + "/items/" + name)
		require.True(w, found)
		w.Put(fmt.Sprintf("%s/dead/%s.%x", path, name, node.Stat.Czxid), "")
		u.p.Expire()
		<-item.Done()
		_, err := late.TryTake(w.Context())
		require.ErrorIs(w, err, queue.ErrEmpty)
		require.ErrorContains(w, err, "cannot be made a dead letter")
		require.ErrorContains(w, err, "the znode exists already")
		require.Len(w, late.Skipped(), 1)
		require.ErrorIs(w, late.Skipped()[0].Err, session.ErrNodeExists)
		late.empty()
	})
}
