package scenarios

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// house counts permits that are held with a live context.
type house struct {
	tb    testing.TB
	limit int32
	now   atomic.Int32
	turns atomic.Int32
}

func (h *house) enter(p *lock.Permit) (leave func()) {
	n := int32(p.N())
	if p.Err() != nil {
		return func() {} // the permits were lost before the work
	}
	if now := h.now.Add(n); now > h.limit {
		h.tb.Errorf("%d permits of %d", now, h.limit)
	}
	h.turns.Add(1)
	return func() { h.now.Add(-n) }
}

// TestSemaphoreUnderFaults makes five processes share three permits, which are
// resized to two and back. The goroutines of another process hand a lock on.
// Meanwhile processes are cut off and servers die.
func TestSemaphoreUnderFaults(t *testing.T) {
	t.Parallel()
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 3)
	watcher := observer(t, e)
	h := &house{tb: t, limit: 3}
	limit := lock.SharedLimit("/limits/pool", 3)
	ctx, stop := context.WithCancel(within(t, patience))
	defer stop()
	var wg sync.WaitGroup
	for range 5 {
		p := start(t, e, brief)
		s := lock.NewSemaphore(p.Manager, "/pool", limit)
		wg.Go(func() {
			for ctx.Err() == nil {
				acquire := s.Acquire
				if rand.IntN(3) == 0 {
					acquire = s.TryAcquire
				}
				permit, err := acquire(ctx, 1+rand.IntN(2))
				switch {
				case errors.Is(err, lock.ErrNoPermits):
					continue
				case err != nil:
					if ctx.Err() == nil {
						t.Errorf("acquire: %v", err)
					}
					return
				}
				leave := h.enter(permit)
				if rand.IntN(25) == 0 {
					p.loses(permit)
				} else if _, err := p.Txn(permit.Context(), permit.Guards()...); err != nil &&
					!errors.Is(err, session.ErrLost) && !errors.Is(err, session.ErrUnknownOutcome) && permit.Err() == nil {
					t.Errorf("guards: %v", err)
				}
				leave()
				p.releases(permit)
			}
		})
	}
	handed := crowd(ctx, t, &wg, start(t, e, brief))

	for round := range 2 {
		server := e.Server(round)
		server.Kill()
		require.NoError(t, e.WaitQuorum(within(t, patience)))
		if err := lock.NewSemaphore(watcher, "/pool", limit).Resize(within(t, patience), 2+round); err != nil {
			require.ErrorIs(t, err, session.ErrUnknownOutcome)
		}
		server.Restart()
		select { // let the processes work with all three servers for a while
		case <-ctx.Done():
		case <-time.After(3 * time.Second):
		}
	}
	stop()
	wg.Wait()
	require.Positive(t, h.turns.Load())
	require.Positive(t, handed.Load())
	t.Logf("%d turns of permits, %d of the lock that is handed on", h.turns.Load(), handed.Load())
	for _, dir := range []string{"/pool/locks", "/pool/leases", "/ledger"} {
		ensemble.Eventually(t, patience, "nothing is left behind in "+dir, func() bool {
			names, _, err := watcher.Children(within(t, patience), dir)
			return err != nil || len(names) == 0
		})
	}
}

// crowd makes thirty-two goroutines of a process contend for a lock with
// Handoff, against another Mutex for the same path.
func crowd(ctx context.Context, t *testing.T, wg *sync.WaitGroup, p *process) *atomic.Int32 {
	var turns atomic.Int32
	var inside atomic.Int32
	var mu sync.Mutex
	var token int64
	var turn int
	for _, m := range []*lock.Mutex{lock.NewMutex(p.Manager, "/ledger", lock.Handoff(16)), lock.NewMutex(p.Manager, "/ledger")} {
		for range 16 {
			wg.Go(func() {
				for ctx.Err() == nil {
					err := m.Do(ctx, func(within context.Context, h *lock.Hold) error {
						if within.Err() != nil {
							return nil
						}
						if inside.Add(1) != 1 {
							t.Error("two hold the lock")
						}
						defer inside.Add(-1)
						mu.Lock()
						defer mu.Unlock()
						if h.Token() < token || h.Token() == token && h.Turn() <= turn {
							t.Errorf("token %d, turn %d after %d, %d", h.Token(), h.Turn(), token, turn)
						}
						token, turn = h.Token(), h.Turn()
						turns.Add(1)
						return nil
					})
					if err != nil && ctx.Err() == nil && !errors.Is(err, session.ErrLost) {
						t.Errorf("lock: %v", err)
					}
				}
			})
		}
	}
	return &turns
}
