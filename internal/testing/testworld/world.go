// Package testworld is the environment for tests of recipes. It adds to package
// sessiontest, the environment for tests of users, what needs the internal
// packages, and what counts requests and misuses an API.
package testworld

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/sessiontest"
	"github.com/docent-go/docent/zktest"
)

// World is a server and its processes, in virtual time. It ends with its test.
// Then everything opened through it is closed, and a remaining goroutine fails
// the test.
type World struct {
	*sessiontest.World
	Srv *zktest.Server // the Server of sessiontest.World

	mu      sync.Mutex
	changes []zktest.Change
}

// Run runs f as a test in a bubble of its own.
func Run(t *testing.T, f func(w *World), opts ...zktest.Option) {
	t.Helper()
	sessiontest.Run(t, func(inner *sessiontest.World) {
		w := &World{World: inner, Srv: inner.Server}
		w.Cleanup(w.Srv.OnChange(func(c zktest.Change) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.changes = append(w.changes, c)
		}))
		f(w)
	}, opts...)
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
	p := w.World.Process(tweaks...)
	return &Process{p.Manager, w, p.Link}
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

// Remove deletes a node without a session.
func (w *World) Remove(path string) {
	w.Helper()
	require.NoError(w, w.Srv.Remove(path))
}

// Changes returns every change of the tree so far, in order.
func (w *World) Changes() []zktest.Change {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changes[:len(w.changes):len(w.changes)]
}

// ForgetChanges drops the changes so far, with the data that was written.
func (w *World) ForgetChanges() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changes = nil
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

// Cancelled is a context that has ended.
func Cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
