package ensemble

import (
	"context"
	"testing"
	"time"

	"github.com/docent-go/docent/session"
)

// Within returns a context that ends after d, and with the test.
func Within(tb testing.TB, d time.Duration) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), d)
	tb.Cleanup(cancel)
	return ctx
}

// Dial opens a session of Docent within d. The session is closed with the test.
func Dial(tb testing.TB, d time.Duration, cfg session.Config) *session.Manager {
	tb.Helper()
	sm, err := session.Dial(Within(tb, d), cfg)
	if err != nil {
		tb.Fatalf("ensemble: %v", err)
	}
	tb.Cleanup(func() {
		if err := sm.Close(); err != nil {
			tb.Errorf("ensemble: close the session: %v", err)
		}
	})
	return sm
}
