package scenarios

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

func TestMain(m *testing.M) { ensemble.Main(m) }

// patience is the maximum wait for an event that must happen, not a measure of
// speed.
const patience = 3 * time.Minute

const (
	// lasting is the timeout of sessions that no test expects to end: a busy
	// machine must not end them.
	lasting = 40 * time.Second
	// brief is the timeout of sessions that faults may end. A test with such
	// sessions must accept their end at any time.
	brief = 2 * time.Second
)

// process is a manager with its own proxies to the ensemble.
type process struct {
	*session.Manager
	tb    testing.TB
	proxy *ensemble.Proxies
}

func start(tb testing.TB, e *ensemble.Ensemble, timeout time.Duration, change ...func(*session.Config)) *process {
	tb.Helper()
	proxies := e.Proxied(tb)
	cfg := session.Config{Servers: proxies.Addrs(), Timeout: timeout}
	for _, f := range change {
		f(&cfg)
	}
	return &process{ensemble.Dial(tb, patience, cfg), tb, proxies}
}

// loses cuts the process off, in a random direction, until the hold is lost.
func (p *process) loses(h interface{ Done() <-chan struct{} }) {
	p.proxy.CutAll([]ensemble.Direction{ensemble.ToServer, ensemble.ToClient, ensemble.Both}[rand.IntN(3)])
	<-h.Done()
}

// releases releases a hold, which may be lost, and heals the network.
func (p *process) releases(h interface{ Release() error }) {
	if err := h.Release(); err != nil && !errors.Is(err, session.ErrLost) {
		p.tb.Errorf("release: %v", err)
	}
	p.proxy.HealAll()
}

// serversDie kills one server after the other, until ctx ends. All three run
// for the pause between two deaths.
func serversDie(ctx context.Context, tb testing.TB, e *ensemble.Ensemble, pause time.Duration) {
	for round := 0; ctx.Err() == nil; round++ {
		s := e.Server(round % 3)
		s.Kill()
		if err := e.WaitQuorum(within(tb, patience)); err != nil {
			tb.Errorf("quorum: %v", err)
		}
		s.Restart()
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// observer is a manager without faults.
func observer(tb testing.TB, e *ensemble.Ensemble) *session.Manager {
	tb.Helper()
	return ensemble.Dial(tb, patience, session.Config{Servers: e.Addrs(), Timeout: lasting})
}

func within(tb testing.TB, d time.Duration) context.Context {
	tb.Helper()
	return ensemble.Within(tb, d)
}

// endOf notes when a context ends. at waits for that time.
func endOf(ctx context.Context) (at func() time.Time) {
	var mu sync.Mutex
	var end time.Time
	context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		end = time.Now()
	})
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return end
	}
}

// goneAt waits until the node is deleted and returns the time at which that was
// seen. The Sync before the watch is needed: a lagging server may not know the
// node yet.
func goneAt(ctx context.Context, sm *session.Manager, path string) (time.Time, error) {
	for {
		s, err := bridge.Core(sm).Session(ctx)
		if err != nil {
			return time.Time{}, err
		}
		if err := s.Sync(ctx, path); err != nil {
			return time.Time{}, err
		}
		_, found, watch, err := s.ExistsW(ctx, path)
		if err != nil {
			return time.Time{}, err
		}
		if !found {
			watch.Stop()
			return time.Now(), nil
		}
		select {
		case <-watch.Done():
			if watch.Event() == core.NodeDeleted {
				return time.Now(), nil
			}
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		}
	}
}
