package queue_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
)

// A claim without a session keeps its item for ever. A Take that waits finds it,
// says so, and goes on once the claim is deleted. A claim of a session is not
// reported.
func TestLastingClaim(t *testing.T) {
	claims := map[string]string{"curator": "/q/claims", "simple": "/q-claims", "kazoo": "/q-claims", "kazoo-locking": "/q/taken"}
	dirs := map[string]string{"curator": "/q/items", "simple": "/q", "kazoo": "/q", "kazoo-locking": "/q/entries"}
	for name, format := range formats {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				var told told
				q := queue.New(w.Process().Manager, "/q", queue.Layout(format), queue.OnSkipped(told.add))
				for _, data := range []string{"a", "b"} {
					_, err := q.Put(w.Context(), []byte(data))
					require.NoError(w, err)
				}
				var item string
				for _, child := range w.Children(dirs[name]) {
					if w.Data(dirs[name]+"/"+child) != "" && (item == "" || child < item) && child != "claims" && child != "taken" {
						item = child
					}
				}
				claim := claims[name] + "/" + item
				w.Put(claim, "")
				other, err := queue.New(w.Process().Manager, "/q", queue.Layout(format)).Take(w.Context())
				require.NoError(w, err)
				require.Equal(w, "b", string(other.Data))

				for range 2 {
					_, err = q.Take(w.Within(30 * time.Second))
					require.ErrorIs(w, err, context.DeadlineExceeded)
					require.ErrorContains(w, err, "is passed over: its claim "+claim+": the znode is not ephemeral")
				}
				require.Len(w, told.get(), 1, "it is told once")
				require.Equal(w, dirs[name]+"/"+item, told.get()[0].Path)
				require.ErrorIs(w, told.get()[0].Err, session.ErrNotEphemeral)
				require.Equal(w, told.get(), q.Skipped())

				taking := testworld.Go(w, q.Take)
				w.Remove(claim)
				require.Equal(w, "a", string(taking.Get().Data))
				require.Empty(w, q.Skipped())
				require.NoError(w, other.Ack())
			})
		})
	}
}
