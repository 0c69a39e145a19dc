package ensemble

import (
	"testing"
	"time"
)

// pollEvery is how often [Eventually] looks.
const pollEvery = 10 * time.Millisecond

// Eventually calls cond every 10 ms until it says true, and fails the test when that takes longer than within; what names the
// thing waited for. Real processes give no event to wait on, so here, and only here, the harness polls.
// Call it from the test's own goroutine.
func Eventually(tb testing.TB, within time.Duration, what string, cond func() bool) {
	tb.Helper()
	if !poll(within, cond) {
		tb.Fatalf("not within %v: %s", within, what)
	}
}

func poll(within time.Duration, cond func() bool) bool {
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		if cond() {
			return true
		}
		select {
		case <-ticker.C:
		case <-deadline.C:
			return cond() // a slow condition gets its last word after the time is up
		}
	}
}
