package session

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A server may grant less on a later connection than another did before. The
// session then expires by the shorter timeout, whatever the longer one had
// promised.
func TestTrustWhenLessIsGranted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Session{m: &Manager{}, base: time.Now()}
		s.ctx, s.cancel = context.WithCancelCause(t.Context())
		s.sealCtx, s.sealNow = context.WithCancel(t.Context())
		s.holds, s.cutHolds = context.WithCancelCause(s.ctx)

		require.NoError(t, s.granted(handshake{timeout: 36 * time.Second, session: 1}, time.Now()))
		require.Equal(t, 21*time.Second, time.Until(s.TrustedUntil()))
		time.Sleep(time.Second)
		s.heard(time.Now(), 36*time.Second)
		require.Equal(t, 21*time.Second, time.Until(s.TrustedUntil()))

		time.Sleep(time.Second)
		reconnected := time.Now()
		require.NoError(t, s.granted(handshake{timeout: 12 * time.Second, session: 1}, reconnected))
		require.Equal(t, 7*time.Second, time.Until(s.TrustedUntil()))
		<-s.Done()
		require.Equal(t, 7*time.Second, time.Since(reconnected))
		require.ErrorIs(t, s.Err(), ErrTrustElapsed)
	})
}
