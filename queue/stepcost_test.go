package queue_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/queue"
)

// The life of items, one at a time.
func TestCostsOfAnItem(t *testing.T) {
	run(t, func(w world) {
		producer, u := w.user(), w.user()
		var item *queue.Item
		var next *testworld.Call[*queue.Item]
		w.Costs([]testworld.Step{
			{Name: "the first Put makes the directories", Want: testworld.Counts{"create": 2, "createContainer": 5}, Do: func() { producer.put("a") }},
			{Name: "the first Take lists the items", Want: testworld.Counts{"createContainer": 1, "getChildren2": 2, "getData": 1, "multi": 2, "multiRead": 1}, Do: func() { item = u.take(); time.Sleep(time.Second) }},
			{Name: "Ack", Want: testworld.Counts{"multi": 1}, Do: func() { require.NoError(w, item.Ack()) }},
			{Name: "TryTake of an empty queue", Want: testworld.Counts{"getChildren2": 1}, Do: func() { u.empty() }},
			{Name: "Take waits", Do: func() { next = u.taking() }},
			{Name: "Put, and the item is taken", Want: testworld.Counts{"create": 1, "getChildren2": 2, "getData": 1, "multi": 1, "multiRead": 1}, Do: func() {
				producer.put("b")
				item = next.Get()
				time.Sleep(time.Second)
			}},
			{Name: "Release", Want: testworld.Counts{"multi": 1}, Do: func() { require.NoError(w, item.Release()) }},
			{Name: "Take of what was released", Want: testworld.Counts{"getChildren2": 2, "getData": 1, "multi": 1, "multiRead": 1}, Do: func() { item = u.take(); time.Sleep(time.Second) }},
			{Name: "the first Reject makes the directory of dead letters", Want: testworld.Counts{"createContainer": 1, "getACL": 1, "multi": 2}, Do: func() { require.NoError(w, item.Reject("unwanted")) }},
			{Name: "Len", Want: testworld.Counts{"getData": 1}, Do: func() {
				n, err := u.Len(w.Context())
				require.NoError(w, err)
				require.Zero(w, n)
			}},
			{Name: "Status", Want: testworld.Counts{"getChildren2": 3}, Do: func() {
				_, err := u.Status(w.Context())
				require.NoError(w, err)
			}},
		})
		producer.put("c")
		item = u.take()
		time.Sleep(time.Second)
		w.Costs([]testworld.Step{
			{Name: "Reject", Want: testworld.Counts{"getACL": 1, "multi": 1}, Do: func() { require.NoError(w, item.Reject("unwanted")) }},
		})
	})
}

// Consume with Prefetch claims many items in one transaction.
func TestCostsOfConsume(t *testing.T) {
	run(t, func(w world) {
		const many = 32
		_, err := w.user().PutBatch(w.Context(), make([]queue.Msg, many)...)
		require.NoError(w, err)
		u := w.user()
		done := 0
		ctx, cancel := context.WithCancel(w.Context())
		var work *testworld.Call[bool]
		w.Costs([]testworld.Step{
			{
				// Two persistent watches, and one list of the items: the
				// consumer's own acknowledgements cause no further list.
				Name: "all of it", Want: testworld.Counts{"addWatch": 2, "createContainer": 1, "getChildren2": 2, "multi": many + 3, "multiRead": 2},
				May: testworld.Counts{"getData": many}, // a claim that lasts is watched
				Do: func() {
					work = testworld.Go(w.World, func(context.Context) (bool, error) {
						err := u.Consume(ctx, func(context.Context, *queue.Item) error {
							done++
							time.Sleep(10 * time.Millisecond) // each ack leaves alone
							return nil
						}, queue.Prefetch(many-1))
						return true, err
					})
					time.Sleep(time.Second)
				},
			},
		})
		require.Equal(w, many, done)
		cancel()
		_, err = work.Result()
		require.ErrorIs(w, err, context.Canceled)
	})
}
