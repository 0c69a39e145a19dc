//go:build unix

package interop

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/recipes_test/peers"
)

// basket collects the items of all consumers.
type basket struct {
	mu    sync.Mutex
	items []string
	by    map[string]int
}

func (b *basket) put(who, item string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.by == nil {
		b.by = make(map[string]int)
	}
	b.items = append(b.items, item)
	b.by[who]++
}

func (b *basket) len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.items)
}

// requireAll fails the test unless each of these items was consumed once.
func (b *basket) requireAll(w *world, want []string) {
	w.Helper()
	w.settles("all is consumed", func() bool { return b.len() >= len(want) })
	b.mu.Lock()
	defer b.mu.Unlock()
	require.ElementsMatch(w, want, b.items, "%v", b.by)
}

// consume consumes with Docent until the test ends.
func (b *basket) consume(w *world, who string, q *queue.Queue) {
	ctx, cancel := context.WithCancel(w.Context())
	done := make(chan error, 1)
	go func() {
		done <- q.Consume(ctx, func(_ context.Context, item *queue.Item) error {
			b.put(who, string(item.Data))
			return nil
		})
	}()
	w.Cleanup(func() {
		cancel()
		require.ErrorIs(w, <-done, context.Canceled)
	})
}

// collect collects the items that a consumer in Java reports, until the test
// ends.
func (b *basket) collect(w *world, who string, actor *peers.Actor) {
	ctx, cancel := context.WithCancel(w.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case event := <-actor.Events():
				b.put(who, event[len("item "):])
			case <-ctx.Done():
				return
			}
		}
	}()
	w.Cleanup(func() {
		cancel()
		<-done
	})
}

// texts returns n texts of one producer.
func texts(who string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprint(who, " ", i)
	}
	return all
}

func put(w *world, q *queue.Queue, texts []string, opts ...queue.PutOption) {
	w.Helper()
	for _, text := range texts {
		_, err := q.Put(w.within(patience), []byte(text), opts...)
		require.NoError(w, err)
	}
}

// take takes and acknowledges n items.
func take(w *world, q *queue.Queue, n int) []string {
	w.Helper()
	var got []string
	for range n {
		item, err := q.Take(w.within(patience))
		require.NoError(w, err)
		got = append(got, string(item.Data))
		require.NoError(w, item.Ack())
	}
	return got
}

// A Queue in Curator's format, with DistributedQueue, DistributedPriorityQueue
// and DistributedDelayQueue.
func TestDistributedQueue(t *testing.T) {
	w := inWorld(t)
	java, other := w.curator(), w.curator()

	// All libraries put and consume, with claims: no item is lost, and none
	// comes twice.
	w.part("all put and all consume", func(w *world) {
		const path = "/queue/all"
		q := queue.New(w.docent(), path)
		var b basket
		for i, peer := range []*peers.Peer{java, other} {
			actor := peer.As(w).Actor("all")
			actor.Do("queue.open", path+"/items", "fifo", "consume", path+"/claims")
			b.collect(w, fmt.Sprint("java ", i), actor)
		}
		b.consume(w, "docent 1", q)
		b.consume(w, "docent 2", queue.New(w.docent(), path))
		want := slices.Concat(texts("docent", 40), texts("java", 40), texts("multi", 5))
		putting := later(func() (none struct{}, err error) {
			for _, text := range texts("docent", 40) {
				if _, err := q.Put(w.within(patience), []byte(text)); err != nil {
					return none, err
				}
			}
			return none, nil
		})
		a := java.As(w).Actor("all")
		for _, text := range texts("java", 40) {
			a.Do("queue.put", path+"/items", text)
		}
		var many []any
		for _, text := range texts("multi", 5) {
			many = append(many, text)
		}
		a.Do("queue.multi", append([]any{path + "/items"}, many...)...)
		require.Equal(w, "true", a.Do("queue.flush", path+"/items", ms(patience)))
		_, err := putting.get()
		require.NoError(w, err)
		b.requireAll(w, want)
		w.settles("the queue is empty", func() bool {
			n, err := q.Len(w.Context())
			return err == nil && n == 0
		})
		a.Do("queue.close", path+"/items")
		other.As(w).Actor("all").Do("queue.close", path+"/items")
	})

	// Docent takes and releases a node with several items: no item is lost.
	w.part("putMulti", func(w *world) {
		const path = "/queue/multi"
		a := java.As(w).Actor("a")
		a.Do("queue.open", path+"/items", "fifo", "put", "")
		a.Do("queue.multi", path+"/items", "a", "b", "c")
		require.Equal(w, "true", a.Do("queue.flush", path+"/items", ms(patience)))
		q := queue.New(w.docent(), path)
		require.Equal(w, []string{"a"}, take(w, q, 1))
		item, err := q.Take(w.within(patience))
		require.NoError(w, err)
		require.Equal(w, "b", string(item.Data))
		require.NoError(w, item.Release())
		require.Equal(w, []string{"b", "c"}, take(w, q, 2))
		a.Do("queue.close", path+"/items")
	})

	// A consumer is killed while it has an item. The other library gets the
	// item.
	w.part("killed", func(w *world) {
		const path = "/queue/killed"
		sm, kill := w.doomed()
		q := queue.New(w.docent(), path)
		put(w, q, []string{"stall"})
		theirs := w.curator()
		theirs.Actor("a").Do("queue.open", path+"/items", "fifo", "consume", path+"/claims")
		require.Equal(w, "item stall", theirs.Actor("a").Event(patience))
		_, err := q.TryTake(w.Context())
		require.ErrorIs(w, err, queue.ErrEmpty, "Curator has claimed it")
		theirs.Kill()
		item, err := queue.New(sm, path).Take(w.within(patience))
		require.NoError(w, err)
		require.Equal(w, "stall", string(item.Data))

		kill()
		w.settles("our claim has gone", func() bool {
			status, err := q.Status(w.Context())
			return err == nil && status == queue.Status{Ready: 1}
		})
		last := w.curator().Actor("a")
		last.Do("queue.open", path+"/items", "fifo", "consume", path+"/claims")
		require.Equal(w, "item stall", last.Event(patience))
	})

	w.part("priorities", func(w *world) {
		const path = "/queue/priority"
		q := queue.New(w.docent(), path)
		a := java.As(w).Actor("a")
		a.Do("queue.open", path+"/items", "priority", "put", "")
		a.Do("queue.priority", path+"/items", "java 5", 5)
		a.Do("queue.priority", path+"/items", "java -5", -5)
		require.Equal(w, "true", a.Do("queue.flush", path+"/items", ms(patience)))
		put(w, q, []string{"docent 3"}, queue.Priority(3))
		put(w, q, []string{"docent -7"}, queue.Priority(-7))
		put(w, q, []string{"docent 5"}, queue.Priority(5))
		want := []string{"docent -7", "java -5", "docent 3", "java 5", "docent 5"}
		require.Equal(w, want, take(w, q, 5))
		a.Do("queue.close", path+"/items")

		put(w, q, []string{"docent 3"}, queue.Priority(3))
		put(w, q, []string{"docent 1000000"}, queue.Priority(1_000_000))
		put(w, q, []string{"docent -7"}, queue.Priority(-7))
		b := java.As(w).Actor("b")
		b.Do("queue.open", path+"/items", "priority", "consume", path+"/claims")
		for _, want := range []string{"item docent -7", "item docent 3", "item docent 1000000"} {
			require.Equal(w, want, b.Event(patience))
		}
		b.Do("queue.close", path+"/items")
	})

	w.part("delays", func(w *world) {
		const path = "/queue/delay"
		q := queue.New(w.docent(), path)
		a := java.As(w).Actor("a")
		a.Do("queue.open", path+"/items", "delay", "put", "")
		a.Do("queue.delay", path+"/items", "java later", ms(time.Hour))
		a.Do("queue.delay", path+"/items", "java soon", 1)
		require.Equal(w, "true", a.Do("queue.flush", path+"/items", ms(patience)))
		require.Equal(w, []string{"java soon"}, take(w, q, 1))
		_, err := q.TryTake(w.Context())
		require.ErrorIs(w, err, queue.ErrEmpty)
		status, err := q.Status(w.Context())
		require.NoError(w, err)
		require.Equal(w, queue.Status{Delayed: 1}, status)
		a.Do("queue.close", path+"/items")

		put(w, q, []string{"docent later"}, queue.Delay(time.Hour))
		put(w, q, []string{"docent soon"}, queue.Delay(time.Millisecond))
		put(w, q, []string{"docent urgent"}, queue.Delay(time.Millisecond), queue.Priority(-1))
		b := java.As(w).Actor("b")
		b.Do("queue.open", path+"/items", "delay", "consume", path+"/claims")
		require.ElementsMatch(w, []string{"item docent soon", "item docent urgent"}, []string{b.Event(patience), b.Event(patience)})
		w.settles("the others are left", func() bool {
			status, err := q.Status(w.Context())
			return err == nil && status == queue.Status{Delayed: 2}
		})
		b.Do("queue.close", path+"/items")
	})

	// A Curator consumer that has found an item claimed looks again when the
	// list of items changes, not when the claim ends.
	w.part("never: Curator waits for a claim", func(w *world) {
		for n := range 10 {
			if waitsInVain(w, java.As(w).Actor("a"), fmt.Sprint("/queue/idle", n)) {
				return
			}
		}
		w.Error("Curator takes it every time: it looks when a claim ends now")
	})

	// The names of a DistributedIdQueue are ignored, except for ids that look
	// like the time of a delayed item.
	w.part("never: DistributedIdQueue", func(w *world) {
		const path = "/queue/id"
		q := queue.New(w.docent(), path)
		a := java.As(w).Actor("a")
		a.Do("queue.open", path+"/items", "id", "put", "")
		a.Do("queue.id", path+"/items", "ignored", "order-7")
		a.Do("queue.id", path+"/items", "taken", "cafe")
		require.Equal(w, "true", a.Do("queue.flush", path+"/items", ms(patience)))
		w.settles("one is foreign", func() bool { // our server may lag behind Curator's
			status, err := q.Status(w.Context())
			return err == nil && status == queue.Status{Ready: 1, Foreign: 1}
		})
		require.Equal(w, []string{"taken"}, take(w, q, 1))
		a.Do("queue.close", path+"/items")
	})

	// Without a lockPath Curator's consumers take claimed items.
	w.part("never: consumers without lockPath", func(w *world) {
		const path = "/queue/plain"
		q := queue.New(w.docent(), path)
		put(w, q, []string{"one"})
		item, err := q.Take(w.within(patience))
		require.NoError(w, err)
		a := java.As(w).Actor("a")
		a.Do("queue.open", path+"/items", "fifo", "consume", "")
		require.Equal(w, "item one", a.Event(patience), "Curator's plain consumer respects claims now")
		require.NoError(w, item.Err(), "two have it")
		require.Error(w, item.Ack())
		a.Do("queue.close", path+"/items")
	})

	// Docent only puts items for them.
	w.part("consumers without lockPath, and we only put", func(w *world) {
		const path = "/queue/ours"
		q := queue.New(w.docent(), path)
		a := java.As(w).Actor("a")
		a.Do("queue.open", path+"/items", "fifo", "consume", "")
		put(w, q, texts("docent", 5))
		for _, want := range texts("docent", 5) {
			require.Equal(w, "item "+want, a.Event(patience))
		}
		a.Do("queue.close", path+"/items")
	})
}

// waitsInVain releases an item that Curator has found claimed. It reports
// whether Curator takes the item only when the list changes. Curator may take
// it before, if the event of an earlier change arrives after the release.
func waitsInVain(w *world, curator *peers.Actor, path string) bool {
	q := queue.New(w.docent(), path)
	put(w, q, []string{"claimed"})
	item, err := q.Take(w.within(patience))
	require.NoError(w, err)
	curator.Do("queue.open", path+"/items", "fifo", "consume", path+"/claims")
	defer curator.Do("queue.close", path+"/items")
	put(w, q, []string{"free"})
	require.Equal(w, "item free", curator.Event(patience))
	w.settles("it is done with that", func() bool {
		status, err := q.Status(w.Context())
		return err == nil && status == queue.Status{Claimed: 1}
	})
	require.NoError(w, item.Release())
	select {
	case event := <-curator.Events():
		require.Equal(w, "item claimed", event)
		return false
	case <-time.After(250 * time.Millisecond): // long enough to conclude that nothing comes
	}
	put(w, q, []string{"another"})
	require.Equal(w, "item claimed", curator.Event(patience))
	require.Equal(w, "item another", curator.Event(patience))
	return true
}
