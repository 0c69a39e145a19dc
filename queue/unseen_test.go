package queue_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/queue"
)

// An administrator takes the right to read a claim from the session that made
// it, and deletes the claim. No server tells the session. Another consumer
// takes the item, and makes a claim at the same path. The first one's hold ends
// soon.
func TestUnseenDeletionOfAClaim(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		p, other := w.Process(), w.Process(testworld.Reader)
		q := queue.New(p.Manager, "/queues/a")
		_, err := q.Put(w.Context(), []byte("x"))
		require.NoError(w, err)
		item, err := q.Take(w.Context())
		require.NoError(w, err)
		time.Sleep(time.Minute)
		p.RemoveHidden()
		again, err := queue.New(other.Manager, "/queues/a").Take(w.Within(time.Minute))
		require.NoError(w, err)
		w.EndsUnseen(item.Context(), "")
		require.NoError(w, again.Err())
	})
}
