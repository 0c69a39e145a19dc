package groupmembership_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

const orders = "/consumers/orders"

// court knows which partitions are worked on, and fails the test when one is by
// two at a time, or when its token does not grow.
type court struct {
	w    *testworld.World
	slow time.Duration // of workers that begin from now on

	mu     sync.Mutex
	owners map[int]*groupmembership.Partition
	tokens map[int]int64
	moves  int                                // partitions that have begun to be worked on
	works  map[*groupmembership.Partition]int // what is worked on, and of how many its member knows
}

func newCourt(w *testworld.World) *court {
	return &court{w: w, owners: make(map[int]*groupmembership.Partition), tokens: make(map[int]int64), works: make(map[*groupmembership.Partition]int)}
}

// working fails the test if a member works that knows another number of
// partitions. The caller calls the result when the work is over.
func (c *court) working(part *groupmembership.Partition, n int) (over func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for other, m := range c.works {
		if m != n && other.Err() == nil && part.Err() == nil {
			c.w.Errorf("partition %d of %d is worked on beside partition %d of %d", part.Number, n, other.Number, m)
		}
	}
	c.works[part] = n
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.works, part)
	}
}

func (c *court) begin(part *groupmembership.Partition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if other := c.owners[part.Number]; other != nil && other.Err() == nil && part.Err() == nil {
		c.w.Errorf("partition %d is owned by two", part.Number)
	}
	if part.Token() <= c.tokens[part.Number] {
		c.w.Errorf("partition %d: token %d after %d", part.Number, part.Token(), c.tokens[part.Number])
	}
	c.owners[part.Number], c.tokens[part.Number] = part, part.Token()
	c.moves++
}

// worker is a Run under way.
type worker struct {
	c      *court
	id     string
	n      int
	slow   time.Duration // for which it works on when it has to stop
	cancel context.CancelFunc
	done   chan struct{}
	err    error

	mu     sync.Mutex
	works  map[int]bool
	causes []error // why partitions ended
}

// work starts a member that works on its partitions until it has to stop.
func (c *court) work(p *testworld.Process, id string, n int, opts ...groupmembership.PartitionerOption) *worker {
	ctx, cancel := context.WithCancel(c.w.Context())
	k := &worker{c: c, id: id, n: n, slow: c.slow, cancel: cancel, done: make(chan struct{}), works: make(map[int]bool)}
	c.w.Cleanup(func() {
		cancel()
		<-k.done
	})
	go func() {
		defer close(k.done)
		k.err = groupmembership.NewPartitioner(p.Manager, orders, n, opts...).Run(ctx, id, k.on)
	}()
	return k
}

func (k *worker) on(ctx context.Context, part *groupmembership.Partition) error {
	k.c.begin(part)
	defer k.c.working(part, k.n)()
	k.set(part.Number, true)
	defer k.set(part.Number, false)
	<-ctx.Done()
	time.Sleep(k.slow)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.causes = append(k.causes, context.Cause(ctx))
	return ctx.Err()
}

func (k *worker) set(number int, on bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if delete(k.works, number); on {
		k.works[number] = true
	}
}

// owned lists what the worker works on.
func (k *worker) owned() []int {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []int
	for number := range k.works {
		all = append(all, number)
	}
	slices.Sort(all)
	return all
}

// ends lists why partitions have ended.
func (k *worker) ends() []error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.causes)
}

// stop ends the Run and demands that it ended for no other reason.
func (k *worker) stop() {
	k.c.w.Helper()
	k.cancel()
	<-k.done
	require.ErrorIs(k.c.w, k.err, context.Canceled)
	require.NotErrorIs(k.c.w, k.err, session.ErrLost)
}

// settled waits until n partitions are divided within one among the workers.
func (c *court) settled(n int, workers ...*worker) {
	c.w.Helper()
	c.w.Eventually(func() bool {
		seen := make(map[int]bool)
		for _, k := range workers {
			owned := k.owned()
			if len(owned) < n/len(workers) || len(owned) > (n+len(workers)-1)/len(workers) {
				return false
			}
			for _, number := range owned {
				seen[number] = true
			}
		}
		return len(seen) == n
	}, "%d partitions among %d", n, len(workers))
	time.Sleep(5 * time.Second) // and stays so
	total := 0
	for _, k := range workers {
		total += len(k.owned())
	}
	require.Equal(c.w, n, total)
}

// count returns how many partitions began to be worked on while f ran.
func (c *court) count(f func()) int {
	c.mu.Lock()
	before := c.moves
	c.mu.Unlock()
	f()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.moves - before
}
