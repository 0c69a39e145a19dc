package ensemble

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// diskSize is enough for minutes of work, and can be filled quickly.
const diskSize = 48 << 20

// RequireDisks skips the test if this process may not mount file systems, which
// [OwnDisks] needs. Mounting takes root, and in a container an additional
// privilege. So RequireDisks skips the test even with CI=true.
func RequireDisks(tb testing.TB) {
	tb.Helper()
	dir := tb.TempDir()
	if err := mountDisk(dir); err != nil {
		tb.Skipf("needs a small disk for each server: %v", err)
	}
	if err := unmountDisk(dir); err != nil {
		tb.Fatal(err)
	}
}

// OwnDisks puts the data of each server on a small disk of its own, in memory,
// that [Server.FillDisk] can fill.
func OwnDisks() Option {
	return func(s *settings) { s.ownDisks = true }
}

// FillDisk fills the server's disk, until [Server.FreeDisk]. A server that
// cannot log a transaction stops serving, and may not start again by itself
// when the disk has room. FillDisk needs [OwnDisks].
func (s *Server) FillDisk() {
	s.tb.Helper()
	f, err := os.Create(s.ballast())
	if err != nil {
		s.tb.Errorf("filling the disk of server %d: %v", s.id, err)
		return
	}
	block := make([]byte, 64<<10)
	for err == nil && len(block) > 0 {
		_, err = f.Write(block)
		if errors.Is(err, syscall.ENOSPC) {
			block, err = block[:len(block)/2], nil // down to the last byte
		}
	}
	if err = errors.Join(err, f.Close()); err != nil {
		s.tb.Errorf("filling the disk of server %d: %v", s.id, err)
	}
}

// FreeDisk empties the server's disk again.
func (s *Server) FreeDisk() {
	s.tb.Helper()
	if err := os.Remove(s.ballast()); err != nil {
		s.tb.Errorf("freeing the disk of server %d: %v", s.id, err)
	}
}

// CanRefuseWrites reports whether this machine has the program that
// [Server.RefuseWrites] needs. If not, it logs that. With CI=true it fails the
// test instead.
func CanRefuseWrites(tb testing.TB) bool {
	tb.Helper()
	_, err := exec.LookPath("prlimit")
	if err == nil {
		return true
	}
	if os.Getenv("CI") == "true" {
		tb.Fatalf("CI=true forbids skipping: %v", err)
	}
	tb.Logf("the files of servers cannot be limited (Debian: apt-get install util-linux): %v", err)
	return false
}

// RefuseWrites makes every write of the running server to a file fail from now
// on, by a limit of zero bytes on its files. A full disk has the same effect:
// the server cannot log a transaction, and stops serving. [Server.Restart] lifts
// the limit. RefuseWrites needs Linux, but neither root nor [OwnDisks]. Call
// [CanRefuseWrites] first.
func (s *Server) RefuseWrites() {
	s.tb.Helper()
	pid := s.Pid()
	if pid == 0 {
		return
	}
	if err := shell("prlimit", "--pid", strconv.Itoa(pid), "--fsize=0"); err != nil {
		s.tb.Errorf("limiting the files of server %d: %v", s.id, err)
	}
}

func (s *Server) dataDir() string { return filepath.Join(s.dir, "data") }
func (s *Server) ballast() string { return filepath.Join(s.dataDir(), "ballast") }

func mountDisk(dir string) error {
	return shell("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%d", diskSize), "docent-test", dir)
}

func unmountDisk(dir string) error { return shell("umount", dir) }

func shell(args ...string) error {
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
