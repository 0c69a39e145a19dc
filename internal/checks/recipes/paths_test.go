package recipes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const path = "/x"

// use is one use of a path, by the verb that creates or writes there first.
type use struct {
	name string
	call func(ctx context.Context, sm *session.Manager) error
}

// first drops the result of a verb.
func first[T any](_ T, err error) error { return err }

// uses are the recipes.
var uses = []use{
	{"lock", func(ctx context.Context, sm *session.Manager) error {
		return first(lock.NewMutex(sm, path).TryLock(ctx))
	}},
	{"read lock", func(ctx context.Context, sm *session.Manager) error {
		return first(lock.NewRWMutex(sm, path).TryRLock(ctx))
	}},
	{"one-node lock", func(ctx context.Context, sm *session.Manager) error {
		return first(lock.NewOneNode(sm, path).TryLock(ctx))
	}},
	{"semaphore", func(ctx context.Context, sm *session.Manager) error {
		return first(lock.NewSemaphore(sm, path, lock.Permits(1)).TryAcquire(ctx, 1))
	}},
	{"once", func(ctx context.Context, sm *session.Manager) error {
		return first(lock.NewOnce(sm, path, time.Hour).Start(ctx))
	}},
	{"election", func(ctx context.Context, sm *session.Manager) error {
		return first(election.New(sm, path).Campaign(ctx))
	}},
	{"one-node election", func(ctx context.Context, sm *session.Manager) error {
		return first(election.New(sm, path, election.Layout(election.OneNode)).Campaign(ctx))
	}},
	{"gate", func(ctx context.Context, sm *session.Manager) error { return barrier.New(sm, path).Set(ctx) }},
	{"rendezvous", func(ctx context.Context, sm *session.Manager) error {
		return first(barrier.NewDouble(sm, path, 1).Enter(ctx))
	}},
	{"counter", func(ctx context.Context, sm *session.Manager) error { return counter.New(sm, path).Set(ctx, 1) }},
	{"config key", func(ctx context.Context, sm *session.Manager) error {
		return first(config.NewStore(sm, "/").Put(ctx, path, []byte("v")))
	}},
	{"queue", func(ctx context.Context, sm *session.Manager) error {
		return first(queue.New(sm, path).Put(ctx, []byte("item")))
	}},
	{"group", func(ctx context.Context, sm *session.Manager) error {
		return first(groupmembership.NewGroup(sm, path).Join(ctx, "m1", nil))
	}},
	{"names", func(ctx context.Context, sm *session.Manager) error {
		return first(naming.NewNames(sm, path, "").Next(ctx))
	}},
	{"worker ids", func(ctx context.Context, sm *session.Manager) error {
		return first(naming.NewWorkers(sm, path, 9).Acquire(ctx, "w"))
	}},
}

// questions are the verbs that ask about a path, and write nothing. A verb that
// is not here sees the znodes of its recipe alone.
var questions = []use{
	{"one-node holders", func(ctx context.Context, sm *session.Manager) error {
		return first(lock.NewOneNode(sm, path).Holders(ctx))
	}},
	{"one-node leader", func(ctx context.Context, sm *session.Manager) error {
		return first(election.New(sm, path, election.Layout(election.OneNode)).Leader(ctx))
	}},
	{"one-node participants", func(ctx context.Context, sm *session.Manager) error {
		return first(election.New(sm, path, election.Layout(election.OneNode)).Participants(ctx))
	}},
	{"one-node changes", func(ctx context.Context, sm *session.Manager) error {
		for _, err := range election.New(sm, path, election.Layout(election.OneNode)).Changes(ctx) {
			return err
		}
		return nil
	}},
	{"gate wait", func(ctx context.Context, sm *session.Manager) error { return barrier.New(sm, path).Wait(ctx) }},
	{"gate check", func(ctx context.Context, sm *session.Manager) error { return first(barrier.New(sm, path).IsSet(ctx)) }},
}

// same has the uses that a question is for.
var same = map[string][]string{
	"one-node holders": {"one-node lock"}, "gate wait": {"gate"}, "gate check": {"gate"},
	"one-node leader": {"one-node election"}, "one-node participants": {"one-node election"}, "one-node changes": {"one-node election"},
}

// outcomes are the answers to a second recipe at a path.
var outcomes = []struct {
	mark string
	err  error
}{
	{"foreign", session.ErrForeign}, {"not ephemeral", session.ErrNotEphemeral}, {"no children", session.ErrNoChildrenForEphemerals},
	{"held", lock.ErrHeld}, {"waits", context.DeadlineExceeded},
}

func outcome(err error) string {
	for _, o := range outcomes {
		if errors.Is(err, o.err) {
			return o.mark
		}
	}
	if err == nil {
		return "both work"
	}
	return err.Error()
}

// One path for two recipes: what the second one meets. docs/api.md says which
// recipes check the path. Two recipes both work if each counts its own znodes
// alone, and then neither disturbs the other. No second recipe deletes a znode of
// the first, or overwrites its data. A znode without data is not counted: it
// does not tell whose it is, and no recipe reads the data of its directory.
func TestTwoRecipesAtOnePath(t *testing.T) {
	var table strings.Builder
	for _, second := range slices.Concat(uses, questions) {
		found := make(map[string][]string)
		for _, resident := range uses {
			if resident.name == second.name || slices.Contains(same[second.name], resident.name) {
				continue
			}
			testworld.Run(t, func(w *testworld.World) {
				require.NoError(w, resident.call(w.Context(), w.Process().Manager), resident.name)
				time.Sleep(time.Minute)
				before := stands(w)
				got := outcome(second.call(w.Within(time.Minute), w.Process().Manager))
				found[got] = append(found[got], resident.name)
				for node, data := range before {
					now, there := w.Srv.Node(node)
					require.True(w, there, "%s at the path of a %s deletes %s", second.name, resident.name, node)
					require.Equal(w, data, string(now.Data), "%s at the path of a %s overwrites %s", second.name, resident.name, node)
				}
			})
		}
		for _, o := range append(outcomes, struct {
			mark string
			err  error
		}{mark: "both work"}) {
			if at := found[o.mark]; len(at) > 0 {
				fmt.Fprintf(&table, "%s, %s: %s\n", second.name, o.mark, strings.Join(at, ", "))
			}
			delete(found, o.mark)
		}
		require.Empty(t, found, second.name)
	}
	require.Equal(t, strings.TrimSpace(want), strings.TrimSpace(table.String()))
}

// stands returns the znodes with data at the path and below.
func stands(w *testworld.World) map[string]string {
	all := make(map[string]string)
	for _, node := range w.Srv.Paths() {
		if node == path || strings.HasPrefix(node, path+"/") {
			if data := w.Data(node); data != "" {
				all[node] = data
			}
		}
	}
	return all
}

// want has a line for each verb and outcome: the second recipe, and the recipes
// that use the path already.
const want = `
lock, foreign: once, gate
lock, no children: one-node lock, one-node election
lock, both work: read lock, semaphore, election, rendezvous, counter, config key, queue, group, names, worker ids
read lock, foreign: once, gate
read lock, no children: one-node lock, one-node election
read lock, both work: lock, semaphore, election, rendezvous, counter, config key, queue, group, names, worker ids
one-node lock, not ephemeral: lock, read lock, semaphore, once, election, gate, rendezvous, counter, config key, queue, group, names, worker ids
one-node lock, held: one-node election
semaphore, no children: one-node lock, one-node election
semaphore, both work: lock, read lock, once, election, gate, rendezvous, counter, config key, queue, group, names, worker ids
once, foreign: lock, read lock, one-node lock, semaphore, election, one-node election, gate, rendezvous, counter, config key, queue, group, worker ids
once, both work: names
election, foreign: once, gate
election, no children: one-node lock, one-node election
election, both work: lock, read lock, semaphore, rendezvous, counter, config key, queue, group, names, worker ids
one-node election, not ephemeral: lock, read lock, semaphore, once, election, gate, rendezvous, counter, config key, queue, group, names, worker ids
one-node election, waits: one-node lock
gate, foreign: lock, read lock, one-node lock, semaphore, once, election, one-node election, rendezvous, counter, config key, queue, group, names, worker ids
rendezvous, foreign: lock, read lock, semaphore, once, election, gate, counter, config key
rendezvous, no children: one-node lock, one-node election
rendezvous, both work: queue, group, names, worker ids
counter, foreign: lock, read lock, one-node lock, semaphore, once, election, one-node election, gate, rendezvous, config key, queue, group, worker ids
counter, both work: names
config key, foreign: lock, read lock, one-node lock, semaphore, once, election, one-node election, gate, rendezvous, counter, group, worker ids
config key, both work: queue, names
queue, no children: one-node lock, one-node election
queue, both work: lock, read lock, semaphore, once, election, gate, rendezvous, counter, config key, group, names, worker ids
group, no children: one-node lock, one-node election
group, both work: lock, read lock, semaphore, once, election, gate, rendezvous, counter, config key, queue, names, worker ids
names, foreign: lock, read lock, one-node lock, semaphore, once, election, one-node election, gate, rendezvous, counter, config key, group, worker ids
names, both work: queue
worker ids, no children: one-node lock, one-node election
worker ids, both work: lock, read lock, semaphore, once, election, gate, rendezvous, counter, config key, queue, group, names
one-node holders, not ephemeral: lock, read lock, semaphore, once, election, gate, rendezvous, counter, config key, queue, group, names, worker ids
one-node holders, both work: one-node election
one-node leader, not ephemeral: lock, read lock, semaphore, once, election, gate, rendezvous, counter, config key, queue, group, names, worker ids
one-node leader, both work: one-node lock
one-node participants, not ephemeral: lock, read lock, semaphore, once, election, gate, rendezvous, counter, config key, queue, group, names, worker ids
one-node participants, both work: one-node lock
one-node changes, not ephemeral: lock, read lock, semaphore, once, election, gate, rendezvous, counter, config key, queue, group, names, worker ids
one-node changes, both work: one-node lock
gate wait, foreign: lock, read lock, one-node lock, semaphore, once, election, one-node election, rendezvous, queue, group, worker ids
gate wait, waits: counter, config key, names
gate check, foreign: lock, read lock, one-node lock, semaphore, once, election, one-node election, rendezvous, queue, group, worker ids
gate check, both work: counter, config key, names
`
