package core_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// Two goroutines end one hold while the server is slow. In virtual time, the
// wait of one for the other must not stop the clock.
func TestFault58_ConcurrentEndsOfAHold(t *testing.T) {
	for name, end := range map[string]func(h *core.Hold) error{
		"Release": (*core.Hold).Release,
		"ReleaseBy": func(h *core.Hold) error {
			return h.ReleaseBy(func(error) error { return h.Node().Remove(context.Background()) })
		},
		"Replace": func(h *core.Hold) error {
			next, err := h.Replace(context.Background(), "/d/other", nil)
			if errors.Is(err, core.ErrReleased) {
				return h.Release()
			}
			if err != nil {
				return err
			}
			return next.Release()
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				p := w.process()
				h := p.enter("/d")
				w.Srv.Intercept(func(r zktest.Request) zktest.Action {
					if r.Op == zktest.OpDelete || r.Op == zktest.OpMulti {
						return zktest.Delay(time.Second)
					}
					return zktest.Pass
				})
				var work sync.WaitGroup
				for range 2 {
					work.Go(func() {
						if err := end(h); err != nil {
							t.Error(err)
						}
					})
				}
				work.Wait()
				require.ErrorIs(t, h.Err(), core.ErrReleased)
			})
		})
	}
}

// lingering is a connection whose Close takes three seconds.
type lingering struct{ net.Conn }

func (c lingering) Close() error {
	time.Sleep(3 * time.Second)
	return c.Conn.Close()
}

func TestFault58_ConcurrentCloses(t *testing.T) {
	inWorld(t, func(w *world) {
		link := w.Srv.Link()
		sm, err := core.Dial(w.Context(), core.Config{
			Servers: []string{"zk1"},
			Dialer: func(ctx context.Context, network, address string) (net.Conn, error) {
				c, err := link.DialContext(ctx, network, address)
				return lingering{c}, err
			},
		})
		require.NoError(w, err)
		var work sync.WaitGroup
		for range 2 {
			work.Go(func() {
				if err := sm.Close(); err != nil {
					w.Error(err)
				}
			})
		}
		work.Wait()
		require.Equal(w, core.Closed, sm.State())
		time.Sleep(time.Minute) // the client closes the connection in the background
	})
}
