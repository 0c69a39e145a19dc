package queue_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
)

// Another client deletes a claim, and its owner's server lags: the event is
// late, and another consumer has claimed the item. The first consumer leaves
// that claim alone.
func TestFault06_ConsumerLeavesTheNextClaimAlone(t *testing.T) {
	for name, settle := range map[string]func(i *queue.Item) error{
		"release":       func(i *queue.Item) error { return i.Release() },
		"release later": func(i *queue.Item) error { return i.Release(queue.After(time.Second)) },
		"ack":           func(i *queue.Item) error { return i.Ack() },
		"reject":        func(i *queue.Item) error { return i.Reject("bad") },
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(w world) {
				a, b := w.user(), w.user()
				a.put("x")
				old := a.take()
				w.Srv.Lag(a.p.Current().ID())
				w.Remove(old.Path())
				next := b.take()
				require.Equal(t, old.Path(), next.Path())
				require.NoError(t, old.Err(), "the event is late")
				if err := settle(old); err != nil {
					require.ErrorIs(t, err, session.ErrLost)
				}
				time.Sleep(time.Minute)
				require.NoError(t, next.Err())
				_, found := w.Srv.Node(next.Path())
				require.True(t, found)
				require.NoError(t, next.Ack())
			})
		})
	}
}

// If another client has deleted the item, its release leaves no claim.
func TestFault06_ReleaseOfADeletedItem(t *testing.T) {
	run(t, func(w world) {
		a := w.user()
		a.put("x")
		item := a.take()
		for _, name := range w.Children(path) {
			if node, _ := w.Srv.Node(path + "/" + name); len(node.Children) == 0 {
				w.Remove(path + "/" + name)
			}
		}
		require.NoError(t, item.Release())
		_, found := w.Srv.Node(item.Path())
		require.False(t, found)
	})
}

func TestFault09_QueueOnAThrottledServer(t *testing.T) {
	run(t, func(w world) {
		a := w.user(queue.MaxAttempts(3))
		w.Throttle()
		for range 4 {
			a.put("x")
		}
		require.NoError(t, a.take().Ack())
		require.NoError(t, a.take().Release())
		require.NoError(t, a.take().Release(queue.After(time.Second)))
		require.NoError(t, a.take().Reject("bad"))
		require.NoError(t, a.take().Ack())
		require.NoError(t, a.take().Ack())
		a.empty()
		require.Len(t, a.letters(), 1)
		n, err := a.Redrive(w.Context())
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.NoError(t, a.take().Ack())
	})
}
