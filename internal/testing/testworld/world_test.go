package testworld_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestWorld(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process(testworld.Timeout(6 * time.Second))
		require.Equal(t, 6*time.Second, p.Current().Timeout())
		w.Put("/a/b", "1")
		require.Equal(t, "1", w.Data("/a/b"))
		require.Equal(t, []string{"b"}, w.Children("/a"))
		require.Equal(t, map[string]int{"getData": 1}, w.Count(func() {
			_, _, err := p.Get(w.Context(), "/a/b")
			require.NoError(t, err)
		}))
		w.Remove("/a/b")
		w.Eventually(func() bool { return len(w.Children("/a")) == 0 }, "b is removed")
		last := w.Changes()[len(w.Changes())-1]
		require.Equal(t, zktest.Deleted, last.Kind)
	})
}

func TestCall(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		free := make(chan int)
		call := testworld.Go(w, func(ctx context.Context) (int, error) {
			select {
			case n := <-free:
				return n, nil
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		})
		require.True(t, call.Waiting())
		free <- 7
		require.Equal(t, 7, call.Get())
		require.False(t, call.Waiting())

		next := testworld.Go(w, func(ctx context.Context) (*session.Session, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		_, err := next.GiveUp()
		require.ErrorIs(t, err, context.Canceled)

		before := p.Current()
		p.Expire()
		<-before.Done()
		require.NotEqual(t, before.ID(), p.Current().ID())
	})
}
