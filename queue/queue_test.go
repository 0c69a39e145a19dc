package queue_test

import (
	"context"
	"errors"
	"math"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func TestFIFO(t *testing.T) {
	run(t, func(w world) {
		producer, consumer := w.user(), w.user()
		require.Equal(w, path, producer.Path())
		first := producer.put("a")
		require.Equal(w, queue.ID("0000000000"), first)
		producer.put("b")
		producer.put("")
		n, err := consumer.Len(w.Context())
		require.NoError(w, err)
		require.Equal(w, 3, n)
		item := consumer.take()
		require.Equal(w, "a", string(item.Data))
		require.Equal(w, first, item.ID)
		require.Equal(w, 1, item.Attempt)
		require.Zero(w, item.Priority)
		require.WithinDuration(w, time.Now(), item.Put, time.Second)
		info, found := w.Srv.Node(item.Path())
		require.True(w, found)
		require.Equal(w, info.Stat.Czxid, item.Token())
		require.Equal(w, consumer.p.Current().ID(), info.Stat.EphemeralOwner)
		require.NoError(w, item.Ack())
		require.NoError(w, item.Ack(), "all calls return the same")
		require.NoError(w, item.Release(), "and so a deferred Release does no harm")
		require.ErrorIs(w, item.Err(), session.ErrReleased)
		require.Equal(w, []string{"b", ""}, consumer.drain())
		require.Empty(w, w.Children(path+"/items"))
		require.Empty(w, w.Children(path+"/claims"))
	})
}

func TestTakeWaits(t *testing.T) {
	run(t, func(w world) {
		producer, consumer := w.user(), w.user()
		consumer.empty()
		call := consumer.taking()
		require.True(w, call.Waiting())
		producer.put("a")
		require.NoError(w, call.Get().Ack())
		call = consumer.taking()
		require.True(w, call.Waiting())
		item, err := call.GiveUp()
		require.Nil(w, item)
		require.ErrorContains(w, err, "take from queue "+path+": waiting for an item: context canceled")
		require.Zero(w, len(w.Children(path+"/claims")))
		item, err = consumer.Take(testworld.Cancelled())
		require.Nil(w, item)
		require.Error(w, err, "a ctx that is done beats an item that is there")
	})
}

func TestPriority(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		u.put("p7", queue.Priority(7))
		u.put("none")
		u.put("max", queue.Priority(math.MaxInt32))
		u.put("p0", queue.Priority(0))
		u.put("min", queue.Priority(math.MinInt32))
		u.put("p-1", queue.Priority(-1))
		u.put("p7 again", queue.Priority(7))
		require.Equal(w, []string{"min", "p-1", "none", "p0", "p7", "p7 again", "max"}, u.drain())
	})
}

func TestDelay(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		u.put("in an hour", queue.Delay(time.Hour))
		u.put("urgent, in a minute", queue.Delay(time.Minute), queue.Priority(-5))
		u.put("late", queue.At(time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)))
		u.empty()
		start := time.Now()
		item, err := u.Take(w.Context())
		require.NoError(w, err)
		require.Equal(w, "urgent, in a minute", string(item.Data))
		require.Equal(w, -5, item.Priority)
		require.InDelta(w, time.Minute, time.Since(start), float64(time.Second))
		require.NoError(w, item.Ack())
		time.Sleep(time.Hour)
		u.put("now")
		require.Equal(w, []string{"in an hour", "now"}, u.drain(), "it takes the place in which it was put")
		n, err := u.Len(w.Context())
		require.NoError(w, err)
		require.Equal(w, 1, n)
	})
}

func TestBadInput(t *testing.T) {
	run(t, func(w world) {
		p := w.Process()
		u := &user{queue.New(p.Manager, path), p, w}
		put := func(opts ...queue.PutOption) error {
			_, err := u.Put(w.Context(), nil, opts...)
			return err
		}
		require.ErrorContains(w, put(queue.Delay(-1)), "the option Delay(-1ns) is negative; give 0 or more")
		both := "the options Delay and At exclude each other; give one of them"
		require.ErrorContains(w, put(queue.Delay(time.Hour), queue.At(time.Now())), both)
		require.ErrorContains(w, put(queue.At(time.Now()), queue.Delay(0)), both)
		require.ErrorContains(w, put(queue.At(time.Unix(-1, 0))), "1969")
		require.ErrorContains(w, put(queue.At(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))), "10000")
		require.ErrorContains(w, put(queue.At(time.Unix(1<<60, 0))), "due in the year")
		require.NoError(w, put(queue.Delay(math.MaxInt64)))
		require.NoError(w, put(queue.Delay(1)), "rounded up to a millisecond")
		require.ErrorContains(w, put(queue.Priority(math.MaxInt32+1)), "32 bits")
		require.ErrorContains(w, put(queue.Priority(math.MinInt32-1)), "32 bits")
		large := make([]byte, 1<<20)
		before := w.Srv.Count(zktest.OpCreate)
		_, err := u.Put(w.Context(), large)
		require.ErrorIs(w, err, session.ErrTooLarge)
		_, err = u.PutBatch(w.Context(), queue.Msg{Data: []byte("a")}, queue.Msg{Data: large})
		require.ErrorIs(w, err, session.ErrTooLarge)
		require.ErrorContains(w, err, "item 2")
		require.Equal(w, before, w.Srv.Count(zktest.OpCreate), "nothing was sent")

		for _, bad := range []*queue.Queue{
			queue.New(p.Manager, "relative"), queue.New(p.Manager, "/"), queue.New(p.Manager, path, queue.Items("x")),
			queue.New(p.Manager, path, queue.Limit(0)), queue.New(p.Manager, path, queue.MaxAttempts(-1)),
			queue.New(p.Manager, path, queue.Layout(99)), queue.New(p.Manager, path, queue.Claims(path+"/items")),
		} {
			none := func(context.Context, *queue.Item) error { return nil }
			_, err := bad.Put(w.Context(), nil)
			isOp(w, err, "put into queue", bad.Path())
			_, err = bad.TryPut(w.Context(), nil)
			isOp(w, err, "try put into queue", bad.Path())
			_, err = bad.PutBatch(w.Context())
			isOp(w, err, "put batch into queue", bad.Path())
			_, err = bad.Take(w.Context())
			isOp(w, err, "take from queue", bad.Path())
			_, err = bad.TryTake(w.Context())
			isOp(w, err, "try take from queue", bad.Path())
			isOp(w, bad.Consume(w.Context(), none), "consume queue", bad.Path())
			_, err = bad.Len(w.Context())
			isOp(w, err, "count items", bad.Path())
			_, err = bad.Status(w.Context())
			isOp(w, err, "get queue status", bad.Path())
			for _, ids := range [][]string{nil, {"queue-0000000000.1"}} {
				_, err = bad.Redrive(w.Context(), ids...)
				isOp(w, err, "redrive dead letters", bad.Path())
				_, err = bad.Discard(w.Context(), ids...)
				isOp(w, err, "discard dead letters", bad.Path())
			}
			for _, err := range bad.List(w.Context()) {
				isOp(w, err, "list items", bad.Path())
			}
			for _, err := range bad.Dead(w.Context()) {
				isOp(w, err, "list dead letters", bad.Path())
			}
		}
		var bad *znode.PathError
		_, err = queue.New(p.Manager, "relative").Len(w.Context())
		require.True(w, errors.As(err, &bad))
		for _, opt := range []queue.ConsumeOption{
			queue.Workers(0), queue.Prefetch(-1), queue.Backoff(0, 1), queue.Backoff(2, 1),
		} {
			require.ErrorContains(w, u.Consume(w.Context(), func(context.Context, *queue.Item) error { return nil }, opt), "consume queue "+path+": ")
		}
	})
}

// The error of an item names the queue and the item.
func TestErrorOfAnItem(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		u.put("a")
		item := u.take()
		require.NoError(w, item.Release())
		err := item.Ack()
		isOp(w, err, "acknowledge", path)
		require.ErrorIs(w, err, session.ErrReleased)
		require.ErrorContains(w, err, "item "+string(item.ID))
		_, err = item.Guard(w.Context())
		isOp(w, err, "guard", path)
		require.ErrorIs(w, err, session.ErrReleased)
		for verb, settle := range map[string]func(*queue.Item) error{
			"acknowledge": (*queue.Item).Ack,
			"release":     func(i *queue.Item) error { return i.Release() },
			"reject":      func(i *queue.Item) error { return i.Reject("why") },
		} {
			item := u.take()
			w.Remove(item.Path())
			<-item.Done()
			err := settle(item)
			isOp(w, err, verb, path)
			require.ErrorIs(w, err, session.ErrLost)
		}
	})
}

func TestLargestItem(t *testing.T) {
	run(t, func(w world) {
		u := w.user(queue.MaxAttempts(1))
		size := 1 << 20
		for ; ; size -= 100 {
			_, err := u.Put(w.Context(), make([]byte, size))
			if err == nil {
				break
			}
			require.ErrorIs(w, err, session.ErrTooLarge)
		}
		require.Greater(w, size, 1<<20-5000)
		require.NoError(w, u.take().Release(queue.Reason(strings.Repeat("\x00\xff", 1000))))
		require.Len(w, u.letters(), 1)
		n, err := u.Redrive(w.Context())
		require.NoError(w, err)
		require.Equal(w, 1, n)
		require.NoError(w, u.take().Release(queue.WithoutAttempt(), queue.After(time.Second)))
		time.Sleep(time.Minute)
		require.Len(w, u.drain()[0], size)
	})
}

func TestLimit(t *testing.T) {
	run(t, func(w world) {
		u := w.user(queue.Limit(2))
		u.put("a")
		u.put("b")
		_, err := u.TryPut(w.Context(), []byte("c"))
		require.ErrorIs(w, err, queue.ErrFull)
		_, err = u.Put(w.Within(time.Minute), []byte("c"))
		require.ErrorIs(w, err, queue.ErrFull)
		require.ErrorContains(w, err, "2 items")
		_, err = u.PutBatch(w.Within(time.Minute), queue.Msg{}, queue.Msg{}, queue.Msg{})
		require.ErrorIs(w, err, queue.ErrFull)

		id := make(chan queue.ID, 1)
		go func() { id <- u.put("c") }()
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Empty(w, id)
		counts := w.Count(func() { time.Sleep(time.Minute) })
		require.Less(w, counts["exists"], 60*5, "waiting for room is cheap")
		require.NoError(w, u.take().Ack())
		require.Equal(w, queue.ID("0000000002"), <-id)
		require.Equal(w, []string{"b", "c"}, u.drain())
	})
}

func TestExhausted(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		u.put("a")
		require.NoError(w, w.Srv.SetSequence(path+"/items", math.MaxInt32))
		u.put("last")
		_, err := u.Put(w.Context(), nil)
		require.ErrorIs(w, err, session.ErrExhausted)
		require.ErrorIs(w, err, session.ErrNodeExists)
		require.ErrorContains(w, err, "empty "+path+"/items first")
		_, err = u.PutBatch(w.Context(), queue.Msg{})
		require.ErrorIs(w, err, session.ErrExhausted)
		require.NoError(w, u.take().Reject("for Redrive"))
		_, err = u.Redrive(w.Context())
		require.ErrorIs(w, err, session.ErrExhausted)
		require.Len(w, u.letters(), 1)
		require.Equal(w, []string{"last"}, u.drain())
	})
}

func TestNumbersWrap(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		u.put("0")
		require.NoError(w, u.take().Ack())
		require.NoError(w, w.Srv.SetSequence(path+"/items", math.MaxInt32-1))
		for _, data := range []string{"a", "b", "c", "d"} {
			u.put(data)
		}
		require.Contains(w, w.Children(path+"/items"), "queue--2147483648")
		item := u.take()
		require.NoError(w, item.Release(queue.After(time.Second)))
		require.Equal(w, []string{"b", "c", "d"}, u.drain())
		time.Sleep(2 * time.Second)
		require.Equal(w, []string{"a"}, u.drain())
	}, zktest.Version(zktest.V35))
}

func TestPutBatch(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		u.put("first")
		var batch []queue.Msg
		for range 2500 {
			batch = append(batch, queue.Msg{Data: make([]byte, 1000)})
		}
		batch[7].Opts = []queue.PutOption{queue.Priority(-1)}
		var ids []queue.ID
		counts := w.Count(func() {
			var err error
			ids, err = u.PutBatch(w.Context(), batch...)
			require.NoError(w, err)
		})
		require.Equal(w, map[string]int{"multi": 3}, counts)
		require.Len(w, ids, 2500)
		require.Equal(w, ids[7], u.take().ID)
		require.Equal(w, "first", string(u.take().Data))
		for i := range 7 {
			require.Equal(w, ids[i], u.take().ID)
		}

		// The second transaction fails: the IDs of the first are returned.
		n := 0
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpMulti {
				if n++; n == 2 {
					return zktest.LoseReply
				}
			}
			return zktest.Pass
		})
		ids, err := u.PutBatch(w.Context(), batch...)
		require.ErrorIs(w, err, session.ErrUnknownOutcome)
		require.Less(w, len(ids), 2500)
		require.NotEmpty(w, ids)
		ids, err = u.PutBatch(w.Context())
		require.NoError(w, err)
		require.Empty(w, ids)
	})
}

func TestListAndStatus(t *testing.T) {
	run(t, func(w world) {
		u := w.user(queue.Consumer("me"))
		require.Empty(w, u.entries())
		u.put("a")
		u.put("b", queue.Priority(-1))
		u.put("c", queue.Delay(time.Hour))
		w.Put(path+"/items/queue-0000000077", "\x00\x01\x00\x01\x01\x00\x00\x00\x01x\x01\x00\x00\x00\x01y\x02")
		w.Put(path+"/items/queue-0000000078", "bad")
		w.Put(path+"/items/stranger", "")
		item := u.take()
		st, err := u.Status(w.Context())
		require.NoError(w, err)
		require.Equal(w, queue.Status{Ready: 3, Delayed: 1, Claimed: 1, Foreign: 1}, st)
		e := u.entries()
		require.Len(w, e, 5)
		require.Equal(w, item.ID, e[0].ID)
		require.Equal(w, "b", string(e[0].Data))
		require.Equal(w, 1, e[0].Attempts)
		require.Equal(w, "me", e[0].Claim.ID)
		require.Equal(w, item.Token(), e[0].Claim.Token)
		require.Equal(w, session.ID(u.p.Current().ID()), e[0].Claim.Session)
		require.Equal(w, item.Path(), e[0].Claim.Path)
		require.Equal(w, os.Getpid(), e[0].Claim.PID)
		require.NotEmpty(w, e[0].Claim.Host)
		require.Equal(w, "a", string(e[1].Data))
		require.Nil(w, e[1].Claim)
		require.Zero(w, e[1].Due)
		require.WithinDuration(w, time.Now().Add(time.Hour), e[2].Due, time.Second)
		require.Equal(w, "x", string(e[3].Data))
		require.Equal(w, 1, e[3].More)
		require.Contains(w, e[4].Reason, "too short for a frame")
		for range u.List(w.Context()) {
			break
		}
	})
}
