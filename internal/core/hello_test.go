package core_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// A server that lags behind the session's answers, of its requests or of its
// reads, must not accept the session: time would go back.
func TestNoServerThatLagsTakesTheSessionOn(t *testing.T) {
	for name, learn := range map[string]func(w *world, s *core.Session){
		"by a write of its own": func(w *world, s *core.Session) {
			_, err := s.Set(w.Context(), "/a", []byte("new"), core.AnyVersion)
			require.NoError(w, err)
		},
		"by a read": func(w *world, s *core.Session) {
			require.NoError(w, w.Srv.Put("/a", []byte("new")))
			_, _, err := s.Get(w.Context(), "/a")
			require.NoError(w, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				require.NoError(w, w.Srv.Put("/a", []byte("old")))
				lagging := w.Srv.Link()
				var behind atomic.Bool
				present := w.Srv.Link()
				s := w.process(func(cfg *core.Config) {
					cfg.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
						if behind.Load() {
							return lagging.DialContext(ctx, network, addr)
						}
						return present.DialContext(ctx, network, addr)
					}
				}).session()
				w.Srv.Depose(lagging) // which knows the session, and nothing that is new
				learn(w, s)

				dialled := w.Srv.Count(zktest.OpConnect)
				behind.Store(true)
				present.Disconnect()
				data, _, err := s.Get(w.Within(3*time.Second), "/a")
				require.ErrorIs(w, err, context.DeadlineExceeded, "%q", data)
				require.Greater(w, w.Srv.Count(zktest.OpConnect), dialled, "it was dialled")

				behind.Store(false)
				data, _, err = s.Get(w.Context(), "/a")
				require.NoError(w, err)
				require.Equal(w, "new", string(data))
				require.NoError(w, s.Err())
			})
		})
	}
}
