package queue_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func TestRelease(t *testing.T) {
	run(t, func(w world) {
		a, b := w.user(), w.user()
		id := a.put("x", queue.Priority(3))
		a.put("y", queue.Priority(3))
		item := a.take()
		first := item.Token()
		waiting := b.taking()
		require.Equal(w, "y", string(waiting.Get().Data))
		waiting = b.taking()
		require.True(w, waiting.Waiting(), "both are claimed")
		require.NoError(w, item.Release())
		again := waiting.Get()
		require.Equal(w, id, again.ID)
		require.Equal(w, 2, again.Attempt)
		require.Equal(w, 3, again.Priority)
		require.Greater(w, again.Token(), first)
		require.ErrorIs(w, item.Ack(), session.ErrReleased)
		require.NoError(w, again.Err(), "which is no matter of the next claim")
		require.NoError(w, again.Ack())
	})
}

// A process that takes again what it has released itself.
func TestReleaseToOneself(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		u.put("x")
		item := u.take()
		waiting := u.taking()
		require.True(w, waiting.Waiting())
		require.NoError(w, item.Release())
		require.NoError(w, waiting.Get().Ack())
		u.empty()
	})
}

func TestHardCase72_RequeueKeepsEverything(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		id := u.put("x", queue.Priority(5), queue.Delay(time.Minute))
		u.put("z", queue.Priority(9))
		time.Sleep(time.Minute)
		item := u.take()
		require.Equal(w, id, item.ID)
		before := w.Children(path + "/items")
		require.NoError(w, item.Release())
		require.Equal(w, before, w.Children(path+"/items"), "the node is not touched")

		for attempt := 2; attempt < 6; attempt++ {
			item = u.take()
			require.Equal(w, id, item.ID)
			require.Equal(w, attempt, item.Attempt)
			require.Equal(w, 5, item.Priority)
			start := time.Now()
			require.NoError(w, item.Release(queue.After(time.Hour)))
			other := u.take()
			require.Equal(w, "z", string(other.Data), "it is kept back")
			require.NoError(w, other.Release(queue.WithoutAttempt()))
			time.Sleep(time.Hour - time.Since(start))
		}
		item = u.take()
		require.NoError(w, item.Release(queue.WithoutAttempt()))
		require.Equal(w, 6, u.take().Attempt, "an attempt that does not count")
		require.Len(w, w.Children(path+"/items"), 2)
		require.Less(w, len(w.Children(path + "/items")[0]), 60, "names do not grow")
	})
}

func TestMaxAttemptsAndDeadLetters(t *testing.T) {
	run(t, func(w world) {
		var told []queue.DeadLetter
		u := w.user(queue.MaxAttempts(2), queue.OnDead(func(l queue.DeadLetter) { told = append(told, l) }))
		id := u.put("poison", queue.Priority(4))
		u.put("good", queue.Priority(5))
		require.NoError(w, u.take().Release(queue.Reason("no reason yet")))
		item := u.take()
		require.Equal(w, 2, item.Attempt)
		require.NoError(w, item.Release(queue.Reason("still broken")))
		require.Equal(w, []string{"good"}, u.drain())
		letters := u.letters()
		require.Len(w, letters, 1)
		l := letters[0]
		require.Equal(w, "poison", string(l.Data))
		require.Equal(w, id, l.Item)
		require.Equal(w, "not acknowledged in 2 attempts: still broken", l.Reason)
		require.Equal(w, 2, l.Attempts)
		require.Equal(w, 4, l.Priority)
		require.WithinDuration(w, time.Now(), l.Died, time.Second)
		require.WithinDuration(w, time.Now(), l.Put, time.Second)
		require.Len(w, told, 1)
		require.Equal(w, l.ID, told[0].ID)
		// As the letter that is read: in milliseconds, and without the clock of
		// the process.
		require.Equal(w, time.UnixMilli(told[0].Died.UnixMilli()), told[0].Died)

		n, err := u.Redrive(w.Context(), l.ID)
		require.NoError(w, err)
		require.Equal(w, 1, n)
		require.Empty(w, u.letters())
		item = u.take()
		require.Equal(w, "poison", string(item.Data))
		require.Equal(w, 1, item.Attempt)
		require.Equal(w, 4, item.Priority)
		require.NoError(w, item.Reject("unwanted"))
		require.Equal(w, "unwanted", u.letters()[0].Reason)
		n, err = u.Redrive(w.Context(), l.ID)
		require.NoError(w, err)
		require.Zero(w, n, "that one has gone")
		_, err = u.Redrive(w.Context(), "nonsense")
		require.ErrorContains(w, err, "nonsense")
		n, err = u.Redrive(w.Context())
		require.NoError(w, err)
		require.Equal(w, 1, n)

		// A consumer that dies counts too, although it releases nothing.
		for range 2 {
			dying := w.user(queue.MaxAttempts(2))
			dying.take()
			dying.p.Expire()
			synctest.Wait()
		}
		u.empty()
		require.Equal(w, "not acknowledged in 2 attempts", u.letters()[0].Reason)
	})
}

// A foreign name is not an item. An item that cannot be decoded is kept, and
// does not block the items after it.
func TestForeignAndMalformed(t *testing.T) {
	run(t, func(w world) {
		w.Put(path+"/items/queue-0000000000", "no frame at all")
		w.Put(path+"/items/queue-0000000001", "\x00\x01\x00\x01\x02")
		w.Put(path+"/items/stranger", "")
		w.Put(path+"/items/queue-x", "")
		require.NoError(w, w.Srv.SetSequence(path+"/items", 2))
		var dead []queue.DeadLetter
		u := w.user(queue.OnDead(func(l queue.DeadLetter) { dead = append(dead, l) }))
		u.put("good")
		require.Equal(w, []string{"good"}, u.drain())
		require.Len(w, dead, 2)
		letters := u.letters()
		require.Len(w, letters, 2)
		require.True(w, letters[0].Malformed)
		require.Equal(w, "no frame at all", string(letters[0].Data))
		require.Contains(w, letters[0].Reason, "malformed")
		require.Equal(w, []string{"queue-x", "stranger"}, w.Children(path+"/items"))
		n, err := u.Redrive(w.Context())
		require.NoError(w, err)
		require.Zero(w, n, "it would only come back")
		_, err = u.Redrive(w.Context(), letters[0].ID)
		require.ErrorContains(w, err, "malformed")
		w.Put(path+"/dead/"+letters[0].ID, "scribbled over")
		w.Put(path+"/dead/stranger", "")
		require.True(w, u.letters()[0].Malformed)
		require.Equal(w, "scribbled over", string(u.letters()[0].Data))
	})
}

// A letter that cannot be delivered can be discarded, and only the named
// letters are.
func TestDiscard(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		for _, data := range []string{"a", "b", "c"} {
			u.put(data)
			require.NoError(w, u.take().Reject("unwanted"))
		}
		letters := u.letters()
		w.Put(path+"/dead/"+letters[0].ID, "scribbled over")
		n, err := u.Discard(w.Context())
		require.NoError(w, err)
		require.Zero(w, n)
		require.Len(w, u.letters(), 3)
		n, err = u.Discard(w.Context(), letters[0].ID, letters[2].ID, letters[0].ID)
		require.NoError(w, err)
		require.Equal(w, 2, n)
		left := u.letters()
		require.Len(w, left, 1)
		require.Equal(w, "b", string(left[0].Data))

		w.Put(path+"/dead/stranger", "")
		n, err = u.Discard(w.Context(), left[0].ID, "stranger")
		require.Zero(w, n)
		require.ErrorIs(w, err, queue.ErrNoLetter)
		require.ErrorContains(w, err, `"stranger" is not the ID of a dead letter`)
		require.Len(w, u.letters(), 1, "a wrong ID is noticed before anything is deleted")
		_, err = u.Redrive(w.Context(), left[0].ID, "stranger")
		require.ErrorIs(w, err, queue.ErrNoLetter)
		require.Len(w, u.letters(), 1)
		n, err = u.Discard(w.Context(), left[0].ID)
		require.NoError(w, err)
		require.Equal(w, 1, n)
		_, err = u.Discard(w.Context(), "../items/"+string(left[0].Item)+".1")
		require.ErrorContains(w, err, "is not the ID of a dead letter")
		require.Equal(w, []string{"stranger"}, w.Children(path+"/dead"))
	})
}

// One node of Curator's may hold many items: each is delivered, in order, with
// an acknowledgement of its own.
func TestManyItemsInOneNode(t *testing.T) {
	run(t, func(w world) {
		const three = "\x00\x01\x00\x01\x01\x00\x00\x00\x01a\x01\x00\x00\x00\x00\x01\x00\x00\x00\x01c\x02"
		w.Put(path+"/items/queue-1000000050000000000", three)
		u, other := w.user(queue.MaxAttempts(2)), w.user()
		item := u.take()
		require.Equal(w, "a", string(item.Data))
		require.NoError(w, item.Release())
		item = u.take()
		require.Equal(w, 2, item.Attempt)
		waiting := other.taking()
		require.NoError(w, item.Ack())
		second := waiting.Get()
		require.Empty(w, second.Data)
		require.Equal(w, item.ID, second.ID)
		require.Equal(w, 1, second.Attempt)
		require.Equal(w, 5, second.Priority)
		require.NoError(w, second.Reject("empty"))
		require.Equal(w, []string{"c"}, u.drain())
		require.Len(w, u.letters(), 1)
		require.Empty(w, w.Children(path+"/items"))
	})
}

func TestGuard(t *testing.T) {
	run(t, func(w world) {
		a, b := w.user(), w.user()
		a.put("x")
		item := a.take()
		write := session.CreateOp("/row", nil, session.Persistent)
		guard, err := item.Guard(w.Context())
		require.NoError(w, err)
		a.p.Expire()
		<-item.Done()
		again := b.take()
		// The claim has the same path, but it is another's.
		require.Equal(w, item.Path(), again.Path())
		_, err = a.p.Txn(w.Context(), append(guard, write)...)
		require.ErrorIs(w, err, session.ErrLost)
		guard, err = again.Guard(w.Context())
		require.NoError(w, err)
		_, err = b.p.Txn(w.Context(), append(guard, write)...)
		require.NoError(w, err)
	})
}

func TestLayouts(t *testing.T) {
	for name, c := range map[string]struct {
		format               queue.Format
		items, claims, first string
		foreign, data        string
	}{
		"simple": {queue.SimpleQueue, path, path + "-claims", "qn-0000000000", "qn-0000000001", "raw"},
		"kazoo":  {queue.KazooQueue, path, path + "-claims", "entry-100-0000000000", "entry-100-0000000001", "raw"},
		"kazoo locking": {queue.KazooLockingQueue, path + "/entries", path + "/taken",
			"entry-100-0000000000", "entry-100-0000000001", "raw"},
		"curator": {queue.Curator, path + "/items", path + "/claims", "queue-0000000000", "queue-0000000001",
			"\x00\x01\x00\x01\x01\x00\x00\x00\x03raw\x02"},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(w world) {
				u := w.user(queue.Layout(c.format), queue.MaxAttempts(3))
				u.put("ours")
				require.Equal(w, []string{c.first}, w.Children(c.items))
				if c.format != queue.Curator {
					require.Equal(w, "ours", w.Data(c.items+"/"+c.first))
				}
				w.Put(c.items+"/"+c.foreign, c.data)
				item := u.take()
				require.Equal(w, c.claims+"/"+c.first, item.Path())
				if c.format == queue.KazooLockingQueue {
					require.Len(w, w.Data(item.Path()), 32)
				}
				require.NoError(w, item.Release())
				require.Equal(w, []string{"ours", "raw"}, u.drain())
				u.put("dead")
				require.NoError(w, u.take().Reject("no"))
				require.Len(w, u.letters(), 1)
				n, err := u.Redrive(w.Context())
				require.NoError(w, err)
				require.Equal(w, 1, n)

				_, err = u.Put(w.Context(), nil, queue.Delay(time.Second))
				if c.format == queue.Curator {
					require.NoError(w, err)
				} else {
					require.ErrorIs(w, err, queue.ErrUnsupported)
					require.ErrorIs(w, u.take().Release(queue.After(time.Second)), queue.ErrUnsupported)
				}
				_, err = u.Put(w.Context(), nil, queue.Priority(1000))
				if c.format == queue.Curator {
					require.NoError(w, err)
				} else {
					require.ErrorIs(w, err, queue.ErrUnsupported)
				}
			})
		})
	}
}

// An existing queue of Curator's: its items, and the locks of its consumers.
func TestSharedWithCurator(t *testing.T) {
	run(t, func(w world) {
		w.Put("/orders/queue-0000000000", "\x00\x01\x00\x01\x01\x00\x00\x00\x01a\x02")
		w.Put("/orders/queue-0000000001", "\x00\x01\x00\x01\x01\x00\x00\x00\x01b\x02")
		w.Put("/orders-locks/queue-0000000000", "127.0.0.1") // a consumer of Curator's is at work
		u := w.user(queue.Items("/orders"), queue.Claims("/orders-locks"))
		require.NoError(w, w.Srv.SetSequence("/orders", 2))
		item := u.take()
		require.Equal(w, "b", string(item.Data))
		require.NoError(w, item.Ack())
		require.Equal(w, "127.0.0.1", u.entries()[0].Claim.ID)
		waiting := u.taking()
		require.True(w, waiting.Waiting())
		w.Remove("/orders-locks/queue-0000000000")
		require.Equal(w, "a", string(waiting.Get().Data), "its consumer has died")
	})
}

// Items that are too large to be written again are delivered all the same.
func TestItemTooLargeToCount(t *testing.T) {
	run(t, func(w world) {
		u := w.user(queue.Layout(queue.SimpleQueue), queue.MaxAttempts(1))
		w.Put(path+"/qn-0000000000", string(make([]byte, 1<<20-20)))
		w.Put(path+"/qn-0000000001", "small")
		for range 2 {
			item := u.take()
			require.Len(w, item.Data, 1<<20-20)
			require.Equal(w, 1, item.Attempt)
			require.ErrorIs(w, item.Release(), session.ErrTooLarge, "no dead letter of that size can be written")
		}
		item := u.take()
		require.NoError(w, item.Ack())
		require.Equal(w, []string{"small"}, u.drain())
	})
}

func TestNoRight(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		u.put("a")
		u.put("b")
		w.Fail(zktest.OpGetData, path+"/items/queue-0000000000", zktest.CodeNoAuth)
		require.Equal(w, []string{"b"}, u.drain(), "it does not block the rest")
		_, err := u.TryTake(w.Context())
		require.ErrorIs(w, err, queue.ErrEmpty)
		require.ErrorContains(w, err, "queue-0000000000")
	})
}
