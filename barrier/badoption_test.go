package barrier_test

import (
	"testing"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/internal/testing/testworld"
)

// An invalid path or option is the error of every call, not only of the call
// that would use it.
func TestBadOptionFailsEveryCall(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		sm := w.Process().Manager
		w.EveryCallFails(barrier.New(sm, "a"), "a path")
		w.EveryCallFails(barrier.NewDouble(sm, "a", 2), "a path")
		w.EveryCallFails(barrier.NewDouble(sm, "/a", 0), "0")
		w.EveryCallFails(barrier.NewDouble(sm, "/a", 2, barrier.ID("/")), "must not contain /")
	})
}
