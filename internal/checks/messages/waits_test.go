package messages_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
)

// waits are the calls that wait for other clients: the first call by one process
// makes the second, by another, wait.
var waits = map[string]struct{ first, second verb }{
	"Mutex.Lock":        {verbs["Mutex.Lock"], verbs["Mutex.Lock"]},
	"RWMutex.RLock":     {verbs["RWMutex.Lock"], verbs["RWMutex.RLock"]},
	"OneNode.Lock":      {verbs["OneNode.Lock"], verbs["OneNode.Lock"]},
	"Election.Campaign": {verbs["Election.Campaign"], verbs["Election.Campaign"]},
	"Semaphore.Acquire": {verbs["Semaphore.Acquire"], verbs["Semaphore.Acquire"]},
	"Barrier.Wait": {
		func(ctx context.Context, sm *session.Manager, p string) error { return barrier.New(sm, p).Set(ctx) },
		func(ctx context.Context, sm *session.Manager, p string) error { return barrier.New(sm, p).Wait(ctx) },
	},
	"Double.Enter": {nothing, func(ctx context.Context, sm *session.Manager, p string) error {
		return of(barrier.NewDouble(sm, p, 2).Enter(ctx))
	}},
	"Queue.Take": {nothing, func(ctx context.Context, sm *session.Manager, p string) error { return of(queue.New(sm, p).Take(ctx)) }},
	"Queue.Put": {
		func(ctx context.Context, sm *session.Manager, p string) error {
			return of(queue.New(sm, p).Put(ctx, nil))
		},
		func(ctx context.Context, sm *session.Manager, p string) error {
			return of(queue.New(sm, p, queue.Limit(1)).Put(ctx, nil))
		},
	},
	"config.Open": {nothing, func(ctx context.Context, sm *session.Manager, p string) error {
		return of(config.Open(ctx, sm, p, config.JSON[int](), config.Wait[int]()))
	}},
	"Group.Join": {join, join},
	"Partitioner.Run": {
		func(ctx context.Context, sm *session.Manager, p string) error { return join(ctx, sm, p+"/members") },
		func(ctx context.Context, sm *session.Manager, p string) error {
			return groupmembership.NewPartitioner(sm, p, 1).Run(ctx, "a", func(ctx context.Context, _ *groupmembership.Partition) error {
				<-ctx.Done()
				return ctx.Err()
			})
		},
	},
	"Registry.Register":            {register, register},
	"Election.Campaign of OneNode": {leadAlone, leadAlone},
}

func nothing(context.Context, *session.Manager, string) error { return nil }

func join(ctx context.Context, sm *session.Manager, p string) error {
	return of(groupmembership.NewGroup(sm, p).Join(ctx, "a", nil))
}

func register(ctx context.Context, sm *session.Manager, p string) error {
	return of(naming.NewRegistry(sm, naming.Base(p)).Register(ctx, naming.Instance{Service: "s", ID: "i", Address: "h", Port: 1}))
}

func leadAlone(ctx context.Context, sm *session.Manager, p string) error {
	return of(election.New(sm, p, election.Layout(election.OneNode)).Campaign(ctx))
}

// The error of a wait that ctx ends says what the call has waited for.
func TestEveryWaitSaysWhatItWaitsFor(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(waits)) {
		testworld.Run(t, func(w *testworld.World) {
			require.NoError(w, waits[name].first(w.Within(time.Hour), w.Process().Manager, "/recipes/a"), name)
			err := waits[name].second(w.Within(5*time.Second), w.Process().Manager, "/recipes/a")
			require.ErrorIs(w, err, context.DeadlineExceeded, name)
			require.ErrorContains(w, err, "waiting ", name)
			require.Empty(w, testworld.Repeats(err.Error()), name)
			t.Logf("%s: %v", name, err)
		})
	}
}
