package core_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// A server that hangs after the handshake, before it has answered the
// credentials, costs no more of the trust than a server that hangs in the
// handshake.
func TestAServerHangsInTheLogin(t *testing.T) {
	for phase := range 4 {
		inWorld(t, func(w *world) {
			p := w.process(creator)
			h := p.enter("/locks/a")
			time.Sleep(time.Minute + time.Duration(phase)*time.Second)
			var hung atomic.Bool
			w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
				if r.Op == zktest.OpAuth && !hung.Swap(true) {
					return zktest.Hold(make(chan struct{}))
				}
				return zktest.Pass
			}))
			p.link.Disconnect()
			time.Sleep(time.Minute)
			require.True(w, hung.Load())
			require.NoError(w, h.Err(), "phase %d", phase)
		})
	}
}
