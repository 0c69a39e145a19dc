package groupmembership_test

import (
	"testing"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
)

// An invalid path or option is the error of every call, not only of the call
// that would use it. The error names the one option that is invalid.
func TestBadOptionFailsEveryCall(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		sm := w.Process().Manager
		w.EveryCallFails(groupmembership.NewGroup(sm, "a"), "a path")
		w.EveryCallFails(groupmembership.NewPartitioner(sm, "a", 1), "a path")
		w.EveryCallFails(groupmembership.NewPartitioner(sm, "/a", 0), "the number of partitions is 0")
		w.EveryCallFails(groupmembership.NewPartitioner(sm, "/a", 1, groupmembership.Settle(-1)), "the option Settle(-1ns) is negative; give 0 or more")
		for text, opts := range map[string][]groupmembership.GroupOption{
			"the option Pause(-1ns) is negative; give 0 or more":  {groupmembership.Pause(-1)},
			"the option Limit(0) is too small; give 1 or more":    {groupmembership.Limit(0)},
			"the option MaxBytes(0) is too small; give 1 or more": {groupmembership.MaxBytes(0)},
			"Refuse and Replace exclude each other":               {groupmembership.Refuse(), groupmembership.Replace()},
		} {
			w.EveryCallFails(groupmembership.NewGroup(sm, "/a", opts...), text)
			p := groupmembership.NewPartitioner(sm, "/a", 1, groupmembership.GroupOptions(opts...))
			w.EveryCallFails(p, text)
			w.EveryCallFails(p.Group(), text)
		}
	})
}
