package lock_test

import (
	"testing"
	"time"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
)

// An invalid path or option is the error of every call, not only of the call
// that would use it.
func TestBadOptionFailsEveryCall(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		sm := w.Process().Manager
		w.EveryCallFails(lock.NewMutex(sm, "/a", lock.Handoff(-1)), "the option Handoff(-1) is negative")
		w.EveryCallFails(lock.NewOnce(sm, "/a", time.Hour, lock.Slack(-1)), "the option Slack(-1ns)")
		w.EveryCallFails(lock.NewSemaphore(sm, "/a", lock.Permits(0)), "the option Permits(0) is out of range")
		for _, bad := range []any{
			lock.NewMutex(sm, "a"), lock.NewMutex(sm, "a", lock.Handoff(1)), lock.NewRWMutex(sm, "a"),
			lock.NewOneNode(sm, "a"), lock.NewOnce(sm, "a", time.Hour), lock.NewSemaphore(sm, "a", lock.Permits(1)),
			lock.NewMulti(lock.NewMutex(sm, "a"), lock.NewMutex(sm, "/b")),
		} {
			w.EveryCallFails(bad, "a path")
		}
	})
}
