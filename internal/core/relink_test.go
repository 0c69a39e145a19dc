package core

import (
	"bytes"
	"log/slog"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/zktest"
)

// The client's goroutine may report a session's first connection after the
// session was published as connected: that changes nothing.
func TestLateNewsOfTheFirstConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		srv := zktest.New(t)
		m, err := Dial(t.Context(), Config{Servers: []string{"zk1"}, Dialer: srv.DialContext, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		require.NoError(t, err)
		defer m.Close()
		s, err := m.Session(t.Context())
		require.NoError(t, err)
		changes := m.states.join()
		m.linkChanged(s)
		require.Len(t, changes.queue, 1, "the present state alone")
		synctest.Wait() // lines are handled in the background
		<-m.lines.handled()
		require.NotContains(t, log.String(), "connection changed")
	})
}
