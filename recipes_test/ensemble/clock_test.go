package ensemble_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

// TestClockAndWrites: the times of znodes follow the server's own clock, and no
// session ends when it jumps. A server that cannot write stops serving.
// Restarted, it has lost nothing.
func TestClockAndWrites(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	if !ensemble.CanSetClocks(t) {
		t.Skip("needs servers with clocks of their own")
	}
	e := ensemble.Start(t, 1, ensemble.OwnClocks())
	s := e.Server(0)
	conn := connect(t, s.Addr())
	id := conn.SessionID()
	create(t, conn, "/clock")
	for _, offset := range []time.Duration{0, time.Hour, -24 * time.Hour, 0} {
		s.SetClock(offset)
		ensemble.Eventually(t, soon, "the time of a write follows the clock", func() bool {
			stat, err := conn.Set("/clock", nil, -1)
			differs := time.Since(time.UnixMilli(stat.Mtime)) + offset
			return err == nil && differs.Abs() < time.Minute
		})
	}
	require.Equal(t, id, conn.SessionID())

	if !ensemble.CanRefuseWrites(t) {
		return
	}
	s.RefuseWrites()
	ensemble.Eventually(t, soon, "the server does not serve", func() bool {
		_, err := conn.Set("/clock", nil, -1)
		return err != nil && s.Mode() == ""
	})
	s.Restart()
	quorum(t, e)
	writable(t, connect(t, s.Addr()), "/clock")
}
