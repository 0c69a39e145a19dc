package ensemble

import (
	"os"
	"testing"
)

// RequireUpgrade skips the test if this machine cannot run the servers of
// ZooKeeper 3.8 and of the new cell beside each other. With CI=true it fails the
// test instead.
func RequireUpgrade(tb testing.TB) {
	tb.Helper()
	RequireZooKeeper(tb)
	current, err := CurrentCell()
	if err != nil {
		tb.Fatal(err)
	}
	if current.Name != "old" {
		tb.Skipf("begins with the servers of the old cell, and this is the %s cell", current.Name)
	}
	if _, err := unpackedCell("new"); err != nil {
		if os.Getenv("CI") == "true" {
			tb.Fatalf("CI=true forbids skipping: %v", err)
		}
		tb.Skipf("needs the new cell: %v", err)
	}
}

// Upgrade makes the server run the ZooKeeper of the new cell from its next start
// on. Call [RequireUpgrade] first.
func (s *Server) Upgrade() {
	s.tb.Helper()
	cell, err := unpackedCell("new")
	if err != nil {
		s.tb.Fatal(err)
	}
	java, err := locateCell(cell)
	if err != nil {
		s.tb.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.java = java
}

// Upgraded reports whether the running server is of the new cell.
func (s *Server) Upgraded() bool {
	version, err := s.Version()
	s.mu.Lock()
	defer s.mu.Unlock()
	return err == nil && s.java.cell.Name == "new" && s.java.cell.Check("zookeeper", version) == nil
}
