package recipes

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/queue"
)

// What an empty id means, as docs/api.md says: an id that only names the process
// is made, and the name of a place is an error.
func TestWithoutAnID(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		host, err := os.Hostname()
		require.NoError(w, err)
		process := fmt.Sprintf("%s-%d", host, os.Getpid())
		ctx, sm := w.Context(), w.Process().Manager

		m := lock.NewMutex(sm, "/lock", lock.ID(""))
		_, err = m.Lock(ctx)
		require.NoError(w, err)
		holders, err := m.Holders(ctx)
		require.NoError(w, err)
		require.Equal(w, process, holders[0].ID)

		require.Equal(w, process, election.New(sm, "/election", election.ID("")).ID())

		q := queue.New(sm, "/queue", queue.Consumer(""))
		_, err = q.Put(ctx, nil)
		require.NoError(w, err)
		_, err = q.Take(ctx)
		require.NoError(w, err)
		for item, err := range q.List(ctx) {
			require.NoError(w, err)
			require.Equal(w, process, item.Claim.ID)
		}

		d := barrier.NewDouble(sm, "/double", 1, barrier.ID(""))
		_, err = d.Enter(ctx)
		require.NoError(w, err)
		members, err := d.Members(ctx)
		require.NoError(w, err)
		require.NotEmpty(w, members[0].ID)
		require.NotEqual(w, process, members[0].ID)

		g, err := naming.NewRegistry(sm).Register(ctx, naming.Instance{Service: "orders", Address: "10.0.0.1", Port: 80})
		require.NoError(w, err)
		require.Regexp(w, regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`), g.Instance().ID)

		_, err = groupmembership.NewGroup(sm, "/group").Join(ctx, "", nil)
		require.ErrorContains(w, err, "a name must not be empty")
		require.ErrorContains(w, groupmembership.NewPartitioner(sm, "/p", 1).Run(ctx, "",
			func(context.Context, *groupmembership.Partition) error { return nil }), "a name must not be empty")
	})
}
