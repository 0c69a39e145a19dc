//go:build unix

package interop

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/recipes_test/peers"
)

// A Queue in the formats of Curator's SimpleDistributedQueue and of kazoo.
func TestOtherQueues(t *testing.T) {
	w := inWorld(t)
	java, python, second := w.curator(), w.kazoo(), w.kazoo()

	w.part("SimpleDistributedQueue", func(w *world) {
		const path = "/simple/all"
		q := queue.New(w.docent(), path, queue.Layout(queue.SimpleQueue))
		a := java.As(w).Actor("a")
		require.Equal(w, "true", a.Do("queue.offer", path, "java 1"))
		put(w, q, []string{"docent 1"})
		require.Equal(w, "true", a.Do("queue.offer", path, "java 2"))
		require.Equal(w, []string{"java 1", "docent 1", "java 2"}, take(w, q, 3))
		put(w, q, texts("docent", 2))
		require.Equal(w, "docent 0", a.Do("queue.poll", path, ms(patience)))
		require.Equal(w, "docent 1", a.Do("queue.poll", path, ms(patience)))
	})

	w.part("kazoo Queue", func(w *world) {
		const path = "/kazoo/queue"
		q := queue.New(w.docent(), path, queue.Layout(queue.KazooQueue))
		a := python.As(w).Actor("a")
		a.Do("queue.put", path, "kazoo 100", 100)
		put(w, q, []string{"docent 100"})
		a.Do("queue.put", path, "kazoo 7", 7)
		put(w, q, []string{"docent 8"}, queue.Priority(8))
		require.Equal(w, []string{"kazoo 7", "docent 8", "kazoo 100", "docent 100"}, take(w, q, 4))
		put(w, q, []string{"docent 9"}, queue.Priority(9))
		put(w, q, []string{"docent 2"}, queue.Priority(2))
		require.Equal(w, "docent 2", a.Do("queue.get", path))
		require.Equal(w, "docent 9", a.Do("queue.get", path))
	})

	w.part("kazoo LockingQueue", func(w *world) {
		const path = "/kazoo/locking"
		q := queue.New(w.docent(), path, queue.Layout(queue.KazooLockingQueue))
		var b basket
		b.consume(w, "docent 1", q)
		b.consume(w, "docent 2", queue.New(w.docent(), path, queue.Layout(queue.KazooLockingQueue)))
		var work sync.WaitGroup
		want := texts("docent", 30)
		for i, peer := range []*peers.Peer{python, second} {
			putter, getter := peer.As(w).Actor("putter"), peer.As(w).Actor("getter")
			who := fmt.Sprint("kazoo ", i)
			want = append(want, texts(who, 30)...)
			work.Go(func() {
				for _, text := range texts(who, 30) {
					if _, err := putter.Go("queue.lput", path, text, 100).Result(); err != nil {
						w.Errorf("%s: put: %v", who, err)
					}
				}
			})
			work.Go(func() {
				for b.len() < 90 && w.Context().Err() == nil {
					item, err := getter.Go("queue.lget", path, 200).Result()
					if err != nil {
						w.Errorf("%s: get: %v", who, err)
						return
					}
					if item == "" {
						continue
					}
					b.put(who, item)
					if done, err := getter.Go("queue.consume", path).Result(); err != nil || done != "true" {
						w.Errorf("%s: consume: %s %v", who, done, err)
					}
				}
			})
		}
		put(w, q, texts("docent", 30))
		b.requireAll(w, want)
		work.Wait()
		w.settles("the queue is empty", func() bool {
			n, err := q.Len(w.Context())
			return err == nil && n == 0
		})
	})

	w.part("kazoo LockingQueue, killed and released", func(w *world) {
		const path = "/kazoo/killed"
		q := queue.New(w.docent(), path, queue.Layout(queue.KazooLockingQueue))
		put(w, q, []string{"one"})
		doomed := w.kazoo()
		require.Equal(w, "one", doomed.Actor("a").Do("queue.lget", path, ms(patience)))
		_, err := q.TryTake(w.Context())
		require.ErrorIs(w, err, queue.ErrEmpty)
		doomed.Kill()
		item, err := q.Take(w.within(patience))
		require.NoError(w, err)
		a := python.As(w).Actor("a")
		require.Equal(w, "", a.Do("queue.lget", path, 100), "we have it")
		require.NoError(w, item.Release())
		require.Equal(w, "one", a.Do("queue.lget", path, ms(patience)))
		require.Equal(w, "true", a.Do("queue.release", path))
		require.Equal(w, []string{"one"}, take(w, q, 1))
		sm, kill := w.doomed()
		ours := queue.New(sm, path, queue.Layout(queue.KazooLockingQueue))
		put(w, ours, []string{"two"})
		item, err = ours.Take(w.within(patience))
		require.NoError(w, err)
		kill()
		<-item.Done()
		require.Equal(w, "two", a.Do("queue.lget", path, ms(patience)))
		require.Equal(w, "true", a.Do("queue.consume", path))
	})

	// Consumers that do not know claims take items that Docent has claimed.
	w.part("never: SimpleDistributedQueue consumes", func(w *world) {
		const path = "/simple/never"
		q := queue.New(w.docent(), path, queue.Layout(queue.SimpleQueue))
		put(w, q, []string{"one"})
		item, err := q.Take(w.within(patience))
		require.NoError(w, err)
		require.Equal(w, "one", java.As(w).Actor("a").Do("queue.poll", path, ms(patience)), "the consumer respects claims now")
		require.NoError(w, item.Err())
		require.Error(w, item.Ack())
	})

	w.part("never: kazoo Queue consumes", func(w *world) {
		const path = "/kazoo/never"
		q := queue.New(w.docent(), path, queue.Layout(queue.KazooQueue))
		put(w, q, []string{"one"})
		item, err := q.Take(w.within(patience))
		require.NoError(w, err)
		require.Equal(w, "one", python.As(w).Actor("a").Do("queue.get", path), "the consumer respects claims now")
		require.NoError(w, item.Err())
		require.Error(w, item.Ack())
	})
}
