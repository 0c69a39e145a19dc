//go:build unix

package contrib

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"

	docentotel "github.com/docent-go/docent/contrib/otel"
	"github.com/docent-go/docent/contrib/prom"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/recipes_test/peers"
	"github.com/docent-go/docent/session"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := peers.Clean(); err != nil {
		fmt.Fprintln(os.Stderr, "removing the peers:", err)
		code = max(code, 1)
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, "goroutines outlive the tests:", err)
		code = 1
	}
	os.Exit(code)
}

const (
	timeout  = 20 * time.Second // of all sessions: an election among the servers ends none
	patience = time.Minute      // for what must happen; no measure of how fast it does
)

// world is three real servers and three programs at work on them: this one,
// which is watched by the modules of contrib, one of Curator's and one of kazoo's.
type world struct {
	*testing.T
	*ensemble.Ensemble
	sm      *session.Manager
	java    *peers.Peer
	python  *peers.Peer
	metrics *prom.Collector
	scraped *prometheus.Registry
	spans   *tracetest.SpanRecorder

	working context.Context // ends when the work shall
	work    sync.WaitGroup
	mu      sync.Mutex
	done    map[string]int // how often somebody did something
}

func inWorld(t *testing.T) *world {
	t.Helper()
	ensemble.RequireZooKeeper(t)
	w := &world{
		T: t, Ensemble: ensemble.Start(t, 3),
		scraped: prometheus.NewPedanticRegistry(), spans: tracetest.NewSpanRecorder(), done: make(map[string]int),
	}
	names := map[string]string{"/jobs/lock": "shared", "/jobs/latch": "scheduler"}
	w.metrics = prom.New(prom.Names(prom.Below(names)))
	require.NoError(t, w.scraped.Register(w.metrics))
	telemetry, err := docentotel.New(docentotel.Names(docentotel.Below(names)),
		docentotel.Traces(trace.NewTracerProvider(trace.WithSpanProcessor(w.spans))))
	require.NoError(t, err)
	w.sm, err = session.Dial(w.within(), session.Config{
		Servers: w.Addrs(), Timeout: timeout, Hooks: []session.Hook{w.metrics, telemetry},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.sm.Close()) })
	w.java, w.python = peers.Curator(t, w.ConnectString(), timeout), peers.Kazoo(t, w.ConnectString(), timeout)
	return w
}

// within bounds what must happen.
func (w *world) within() context.Context {
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	w.Cleanup(cancel)
	return ctx
}

func (w *world) did(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done[what]++
}

func (w *world) times(what string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.done[what]
}

// goesOn waits until each does what it does at least n more times.
func (w *world) goesOn(n int, what ...string) {
	w.Helper()
	for _, one := range what {
		until := w.times(one) + n
		ensemble.Eventually(w, patience, one+" goes on", func() bool { return w.times(one) >= until || w.Failed() })
	}
	require.False(w, w.Failed())
}

// errAgain says that something was not done, and that this is no failure.
var errAgain = errors.New("not done")

// begin has somebody do something until the work ends; each time counts.
func (w *world) begin(what string, once func() error) {
	w.work.Go(func() {
		for w.working.Err() == nil {
			err := once()
			if errors.Is(err, errAgain) {
				continue
			}
			if err != nil {
				if w.working.Err() == nil {
					w.Errorf("%s: %v", what, err)
				}
				return
			}
			w.did(what)
		}
	})
}
