package queue_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// gathered consumes all n items of the queue, and returns their data as it
// came.
func (u *user) gathered(n int, opts ...queue.ConsumeOption) (data []string) {
	u.w.Helper()
	var mu sync.Mutex
	c := u.consume(func(_ context.Context, item *queue.Item) error {
		mu.Lock()
		defer mu.Unlock()
		data = append(data, string(item.Data))
		return nil
	}, append(opts, queue.OnError(func(_ *queue.Item, err error) { u.w.Error(err) }))...)
	u.w.Eventually(func() bool { return len(u.w.Children(path+"/items")) == 0 }, "all is consumed")
	c.stop()
	require.ErrorIs(u.w, <-c.done, context.Canceled)
	require.Len(u.w, data, n)
	require.Empty(u.w, u.w.Children(path+"/claims"))
	return data
}

func (u *user) putMany(n int) (data []string) {
	u.w.Helper()
	msgs := make([]queue.Msg, n)
	for i := range msgs {
		data = append(data, fmt.Sprint(i))
		msgs[i].Data = []byte(data[i])
	}
	_, err := u.PutBatch(u.w.Context(), msgs...)
	require.NoError(u.w, err)
	return data
}

// Items are claimed ahead in one request, and acknowledged together in one. One
// worker gets the items in order.
func TestConsumeTogether(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		put := u.putMany(640)
		u.p.Link.Delay(time.Millisecond)
		var got []string
		counts := w.Count(func() { got = u.gathered(640, queue.Prefetch(31)) })
		require.Equal(w, put, got, "in order")
		require.LessOrEqual(w, counts["multi"], 640/4, "%v", counts)
		require.LessOrEqual(w, counts["multiRead"], 640/16, "%v", counts)
		require.LessOrEqual(w, counts["getChildren2"], 8, "%v", counts)
		require.Zero(w, counts["getData"], "%v", counts)
	})
}

// Servers that know no batches of reads are asked item by item.
func TestConsumeTogetherOnAnOldServer(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		put := u.putMany(100)
		require.Equal(w, put, u.gathered(100, queue.Prefetch(7)))
	}, zktest.NoOps(zktest.OpMultiRead))
}

// The answer to a transaction of several claims, or of several
// acknowledgements, is lost; or the request is. No item is delivered twice, and
// every attempt is the first.
func TestTogetherInDoubt(t *testing.T) {
	for _, fault := range []zktest.Action{zktest.LoseReply, zktest.DropRequest} {
		run(t, func(w world) {
			u := w.user()
			u.putMany(300)
			u.p.Link.Delay(time.Millisecond)
			sent, hit := 0, 0
			defer w.Srv.Intercept(func(r zktest.Request) zktest.Action {
				if r.Op != zktest.OpMulti || len(r.Ops) < 4 {
					return zktest.Pass
				}
				if sent++; sent%3 != 1 {
					return zktest.Pass
				}
				hit++
				return fault
			})()
			seen := make(map[queue.ID]int)
			c := u.consume(func(_ context.Context, item *queue.Item) error {
				require.Equal(w, 1, item.Attempt)
				seen[item.ID]++
				return nil
			}, queue.Prefetch(15), queue.OnError(func(_ *queue.Item, err error) { w.Error(err) }))
			w.Eventually(func() bool { return len(w.Children(path+"/items")) == 0 }, "all is consumed")
			c.stop()
			require.ErrorIs(w, <-c.done, context.Canceled)
			require.Len(w, seen, 300)
			for id, n := range seen {
				require.Equal(w, 1, n, id)
			}
			require.Greater(w, hit, 5, "the fault has struck")
			synctest.Wait()
			require.Empty(w, w.Children(path+"/claims"))
		})
	}
}

// Another client deletes one of several claims while the answer to them is
// lost. The item is delivered all the same, and no claim is left over.
func TestTogetherInDoubtAndOneDeleted(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		u.putMany(8)
		w.Put(path+"/claims", "")
		w.Once(func(r zktest.Request) bool { return r.Op == zktest.OpMulti && len(r.Ops) > 2 }, testworld.Always(zktest.LoseReply))
		w.Once(on(zktest.OpGetData, path+"/claims/queue-0000000000"), func() zktest.Action {
			w.Remove(path + "/claims/queue-0000000001")
			return zktest.Pass
		})
		u.gathered(8, queue.Prefetch(7))
	})
}

// One item that another consumer claims first costs the others of its batch
// nothing.
func TestTogetherBesideOneThatIsTaken(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		u.putMany(16)
		w.Put(path+"/claims", "")
		claim := path + "/claims/queue-0000000003"
		w.Once(func(r zktest.Request) bool { return r.Op == zktest.OpMulti && len(r.Ops) > 2 }, func() zktest.Action {
			w.Put(claim, "")
			return zktest.Pass
		})
		var got []string
		c := u.consume(func(_ context.Context, item *queue.Item) error {
			got = append(got, string(item.Data))
			return nil
		}, queue.Prefetch(15))
		w.Eventually(func() bool { return len(w.Children(path+"/items")) == 1 }, "all but one are consumed")
		require.NotContains(w, got, "3")
		w.Remove(claim)
		w.Eventually(func() bool { return len(w.Children(path+"/items")) == 0 }, "it comes when it is given back")
		c.stop()
		<-c.done
		require.Len(w, got, 16)
	})
}

// One acknowledgement that is refused costs those nothing that are sent with
// it, whatever its place among them.
func TestTogetherBesideOneThatIsLost(t *testing.T) {
	for lost := range 8 {
		run(t, func(w world) {
			u := w.user()
			u.putMany(8)
			var items []*queue.Item
			for range 8 {
				items = append(items, u.take())
			}
			w.Remove(fmt.Sprintf("%s/items/queue-%010d", path, lost))
			u.p.Link.Delay(time.Millisecond)
			errs := make([]error, len(items))
			counts := w.Count(func() {
				var all sync.WaitGroup
				for i, item := range items {
					all.Go(func() { errs[i] = item.Ack() })
					synctest.Wait() // the first goes alone; the others wait for its answer
				}
				all.Wait()
			})
			for i, err := range errs {
				if i == lost {
					require.ErrorIs(w, err, session.ErrLost)
				} else {
					require.NoError(w, err)
				}
			}
			require.LessOrEqual(w, counts["multi"], 2+8+1, "%v", counts)
			require.Zero(w, counts["create"], "%v", counts)
			require.Empty(w, w.Children(path+"/items"))
			require.Empty(w, w.Children(path+"/claims"))
		})
	}
}

// Items of nearly a megabyte are claimed as many at a time as fit into a
// request.
func TestTogetherLargeItems(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		for i := range 12 {
			u.put(string(bytes.Repeat([]byte{byte('a' + i)}, 300_000+50_000*i)))
		}
		got := u.gathered(12, queue.Prefetch(11))
		for i, data := range got {
			require.Equal(w, byte('a'+i), data[0], "in order")
		}
	})
}

// An item of a higher priority comes next, after the items that were already
// read, although the present list does not show it. That is so even if the
// items' directory holds so much data that it is not read along with the items.
func TestPriorityWhileAListIsUsedUp(t *testing.T) {
	for _, size := range []int{0, 100_000} {
		run(t, func(w world) {
			w.Put(path+"/items", string(make([]byte, size)))
			u, other := w.user(), w.user()
			put := u.putMany(2000)
			for i := range 100 {
				item := u.take()
				require.Equal(w, put[i], string(item.Data))
				require.NoError(w, item.Ack())
			}
			other.put("urgent", queue.Priority(-1))
			time.Sleep(time.Second)
			for n := 0; ; n++ {
				require.LessOrEqual(w, n, 64)
				item := u.take()
				require.NoError(w, item.Ack())
				if string(item.Data) == "urgent" {
					return
				}
			}
		})
	}
}

// An item that another consumer gives back, or loses, comes next in its place,
// although the present list was made while it was claimed. No new list is made.
func TestWhatComesBackWhileAListIsUsedUp(t *testing.T) {
	run(t, func(w world) {
		u, other, doomed := w.user(), w.user(), w.user()
		u.putMany(2000)
		item := other.take()
		require.Equal(w, "0", string(item.Data))
		require.Equal(w, "1", string(doomed.take().Data))
		for i := range 100 {
			mine := u.take()
			require.Equal(w, fmt.Sprint(i+2), string(mine.Data))
			require.NoError(w, mine.Ack())
		}
		require.NoError(w, item.Release())
		doomed.p.Expire()
		time.Sleep(time.Second)
		counts := w.Count(func() {
			var got []string
			for range 2 + 64 {
				mine := u.take()
				got = append(got, string(mine.Data))
				require.NoError(w, mine.Ack())
			}
			require.Subset(w, got, []string{"0", "1"})
		})
		require.Zero(w, counts["getChildren2"], "%v", counts)
	})
}
