package queue_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// claimsListed counts how often a user reads the names of the claims.
func (u *user) claimsListed() *int {
	u.w.Helper()
	n, id := 0, u.p.Current().ID()
	u.w.Srv.Intercept(func(r zktest.Request) zktest.Action {
		list := r.Op == zktest.OpGetChildren2 || r.Op == zktest.OpGetChildren
		if list && r.Session == id && r.Path == path+"/claims" {
			n++
		}
		return zktest.Pass
	})
	return &n
}

// A consumer that was idle lists the claims once, with the watch that it needs.
func TestIdleConsumerListsTheClaimsOnce(t *testing.T) {
	run(t, func(w world) {
		u, producer := w.user(), w.user()
		producer.put("a")
		require.Equal(w, []string{"a"}, u.drain())
		producer.put("taken by others")
		w.user().take()
		next := u.taking()
		require.True(w, next.Waiting())
		time.Sleep(time.Minute)
		lists := u.claimsListed()
		producer.put("b")
		require.Equal(w, "b", string(next.Get().Data))
		require.Equal(w, 1, *lists)
	})
}

// Another claims the item after the claims were listed and before the item is
// read: the consumer learns that, and tries no claim.
func TestIdleConsumerSeesAClaimMadeMeanwhile(t *testing.T) {
	run(t, func(w world) {
		u, other := w.user(), w.user()
		other.put("a")
		require.Equal(w, []string{"a"}, u.drain())
		next := u.taking()
		read := make(chan struct{})
		id := u.p.Current().ID()
		remove := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Session == id && r.Op == zktest.OpMultiRead {
				return zktest.Hold(read)
			}
			return zktest.Pass
		})
		other.put("b")
		synctest.Wait()
		item := other.take()
		counts := w.Count(func() { remove(); close(read) })
		require.Zero(w, counts["multi"])
		require.True(w, next.Waiting())
		require.NoError(w, item.Release())
		require.Equal(w, "b", string(next.Get().Data))
	})
}

// Another client writes into an item between its read and its claim, which is
// refused. The item is unclaimed, so the consumer reads it again and takes it,
// although no watch fires.
func TestIdleConsumerTakesWhatAStrangerHasWritten(t *testing.T) {
	run(t, func(w world) {
		u, producer := w.user(), w.user()
		producer.put("a")
		require.Equal(w, []string{"a"}, u.drain())
		next := u.taking()
		written := false
		w.Once(func(r zktest.Request) bool { return r.Op == zktest.OpMulti }, func() zktest.Action {
			for _, name := range w.Children(path + "/items") {
				w.Put(path+"/items/"+name, w.Data(path+"/items/"+name))
				written = true
			}
			return zktest.Pass
		})
		producer.put("b")
		require.False(w, next.Waiting(), "in the same instant of virtual time")
		require.Equal(w, "b", string(next.Get().Data))
		require.True(w, written)
	})
}
