// Package suite_test runs random programs over all recipes.
package suite_test

import (
	"context"
	"errors"
	"testing"

	"go.uber.org/goleak"

	"github.com/docent-go/docent/internal/simulation"
	"github.com/docent-go/docent/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fine reports whether an error is one that faults may cause: the call was given
// up, or is one of those named. Anything else breaks a promise.
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

// let is what the end of a hold may come to.
func let(a *simulation.Actor, what string, err error) {
	fine(a, context.Background(), what, err, session.ErrLost)
}
