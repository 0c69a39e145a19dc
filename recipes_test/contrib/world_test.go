//go:build unix

package contrib

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	docentotel "github.com/docent-go/docent/contrib/otel"
	"github.com/docent-go/docent/contrib/prom"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/recipes_test/peers"
	"github.com/docent-go/docent/session"
)

func TestMain(m *testing.M) { ensemble.Main(m, peers.Clean) }

const (
	timeout  = 20 * time.Second // of all sessions: an election among the servers ends no session
	patience = 3 * time.Minute  // maximum wait for an event that must happen
)

// world is three real servers and three programs that work on them. The modules
// of contrib observe this program; the others use Curator and kazoo.
type world struct {
	*testing.T
	*ensemble.Ensemble
	sm      *session.Manager
	java    *peers.Peer
	python  *peers.Peer
	metrics *prom.Collector
	scraped *prometheus.Registry
	spans   *tracetest.SpanRecorder

	working context.Context // ends when the work has to end
	work    sync.WaitGroup
	mu      sync.Mutex
	done    map[string]int // how often each job was done
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
	telemetry := docentotel.New(docentotel.Names(docentotel.Below(names)),
		docentotel.Traces(trace.NewTracerProvider(trace.WithSpanProcessor(w.spans))))
	w.sm = ensemble.Dial(t, patience, session.Config{
		Servers: w.Addrs(), Timeout: timeout, Hooks: []session.Hook{w.metrics, telemetry},
	})
	w.java, w.python = peers.Curator(t, w.ConnectString(), timeout), peers.Kazoo(t, w.ConnectString(), timeout)
	return w
}

// within returns a context for an event that must happen.
func (w *world) within() context.Context { return ensemble.Within(w, patience) }

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

// goesOn waits until each job is done at least n more times.
func (w *world) goesOn(n int, what ...string) {
	w.Helper()
	for _, one := range what {
		until := w.times(one) + n
		ensemble.Eventually(w, patience, one+" continues", func() bool { return w.times(one) >= until || w.Failed() })
	}
	require.False(w, w.Failed())
}

// errAgain says that a job was not done, without a failure.
var errAgain = errors.New("not done")

// begin repeats a job until the work ends, and counts how often it was done.
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
