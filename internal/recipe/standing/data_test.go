package standing_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/recipe/standing"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// Data of a failed Set never shows: not when the right is granted, nor in a
// later session, nor with a later Set.
func TestFault23_RefusedDataIsForgotten(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		k := open(p)
		seen := func() (all []string) {
			for _, c := range w.Changes() {
				if node := string(c.Data); c.Path == path && node != "" {
					all = append(all, node)
				}
			}
			return all
		}
		allow := w.Fail(zktest.OpSetData, path, zktest.CodeNoAuth)
		require.ErrorIs(w, k.Set(w.Context(), []byte("refused")), session.ErrNoAuth)
		allow()
		time.Sleep(time.Hour)
		require.Equal(w, "v1", w.Data(path))
		p.Expire()
		time.Sleep(time.Hour)
		require.Equal(w, "v1", w.Data(path))
		w.Remove(path) // it is made again
		time.Sleep(time.Hour)
		require.Equal(w, "v1", w.Data(path))
		require.NoError(w, k.Set(w.Context(), []byte("v2")))
		require.Equal(w, "v2", w.Data(path))
		require.NotContains(w, seen(), "refused")
	})
}

// A refusal forgets the refused data alone. Data whose Set returned ErrPending
// is still written.
func TestFault23_PendingDataOutlastsARefusal(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		k := open(p)
		allow := w.Fail(zktest.OpSetData, path, zktest.CodeNoAuth)
		p.Link.Cut(zktest.Both)
		for _, data := range []string{"older", "pending"} {
			err := k.Set(w.Within(time.Millisecond), []byte(data))
			require.ErrorIs(w, err, standing.ErrPending)
			require.ErrorIs(w, err, context.DeadlineExceeded)
		}
		late := testworld.Go(w, func(ctx context.Context) (any, error) { return nil, k.Set(ctx, []byte("refused")) })
		p.Link.Heal()
		_, err := late.Result()
		require.ErrorIs(w, err, session.ErrNoAuth)
		require.Equal(w, "v1", w.Data(path))
		allow()
		time.Sleep(time.Hour)
		require.Equal(w, "pending", w.Data(path))
		require.NoError(w, k.Set(w.Context(), []byte("v2")))
		p.Expire()
		time.Sleep(time.Hour)
		require.Equal(w, "v2", w.Data(path))
	})
}
