package queue_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/queue"
)

// The cost of a queue, in requests.
func TestCost(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		u.put("first")
		u.drain()
		require.Equal(w, map[string]int{"create": 1}, w.Count(func() { u.put("a") }))
		batch := make([]queue.Msg, 100)
		require.Equal(w, map[string]int{"multi": 1}, w.Count(func() {
			_, err := u.PutBatch(w.Context(), batch...)
			require.NoError(w, err)
		}))
		counts := w.Count(func() {
			for range 101 {
				require.NoError(w, u.take().Ack())
			}
		})
		// A claim and an acknowledgement. Lists and reads are shared by many
		// takes.
		require.Equal(w, map[string]int{"multi": 2 * 101, "getChildren2": 2, "multiRead": 6}, counts)

		u.put("a")
		item := u.take()
		require.Equal(w, map[string]int{"getData": 1}, w.Count(func() { time.Sleep(time.Second) }), "the claim is watched")
		require.Equal(w, map[string]int{"multi": 1}, w.Count(func() { require.NoError(w, item.Release()) }))
		item = u.take()
		synctest.Wait()
		require.Equal(w, map[string]int{"getACL": 1, "multi": 1}, w.Count(func() { require.NoError(w, item.Release(queue.After(1))) }),
			"the node is made anew, with its ACL")
	})
}

// One item arrives for fifty processes that wait: one of them claims it, and
// what it costs the others are reads, the fewer writes the longer it goes on.
func TestHardCase66_HerdOfConsumers(t *testing.T) {
	run(t, func(w world) {
		const many = 50
		for range many {
			u := w.user()
			go func() {
				for {
					item, err := u.Take(w.Context())
					if err != nil {
						return
					}
					time.Sleep(time.Second)
					if err := item.Ack(); err != nil {
						t.Error(err)
					}
				}
			}()
		}
		producer := w.user()
		synctest.Wait()
		var counts map[string]int
		for range 20 {
			counts = w.Count(func() {
				producer.put("x")
				time.Sleep(5 * time.Second)
			})
		}
		t.Log(counts)
		require.LessOrEqual(w, counts["multi"], 2+many/5, "claims that fail are rare")
		require.LessOrEqual(w, counts["getChildren2"]+counts["getData"], 8*many)
		n, err := producer.Len(w.Context())
		require.NoError(w, err)
		require.Zero(w, n)
	})
}

// A queue of a hundred thousand items.
func TestHundredThousand(t *testing.T) {
	run(t, func(w world) {
		many := testworld.Sized(20_000, 100_000)
		u := w.user()
		batch := make([]queue.Msg, many)
		for i := range batch {
			batch[i].Data = fmt.Appendf(nil, "%d", i)
		}
		counts := w.Count(func() {
			_, err := u.PutBatch(w.Context(), batch...)
			require.NoError(w, err)
		})
		require.LessOrEqual(w, counts["multi"], many/1000+1)
		n, err := u.Len(w.Context())
		require.NoError(w, err)
		require.Equal(w, many, n)
		consumer := w.user()
		counts = w.Count(func() {
			for i := range 1000 {
				item := consumer.take()
				require.Equal(w, fmt.Sprint(i), string(item.Data))
				require.NoError(w, item.Ack())
			}
		})
		require.LessOrEqual(w, counts["getChildren2"], 4, "the list is not read for each")
	})
}

// A hundred thousand foreign znodes in the directory cost a list, and no more.
func TestForeignCrowd(t *testing.T) {
	run(t, func(w world) {
		for i := range 5000 {
			w.Put(fmt.Sprintf("%s/items/stranger-%d", path, i), "")
		}
		u := w.user()
		u.put("a")
		counts := w.Count(func() { require.NoError(w, u.take().Ack()) })
		require.LessOrEqual(w, counts["getChildren2"], 2)
		require.LessOrEqual(w, counts["getData"], 2)
	})
}

// Many wait in one process: it costs the server no more than one does.
func TestManyWaitersInOneProcess(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		var calls []*testworld.Call[*queue.Item]
		counts := w.Count(func() {
			for range 200 {
				calls = append(calls, u.taking())
			}
		})
		require.LessOrEqual(w, counts["getChildren2"]+counts["exists"], 3)
		require.LessOrEqual(w, w.Srv.SessionWatches(u.p.Current().ID()), 2)
		_, err := w.user().PutBatch(w.Context(), make([]queue.Msg, 200)...)
		require.NoError(w, err)
		ids := make(map[queue.ID]bool)
		for _, call := range calls {
			ids[call.Get().ID] = true
		}
		require.Len(w, ids, 200)
	})
}
