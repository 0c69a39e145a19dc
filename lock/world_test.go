package lock_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

const dir = "/locks/a"

// world is a testworld with what tests of mutexes do over and over.
type world struct{ *testworld.World }

func inWorld(t *testing.T, f func(t *testing.T, w *world), opts ...zktest.Option) {
	t.Helper()
	testworld.Run(t, func(w *testworld.World) { f(w.T, &world{w}) }, opts...)
}

// inEachWorld is inWorld, once for each version of the server.
func inEachWorld(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	testworld.EachRelease(t, func(w *testworld.World, _ zktest.Release) { f(w.T, &world{w}) })
}

// process is a process whose mutexes are in dir.
type process struct{ *testworld.Process }

func (w *world) process(tweaks ...func(*session.Config)) *process {
	w.Helper()
	return &process{w.Process(tweaks...)}
}

func (p *process) mutex(opts ...lock.MutexOption) *lock.Mutex {
	return lock.NewMutex(p.Manager, dir, opts...)
}

// lock acquires at once, or fails the test.
func (p *process) lock() *lock.Hold {
	p.W.Helper()
	return lockNow(p.W, p.mutex())
}

// waiter is a Lock under way.
type waiter = testworld.Call[*lock.Hold]

// queue starts a Lock and returns when its znode exists.
func (p *process) queue() *waiter { return locking(p.W, p.mutex()) }

// nodes lists the znodes of the directory, in the order of the sequence
// numbers.
func (w *world) nodes() []string { return bySuffix(w.Children(dir)) }

func suffix(name string) string { return name[max(0, len(name)-10):] }

// sessions returns what each session has asked for while f ran, pings left out.
func (w *world) sessions(f func()) map[int64]map[string]int {
	synctest.Wait()
	asked := make(map[int64]map[string]int)
	remove := w.Srv.Intercept(func(r zktest.Request) zktest.Action { // one at a time
		if r.Op != zktest.OpPing {
			if asked[r.Session] == nil {
				asked[r.Session] = make(map[string]int)
			}
			asked[r.Session][r.Op.String()]++
		}
		return zktest.Pass
	})
	f()
	synctest.Wait()
	remove()
	return asked
}

// within runs f and demands that it takes at most d.
func (w *world) within(d time.Duration, f func()) {
	w.Helper()
	start := time.Now()
	f()
	require.LessOrEqual(w, time.Since(start), d)
}
