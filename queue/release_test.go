package queue_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/queue"
)

func TestFault58_ConcurrentEndsOfAnItem(t *testing.T) {
	for name, end := range map[string]func(*queue.Item) error{
		"Ack":     (*queue.Item).Ack,
		"Release": func(i *queue.Item) error { return i.Release() },
		"Reject":  func(i *queue.Item) error { return i.Reject("no") },
	} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				q := queue.New(w.Process().Manager, "/queue")
				_, err := q.Put(w.Context(), []byte("x"))
				require.NoError(t, err)
				item, err := q.TryTake(w.Context())
				require.NoError(t, err)
				for _, err := range w.Twice(func() error { return end(item) }) {
					require.NoError(t, err)
				}
			})
		})
	}
}
