package session_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// One line says all that an operator needs.
func TestHealthAsText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		for want, h := range map[string]session.Health{
			"confirmed by a quorum for 2m3s; session 0x1000a2f4c8e0003, timeout 10s, deadline in 5.8s, 1 hold, server zk1:2181": {
				State: session.Connected, Confirmed: true, Since: now.Add(-123 * time.Second), Session: 0x1000a2f4c8e0003,
				Timeout: 10 * time.Second, Deadline: now.Add(5800 * time.Millisecond), Holds: 1, Server: "zk1:2181",
			},
			"suspended, not confirmed by a quorum for 1.5s: it is away; session 0x1, timeout 10s, deadline in 0s, 2 holds, server zk1:2181": {
				State: session.Suspended, Since: now.Add(-1500 * time.Millisecond), Session: 1,
				Timeout: 10 * time.Second, Deadline: now.Add(-time.Second), Holds: 2, Server: "zk1:2181", Err: errors.New("it is away"),
			},
			"lost, not confirmed by a quorum for 1h0m0s: it is away": {
				State: session.Lost, Since: now.Add(-time.Hour), Err: errors.New("it is away"),
			},
		} {
			require.Equal(t, want, h.String())
		}
	})
}

// manager is a hook that keeps its Manager.
type manager struct{ sm *session.Manager }

func (m *manager) OnManager(sm *session.Manager) { m.sm = sm }

// A hook can ask the Manager that it has been told of.
func TestHookManagerAsks(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		hook := new(manager)
		p := w.Process(func(cfg *session.Config) { cfg.Hooks = append(cfg.Hooks, hook) })
		_, err := lock.NewMutex(p.Manager, "/locks/a").Lock(w.Context())
		require.NoError(w, err)
		require.Equal(w, p.Health(), hook.sm.Health())
		require.Equal(w, 1, hook.sm.Health().Holds)
		require.Equal(w, p.Stats(), hook.sm.Stats())
		require.Positive(w, hook.sm.Stats().Done)
		p.Link.Cut(zktest.Both)
		w.Eventually(func() bool { return p.State() == session.Lost }, "the session is lost")
		require.ErrorIs(w, hook.sm.Health().Err, session.ErrTrustElapsed)
	})
}
