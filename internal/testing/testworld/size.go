package testworld

import (
	"os"
	"testing"
)

// Sized returns the number of things that a test counts or repeats: full, or
// small under the race detector, which makes the test many times slower. With
// DOCENT_SCALE set it is always full. The small size must still be able to fail
// the test.
func Sized(small, full int) int {
	if raceEnabled && os.Getenv("DOCENT_SCALE") == "" {
		return small
	}
	return full
}

// Sequential skips a test that computes in one goroutine under the race
// detector, which makes the test ten times slower and finds nothing there. With
// DOCENT_SCALE set the test always runs. make simulation runs it without the
// race detector.
func Sequential(tb testing.TB) {
	tb.Helper()
	if raceEnabled && os.Getenv("DOCENT_SCALE") == "" {
		tb.Skip("it computes in one goroutine: make simulation runs it, without the race detector")
	}
}
