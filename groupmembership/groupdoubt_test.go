package groupmembership_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

// Another client deletes a member's znode, and the member's server lags: the
// event is late, and another process has taken the id. The first member leaves
// the new znode alone.
func TestFault06_MemberLeavesTheNextAlone(t *testing.T) {
	for name, act := range map[string]func(w *testworld.World, m *groupmembership.Membership){
		"leave": func(w *testworld.World, m *groupmembership.Membership) {
			require.NoError(w, m.Leave(context.Background()))
		},
		"update": func(w *testworld.World, m *groupmembership.Membership) {
			require.Error(w, m.UpdatePayload(w.Within(time.Minute), []byte("ours")), "another has the id")
		},
	} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				a, b := w.Process(), w.Process()
				m, err := groupmembership.NewGroup(a.Manager, "/group").Join(w.Context(), "1", nil)
				require.NoError(t, err)
				w.Srv.Lag(a.Current().ID())
				w.Remove(m.Path())
				_, err = b.Create(w.Context(), m.Path(), []byte("theirs"), session.Ephemeral)
				require.NoError(t, err)
				act(w, m)
				time.Sleep(time.Minute)
				require.Equal(t, "theirs", w.Data(m.Path()))
			})
		})
	}
}

func TestFault09_GroupOnAThrottledServer(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Throttle()
		for range 3 {
			m, err := groupmembership.NewGroup(p.Manager, "/group").Join(w.Within(time.Minute), "1", nil)
			require.NoError(t, err)
			require.NoError(t, m.UpdatePayload(w.Within(time.Minute), []byte("50 %")))
			require.NoError(t, m.Leave(context.Background()))
			require.Empty(t, w.Children("/group"))
		}
	})
}

// The ctx of Leave bounds the wait, and not the removal.
func TestLeaveGoesOnAfterItsContext(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		m, err := groupmembership.NewGroup(p.Manager, "/group").Join(w.Context(), "1", nil)
		require.NoError(t, err)
		w.Srv.Freeze()
		require.ErrorIs(t, m.Leave(w.Within(time.Second)), context.DeadlineExceeded)
		require.ErrorIs(t, m.Leave(testworld.Cancelled()), context.Canceled)
		w.Srv.Thaw()
		<-m.Done()
		require.Empty(t, w.Children("/group"))
		require.NoError(t, m.Leave(testworld.Cancelled()), "it has gone")
	})
}
