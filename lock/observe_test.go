package lock_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// observer is a hook that collects waits.
type observer struct {
	mu    sync.Mutex
	now   int
	begun []session.WaitInfo
	ended []session.WaitEnd
}

func (o *observer) OnWait(_ context.Context, w session.WaitInfo) func(session.WaitEnd) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.begun = append(o.begun, w)
	o.now++
	return func(end session.WaitEnd) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.ended = append(o.ended, end)
		o.now--
	}
}

// Every lock tells the hooks of each call once: with its own path, for how long
// it waited, and with the hold that came of it.
func TestWaitsAreObserved(t *testing.T) {
	type held interface {
		Release() error
		Token() int64
	}
	as := func(h held, err error) (held, error) { return h, err }
	kinds := map[string]func(sm *session.Manager) (acquire, try func(context.Context) (held, error)){
		"mutex": func(sm *session.Manager) (acquire, try func(context.Context) (held, error)) {
			m := lock.NewMutex(sm, dir)
			return func(ctx context.Context) (held, error) { return as(m.Lock(ctx)) },
				func(ctx context.Context) (held, error) { return as(m.TryLock(ctx)) }
		},
		"handoff": func(sm *session.Manager) (acquire, try func(context.Context) (held, error)) {
			m := lock.NewMutex(sm, dir, lock.Handoff(3))
			return func(ctx context.Context) (held, error) { return as(m.Lock(ctx)) },
				func(ctx context.Context) (held, error) { return as(m.TryLock(ctx)) }
		},
		"one-node": func(sm *session.Manager) (acquire, try func(context.Context) (held, error)) {
			m := lock.NewOneNode(sm, dir)
			return func(ctx context.Context) (held, error) { return as(m.Lock(ctx)) },
				func(ctx context.Context) (held, error) { return as(m.TryLock(ctx)) }
		},
		"semaphore": func(sm *session.Manager) (acquire, try func(context.Context) (held, error)) {
			s := lock.NewSemaphore(sm, dir, lock.Permits(1))
			return func(ctx context.Context) (held, error) { return as(s.Acquire(ctx, 1)) },
				func(ctx context.Context) (held, error) { return as(s.TryAcquire(ctx, 1)) }
		},
	}
	for name, make := range kinds {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				o := new(observer)
				acquire, try := make(w.Process(func(cfg *session.Config) { cfg.Hooks = []session.Hook{o} }).Manager)
				first, err := acquire(w.Context())
				require.NoError(w, err)
				second, third := testworld.Go(w, acquire), testworld.Go(w, acquire)
				require.Equal(w, 2, o.now, "two wait")
				_, err = try(w.Context())
				require.Error(w, err)
				time.Sleep(time.Minute)
				_, err = third.GiveUp()
				require.Error(w, err)
				require.NoError(w, first.Release())
				h := second.Get()
				require.NoError(w, h.Release())

				require.Zero(w, o.now)
				waiting := session.WaitInfo{Path: dir}
				require.Equal(w, []session.WaitInfo{waiting, waiting, waiting, {Path: dir, Try: true}}, o.begun)
				require.Len(w, o.ended, 4)
				require.Equal(w, first.Token(), o.ended[0].Hold.Token())
				require.Nil(w, o.ended[1].Hold)
				require.Error(w, o.ended[1].Err, "the try")
				require.ErrorIs(w, o.ended[2].Err, context.Canceled)
				require.GreaterOrEqual(w, o.ended[3].Waited, time.Minute)
				require.NoError(w, o.ended[3].Err)
				require.NotNil(w, o.ended[3].Hold)
			})
		})
	}
}
