package queue_test

import (
	"testing"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/queue"
)

// An invalid path or option is the error of every call, not only of the call
// that would use it.
func TestBadOptionFailsEveryCall(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		sm := w.Process().Manager
		w.EveryCallFails(queue.New(sm, "a"), "a path")
		w.EveryCallFails(queue.New(sm, "/a", queue.Items("a")), "a path")
		w.EveryCallFails(queue.New(sm, "/a", queue.Limit(0)), "Limit(0)")
		w.EveryCallFails(queue.New(sm, "/a", queue.MaxAttempts(0)), "MaxAttempts(0)")
		w.EveryCallFails(queue.New(sm, "/a", queue.Layout(9)), "Layout(9)")
	})
}
