package core_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// For every length of the path, the server accepts the session's own check, or
// the call is refused before it is sent.
func TestFault10_ChecksHeedMaxRequest(t *testing.T) {
	const limit = 1024
	inWorld(t, func(w *world) {
		p := w.process(func(cfg *core.Config) { cfg.MaxRequest = limit })
		s := p.session()
		before := w.Srv.Count(zktest.OpConnect)
		refused := 0
		for n := limit - 60; n < limit+20; n++ {
			err := s.Confirm(w.Within(time.Minute), "/"+strings.Repeat("x", n))
			if err != nil {
				require.ErrorIs(w, err, core.ErrTooLarge, "%d", n)
				refused++
			}
		}
		require.Positive(w, refused)
		require.Equal(w, before, w.Srv.Count(zktest.OpConnect), "a connection was lost")
	}, zktest.MaxFrame(limit))
}

// stuffed is a connection whose writes block once full is set, like a buffer
// that is not read. It ignores deadlines.
type stuffed struct {
	net.Conn
	full *atomic.Bool
	once sync.Once
	gone chan struct{}
}

func (c *stuffed) Write(b []byte) (int, error) {
	if c.full.Load() {
		<-c.gone
		return 0, net.ErrClosed
	}
	return c.Conn.Write(b)
}

func (c *stuffed) Close() error {
	c.once.Do(func() { close(c.gone) })
	return c.Conn.Close()
}

// Neither ctx nor virtual time waits for a network that accepts no bytes. A
// hold on it ends as on a network that is cut.
func TestFault16_ANetworkThatTakesNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		var full atomic.Bool
		p := w.process(func(cfg *core.Config) {
			dial := cfg.Dialer
			cfg.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
				conn, err := dial(ctx, network, addr)
				if err != nil {
					return nil, err
				}
				return &stuffed{Conn: conn, full: &full, gone: make(chan struct{})}, nil
			}
		})
		h := p.enter("/locks/a")
		ended := stopwatch(h.Context())
		s := p.session()
		full.Store(true)
		start := time.Now()
		for range 3 {
			err := s.Confirm(w.Within(100*time.Millisecond), "/")
			require.ErrorIs(w, err, context.DeadlineExceeded)
		}
		require.Equal(w, 300*time.Millisecond, time.Since(start))
		w.endedBefore(h, ended, 2500*time.Millisecond)
	})
}

// A slow quorum ends no hold, however large the margin is: with a larger margin
// the checks are sent earlier. With one of nearly half of the timeout, a quorum
// that takes more than a tenth of it may be too slow. The leader may count from
// a request that was written long before (see exchanges).
func TestFault12_SlowQuorumWithEveryMargin(t *testing.T) {
	ms := func(all ...time.Duration) (times []time.Duration) {
		for _, d := range all {
			times = append(times, d*time.Millisecond)
		}
		return times
	}
	for margin, times := range map[time.Duration][]time.Duration{
		1: ms(1400, 1900), 2 * time.Second: ms(1400, 1900), 10 * time.Second * 5 / 12: ms(1400, 1900),
		4500 * time.Millisecond: ms(500, 1000), 5*time.Second - 1: ms(500, 1000),
	} {
		for _, slow := range times {
			inWorld(t, func(w *world) {
				p := w.process(func(cfg *core.Config) { cfg.TrustMargin = margin })
				h := p.enter("/locks/a")
				w.Srv.SlowQuorum(slow)
				time.Sleep(10 * time.Minute)
				require.NoError(w, h.Err(), "margin %v, quorum slow by %v", margin, slow)
				w.Srv.SlowQuorum(0)
			})
		}
	}
}
