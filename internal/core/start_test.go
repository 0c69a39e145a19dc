package core_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// A Manager that is started without a server has a session once a server
// answers.
func TestStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.New(t)
		srv.Freeze()
		m, err := core.Start(core.Config{Servers: []string{"zk1"}, Dialer: srv.Link().DialContext})
		require.NoError(t, err)
		defer m.Close()
		require.Equal(t, core.Lost, m.State())
		short, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err = m.Session(short)
		require.ErrorIs(t, err, core.ErrUnreachable)
		srv.Thaw()
		s, err := m.Session(t.Context())
		require.NoError(t, err)
		require.Equal(t, core.Connected, m.State())
		require.NotZero(t, s.ID())
	})
	_, err := core.Start(core.Config{})
	require.ErrorContains(t, err, "Servers")
}
