// Package testworld is the environment for tests of recipes: an embedded server
// in a bubble of virtual time, and processes with their own sessions and
// network paths. It is for tests alone.
package testworld

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// World is a server and its processes, in virtual time. It ends with its test.
// Then everything opened through it is closed, and a remaining goroutine fails
// the test.
type World struct {
	*testing.T
	Srv *zktest.Server

	mu      sync.Mutex
	changes []zktest.Change
}

// Run runs f as a test in a bubble of its own.
func Run(t *testing.T, f func(w *World), opts ...zktest.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &World{T: t, Srv: zktest.New(t, opts...)}
		t.Cleanup(w.Srv.OnChange(func(c zktest.Change) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.changes = append(w.changes, c)
		}))
		f(w)
	})
}

// Process is a manager with a network path of its own.
type Process struct {
	*session.Manager
	W    *World
	Link *zktest.Link
}

// Process starts another process. Its session timeout is session.DefaultTimeout
// unless a tweak changes it.
func (w *World) Process(tweaks ...func(*session.Config)) *Process {
	w.Helper()
	link := w.Srv.Link()
	cfg := session.Config{Servers: []string{"zk1"}, Dialer: link.DialContext, Logger: slog.New(slog.DiscardHandler)}
	for _, tweak := range tweaks {
		tweak(&cfg)
	}
	sm, err := session.Dial(w.Context(), cfg)
	require.NoError(w, err)
	w.Cleanup(func() { require.NoError(w, sm.Close()) })
	return &Process{sm, w, link}
}

// Timeout is a tweak that sets the session timeout.
func Timeout(d time.Duration) func(*session.Config) {
	return func(cfg *session.Config) { cfg.Timeout = d }
}

// Core returns the implementation of the process's manager, as recipes see it.
func (p *Process) Core() *core.Manager { return bridge.Core(p.Manager) }

// Current returns the process's present session. It waits for one if need be.
func (p *Process) Current() *core.Session {
	p.W.Helper()
	s, err := p.Core().Session(p.W.Context())
	require.NoError(p.W, err)
	return s
}

// Expire ends the process's present session on the server.
func (p *Process) Expire() {
	p.W.Helper()
	p.W.Srv.Expire(p.Current().ID())
}

// Put writes data to a node without a session. It makes the node if it is
// missing.
func (w *World) Put(path, data string) {
	w.Helper()
	require.NoError(w, w.Srv.Put(path, []byte(data)))
}

// Remove deletes a node without a session.
func (w *World) Remove(path string) {
	w.Helper()
	require.NoError(w, w.Srv.Remove(path))
}

// Data returns the data of a node, which must exist.
func (w *World) Data(path string) string {
	w.Helper()
	node, found := w.Srv.Node(path)
	require.True(w, found, "%s is missing", path)
	return string(node.Data)
}

// Children lists the children of a node, sorted. A missing node has none.
func (w *World) Children(path string) []string {
	info, _ := w.Srv.Node(path)
	return info.Children
}

// Changes returns every change of the tree so far, in order.
func (w *World) Changes() []zktest.Change {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changes[:len(w.changes):len(w.changes)]
}

// Count returns how often each kind of request was made while f ran, and until
// all goroutines wait again. Pings are left out.
func (w *World) Count(f func()) map[string]int {
	synctest.Wait()
	w.Srv.ResetCounts()
	f()
	synctest.Wait()
	counts := make(map[string]int)
	for op, n := range w.Srv.Counts() {
		if op != zktest.OpPing {
			counts[op.String()] = n
		}
	}
	return counts
}

// WatchesGone waits until the server has no more watches than before. The
// runtime may delay the cleanups of dropped values.
func (w *World) WatchesGone(before int) {
	w.Helper()
	for range 1000 {
		if w.Srv.Watches() == before {
			break
		}
		runtime.GC()
		time.Sleep(10 * time.Second)
	}
	require.Equal(w, before, w.Srv.Watches())
}

// Fail makes the server answer every request of the kind on the path with the
// code, until remove is called. A list in a multiRead counts as getChildren,
// and fails with getChildren2.
func (w *World) Fail(op zktest.Op, path string, code zktest.Code) (remove func()) {
	return w.Srv.Intercept(func(r zktest.Request) zktest.Action {
		same := r.Op == op || op == zktest.OpGetChildren2 && r.Op == zktest.OpGetChildren
		if same && r.Path == path {
			return zktest.Fail(code)
		}
		return zktest.Pass
	})
}

// Refuse makes the server deny reads of the node's data and children, as if its
// ACL granted no right to read, until remove is called.
func (w *World) Refuse(path string) (remove func()) {
	data := w.Fail(zktest.OpGetData, path, zktest.CodeNoAuth)
	list := w.Fail(zktest.OpGetChildren2, path, zktest.CodeNoAuth)
	return func() { data(); list() }
}

// Once applies an action to the first request that match accepts.
func (w *World) Once(match func(zktest.Request) bool, do func() zktest.Action) {
	done := false // interceptors are called one at a time
	w.Srv.Intercept(func(r zktest.Request) zktest.Action {
		if done || !match(r) {
			return zktest.Pass
		}
		done = true
		return do()
	})
}

// Patience is the maximum virtual time of something that must happen.
const Patience = time.Hour

// Within returns a context that ends after d, in virtual time, or with the test.
func (w *World) Within(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(w.Context(), d)
	w.Cleanup(cancel)
	return ctx
}

// Eventually waits, in virtual time, until ok holds.
func (w *World) Eventually(ok func() bool, what string, args ...any) {
	w.Helper()
	for deadline := time.Now().Add(Patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		synctest.Wait()
		if ok() {
			return
		}
	}
	require.FailNow(w, "did not happen: "+fmt.Sprintf(what, args...))
}

// Cancelled is a context that has ended.
func Cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
