package core_test

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
)

// sluggish is a network whose SetDeadline is slow.
type sluggish struct{ net.Conn }

func (c sluggish) SetDeadline(t time.Time) error {
	time.Sleep(time.Second)
	return c.Conn.SetDeadline(t)
}

// The client closes a broken connection while Manager.Close closes it too.
func TestFault58_ConcurrentClosesOfAConnection(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process(func(cfg *core.Config) {
			dial := cfg.Dialer
			cfg.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
				c, err := dial(ctx, network, addr)
				if err != nil {
					return nil, err
				}
				return sluggish{c}, nil
			}
		})
		p.session()
		p.link.Disconnect()
		time.Sleep(time.Millisecond)
		began := time.Now()
		require.NoError(w, p.Close())
		require.LessOrEqual(w, time.Since(began), 10*time.Second)
	})
}
