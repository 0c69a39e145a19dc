package ensemble

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// Backup is a copy of a server's snapshots and logs.
type Backup struct{ dir string }

// Backup copies the snapshots and the logs of the leader while it runs, as an
// operator does. The test removes the copy at its end.
func (e *Ensemble) Backup(tb testing.TB) Backup {
	tb.Helper()
	b := Backup{tb.TempDir()}
	if err := os.CopyFS(b.dir, os.DirFS(e.Leader().history())); err != nil {
		tb.Fatalf("backup: %v", err)
	}
	return b
}

// RaiseEpoch makes the servers begin with a later epoch than n once the backup is
// restored: every new zxid is then greater than the zxids of the epochs up to n.
// A server without an ensemble has no epoch.
func (b Backup) RaiseEpoch(tb testing.TB, n int) {
	tb.Helper()
	for _, name := range []string{"acceptedEpoch", "currentEpoch"} {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(strconv.Itoa(n)), 0o644); err != nil {
			tb.Fatalf("raise the epoch: %v", err)
		}
	}
}

// Restore kills every server, and replaces its snapshots and logs by the
// backup. The servers stay down: [Server.Restart] starts them.
func (e *Ensemble) Restore(tb testing.TB, b Backup) {
	tb.Helper()
	for _, s := range e.servers {
		s.Kill()
	}
	for _, s := range e.servers {
		if err := os.RemoveAll(s.history()); err != nil {
			tb.Fatalf("restore: %v", err)
		}
		if err := os.CopyFS(s.history(), os.DirFS(b.dir)); err != nil {
			tb.Fatalf("restore: %v", err)
		}
	}
}

// history is the directory of the server's snapshots and logs.
func (s *Server) history() string { return filepath.Join(s.dataDir(), "version-2") }
