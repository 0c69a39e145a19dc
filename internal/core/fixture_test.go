package core_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a testworld whose processes are managers of this package.
type world struct{ *testworld.World }

func inWorld(t *testing.T, f func(w *world), opts ...zktest.Option) {
	t.Helper()
	testworld.Run(t, func(w *testworld.World) { f(&world{w}) }, opts...)
}

// process is one manager with its own path to the server.
type process struct {
	*core.Manager
	w    *world
	link *zktest.Link
}

func (w *world) process(change ...func(*core.Config)) *process {
	w.Helper()
	link := w.Srv.Link()
	cfg := core.Config{Servers: []string{"zk1"}, Dialer: link.DialContext}
	for _, f := range change {
		f(&cfg)
	}
	sm, err := core.Dial(w.Context(), cfg)
	require.NoError(w, err)
	w.Cleanup(func() { sm.Close() })
	return &process{sm, w, link}
}

// session returns the current session.
func (p *process) session() *core.Session {
	p.w.Helper()
	s, err := p.Session(p.w.Context())
	require.NoError(p.w, err)
	return s
}

// next returns the session that follows old.
func (p *process) next(old *core.Session) *core.Session {
	p.w.Helper()
	<-old.Done()
	return p.session()
}

// enter makes a contender's node in dir and holds it.
func (p *process) enter(dir string) *core.Hold {
	p.w.Helper()
	e, err := p.session().Enter(p.w.Context(), dir, "lock-", nil)
	require.NoError(p.w, err)
	h, err := e.Hold(p.w.Context(), e.Dir.Pzxid)
	require.NoError(p.w, err)
	return h
}

// deletedAt returns when the node was deleted; it waits for that.
func (w *world) deletedAt(path string) time.Time {
	w.Helper()
	for range 24 * 3600 {
		if at, ok := w.deletion(path); ok {
			return at
		}
		time.Sleep(time.Second)
	}
	require.Fail(w, "the node was never deleted", path)
	return time.Time{}
}

func (w *world) deletion(path string) (time.Time, bool) {
	for _, c := range w.Changes() {
		if c.Kind == zktest.Deleted && c.Path == path {
			return c.Time, true
		}
	}
	return time.Time{}, false
}

// eventually waits, in virtual time, until a state of the server is reached.
func (w *world) eventually(what string, ok func() bool) {
	w.Helper()
	w.Eventually(ok, "%s", what)
}

// client is a bare go-zookeeper client, for the requests of another client.
func (w *world) client() *zk.Conn {
	w.Helper()
	conn, events, err := zk.Connect([]string{"zk1"}, 30*time.Second, zk.WithDialer(w.Srv.Dial),
		zk.WithHostProvider(new(zktest.Hosts)), zk.WithLogInfo(false), zk.WithLogger(quiet{}))
	require.NoError(w, err)
	for ev := range events {
		if ev.State == zk.StateHasSession {
			break
		}
	}
	w.Cleanup(func() {
		conn.Close()
		for range events {
		}
	})
	return conn
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}

// record collects what a manager's hooks are told.
type record struct {
	mu     sync.Mutex
	states []core.StateChange
	ops    []core.OpInfo
	ended  []core.HoldInfo
	begun  []core.HoldInfo
	swept  []core.SweptInfo
}

func (r *record) OnState(c core.StateChange) { r.add(func() { r.states = append(r.states, c) }) }
func (r *record) OnOp(o core.OpInfo)         { r.add(func() { r.ops = append(r.ops, o) }) }
func (r *record) OnAcquired(h core.HoldInfo) { r.add(func() { r.begun = append(r.begun, h) }) }
func (r *record) OnReleased(h core.HoldInfo) { r.add(func() { r.ended = append(r.ended, h) }) }
func (r *record) OnLost(h core.HoldInfo)     { r.add(func() { r.ended = append(r.ended, h) }) }
func (r *record) OnSwept(s core.SweptInfo)   { r.add(func() { r.swept = append(r.swept, s) }) }
func (r *record) add(f func())               { r.mu.Lock(); defer r.mu.Unlock(); f() }
func (r *record) hook(cfg *core.Config)      { cfg.Hooks = append(cfg.Hooks, r) }
func strict(cfg *core.Config)                { cfg.LossPolicy = core.OnDisconnect }
func timeout(d time.Duration) func(*core.Config) {
	return func(cfg *core.Config) { cfg.Timeout = d }
}

func (r *record) stateList() []core.State {
	r.mu.Lock()
	defer r.mu.Unlock()
	var states []core.State
	for _, c := range r.states {
		states = append(states, c.State)
	}
	return states
}

func (r *record) sweptList() []core.SweptInfo {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.swept)
}
