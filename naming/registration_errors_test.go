package naming_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// An Update that waits for another one ends with its ctx, and says why the ctx
// has ended.
func TestUpdateEndsWithItsContext(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		g := register(p, at("o1", "h1"))
		in := g.Instance()
		in.Address = "h2"
		shutdown := errors.New("the process ends")
		ended, end := context.WithCancelCause(w.Context())
		end(shutdown)
		err := g.Update(ended, in)
		require.ErrorIs(w, err, context.Canceled)
		require.ErrorIs(w, err, shutdown)
		require.Equal(w, "h1", g.Instance().Address)

		w.Srv.Freeze()
		first := testworld.Go(w, func(ctx context.Context) (any, error) { return nil, g.Update(ctx, in) })
		time.Sleep(time.Millisecond)
		waiting, end := context.WithCancelCause(w.Context())
		time.AfterFunc(time.Second, func() { end(shutdown) })
		err = g.Drain(waiting)
		require.ErrorContains(w, err, "drain instance /services/orders/o1: ")
		require.ErrorIs(w, err, context.Canceled)
		require.ErrorIs(w, err, shutdown)
		w.Srv.Thaw()
		_, err = first.Result()
		require.NoError(w, err)
		require.Equal(w, "h2", g.Instance().Address)
		require.False(w, g.Instance().Draining)
	})
}

// The znode of a Dubbo instance can have a password in its name. No error shows
// it: not the error of the registration, nor one about an earlier znode of it.
func TestErrorsShowNoPassword(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		in, err := naming.Dubbo().Decode("orders", "dubbo%3A%2F%2Fme%3Asecret%40h1%3A80%2Forders", nil)
		require.NoError(w, err)
		r := registry(p, naming.Layout(naming.Dubbo()))
		hidden := func(err error, op string) {
			w.Helper()
			require.ErrorIs(w, err, session.ErrNoAuth)
			require.NotContains(w, err.Error(), "secret")
			require.Contains(w, err.Error(), "***%40h1")
			var failed *session.OpError
			require.ErrorAs(w, err, &failed)
			require.Equal(w, op, failed.Op)
			require.NotContains(w, failed.Path, "secret")
		}
		refuse := func(op zktest.Op) (stop func()) {
			return w.Srv.Intercept(func(q zktest.Request) zktest.Action {
				if q.Op == op {
					return zktest.Fail(zktest.CodeNoAuth)
				}
				return zktest.Pass
			})
		}
		stop := refuse(zktest.OpCreate)
		_, err = r.Register(w.Context(), in)
		hidden(err, "register instance")
		stop()
		g, err := r.Register(w.Context(), in)
		require.NoError(w, err)
		stop = refuse(zktest.OpDelete)
		for range 2 {
			in.Port++
			hidden(g.Update(w.Context(), in), "update instance")
		}
		hidden(g.Unregister(w.Context()), "unregister instance")
		stop()
		require.NoError(w, g.Unregister(w.Context()))
		require.Empty(w, w.Children("/dubbo/orders/providers"))
	})
}
