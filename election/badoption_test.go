package election_test

import (
	"testing"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/internal/testing/testworld"
)

// An invalid path or option is the error of every call, not only of the call
// that would use it.
func TestBadOptionFailsEveryCall(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		sm := w.Process().Manager
		w.EveryCallFails(election.New(sm, "a"), "a path")
		w.EveryCallFails(election.New(sm, "a", election.Layout(election.OneNode)), "a path")
		w.EveryCallFails(election.New(sm, "/a", election.Layout(7)), "Layout(7)")
		w.EveryCallFails(election.New(sm, "/a", election.Payload(nil)), "give no Payload")
	})
}
