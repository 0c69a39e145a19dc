package counter_test

import (
	"testing"

	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/internal/testing/testworld"
)

// An invalid path or option is the error of every call, not only of the call
// that would use it.
func TestBadOptionFailsEveryCall(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		sm := w.Process().Manager
		w.EveryCallFails(counter.New(sm, "a"), "a path")
		w.EveryCallFails(counter.New(sm, "/a", counter.Layout(9)), "Layout(9)")
		w.EveryCallFails(counter.NewSequence(sm, "a"), "a path")
		w.EveryCallFails(counter.NewSequence(sm, "/a", counter.Block(0)), "Block(0)")
	})
}
