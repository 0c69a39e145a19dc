package core

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/conn"
	"github.com/docent-go/docent/zktest"
)

// lateCtx is a ctx that ends without closing Done. Err reports the end after a
// number of calls.
type lateCtx struct {
	context.Context
	left int // -1: it does not end
}

func (c *lateCtx) Err() error {
	switch {
	case c.left < 0:
		return nil
	case c.left > 0:
		c.left--
		return nil
	}
	return context.Canceled
}

// The connection is lost, and the ctx or the session ends directly afterwards,
// before another attempt. The error has that end as the reason.
func TestErrorOfTheLastAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.New(t)
		sm, err := Dial(t.Context(), Config{Servers: []string{"zk1"}, Dialer: srv.DialContext})
		require.NoError(t, err)
		s, err := sm.Session(t.Context())
		require.NoError(t, err)
		srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Path == "/a" {
				return zktest.DropRequest
			}
			return zktest.Pass
		})
		for left := range 2 {
			ctx := &lateCtx{context.Background(), -1}
			ends := 0
			end := func(call *conn.Call) {
				ends++
				require.Equal(t, conn.Lost, call.Fate())
				ctx.left = left
			}
			get := s.getRequest("/a", false)
			get.queue = ending(get.frame, end)
			_, err = read(ctx, s, "get", "/a", get)
			require.ErrorIs(t, err, context.Canceled)
			require.NotErrorIs(t, err, errConnectionLost)
			require.Equal(t, 1, ends)

			ctx.left = -1
			set := s.setRequest("/a", nil, AnyVersion)
			set.queue = ending(set.frame, end)
			_, err = write(ctx, s, "set", "/a", true, set)
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, err, ErrUnknownOutcome)
			require.NotErrorIs(t, err, errConnectionLost)
			require.Equal(t, 2, ends)
		}

		set := s.setRequest("/a", nil, AnyVersion)
		_, err = write(context.Background(), s, "set", "/a", false, set)
		require.ErrorIs(t, err, ErrUnknownOutcome)
		require.ErrorIs(t, err, errConnectionLost)

		require.NoError(t, sm.Close())
		err = s.last(context.Background(), errConnectionLost, nil)
		require.ErrorIs(t, err, ErrSessionEnded)
		require.ErrorIs(t, err, ErrClosed)
	})
}

// InDoubt is true only after a lost answer. After the end of ctx or of the
// session, no request could find out the outcome.
func TestInDoubt(t *testing.T) {
	require.True(t, InDoubt(&OpError{"set", "/a", 1, unknown(errConnectionLost)}))
	require.True(t, InDoubt(unknown(ErrNodeExists)), "the second of two tries is refused")
	for _, err := range []error{
		nil,
		errConnectionLost,
		unknown(context.Canceled),
		unknown(context.DeadlineExceeded),
		unknown(ended(ErrTrustElapsed)),
		unknown(ended(ErrClosed)),
	} {
		require.False(t, InDoubt(err), "%v", err)
	}
}

// ending queues a request whose end is told.
func ending(frame func() []byte, end func(*conn.Call)) func(*conn.Conn) (*conn.Call, conn.Queued) {
	return func(link *conn.Conn) (*conn.Call, conn.Queued) {
		call := conn.NewCall(frame(), end)
		return call, link.Enqueue(call)
	}
}
