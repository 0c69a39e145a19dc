package scenarios

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// books is the known state of every item.
type books struct {
	tb testing.TB

	mu    sync.Mutex
	put   map[string]bool // true: Put has returned without an error
	acked map[string]bool
	maybe map[string]bool // the session ended during the Ack
	live  map[string]*queue.Item
	taken int
}

// begin is called by a consumer before its work on an item.
func (b *books) begin(item *queue.Item) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if item.Err() != nil {
		return // the claim was lost before the work
	}
	data := string(item.Data)
	b.taken++
	if b.acked[data] {
		b.tb.Errorf("%s comes again after its Ack", data)
	}
	if last := b.live[data]; last != nil && last.Err() == nil {
		b.tb.Errorf("%s has two live claims", data)
	}
	b.live[data] = item
}

func (b *books) ack(item *queue.Item) {
	err := item.Ack()
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case err == nil:
		b.acked[string(item.Data)] = true
	case errors.Is(err, session.ErrUnknownOutcome):
		b.maybe[string(item.Data)] = true
	case !errors.Is(err, session.ErrLost):
		b.tb.Errorf("ack: %v", err)
	}
}

// TestQueueUnderFaults makes producers put and consumers take while servers are
// killed and consumers are cut off during their work. Every item with an
// acknowledged Put is consumed, and no item comes again after its Ack.
func TestQueueUnderFaults(t *testing.T) {
	t.Parallel()
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 3)
	watcher := observer(t, e)
	b := &books{tb: t, put: make(map[string]bool), acked: make(map[string]bool),
		maybe: make(map[string]bool), live: make(map[string]*queue.Item)}
	ctx := within(t, 7*time.Second)
	var wg sync.WaitGroup
	for i := range 2 {
		q := queue.New(start(t, e, brief).Manager, "/queues/jobs")
		wg.Go(func() { b.produce(ctx, q, i) })
	}
	for range 4 {
		p := start(t, e, brief)
		q := queue.New(p.Manager, "/queues/jobs")
		wg.Go(func() { b.consume(ctx, p, q) })
	}
	wg.Go(func() {
		for round := 0; ctx.Err() == nil; round++ {
			s := e.Server(round % 3)
			s.Kill()
			if err := e.WaitQuorum(within(t, patience)); err != nil {
				t.Errorf("quorum: %v", err)
			}
			s.Restart()
			select { // let them work with all three servers for a while
			case <-ctx.Done():
			case <-time.After(3 * time.Second):
			}
		}
	})
	wg.Wait()
	require.NoError(t, e.WaitQuorum(within(t, patience)))

	q := queue.New(watcher, "/queues/jobs")
	for {
		require.NoError(t, watcher.Sync(within(t, patience), "/queues/jobs"))
		n, err := q.Len(within(t, patience))
		require.NoError(t, err)
		if n == 0 {
			break
		}
		item, err := q.Take(within(t, patience)) // some items come back only with the end of a session
		require.NoError(t, err)
		b.begin(item)
		b.ack(item)
	}
	for data, certain := range b.put {
		if certain && !b.acked[data] && !b.maybe[data] {
			t.Errorf("%s is lost", data)
		}
	}
	require.Positive(t, b.taken)
	t.Logf("%d put, %d taken, %d acknowledged, %d in doubt", len(b.put), b.taken, len(b.acked), len(b.maybe))
	st, err := q.Status(within(t, patience))
	require.NoError(t, err)
	require.Zero(t, st)
}

func (b *books) produce(ctx context.Context, q *queue.Queue, who int) {
	for n := 0; ctx.Err() == nil; n++ {
		data := fmt.Sprintf("%d-%d", who, n)
		b.mu.Lock()
		b.put[data] = false
		b.mu.Unlock()
		_, err := q.Put(ctx, []byte(data), queue.Priority(rand.IntN(3)))
		switch {
		case err == nil:
			b.mu.Lock()
			b.put[data] = true
			b.mu.Unlock()
		case ctx.Err() == nil && !errors.Is(err, session.ErrUnknownOutcome):
			b.tb.Errorf("put: %v", err)
		}
	}
}

func (b *books) consume(ctx context.Context, p *process, q *queue.Queue) {
	for ctx.Err() == nil {
		item, err := q.Take(ctx)
		if err != nil {
			if ctx.Err() == nil {
				b.tb.Errorf("take: %v", err)
			}
			return
		}
		b.begin(item)
		if rand.IntN(200) == 0 {
			// This consumer is cut off during its work, and continues after the
			// end of its context.
			p.loses(item)
			p.proxy.HealAll()
		}
		b.ack(item)
	}
}

// The throughput of a queue with items of 100 bytes, and of the bare requests
// that it consists of. Each reports its own items/s.
func BenchmarkQueue(b *testing.B) {
	ensemble.RequireZooKeeper(b)
	e := ensemble.Start(b, 1)
	sm := observer(b, e)
	data := make([]byte, 100)
	fill := func(b *testing.B, q *queue.Queue) {
		items := make([]queue.Msg, b.N)
		for i := range items {
			items[i].Data = data
		}
		_, err := q.PutBatch(b.Context(), items...)
		require.NoError(b, err)
		b.ResetTimer()
	}
	fresh := func(b *testing.B) *queue.Queue {
		b.Cleanup(func() { b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "items/s") })
		return queue.New(sm, fmt.Sprintf("/queues/q%d", rand.Int64()))
	}
	b.Run("bare creates", func(b *testing.B) {
		fresh(b)
		dir := fmt.Sprintf("/bare%d", rand.Int64())
		require.NoError(b, sm.EnsureDir(b.Context(), dir))
		for b.Loop() {
			_, err := sm.Create(b.Context(), dir+"/n-", data, session.Sequential)
			require.NoError(b, err)
		}
	})
	b.Run("put", func(b *testing.B) {
		q := fresh(b)
		for b.Loop() {
			_, err := q.Put(b.Context(), data)
			require.NoError(b, err)
		}
	})
	b.Run("put in batches of 100", func(b *testing.B) {
		q := fresh(b)
		batch := make([]queue.Msg, 100)
		for i := range batch {
			batch[i].Data = data
		}
		b.ResetTimer()
		for n := 0; n < b.N; n += len(batch) {
			_, err := q.PutBatch(b.Context(), batch...)
			require.NoError(b, err)
		}
	})
	b.Run("bare claim, get and delete", func(b *testing.B) {
		fresh(b)
		dir := fmt.Sprintf("/bare%d", rand.Int64())
		require.NoError(b, sm.EnsureDir(b.Context(), dir+"/claims"))
		names := make([]string, b.N)
		for i := range names {
			var err error
			names[i], err = sm.Create(b.Context(), fmt.Sprintf("%s/n%d", dir, i), data, session.Persistent)
			require.NoError(b, err)
		}
		b.ResetTimer()
		for i, name := range names {
			_, err := sm.Create(b.Context(), fmt.Sprintf("%s/claims/n%d", dir, i), nil, session.Ephemeral)
			require.NoError(b, err)
			_, _, err = sm.Get(b.Context(), name)
			require.NoError(b, err)
			require.NoError(b, sm.Delete(b.Context(), name, session.AnyVersion))
		}
	})
	b.Run("take and ack", func(b *testing.B) {
		q := fresh(b)
		fill(b, q)
		for range b.N {
			item, err := q.Take(b.Context())
			require.NoError(b, err)
			require.NoError(b, item.Ack())
		}
	})
	b.Run("consume with prefetch 32", func(b *testing.B) {
		q := fresh(b)
		fill(b, q)
		ctx, cancel := context.WithCancel(b.Context())
		defer cancel()
		n := 0
		err := q.Consume(ctx, func(context.Context, *queue.Item) error {
			if n++; n >= b.N { // one worker: one item at a time
				cancel()
			}
			return nil
		}, queue.Prefetch(32))
		require.ErrorIs(b, err, context.Canceled)
	})
}
