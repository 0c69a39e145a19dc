package session_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// A session that holds nothing and waits for nothing sends pings alone, and no
// more of them than a bare client.
func TestIdleSessionsSendPingsAlone(t *testing.T) {
	const timeout, period = 30 * time.Second, time.Hour // the one that w.client asks for
	var bare int
	inWorld(t, func(w *world) {
		w.client()
		time.Sleep(period)
		bare = w.srv.Count(zktest.OpPing)
	})
	for name, before := range map[string]func(w *world, p *process){
		"new": func(*world, *process) {},
		"after a hold": func(w *world, p *process) {
			require.NoError(w, w.srv.Put("/locks", nil))
			require.NoError(w, p.enter("/locks").Release())
			time.Sleep(time.Minute)
		},
		"after a watch": func(w *world, p *process) {
			_, _, watch, err := p.session().ExistsW(w.Context(), "/missing")
			require.NoError(w, err)
			watch.Stop()
			time.Sleep(time.Minute)
		},
		"after a reconnection": func(w *world, p *process) {
			p.link.Disconnect()
			require.NoError(w, p.Sync(w.Context(), "/"))
			time.Sleep(time.Minute)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				p := w.process(func(cfg *session.Config) { cfg.Timeout = timeout })
				before(w, p)
				w.srv.ResetCounts()
				time.Sleep(period)
				counts := w.srv.Counts()
				require.LessOrEqual(w, counts[zktest.OpPing], bare+bare/50, "a request puts off the next ping")
				delete(counts, zktest.OpPing)
				require.Empty(w, counts)
			})
		})
	}
}
