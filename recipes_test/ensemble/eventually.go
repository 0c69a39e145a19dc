package ensemble

import (
	"testing"
	"time"
)

// pollEvery is the pause between two calls of cond in [Eventually].
const pollEvery = 10 * time.Millisecond

// Eventually calls cond every 10 ms until it returns true. It fails the test
// after within; what names the condition. Real processes give no event to wait
// for, so here, and only here, the harness polls. Call it from the test's own
// goroutine.
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
			return cond() // one last call, in case cond is slow
		}
	}
}
