package barrier_test

import (
	"context"
	"testing"
	"time"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/internal/testing/testworld"
)

// An administrator takes the right to read a member's node from its session, and deletes
// the node. No server tells the session. Its visit ends soon.
func TestUnseenDeletionOfAVisitor(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		enter := func(p *testworld.Process) func(context.Context) (*barrier.Visit, error) {
			return barrier.NewDouble(p.Manager, "/barriers/a", 2).Enter
		}
		p := w.Process()
		first, second := testworld.Go(w, enter(p)), testworld.Go(w, enter(w.Process(testworld.Reader)))
		visit := first.Get()
		second.Get()
		time.Sleep(time.Minute)
		p.RemoveHidden()
		w.EndsUnseen(visit.Context(), "")
	})
}
