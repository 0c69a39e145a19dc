package session

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// lateCtx is a ctx whose end is noticed by who asks for it, and wakes nobody.
type lateCtx struct {
	context.Context
	over bool
}

func (c *lateCtx) Err() error {
	if c.over {
		return context.Canceled
	}
	return nil
}

// The connection is lost and right behind that, before another attempt, the ctx or
// the session ends: that is why there is none, and what the caller goes by.
func TestErrorOfTheLastAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sm, err := Dial(t.Context(), Config{Servers: []string{"zk1"}, Dialer: zktest.New(t).DialContext})
		require.NoError(t, err)
		s, err := sm.Session(t.Context())
		require.NoError(t, err)
		ctx := &lateCtx{Context: context.Background()}
		lost := func(*zk.Conn) (int, error) {
			ctx.over = true
			return 0, zk.ErrConnectionClosed
		}
		_, err = read(ctx, s, "get", "/a", lost)
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, zk.ErrConnectionClosed)
		ctx.over = false
		_, err = write(ctx, s, "set", "/a", true, lost)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, ErrUnknownOutcome)
		require.NotErrorIs(t, err, zk.ErrConnectionClosed)

		require.NoError(t, sm.Close())
		err = s.last(context.Background(), zk.ErrConnectionClosed, nil)
		require.ErrorIs(t, err, ErrSessionEnded)
		require.ErrorIs(t, err, ErrClosed)
	})
}

// Only a lost answer is a reason to ask what became of the write: where ctx or the
// session has ended, nobody can be asked.
func TestInDoubt(t *testing.T) {
	require.True(t, InDoubt(&OpError{"set", "/a", 1, unknown(zk.ErrConnectionClosed)}))
	require.True(t, InDoubt(unknown(zk.ErrNodeExists)), "the second of two tries is refused")
	for _, err := range []error{
		nil,
		zk.ErrConnectionClosed,
		unknown(context.Canceled),
		unknown(context.DeadlineExceeded),
		unknown(ended(ErrTrustElapsed)),
		unknown(ended(ErrClosed)),
	} {
		require.False(t, InDoubt(err), "%v", err)
	}
}
