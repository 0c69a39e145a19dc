package queue_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// A Guard whose ctx has ended creates nothing. A Guard that waits for another
// one ends with its ctx, or with the claim.
func TestGuardWaits(t *testing.T) {
	run(t, func(w world) {
		u := w.user()
		u.put("a")
		item := u.take()
		why := errors.New("shutting down")
		ended, end := context.WithCancelCause(w.Context())
		end(why)
		_, err := item.Guard(ended)
		isOp(w, err, "guard", path)
		require.ErrorIs(w, err, context.Canceled)
		require.ErrorIs(w, err, why)
		require.Empty(w, w.Children(path+"/guards"))

		answer := make(chan struct{})
		isCreate := func(r zktest.Request) bool { return r.Op == zktest.OpCreate || r.Op == zktest.OpCreate2 }
		w.Once(isCreate, func() zktest.Action { return zktest.Hold(answer) })
		guard := func(ctx context.Context) <-chan error {
			done := make(chan error, 1)
			go func() {
				_, err := item.Guard(ctx)
				done <- err
			}()
			synctest.Wait()
			return done
		}
		first := guard(w.Context())
		ctx, cancel := context.WithCancelCause(w.Context())
		second, third := guard(ctx), guard(w.Context())
		require.Empty(w, second)
		cancel(why)
		err = <-second
		require.ErrorIs(w, err, context.Canceled)
		require.ErrorIs(w, err, why)
		require.Empty(w, first)

		released := make(chan error)
		go func() { released <- item.Release() }()
		for _, waiting := range []<-chan error{first, third} {
			require.ErrorIs(w, <-waiting, session.ErrReleased)
		}
		close(answer)
		require.NoError(w, <-released)
		require.Empty(w, w.Children(path+"/guards"))
		require.Empty(w, w.Children(path+"/claims"))
	})
}
