package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/sessiontest"
	"github.com/docent-go/docent/zktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const partitions = 8

// ledger records the work of all workers.
type ledger struct {
	w      *sessiontest.World
	takes  time.Duration // a round of work
	mu     sync.Mutex
	busy   [partitions]string // the worker at work now
	tokens [partitions]int64  // the greatest token seen
	rounds [partitions]int
	by     [partitions]string // the worker that worked last
}

// work checks the promises: no other worker is at work on the partition, and
// tokens grow.
func (l *ledger) work(id string) func(context.Context, int, int64) error {
	return func(ctx context.Context, n int, token int64) error {
		l.mu.Lock()
		if l.busy[n] != "" {
			l.w.Errorf("%s begins to work on %d, where %s is at work", id, n, l.busy[n])
		}
		if token < l.tokens[n] || token == l.tokens[n] && id != l.by[n] {
			l.w.Errorf("%s works on %d with the token %d, after %d", id, n, token, l.tokens[n])
		}
		l.busy[n], l.tokens[n], l.by[n] = id, token, id
		l.mu.Unlock()
		defer func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.busy[n] = ""
			l.rounds[n]++
		}()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(l.takes):
			return nil
		}
	}
}

// shares waits until every partition has been worked on again. It returns how
// many partitions each worker has, the smallest share first.
func (l *ledger) shares() []int {
	l.w.Helper()
	time.Sleep(2 * time.Second) // let the old workers release their partitions
	l.mu.Lock()
	l.rounds = [partitions]int{}
	l.mu.Unlock()
	l.w.Eventually(func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return slices.Min(l.rounds[:]) >= 2
	}, "each partition is worked on")
	l.mu.Lock()
	defer l.mu.Unlock()
	count := make(map[string]int)
	for _, id := range l.by {
		count[id]++
	}
	var all []int
	for _, n := range count {
		all = append(all, n)
	}
	slices.Sort(all)
	return all
}

// workers returns the workers that worked on the partitions last.
func (l *ledger) workers() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.by[:])
}

// member is a worker's process.
type member struct {
	*sessiontest.Process
	call *sessiontest.Call
}

func startWorker(l *ledger, id string, work func(context.Context, int, int64) error) *member {
	m := &member{Process: l.w.Process()}
	wk := &worker{id: id, partitions: partitions, every: time.Second, log: slog.New(slog.DiscardHandler), work: work}
	m.call = l.w.Go(func(ctx context.Context) error { return wk.run(ctx, m.Manager) })
	return m
}

func startWorkers(l *ledger, ids ...string) []*member {
	var all []*member
	for _, id := range ids {
		all = append(all, startWorker(l, id, l.work(id)))
	}
	return all
}

// A worker is killed: its partitions go to the others.
func TestEveryPartitionIsWorkedOnAfterAKill(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		l := &ledger{w: w, takes: 700 * time.Millisecond}
		pool := startWorkers(l, "a", "b", "c")
		require.Equal(t, []int{2, 3, 3}, l.shares())
		pool[1].Kill()
		time.Sleep(10 * time.Second) // the session timeout
		require.Equal(t, []int{4, 4}, l.shares())
		require.NotContains(t, l.workers(), "b")
	})
}

// Workers join and leave in an orderly way: no session has to expire.
func TestWorkersComeAndGo(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		l := &ledger{w: w, takes: 700 * time.Millisecond}
		first := startWorkers(l, "a")[0]
		require.Equal(t, []int{8}, l.shares())
		startWorkers(l, "b", "c", "d")
		require.Equal(t, []int{2, 2, 2, 2}, l.shares())
		err := first.call.Cancel()
		require.NoError(t, err)
		require.Equal(t, []int{2, 3, 3}, l.shares())
		require.NotContains(t, l.workers(), "a")
		require.Equal(t, []string{"b", "c", "d"}, w.Children("/workerpool/members"))
	})
}

// A worker is cut off during its work, and its partitions go to the others. It
// comes back.
func TestAWorkerThatWasCutOffComesBack(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		l := &ledger{w: w, takes: 20 * time.Second} // longer than a session lasts
		pool := startWorkers(l, "a", "b")
		require.Equal(t, []int{4, 4}, l.shares())
		pool[0].Link.Cut(zktest.ToServer)
		time.Sleep(10 * time.Second)
		require.Equal(t, []int{8}, l.shares())
		pool[0].Link.Heal()
		time.Sleep(20 * time.Second)
		require.Equal(t, []int{4, 4}, l.shares())
	})
}

// The same worker tries failed work again.
func TestWorkThatFailsIsTriedAgain(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		l := &ledger{w: w, takes: 700 * time.Millisecond}
		work := l.work("a")
		m := startWorker(l, "a", func(ctx context.Context, n int, token int64) error {
			return errors.Join(work(ctx, n, token), errors.New("the disk is full"))
		})
		require.Equal(t, []int{8}, l.shares())
		require.True(t, m.call.Running())
	})
}

// A worker that is configured with another number of partitions is rejected.
func TestWorkersAgreeOnTheNumber(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		l := &ledger{w: w, takes: 700 * time.Millisecond}
		startWorkers(l, "a")
		require.Equal(t, []int{8}, l.shares())
		other := &worker{id: "b", partitions: 4, every: time.Second, log: slog.New(slog.DiscardHandler), work: l.work("b")}
		require.ErrorIs(t, other.run(w.Context(), w.Process().Manager), groupmembership.ErrPartitionCount)
	})
}
