package queue_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// Another client deletes the claim on an item's last attempt, and the server of
// its consumer lags. Another consumer makes the item a dead letter. The first
// consumer finds that letter in the place of its own: its claim was lost.
func TestReleaseOfAnItemThatAnotherConsumerHasBuried(t *testing.T) {
	run(t, func(w world) {
		var told []string
		user := func(name string) *user {
			return w.user(queue.MaxAttempts(1), queue.OnDead(func(queue.DeadLetter) { told = append(told, name) }))
		}
		a, b := user("a"), user("b")
		a.put("x")
		item := a.take()
		w.Srv.Lag(a.p.Current().ID())
		w.Remove(item.Path())
		b.empty()
		require.Equal(t, []string{"b"}, told)
		require.NoError(t, item.Err(), "the event is late")
		err := item.Release()
		require.ErrorIs(t, err, session.ErrLost)
		require.NotErrorIs(t, err, session.ErrNodeExists)
		require.Equal(t, []string{"b"}, told)
		require.Len(t, a.letters(), 1)
		require.Empty(t, w.Children(path+"/claims"))
	})
}

// lostClaim is a claim that another client has deleted, and its consumer does
// not know that.
type lostClaim struct {
	world
	a, b *user
	item *queue.Item
	dead map[string]int // how often OnDead was called for each letter
}

// settlements are the ways in which a consumer settles its item for good or
// under a new znode.
var settlements = map[string]func(i *queue.Item) error{
	"Ack":                    (*queue.Item).Ack,
	"Reject":                 func(i *queue.Item) error { return i.Reject("no") },
	"Release After":          func(i *queue.Item) error { return i.Release(queue.After(time.Second)) },
	"Release WithoutAttempt": func(i *queue.Item) error { return i.Release(queue.WithoutAttempt()) },
}

// meanwhile is what the other consumer does with the item.
var meanwhile = map[string]func(l *lostClaim){
	"holds it":    func(l *lostClaim) { l.b.take() },
	"gives it up": func(l *lostClaim) { require.NoError(l, l.b.take().Release()) },
	"puts it back": func(l *lostClaim) {
		require.NoError(l, l.b.take().Release(queue.WithoutAttempt()))
	},
	"delays it":       func(l *lostClaim) { require.NoError(l, l.b.take().Release(queue.After(time.Second))) },
	"acknowledges it": func(l *lostClaim) { require.NoError(l, l.b.take().Ack()) },
	"rejects it":      func(l *lostClaim) { require.NoError(l, l.b.take().Reject("no")) },
	"buries it":       func(l *lostClaim) { _, _ = l.user(queue.MaxAttempts(1), l.onDead()).TryTake(l.Context()) },
	"rejects and redrives it": func(l *lostClaim) {
		require.NoError(l, l.b.take().Reject("no"))
		_, err := l.b.Redrive(l.Context())
		require.NoError(l, err)
	},
	"rejects and discards it": func(l *lostClaim) {
		require.NoError(l, l.b.take().Reject("no"))
		_, err := l.b.Discard(l.Context(), l.b.letters()[0].ID)
		require.NoError(l, err)
	},
}

func (l *lostClaim) onDead() queue.Option {
	return queue.OnDead(func(d queue.DeadLetter) { l.dead[d.ID]++ })
}

// znodes are what the item's znode holds, in Curator's frame.
var znodes = map[string]string{
	"one item":      "\x00\x01\x00\x01\x01\x00\x00\x00\x01x\x02",
	"several items": "\x00\x01\x00\x01\x01\x00\x00\x00\x01x\x01\x00\x00\x00\x01y\x02",
}

// withLostClaim runs f for every settlement of an item whose claim was lost,
// whatever the other consumer does meanwhile.
func withLostClaim(t *testing.T, f func(l *lostClaim, settle func(*queue.Item) error)) {
	t.Helper()
	for how, settle := range settlements {
		for what, do := range meanwhile {
			for holds, data := range znodes {
				t.Run(fmt.Sprintf("%s of %s, and the other consumer %s", how, holds, what), func(t *testing.T) {
					run(t, func(w world) {
						l := &lostClaim{world: w, dead: make(map[string]int)}
						l.a, l.b = w.user(l.onDead()), w.user(l.onDead())
						w.Put(path+"/items/queue-0000000007", data)
						l.item = l.a.take()
						w.Srv.Lag(l.a.p.Current().ID())
						w.Remove(l.item.Path())
						do(l)
						require.NoError(t, l.item.Err(), "the event is late")
						f(l, settle)
					})
				})
			}
		}
	}
}

// Every settlement reports that its claim was lost, and leaves alone what the
// other consumer has made of the item.
func TestSettlementsAfterALostClaim(t *testing.T) {
	withLostClaim(t, func(l *lostClaim, settle func(*queue.Item) error) {
		before := l.Srv.Paths()
		require.ErrorIs(l, settle(l.item), session.ErrLost)
		require.Equal(l, before, l.Srv.Paths())
		for _, letter := range l.b.letters() {
			require.Equal(l, 1, l.dead[letter.ID])
		}
	})
}

// The same without the right to make dead letters: the item is not at fault.
func TestRejectAfterALostClaimWithoutTheRightToReject(t *testing.T) {
	run(t, func(w world) {
		a, b := w.user(), w.user()
		a.put("x")
		item := a.take()
		w.Srv.Lag(a.p.Current().ID())
		w.Remove(item.Path())
		require.NoError(t, b.take().Ack())
		w.Put(path+"/dead", "")
		w.Shut(path + "/dead")
		err := item.Reject("no")
		require.ErrorIs(t, err, session.ErrLost)
		require.Empty(t, a.Skipped())
	})
}

// The answer of the settlement is lost, or the request. A settlement that finds
// another consumer's letter does not take it for its own.
func TestSettlementsInDoubtAfterALostClaim(t *testing.T) {
	for fault, action := range map[string]zktest.Action{"request": zktest.DropRequest, "answer": zktest.LoseReply} {
		t.Run(fault+" lost", func(t *testing.T) {
			withLostClaim(t, func(l *lostClaim, settle func(*queue.Item) error) {
				id, done := l.a.p.Current().ID(), false
				l.Srv.Intercept(func(r zktest.Request) zktest.Action {
					if done || r.Session != id || r.Op != zktest.OpMulti || len(r.Ops) < 2 {
						return zktest.Pass
					}
					done = true
					return action
				})
				before := l.Srv.Paths()
				if err := settle(l.item); err != nil {
					require.ErrorIs(l, err, session.ErrLost)
				}
				require.True(l, done)
				require.Equal(l, before, l.Srv.Paths())
				for _, letter := range l.b.letters() {
					require.Equal(l, 1, l.dead[letter.ID])
				}
			})
		})
	}
}

// The session ends while a settlement reads the item's ACL.
func TestSettlementsAtTheEndOfTheSession(t *testing.T) {
	for how, settle := range settlements {
		if how == "Ack" {
			continue // it reads no ACL
		}
		t.Run(how, func(t *testing.T) {
			run(t, func(w world) {
				a := w.user()
				a.put("x")
				item := a.take()
				w.Once(func(r zktest.Request) bool { return r.Op == zktest.OpGetACL }, func() zktest.Action {
					go a.p.Expire()
					return zktest.Delay(time.Minute)
				})
				require.ErrorIs(t, settle(item), session.ErrLost)
				ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
				defer cancel()
				_, err := a.Take(ctx)
				require.NoError(t, err)
			})
		})
	}
}

// A consumer's server lags, so the consumer reads a malformed item that has
// become a dead letter. Another client has put an item of the same name, which
// becomes a dead letter too.
func TestBurialOfAnItemThatWasPutAgain(t *testing.T) {
	run(t, func(w world) {
		const item = path + "/items/queue-0000000007"
		var told []string
		u := w.user(queue.OnDead(func(l queue.DeadLetter) { told = append(told, string(l.Data)) }),
			queue.OnSkipped(func(s queue.Skipped) { require.Fail(w, "skipped", "%+v", s) }))
		u.empty()
		w.Put(item, "first")
		w.Srv.Lag(u.p.Current().ID())
		w.user().empty()
		w.Put(item, "again")
		u.empty()
		require.Equal(t, []string{"again"}, told)
		require.Len(t, u.letters(), 2)
		require.Empty(t, u.drain())
	})
}
