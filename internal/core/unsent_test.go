package core_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// simpleCalls are calls with one request each, on a tree with /d at version 0,
// and /d/old.
var simpleCalls = []struct {
	name   string
	op     zktest.Op
	path   string
	change bool
	call   func(ctx context.Context, s *core.Session) error
}{
	{"create", zktest.OpCreate, "/d/new", true, func(ctx context.Context, s *core.Session) error {
		return second(s.Create(ctx, "/d/new", nil, core.Persistent))
	}},
	{"set", zktest.OpSetData, "/d", true, func(ctx context.Context, s *core.Session) error {
		return second(s.Set(ctx, "/d", []byte("new"), 0))
	}},
	{"delete", zktest.OpDelete, "/d/old", true, func(ctx context.Context, s *core.Session) error {
		return s.Delete(ctx, "/d/old", 0)
	}},
	{"txn", zktest.OpMulti, "/d", true, func(ctx context.Context, s *core.Session) error {
		return second(s.Txn(ctx, core.SetOp("/d", []byte("new"), 0), core.CreateOp("/d/new", nil, core.Persistent)))
	}},
	{"get", zktest.OpGetData, "/d", false, func(ctx context.Context, s *core.Session) error { return third(s.Get(ctx, "/d")) }},
}

// planted creates the tree of simpleCalls, and a node for requests that block
// them.
func (w *world) planted() {
	for _, path := range []string{"/d", "/d/old", "/way"} {
		require.NoError(w, w.Srv.Put(path, nil))
	}
}

// transactions counts the clients' transactions below /d.
func (w *world) transactions() int {
	zxids := make(map[int64]bool)
	for _, c := range w.Changes() {
		if c.Session != 0 && (c.Path == "/d" || len(c.Path) > 2 && c.Path[:3] == "/d/") {
			zxids[c.Zxid] = true
		}
	}
	return len(zxids)
}

// blocked has the network accept no bytes, and has a first request of the
// process block in its Write. Later requests are not written.
func (w *world) blocked(p *process, n *netTrace) (first chan error) {
	n.stall()
	first = make(chan error, 1)
	s := p.session()
	go func() { first <- second(s.Set(w.Context(), "/way", nil, core.AnyVersion)) }()
	synctest.Wait()
	require.Equal(w, 1, n.count(zktest.OpSetData, "/way"))
	return first
}

// A request whose ctx ends before it was written is withdrawn: its outcome is
// known, and it is not executed when the network goes on.
func TestUnsentRequestsAreTakenBack(t *testing.T) {
	for _, c := range simpleCalls {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.planted()
				p, n := w.traced(timeout(30 * time.Second))
				s := p.session()
				first := w.blocked(p, n)
				start := time.Now()
				err := c.call(w.Within(time.Second), s)
				require.ErrorIs(w, err, context.DeadlineExceeded)
				require.NotErrorIs(w, err, core.ErrUnknownOutcome, "it was not sent")
				require.Equal(w, time.Second, time.Since(start))
				n.flow()
				require.NoError(w, <-first)
				time.Sleep(10 * time.Minute)
				require.Zero(w, n.count(c.op, c.path), "it is not sent later")
				require.Zero(w, w.transactions())
				require.NoError(w, c.call(w.Context(), s))
				require.Equal(w, 1, w.Srv.Count(zktest.OpConnect), "the connection lasts")
			})
		})
	}
}

// Many requests wait to be written. The requests whose ctx ends are withdrawn.
// The others are executed once.
func TestUnsentRequestsAmongOthers(t *testing.T) {
	inWorld(t, func(w *world) {
		const many = 1000
		w.planted()
		p, n := w.traced(timeout(30 * time.Second))
		s := p.session()
		first := w.blocked(p, n)
		short := w.Within(time.Second)
		path := func(i int) string { return fmt.Sprintf("/d/%04d", i) }
		errs := make([]chan error, many)
		for i := range errs {
			errs[i] = make(chan error, 1)
			ctx := w.Context()
			if i%2 == 1 {
				ctx = short
			}
			go func() { errs[i] <- second(s.Create(ctx, path(i), nil, core.Persistent)) }()
		}
		synctest.Wait()
		for i := 1; i < many; i += 2 {
			err := <-errs[i]
			require.ErrorIs(w, err, context.DeadlineExceeded)
			require.NotErrorIs(w, err, core.ErrUnknownOutcome, "create %d", i)
		}
		n.flow()
		require.NoError(w, <-first)
		for i := 0; i < many; i += 2 {
			require.NoError(w, <-errs[i], "create %d", i)
		}
		time.Sleep(10 * time.Minute)
		require.Equal(w, many/2, w.transactions())
		for i := range many {
			require.Equal(w, 1-i%2, n.count(zktest.OpCreate, path(i)), "create %d", i)
		}
		require.Equal(w, 1, w.Srv.Count(zktest.OpConnect))
	})
}

// A request that was unwritten at the end of its connection is sent on the next
// one.
func TestUnsentRequestsOutlastTheConnection(t *testing.T) {
	for _, c := range simpleCalls {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.planted()
				p, n := w.traced(timeout(30 * time.Second))
				s := p.session()
				first := w.blocked(p, n)
				done := make(chan error, 1)
				go func() { done <- c.call(w.Context(), s) }()
				synctest.Wait()
				require.Empty(w, done)
				p.link.Disconnect()
				synctest.Wait()
				n.flow()
				require.NoError(w, <-first, "nothing of it had left")
				require.NoError(w, <-done)
				time.Sleep(10 * time.Minute)
				require.Equal(w, 1, n.count(c.op, c.path))
				if c.change {
					require.Equal(w, 1, w.transactions())
				}
			})
		})
	}
}

// A request that was unwritten at the end of its session was not done.
func TestUnsentRequestsEndWithTheSession(t *testing.T) {
	for _, c := range simpleCalls {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.planted()
				p, n := w.traced(timeout(30 * time.Second))
				s := p.session()
				first := w.blocked(p, n)
				done := make(chan error, 1)
				go func() { done <- c.call(w.Context(), s) }()
				synctest.Wait()
				closed := make(chan error, 1)
				go func() { closed <- p.Close() }()
				err := <-done
				require.ErrorIs(w, err, core.ErrSessionEnded)
				require.ErrorIs(w, err, core.ErrClosed)
				require.NotErrorIs(w, err, core.ErrUnknownOutcome)
				require.ErrorIs(w, <-first, core.ErrSessionEnded)
				n.flow()
				require.NoError(w, <-closed)
				time.Sleep(10 * time.Minute)
				require.Zero(w, n.count(c.op, c.path))
				require.Zero(w, w.transactions())
			})
		})
	}
}

// A write that was sent, and whose answer is missing when its ctx ends, may have
// been done.
func TestSentRequestsAreInDoubt(t *testing.T) {
	for _, c := range simpleCalls {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.planted()
				p, n := w.traced(timeout(30 * time.Second))
				s := p.session()
				p.link.Cut(zktest.ToClient)
				err := c.call(w.Within(time.Second), s)
				require.ErrorIs(w, err, context.DeadlineExceeded)
				require.Equal(w, 1, n.count(c.op, c.path))
				if !c.change {
					require.NotErrorIs(w, err, core.ErrUnknownOutcome)
					return
				}
				require.ErrorIs(w, err, core.ErrUnknownOutcome)
				p.link.Heal()
				time.Sleep(10 * time.Minute)
				require.Equal(w, 1, w.transactions(), "it was done, once")
				require.NoError(w, s.Err())
			})
		})
	}
}
