package scenarios

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// board records the readers and writers of one lock. It notices a writer
// together with any other holder, and tokens that do not grow.
type board struct {
	tb testing.TB

	mu               sync.Mutex
	readers, writers int
	token, writer    int64 // the greatest so far, of all and of writers
	turns, downs     int
}

// enter is called by a holder, and leave when its work has stopped, as the
// contract of the context demands. A hold that was lost before its work does
// not enter.
func (b *board) enter(h *lock.Hold, writes bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if h.Err() != nil {
		return false
	}
	least := b.writer
	if writes {
		b.writers++
		least = b.token
	} else {
		b.readers++
	}
	if b.writers > 1 || b.writers == 1 && b.readers > 0 {
		b.tb.Errorf("%d writers and %d readers at a time", b.writers, b.readers)
	}
	if h.Token() <= least {
		b.tb.Errorf("token %d after %d", h.Token(), least)
	}
	b.token = max(b.token, h.Token())
	if writes {
		b.writer = max(b.writer, h.Token())
	}
	b.turns++
	return true
}

func (b *board) leave(writes bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if writes {
		b.writers--
	} else {
		b.readers--
	}
}

// downgraded records that a writer becomes a reader. It is called before the
// downgrade, when the writing has ended.
func (b *board) downgraded() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.writers--
	b.readers++
	b.downs++
}

// TestRWMutexUnderFaults makes readers and writers contend, and writers become
// readers, while processes are cut off and servers die.
func TestRWMutexUnderFaults(t *testing.T) {
	t.Parallel()
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 3)
	watcher := observer(t, e)
	const path = "/locks/board"
	b := &board{tb: t}
	ctx := within(t, 7*time.Second)
	var wg sync.WaitGroup
	for i := range 6 {
		p := start(t, e, brief)
		m := lock.NewRWMutex(p.Manager, path)
		wg.Go(func() {
			for ctx.Err() == nil {
				writes := (i+rand.IntN(6))%3 == 0
				var h *lock.Hold
				var w *lock.WriteHold
				var err error
				if writes {
					if w, err = m.Lock(ctx); err == nil {
						h = &w.Hold
					}
				} else {
					h, err = m.RLock(ctx)
				}
				if err != nil {
					if ctx.Err() == nil {
						t.Errorf("lock: %v", err)
					}
					return
				}
				if !b.enter(h, writes) {
					continue
				}
				if rand.IntN(20) == 0 {
					p.loses(h)
				} else if writes && rand.IntN(2) == 0 && h.Err() == nil {
					b.downgraded()
					writes = false
					down, err := w.Downgrade(ctx)
					switch {
					case err == nil:
						h = down
					case ctx.Err() == nil && !errors.Is(err, session.ErrLost):
						t.Errorf("downgrade: %v", err)
					}
				}
				b.leave(writes)
				p.releases(h)
			}
		})
	}
	wg.Go(func() { serversDie(ctx, t, e, 3*time.Second) })
	wg.Wait()
	require.Positive(t, b.turns)
	t.Logf("%d turns, %d of them downgraded", b.turns, b.downs)
	ensemble.Eventually(t, patience, "nothing is left behind", func() bool {
		names, _, err := watcher.Children(within(t, patience), path)
		return err == nil && len(names) == 0 || err != nil
	})
}
