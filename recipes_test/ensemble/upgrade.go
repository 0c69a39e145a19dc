package ensemble

import (
	"fmt"
	"os"
	"testing"
)

// RequireUpgrade skips the test if this machine cannot run the servers of
// ZooKeeper 3.8 and of the new cell beside each other. With CI=true it fails the
// test instead.
func RequireUpgrade(tb testing.TB) {
	tb.Helper()
	RequireZooKeeper(tb)
	if reason := noUpgrade(tb); reason != "" {
		tb.Skip(reason)
	}
}

// CanUpgrade is RequireUpgrade for a test in which an upgrade is one part of
// several: it logs the reason and returns false.
func CanUpgrade(tb testing.TB) bool {
	tb.Helper()
	reason := noUpgrade(tb)
	if reason != "" {
		tb.Log(reason)
	}
	return reason == ""
}

// noUpgrade returns why servers cannot be upgraded, or "".
func noUpgrade(tb testing.TB) (reason string) {
	tb.Helper()
	current, err := CurrentCell()
	if err != nil {
		tb.Fatal(err)
	}
	if current.Name != "old" {
		return fmt.Sprintf("an upgrade begins with the servers of the old cell, and this is the %s cell", current.Name)
	}
	if _, err := unpackedCell("new"); err != nil {
		if os.Getenv("CI") == "true" {
			tb.Fatalf("CI=true forbids skipping: %v", err)
		}
		return fmt.Sprintf("an upgrade needs the new cell: %v", err)
	}
	return ""
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
