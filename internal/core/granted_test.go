package core

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/wire"
)

// A server may grant less on a later connection than another server did before.
// Then the session expires by the shorter timeout.
func TestTrustWhenLessIsGranted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Session{m: &Manager{}, trust: trust{base: time.Now()}}
		s.ctx, s.cancel = context.WithCancelCause(t.Context())
		s.sealCtx, s.sealNow = context.WithCancel(t.Context())
		s.holds, s.cutHolds = context.WithCancelCause(s.ctx)

		s.granted(wire.Handshake{Timeout: 36 * time.Second, Session: 1}, time.Now())
		require.Zero(t, s.TrustedUntil(), "a handshake proves nothing")
		time.Sleep(time.Second)
		proven := time.Now()
		s.answered(proven, 36*time.Second, true)
		require.Equal(t, 21*time.Second, time.Until(s.TrustedUntil()))
		h := &Hold{node: &Node{s: s}}
		require.True(t, s.hold(h))

		time.Sleep(time.Second)
		reconnected := time.Now()
		s.granted(wire.Handshake{Timeout: 12 * time.Second, Session: 1}, reconnected)
		require.Equal(t, 7*time.Second, s.TrustedUntil().Sub(proven), "by the shorter timeout, and from the same proof")
		<-s.Done()
		require.Equal(t, 7*time.Second, time.Since(proven))
		require.ErrorIs(t, s.Err(), ErrTrustElapsed)
		require.False(t, s.hold(new(Hold)), "nothing begins without trust")
	})
}
