package config_test

import (
	"testing"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/testing/testworld"
)

// An invalid path or option is the error of every call, not only of the call
// that would use it.
func TestBadOptionFailsEveryCall(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		sm := w.Process().Manager
		w.EveryCallFails(config.NewStore(sm, "a"), "a path")
		w.EveryCallFails(config.NewStore(sm, "a").History(1), "a path")
		w.EveryCallFails(config.NewStore(sm, "/a").History(0), "0")
	})
}
