package ensemble

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// faketimeLibraries matches libfaketime where Debian and Ubuntu install it. The
// dynamic linker loads it into a server.
const faketimeLibraries = "/usr/lib/*/faketime/libfaketime.so.1"

// CanSetClocks reports whether servers can have clocks of their own: see
// [OwnClocks]. If not, it logs what is missing. With CI=true it fails the test
// instead.
func CanSetClocks(tb testing.TB) bool {
	tb.Helper()
	_, err := faketime()
	if err == nil {
		return true
	}
	if os.Getenv("CI") == "true" {
		tb.Fatalf("CI=true forbids skipping: %v", err)
	}
	tb.Logf("servers cannot have clocks of their own: %v", err)
	return false
}

func faketime() (library string, err error) {
	found, err := filepath.Glob(faketimeLibraries)
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "", errors.New("no libfaketime (Debian: apt-get install libfaketime)")
	}
	return found[0], nil
}

// OwnClocks gives each server a clock of its own that [Server.SetClock] can
// change. It needs libfaketime: see [CanSetClocks].
func OwnClocks() Option {
	return func(s *settings) { s.ownClocks = true }
}

// SetClock makes the server's clock differ from the machine's by offset, from
// the next second on. It changes the time of day, as an administrator or NTP
// does, and not the monotonic clock. The offset outlasts a restart. SetClock
// needs [OwnClocks].
func (s *Server) SetClock(offset time.Duration) {
	s.tb.Helper()
	if err := s.writeClock(offset); err != nil {
		s.tb.Errorf("setting the clock of server %d: %v", s.id, err)
	}
}

func (s *Server) clockFile() string { return filepath.Join(s.dir, "clock") }

// writeClock replaces the file in one step: the server reads it at any time.
func (s *Server) writeClock(offset time.Duration) error {
	next := s.clockFile() + ".next"
	if err := os.WriteFile(next, fmt.Appendf(nil, "%+.3fs\n", offset.Seconds()), 0o644); err != nil {
		return err
	}
	return os.Rename(next, s.clockFile())
}

// clockEnv is the environment of a server with a clock of its own.
func (s *Server) clockEnv() ([]string, error) {
	library, err := faketime()
	if err != nil {
		return nil, err
	}
	return []string{
		"LD_PRELOAD=" + library,
		"FAKETIME_TIMESTAMP_FILE=" + s.clockFile(),
		"FAKETIME_CACHE_DURATION=1",
		"FAKETIME_DONT_FAKE_MONOTONIC=1",
		// The monotonic clock is real. With the fix, waits of the JVM would end
		// at once.
		"FAKETIME_FORCE_MONOTONIC_FIX=0",
	}, nil
}
