package queue_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/simulation"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// TestConsumeSimulation is TestSimulation with consumers that claim ahead, and functions
// that settle the item, leave that to another goroutine, take a second item, fail or end
// their goroutine. When all is calm, the consumers that then run empty the queue.
func TestConsumeSimulation(t *testing.T) {
	for _, seed := range simulation.Seeds(t, 3) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			run(t, func(w world) { simulateConsume(w, seed) }, zktest.WithTick(time.Second))
		})
	}
}

func simulateConsume(w world, seed uint64) {
	s := &consumers{
		d: &dice{r: rand.New(rand.NewPCG(seed, 7))},
		r: newReferee(w.T),
	}
	d := s.d
	loseSome(w, d, &s.calm, 150, 5*time.Millisecond)
	attempts := 3 + d.n(6)
	users := simulatedUsers(w, d, queue.MaxAttempts(attempts))
	ctx, stop := context.WithCancel(w.Context())
	defer stop()
	producing, stopProducing := context.WithCancel(ctx)
	var producers, work sync.WaitGroup
	for i, u := range users {
		producers.Go(func() { produce(producing, s.r, d, u, i) })
		for range 1 + d.n(2) {
			work.Go(func() { s.consume(ctx, u) })
		}
	}
	malformed := 0
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); {
		time.Sleep(d.upTo(3 * time.Second))
		disturb(w, d, users[d.n(len(users))].p)
		if d.n(4) == 0 {
			malformed++
			w.Put(fmt.Sprintf("%s/items/queue-%010d", path, 500_000_000+malformed), "malformed")
		}
	}
	stopProducing()
	producers.Wait()
	s.calm.Store(true)
	healAll(w, users)
	w.Eventually(func() bool { return len(w.Children(path+"/items")) == 0 }, "those who consume empty the queue")
	stop()
	work.Wait()
	time.Sleep(time.Minute)
	require.Empty(w, w.Children(path+"/claims"))
	for _, l := range users[0].letters() {
		require.False(w, s.r.acked[string(l.Data)], "%s is dead after its acknowledgement", l.Data)
		require.LessOrEqual(w, l.Attempts, attempts)
		if l.Malformed {
			_, err := users[0].Discard(w.Context(), l.ID)
			require.NoError(w, err)
		}
	}
	settleAll(w, s.r, users[0])
	require.Greater(w, s.r.taken, 50)
}

// consumers is what the consumers of a simulation share.
type consumers struct {
	d    *dice
	r    *referee
	calm atomic.Bool
}

// consume calls Consume again and again until ctx ends.
func (s *consumers) consume(ctx context.Context, u *user) {
	for ctx.Err() == nil {
		within, cancel := context.WithTimeout(ctx, s.d.upTo(time.Minute))
		err := u.Consume(within, func(ctx context.Context, item *queue.Item) error { return s.work(ctx, u, item) },
			queue.Workers(1+s.d.n(3)), queue.Prefetch(s.d.n(20)), queue.Backoff(time.Millisecond, 3*time.Second),
			queue.OnError(func(_ *queue.Item, err error) {
				if !errors.Is(err, session.ErrLost) && !errors.Is(err, errWork) {
					s.r.t.Errorf("OnError: %v", err)
				}
			}))
		if within.Err() == nil {
			require.ErrorContains(s.r.t, err, "ended the goroutine")
		}
		cancel()
	}
}

func (s *consumers) work(ctx context.Context, u *user, item *queue.Item) error {
	s.r.begin(item)
	pause(item.Context(), s.d.upTo(250*time.Millisecond))
	switch s.d.n(24) {
	case 0:
		_ = item.Release() // a claim that was lost meanwhile comes again like this one
		return nil
	case 1:
		_ = item.Release(queue.After(s.d.upTo(5 * time.Second)))
		return nil
	case 2:
		_ = item.Release(queue.WithoutAttempt())
		return nil
	case 3:
		_ = item.Reject("by chance")
		return nil
	case 4:
		return errWork
	case 5:
		if !s.calm.Load() {
			runtime.Goexit()
		}
	case 6:
		go func() { s.r.ended(item, item.Ack()) }()
		return nil
	case 7:
		if more, err := u.TryTake(ctx); err == nil {
			s.r.begin(more)
			s.r.ended(more, more.Ack())
		}
	}
	s.r.ended(item, item.Ack())
	return nil
}
