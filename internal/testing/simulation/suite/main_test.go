// Package suite_test runs random programs over all recipes.
package suite_test

import (
	"context"
	"errors"
	"testing"

	"go.uber.org/goleak"

	"github.com/docent-go/docent/internal/testing/simulation"
	"github.com/docent-go/docent/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fine reports whether a call succeeded. An error that faults may cause is one
// of allowed, or the end of the call's ctx. Any other error breaks a promise.
func fine(a *simulation.Actor, ctx context.Context, what string, err error, allowed ...error) bool {
	if err == nil {
		return true
	}
	a.Log("%s: failed", what)
	if ctx.Err() != nil {
		return false
	}
	for _, e := range allowed {
		if errors.Is(err, e) {
			return false
		}
	}
	a.World.Break("errors", "%s: %v", what, err)
	return false
}

// let checks the error of a release.
func let(a *simulation.Actor, what string, err error) {
	fine(a, context.Background(), what, err, session.ErrLost)
}
