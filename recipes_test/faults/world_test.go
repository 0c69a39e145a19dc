package faults

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

func TestMain(m *testing.M) {
	if os.Getenv(holderEnv) != "" {
		os.Exit(playHolder())
	}
	ensemble.Main(m)
}

// patience is the maximum wait for an event that must happen, not a measure of
// speed.
const patience = 3 * time.Minute

// sessionTimeout is the session timeout of every client that the nemesis may
// hit.
const sessionTimeout = 2 * time.Second

// lasting is the timeout of sessions that no test expects to end: a busy
// machine must not end them.
const lasting = 40 * time.Second

// process is a client with its own proxies to the ensemble.
type process struct {
	*session.Manager
	id    int
	proxy *ensemble.Proxies

	mu   sync.Mutex
	cuts int // number of present cuts
}

// cut cuts the process off, and returns a function that ends the cut.
// Overlapping cuts last until the last one ends.
func (p *process) cut(d ensemble.Direction) (heal func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cuts++
	p.proxy.CutAll(d)
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.cuts--; p.cuts == 0 {
			p.proxy.HealAll()
		}
	}
}

func startProcess(tb testing.TB, e *ensemble.Ensemble, id int) *process {
	tb.Helper()
	proxies := e.Proxied(tb)
	sm := dial(tb, session.Config{Servers: proxies.Addrs(), Timeout: sessionTimeout})
	return &process{Manager: sm, id: id, proxy: proxies}
}

func dial(tb testing.TB, cfg session.Config) *session.Manager {
	tb.Helper()
	return ensemble.Dial(tb, patience, cfg)
}

// observer is a client that is only affected by the faults of servers.
func observer(tb testing.TB, e *ensemble.Ensemble) *session.Manager {
	tb.Helper()
	return dial(tb, session.Config{Servers: e.Addrs(), Timeout: lasting})
}

func within(tb testing.TB, d time.Duration) context.Context {
	tb.Helper()
	return ensemble.Within(tb, d)
}

// endOf notes when a context ends. The returned function waits for that time.
func endOf(ctx context.Context) func() time.Time {
	ended := make(chan time.Time, 1)
	context.AfterFunc(ctx, func() { ended <- time.Now() })
	return sync.OnceValue(func() time.Time { return <-ended })
}

// duration is the duration of the faults.
func duration(tb testing.TB, otherwise time.Duration) time.Duration {
	tb.Helper()
	text := os.Getenv("DOCENT_DURATION")
	if text == "" {
		return otherwise
	}
	d, err := time.ParseDuration(text)
	require.NoError(tb, err, "DOCENT_DURATION")
	return d
}

// seed is the seed of all random choices of a run.
func seed(tb testing.TB) uint64 {
	tb.Helper()
	text := os.Getenv("DOCENT_SEED")
	if text == "" {
		return rand.Uint64()
	}
	n, err := strconv.ParseUint(text, 10, 64)
	require.NoError(tb, err, "DOCENT_SEED")
	return n
}

// source returns a source of random numbers for each name.
func source(seed uint64, name ...any) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprint(h, name...)
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

func between(rng *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(rng.Int64N(int64(most-least)+1))
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// expected reports whether an operation may fail with the error under the
// nemesis. A waiter gives up with its context, and a session can end during an
// operation.
func expected(err error) bool {
	for _, e := range []error{context.DeadlineExceeded, context.Canceled, session.ErrSessionEnded, session.ErrUnknownOutcome} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// listener records the errors of a test instead of failing it.
type listener struct {
	testing.TB
	errors []string
}

func (l *listener) Errorf(format string, args ...any) {
	l.errors = append(l.errors, fmt.Sprintf(format, args...))
}
