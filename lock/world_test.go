package lock_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

const dir = "/locks/a"

// world is a server and its processes, in virtual time.
type world struct {
	*testing.T
	srv *zktest.Server
}

// inWorld runs a test in a bubble of its own. Everything that the test opens
// through the world is closed at its end.
func inWorld(t *testing.T, f func(t *testing.T, w *world), opts ...zktest.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f(t, &world{t, zktest.New(t, opts...)})
	})
}

// process is a manager with a network path of its own.
type process struct {
	*session.Manager
	w    *world
	link *zktest.Link
}

func (w *world) process(tweaks ...func(*session.Config)) *process {
	w.Helper()
	link := w.srv.Link()
	cfg := session.Config{Servers: []string{"zk1"}, Dialer: link.DialContext, Logger: slog.New(slog.DiscardHandler)}
	for _, tweak := range tweaks {
		tweak(&cfg)
	}
	m, err := session.Dial(w.Context(), cfg)
	require.NoError(w, err)
	w.Cleanup(func() { _ = m.Close() })
	return &process{m, w, link}
}

// session returns the id of the process's present session.
func (p *process) session() int64 {
	s, err := p.Session(p.w.Context())
	require.NoError(p.w, err)
	return int64(s.ID)
}

func (p *process) mutex(opts ...lock.MutexOption) *lock.Mutex {
	return lock.NewMutex(p.Manager, dir, opts...)
}

// lock acquires at once, or fails the test.
func (p *process) lock() *lock.Hold {
	p.w.Helper()
	ctx, cancel := context.WithTimeout(p.w.Context(), time.Hour)
	defer cancel()
	h, err := p.mutex().Lock(ctx)
	require.NoError(p.w, err)
	require.NoError(p.w, h.Err())
	return h
}

// waiter is a Lock under way.
type waiter struct {
	w      *world
	cancel context.CancelFunc
	done   chan struct{}
	hold   *lock.Hold
	err    error
}

// queue starts a Lock and returns when its znode exists.
func (p *process) queue() *waiter {
	ctx, cancel := context.WithCancel(p.w.Context())
	q := &waiter{w: p.w, cancel: cancel, done: make(chan struct{})}
	p.w.Cleanup(cancel)
	go func() {
		defer close(q.done)
		q.hold, q.err = p.mutex().Lock(ctx)
	}()
	synctest.Wait()
	return q
}

// waiting reports whether the Lock is still under way once all is quiet.
func (q *waiter) waiting() bool {
	synctest.Wait()
	select {
	case <-q.done:
		return false
	default:
		return true
	}
}

// get waits for the Lock, however long that takes, and demands that it
// succeeded.
func (q *waiter) get() *lock.Hold {
	q.w.Helper()
	select {
	case <-q.done:
	case <-time.After(time.Hour):
		require.Fail(q.w, "it still waits after an hour")
	}
	require.NoError(q.w, q.err)
	return q.hold
}

// giveUp cancels the Lock and returns its error.
func (q *waiter) giveUp() error {
	q.cancel()
	<-q.done
	return q.err
}

// nodes lists the znodes of the directory, in the order of the sequence
// numbers.
func (w *world) nodes() []string {
	info, _ := w.srv.Node(dir)
	names := slices.Clone(info.Children)
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(suffix(a), suffix(b)) })
	return names
}

func suffix(name string) string { return name[max(0, len(name)-10):] }

// count returns how often each kind of request was made while f ran, pings left
// out.
func (w *world) count(f func()) map[string]int {
	synctest.Wait()
	w.srv.ResetCounts()
	f()
	synctest.Wait()
	counts := make(map[string]int)
	for op, n := range w.srv.Counts() {
		if op != zktest.OpPing {
			counts[op.String()] = n
		}
	}
	return counts
}

// sessions returns what each session has asked for while f ran, pings left out.
func (w *world) sessions(f func()) map[int64]map[string]int {
	synctest.Wait()
	asked := make(map[int64]map[string]int)
	remove := w.srv.Intercept(func(r zktest.Request) zktest.Action { // one at a time
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

// cancelled is a context that has ended.
func cancelled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
