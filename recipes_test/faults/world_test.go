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

// patience is how long a test waits for what must happen; it is no measure of
// how fast it does.
const patience = 3 * time.Minute

// sessionTimeout is that of every client the nemesis is let loose on.
const sessionTimeout = 2 * time.Second

// lasting is the timeout of sessions whose end no test waits for: a busy machine must not end them.
const lasting = 40 * time.Second

// process is one client with its own way to the ensemble.
type process struct {
	*session.Manager
	id    int
	proxy *ensemble.Proxies

	mu   sync.Mutex
	cuts int // that are not over
}

// cut cuts the process off, and returns what ends that. Where several overlap,
// all of them last until the last is over.
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
	sm, err := session.Dial(within(tb, patience), cfg)
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, sm.Close()) })
	return sm
}

// observer is a client that nothing is done to but what is done to the servers.
func observer(tb testing.TB, e *ensemble.Ensemble) *session.Manager {
	tb.Helper()
	return dial(tb, session.Config{Servers: e.Addrs(), Timeout: lasting})
}

func within(tb testing.TB, d time.Duration) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), d)
	tb.Cleanup(cancel)
	return ctx
}

// endOf notes when a context ends. What it returns waits for that.
func endOf(ctx context.Context) func() time.Time {
	ended := make(chan time.Time, 1)
	context.AfterFunc(ctx, func() { ended <- time.Now() })
	return sync.OnceValue(func() time.Time { return <-ended })
}

// duration is how long the nemesis goes on.
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

// seed is what all random choices of a run grow from.
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

// source is a stream of random numbers of its own for each name.
func source(seed uint64, name ...any) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprint(h, name...)
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

func between(rng *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(rng.Int64N(int64(most-least)+1))
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// expected says whether an operation may fail like that under the nemesis. Who
// waits gives up with its context; a session can end under an operation.
func expected(err error) bool {
	for _, e := range []error{context.DeadlineExceeded, context.Canceled, session.ErrSessionEnded, session.ErrUnknownOutcome} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// listener notes the errors of a test in the place of failing it.
type listener struct {
	testing.TB
	errors []string
}

func (l *listener) Errorf(format string, args ...any) {
	l.errors = append(l.errors, fmt.Sprintf(format, args...))
}
