package ensemble_test

import (
	"testing"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

// TestFullDisk: a server with a full disk stops serving. Restarted with room,
// it has lost nothing.
func TestFullDisk(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	ensemble.RequireDisks(t)
	e := ensemble.Start(t, 1, ensemble.OwnDisks())
	s := e.Server(0)
	conn := connect(t, s.Addr())
	create(t, conn, "/before")
	s.FillDisk()
	ensemble.Eventually(t, soon, "the server does not serve", func() bool {
		_, err := conn.Set("/before", make([]byte, 100<<10), -1)
		return err != nil && s.Mode() == ""
	})
	s.FreeDisk()
	s.Restart()
	quorum(t, e)
	writable(t, connect(t, s.Addr()), "/before")
}
