package queue_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// OnDead may settle the item again, and may close the manager.
func TestFault16_OnDead(t *testing.T) {
	for name, again := range map[string]func(w world, u *user, it *queue.Item) error{
		"Release": func(_ world, _ *user, it *queue.Item) error { return it.Release() },
		"Reject":  func(_ world, _ *user, it *queue.Item) error { return it.Reject("again") },
		"Ack":     func(_ world, _ *user, it *queue.Item) error { return it.Ack() },
		"Close":   func(_ world, u *user, _ *queue.Item) error { return u.p.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(w world) {
				var u *user
				var it *queue.Item
				calls := 0
				u = w.user(queue.OnDead(func(queue.DeadLetter) {
					calls++
					_ = again(w, u, it) // an error says that the item is settled already
				}))
				u.put("a")
				it = u.take()
				done := make(chan error, 1)
				go func() { done <- it.Reject("no good") }()
				select {
				case err := <-done:
					require.NoError(t, err)
				case <-time.After(time.Hour):
					require.Fail(t, "Reject hangs")
				}
				require.Equal(t, 1, calls)
			})
		})
	}
}

// A release that writes the count of attempts again fits in a request, however
// large the item and its count are.
func TestFault10_ReleaseOfAnItemWithManyAttempts(t *testing.T) {
	const limit = 8 << 10
	run(t, func(w world) {
		p := w.Process(func(cfg *session.Config) { cfg.MaxRequest = limit })
		q := queue.New(p.Manager, "/q")
		data := bytes.Repeat([]byte("x"), limit-4096-200)
		_, err := q.Put(w.Context(), data)
		require.NoError(t, err)
		for range 100 {
			it, err := q.Take(w.Context())
			require.NoError(t, err)
			require.NoError(t, it.Release())
		}
		it, err := q.Take(w.Context())
		require.NoError(t, err)
		require.Equal(t, 101, it.Attempt)
		require.NoError(t, it.Release(queue.WithoutAttempt()))
		it, err = q.Take(w.Context())
		require.NoError(t, err)
		require.Greater(t, it.Attempt, 10, "as many as fit")
		require.Less(t, it.Attempt, 102)
		require.Equal(t, data, it.Data)
		require.NoError(t, it.Ack())
	}, zktest.MaxFrame(limit))
}
