package barrier_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

// Every error of a verb says which operation failed, and on which path.
func TestErrorsNameOperationAndPath(t *testing.T) {
	for op, call := range map[string]func(ctx context.Context, sm *session.Manager, path string) error{
		"set barrier": func(ctx context.Context, sm *session.Manager, path string) error {
			return barrier.New(sm, path).Set(ctx)
		},
		"lift barrier": func(ctx context.Context, sm *session.Manager, path string) error {
			return barrier.New(sm, path).Lift(ctx)
		},
		"wait for barrier": func(ctx context.Context, sm *session.Manager, path string) error {
			return barrier.New(sm, path).Wait(ctx)
		},
		"check barrier": func(ctx context.Context, sm *session.Manager, path string) error {
			_, err := barrier.New(sm, path).IsSet(ctx)
			return err
		},
		"get barrier status": func(ctx context.Context, sm *session.Manager, path string) error {
			_, err := barrier.NewDouble(sm, path, 2).Members(ctx)
			return err
		},
		"enter barrier": func(ctx context.Context, sm *session.Manager, path string) error {
			return barrier.NewDouble(sm, path, 2).Do(ctx, func(context.Context, *barrier.Visit) error { return nil })
		},
	} {
		t.Run(op, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				p := w.Process()
				err := call(w.Context(), p.Manager, "x")
				require.ErrorContains(t, err, "relative")
				requireOp(t, err, op, "x")
				requireOp(t, call(testworld.Cancelled(), p.Manager, "/b"), op, "/b")
				require.NoError(t, p.Close())
				err = call(w.Context(), p.Manager, "/b")
				require.ErrorIs(t, err, session.ErrClosed)
				requireOp(t, err, op, "/b")
			})
		})
	}
}

func TestErrorsOfAVisit(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		v := enter(p, 1, "a").Get()
		requireOp(t, v.Leave(testworld.Cancelled()), "leave barrier", dir)
		require.NoError(t, v.Leave(w.Context()))
		v = enter(p, 1, "a").Get()
		w.Remove(v.Path())
		<-v.Done()
		for _, err := range []error{v.Leave(w.Context()), v.Release()} {
			require.ErrorIs(t, err, session.ErrLost)
			requireOp(t, err, "leave barrier", dir)
		}
	})
}

// requireOp requires that err is the error of the operation on the path.
func requireOp(t *testing.T, err error, op, path string) {
	t.Helper()
	var failed *session.OpError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, op, failed.Op)
	require.Equal(t, path, failed.Path)
}

// Members that come within one millisecond are listed in their order too.
func TestMembersInOrder(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		for _, id := range []string{"c", "a", "b"} {
			enter(p, 4, id)
		}
		members, err := barrier.NewDouble(p.Manager, dir, 4).Members(w.Context())
		require.NoError(t, err)
		var ids []string
		for _, m := range members {
			ids = append(ids, m.ID)
		}
		require.Equal(t, []string{"c", "a", "b"}, ids)
		require.Equal(t, members[0].Since, members[2].Since)
	})
}
