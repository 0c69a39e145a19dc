package scenarios

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// ledger records the holders of one lock. It notices two holders at a time, a
// token that does not grow, and a guarded write that is done late.
type ledger struct {
	tb     testing.TB
	inside atomic.Int32

	mu    sync.Mutex
	token int64
	turns int
}

// enter is called by a holder before its work.
func (l *ledger) enter(h *lock.Hold) {
	if h.Context().Err() != nil {
		return // the hold was lost before its work
	}
	if n := l.inside.Add(1); n != 1 {
		l.tb.Errorf("%d holders at a time", n)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if h.Token() <= l.token {
		l.tb.Errorf("token %d after %d", h.Token(), l.token)
	}
	l.token = h.Token()
	l.turns++
}

// TestMutexUnderFaults makes six processes contend while they are cut off and
// servers die. The critical section ends with the context, as its contract
// demands. So no two processes are in it at a time.
func TestMutexUnderFaults(t *testing.T) {
	t.Parallel()
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 3)
	watcher := observer(t, e)
	_, err := watcher.Create(t.Context(), "/row", []byte("0"), session.Persistent)
	require.NoError(t, err)

	l := &ledger{tb: t}
	ctx := within(t, 25*time.Second)
	var guarded atomic.Int64
	var wg sync.WaitGroup
	for range 6 {
		p := start(t, e, brief)
		m := lock.NewMutex(p.Manager, "/locks/row")
		wg.Go(func() {
			for ctx.Err() == nil {
				h, err := m.Lock(ctx)
				if err != nil {
					if ctx.Err() == nil {
						t.Errorf("lock: %v", err)
					}
					return
				}
				l.enter(h)
				if rand.IntN(10) == 0 {
					// This process is cut off during its work, and stops when
					// its context ends.
					p.loses(h)
				} else if err := increment(p, h); err == nil {
					guarded.Add(1)
				} else if !errors.Is(err, session.ErrLost) && !errors.Is(err, session.ErrUnknownOutcome) {
					t.Logf("write: %v", err)
				}
				l.inside.Add(-1)
				p.releases(h)
			}
		})
	}
	wg.Go(func() { serversDie(ctx, t, e, 5*time.Second) })
	wg.Wait()

	require.NoError(t, watcher.Sync(within(t, patience), "/row"))
	data, _, err := watcher.Get(within(t, patience), "/row")
	require.NoError(t, err)
	n, err := strconv.ParseInt(string(data), 10, 64)
	require.NoError(t, err)
	require.GreaterOrEqual(t, n, guarded.Load(), "an answered write was lost")
	require.Positive(t, l.turns)
	t.Logf("%d turns, %d guarded writes answered, %d done", l.turns, guarded.Load(), n)
	ensemble.Eventually(t, patience, "nothing is left behind", func() bool {
		names, _, err := watcher.Children(within(t, patience), "/locks/row")
		return err == nil && len(names) == 0 || err != nil
	})
}

// increment adds one to the row, by a read and a guarded write that does not
// compare versions: only mutual exclusion keeps it right.
func increment(p *process, h *lock.Hold) error {
	s := bridge.CoreHold(&h.Hold).Session()
	if err := s.Sync(h.Context(), "/row"); err != nil {
		return err
	}
	data, _, err := s.Get(h.Context(), "/row")
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(string(data), 10, 64)
	if err != nil {
		return err
	}
	_, err = p.Txn(h.Context(), h.Guard(),
		session.SetOp("/row", strconv.AppendInt(nil, n+1, 10), session.AnyVersion))
	return err
}
