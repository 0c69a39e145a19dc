package core_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// throttle has the server answer the first requests of the given kinds with
// the code, without executing them. It returns how many it has refused.
func (w *world) throttle(code zktest.Code, times int, ops ...zktest.Op) (refused func() int) {
	n := 0
	w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
		for _, op := range ops {
			if r.Op == op && n < times {
				n++
				return zktest.Fail(code)
			}
		}
		return zktest.Pass
	}))
	return func() int { synctest.Wait(); return n }
}

// hold begins a hold on a node.
func (w *world) hold(n *core.Node) *core.Hold {
	w.Helper()
	h, err := n.Hold(w.Context(), 1)
	require.NoError(w, err)
	return h
}

// everyCall has each kind of request that a session sends for its callers, and
// the operations of the protocol that it consists of.
var everyCall = []struct {
	name string
	ops  []zktest.Op
	call func(w *world, s *core.Session) error
}{
	{"get", []zktest.Op{zktest.OpGetData}, func(w *world, s *core.Session) error { return third(s.Get(w.Context(), "/d")) }},
	{"get and watch", []zktest.Op{zktest.OpGetData}, func(w *world, s *core.Session) error {
		_, _, watch, err := s.GetW(w.Context(), "/d")
		if err == nil {
			require.NoError(w, w.Srv.Put("/d", []byte("new")))
			<-watch.Done() // the watch is there, although the first reads did not leave one
		}
		return err
	}},
	{"exists", []zktest.Op{zktest.OpExists}, func(w *world, s *core.Session) error { return third(s.Exists(w.Context(), "/d")) }},
	{"children", []zktest.Op{zktest.OpGetChildren2}, func(w *world, s *core.Session) error { return third(s.Children(w.Context(), "/d")) }},
	{"sync", []zktest.Op{zktest.OpSync}, func(w *world, s *core.Session) error { return s.Sync(w.Context(), "/d") }},
	{"set", []zktest.Op{zktest.OpSetData}, func(w *world, s *core.Session) error {
		stat, err := s.Set(w.Context(), "/d", []byte("new"), 0)
		if err == nil {
			require.Equal(w, int32(1), stat.Version)
		}
		return err
	}},
	{"set any version", []zktest.Op{zktest.OpSetData}, func(w *world, s *core.Session) error {
		return second(s.Set(w.Context(), "/d", []byte("new"), core.AnyVersion))
	}},
	{"create", []zktest.Op{zktest.OpCreate}, func(w *world, s *core.Session) error {
		return second(s.Create(w.Context(), "/d/x", nil, core.Ephemeral))
	}},
	{"create a container", []zktest.Op{zktest.OpCreateContainer}, func(w *world, s *core.Session) error {
		return second(s.Create(w.Context(), "/d/x", nil, core.Container))
	}},
	{"create sequential", []zktest.Op{zktest.OpCreate}, func(w *world, s *core.Session) error {
		err := second(s.Create(w.Context(), "/d/x-", nil, core.Sequential))
		require.Len(w, w.standing("/d"), 1)
		return err
	}},
	{"delete", []zktest.Op{zktest.OpDelete}, func(w *world, s *core.Session) error { return s.Delete(w.Context(), "/d", core.AnyVersion) }},
	{"delete a version", []zktest.Op{zktest.OpDelete}, func(w *world, s *core.Session) error { return s.Delete(w.Context(), "/d", 0) }},
	{"transaction", []zktest.Op{zktest.OpMulti}, func(w *world, s *core.Session) error {
		return second(s.Txn(w.Context(), core.SetOp("/d", nil, 0), core.CreateOp("/d/x", nil, core.Ephemeral)))
	}},
	{"parents", []zktest.Op{zktest.OpCreateContainer}, func(w *world, s *core.Session) error { return s.EnsureDir(w.Context(), "/d/x/y") }},
	{"enter", []zktest.Op{zktest.OpCreate, zktest.OpGetChildren2}, func(w *world, s *core.Session) error {
		e, err := s.Enter(w.Context(), "/d", "lock-", nil)
		if err == nil {
			require.Equal(w, []string{e.Name}, e.Children)
			require.Equal(w, []string{e.Name}, w.standing("/d"), "one create is done")
		}
		return err
	}},
	{"enter unlisted", []zktest.Op{zktest.OpCreate, zktest.OpGetChildren2}, func(w *world, s *core.Session) error {
		e, err := s.EnterUnlisted(w.Context(), "/d", "lock-", nil)
		if err == nil {
			require.Equal(w, []string{e.Name}, w.standing("/d"))
			err = e.List(w.Context())
		}
		return err
	}},
	{"claim", []zktest.Op{zktest.OpCreate}, func(w *world, s *core.Session) error { return second(s.Claim(w.Context(), "/d/x", nil)) }},
	{"watch a node of ours", []zktest.Op{zktest.OpGetData}, func(w *world, s *core.Session) error {
		n, err := s.Claim(w.Context(), "/d/x", nil)
		require.NoError(w, err)
		return second(n.Watch(w.Context()))
	}},
	{"release", []zktest.Op{zktest.OpDelete}, func(w *world, s *core.Session) error {
		e, err := s.Enter(w.Context(), "/d", "lock-", nil)
		require.NoError(w, err)
		err = w.hold(e.Node).Release()
		require.Empty(w, w.standing("/d"))
		return err
	}},
	{"release a claim", []zktest.Op{zktest.OpSync, zktest.OpExists, zktest.OpDelete}, func(w *world, s *core.Session) error {
		n, err := s.Claim(w.Context(), "/d/x", nil)
		require.NoError(w, err)
		err = w.hold(n).Release()
		require.Empty(w, w.standing("/d"))
		return err
	}},
	{"replace", []zktest.Op{zktest.OpMulti}, func(w *world, s *core.Session) error {
		e, err := s.Enter(w.Context(), "/d", "lock-", nil)
		require.NoError(w, err)
		next, err := w.hold(e.Node).Replace(w.Context(), "/d/next", nil)
		if err == nil {
			require.NoError(w, next.Err())
			require.Equal(w, []string{"next"}, w.standing("/d"))
		}
		return err
	}},
	{"abandon", []zktest.Op{zktest.OpDelete}, func(w *world, s *core.Session) error {
		e, err := s.Enter(w.Context(), "/d", "lock-", nil)
		require.NoError(w, err)
		e.Abandon()
		w.eventually("swept", func() bool { return len(w.standing("/d")) == 0 })
		return nil
	}},
	{"abandon a claim", []zktest.Op{zktest.OpSync, zktest.OpExists, zktest.OpDelete}, func(w *world, s *core.Session) error {
		n, err := s.Claim(w.Context(), "/d/x", nil)
		require.NoError(w, err)
		n.Abandon()
		w.eventually("swept", func() bool { return len(w.standing("/d")) == 0 })
		return second(s.Claim(w.Context(), "/d/x", nil)) // and the claim is over
	}},
}

// A server that throttles says that it has not executed a request. The request
// is sent again, with pauses, and is done once.
func TestFault09_ThrottledRequestsAreRepeated(t *testing.T) {
	for _, code := range map[string]zktest.Code{"throttled": zktest.CodeThrottledOp, "session moved": zktest.CodeSessionMoved} {
		for _, c := range everyCall {
			for _, op := range c.ops {
				t.Run(c.name+"/"+op.String()+"/"+code.Error(), func(t *testing.T) {
					inWorld(t, func(w *world) {
						require.NoError(w, w.Srv.Put("/d", nil))
						s := w.process().session()
						refused := w.throttle(code, 4, op)
						start := time.Now()
						require.NoError(w, c.call(w, s))
						require.Equal(w, 4, refused())
						require.Greater(w, time.Since(start), 15*time.Millisecond, "the requests are paced")
						require.NoError(w, s.Err())
					})
				})
			}
		}
	}
}

// A create whose caller has stopped waiting is throttled: it proves to be not
// done, and nothing is left to sweep.
func TestFault09_ThrottledAfterTheCallerHasGone(t *testing.T) {
	for name, call := range map[string]func(ctx context.Context, s *core.Session) error{
		"enter": func(ctx context.Context, s *core.Session) error { return second(s.Enter(ctx, "/d", "lock-", nil)) },
		"claim": func(ctx context.Context, s *core.Session) error { return second(s.Claim(ctx, "/d/x", nil)) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				require.NoError(w, w.Srv.Put("/d", nil))
				var swept record
				s := w.process(swept.hook).session()
				answer := make(chan struct{})
				first := true
				w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
					if r.Op == zktest.OpCreate && first {
						first = false
						return zktest.Hold(answer)
					}
					if r.Op == zktest.OpDelete {
						return zktest.Fail(zktest.CodeThrottledOp)
					}
					return zktest.Pass
				}))
				require.ErrorIs(w, call(w.Within(time.Second), s), context.DeadlineExceeded)
				require.NoError(w, w.Srv.Remove("/d"), "the create fails with NONODE")
				close(answer)
				w.eventually("swept", func() bool { return len(swept.sweptList()) == 1 })
				require.False(w, swept.sweptList()[0].Found)
			})
		})
	}
}

// If a server throttles for good, a call ends with its ctx, says so, and is not
// in doubt. The requests are paced.
func TestFault09_ThrottledUntilTheCtxEnds(t *testing.T) {
	for _, c := range []struct {
		name string
		op   zktest.Op
		call func(ctx context.Context, s *core.Session) error
	}{
		{"get", zktest.OpGetData, func(ctx context.Context, s *core.Session) error { return third(s.Get(ctx, "/d")) }},
		{"set", zktest.OpSetData, func(ctx context.Context, s *core.Session) error { return second(s.Set(ctx, "/d", nil, 0)) }},
		{"create", zktest.OpCreate, func(ctx context.Context, s *core.Session) error {
			return second(s.Create(ctx, "/d/x-", nil, core.Sequential))
		}},
		{"delete", zktest.OpDelete, func(ctx context.Context, s *core.Session) error { return s.Delete(ctx, "/d", 0) }},
		{"transaction", zktest.OpMulti, func(ctx context.Context, s *core.Session) error {
			return second(s.Txn(ctx, core.SetOp("/d", nil, 0)))
		}},
		{"parents", zktest.OpCreateContainer, func(ctx context.Context, s *core.Session) error { return s.EnsureDir(ctx, "/e") }},
		{"enter", zktest.OpCreate, func(ctx context.Context, s *core.Session) error { return second(s.Enter(ctx, "/d", "lock-", nil)) }},
		{"claim", zktest.OpCreate, func(ctx context.Context, s *core.Session) error { return second(s.Claim(ctx, "/d/x", nil)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				require.NoError(w, w.Srv.Put("/d", nil))
				s := w.process().session()
				refused := w.throttle(zktest.CodeThrottledOp, 1<<30, c.op)
				start := time.Now()
				err := c.call(w.Within(time.Minute), s)
				require.ErrorIs(w, err, context.DeadlineExceeded)
				require.NotErrorIs(w, err, core.ErrUnknownOutcome)
				require.ErrorContains(w, err, "THROTTLEDOP", "the error says what kept the call")
				require.Equal(w, time.Minute, time.Since(start))
				require.Greater(w, refused(), 30)
				require.Less(w, refused(), 600)
				require.Empty(w, w.standing("/d"))
			})
		})
	}
}

// A removal that is throttled until the end of the session ends with it.
func TestFault09_ThrottledUntilTheSessionEnds(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w, w.Srv.Put("/d", nil))
		p := w.process()
		h := p.enter("/d")
		refused := w.throttle(zktest.CodeThrottledOp, 1<<30, zktest.OpDelete)
		done := make(chan error, 1)
		go func() { done <- h.Release() }()
		time.Sleep(10 * time.Minute)
		require.Greater(w, refused(), 300)
		require.Empty(w, done)
		require.NoError(w, p.Close())
		require.NoError(w, <-done)
		require.Empty(w, w.standing("/d"))
	})
}

// Credentials that a throttled server did not check are presented again.
func TestFault09_ThrottledCredentials(t *testing.T) {
	inWorld(t, func(w *world) {
		refused := w.throttle(zktest.CodeThrottledOp, 3, zktest.OpAuth)
		p := w.process(creator)
		require.Equal(w, 3, refused())
		require.NoError(w, p.EnsureDir(w.Context(), "/private"))
		n, _ := w.Srv.Node("/private")
		require.Len(w, n.ACL, 2)
	})
}

// An answer without a quorum proves nothing: while every request is throttled,
// the trust deadline does not move.
func TestFault09_ThrottledIsNoProof(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w, w.Srv.Put("/d", nil))
		p := w.process()
		h := p.enter("/d")
		w.Cleanup(w.Srv.Intercept(func(zktest.Request) zktest.Action { return zktest.Fail(zktest.CodeThrottledOp) }))
		deadline := h.Deadline()
		go func() {
			for h.Err() == nil {
				_ = second(h.Session().Set(w.Within(time.Second), "/d", nil, core.AnyVersion)) // throttled until its ctx ends
			}
		}()
		<-h.Done()
		require.ErrorIs(w, h.Err(), core.ErrTrustElapsed)
		require.WithinDuration(w, deadline, time.Now(), time.Millisecond)
	})
}

// If an answer does not tell whether a write was done, the write is neither
// refused nor repeated. For a read, such an answer is final.
func TestFault09_AnswersThatLeaveAWriteOpen(t *testing.T) {
	for _, code := range []zktest.Code{
		zktest.CodeSystemError, zktest.CodeRuntimeInconsistency, zktest.CodeDataInconsistency, zktest.CodeConnectionLoss,
		zktest.CodeOperationTimeout, -9, zktest.CodeAPIError, -122, -4711,
	} {
		t.Run(code.Error(), func(t *testing.T) {
			inWorld(t, func(w *world) {
				require.NoError(w, w.Srv.Put("/d", nil))
				s := w.process().session()
				refused := w.throttle(code, 1<<30, zktest.OpSetData, zktest.OpDelete, zktest.OpCreate, zktest.OpMulti, zktest.OpGetData)
				ctx := w.Context()
				for name, err := range map[string]error{
					"set":         second(s.Set(ctx, "/d", nil, 0)),
					"delete":      s.Delete(ctx, "/d", 0),
					"create":      second(s.Create(ctx, "/d/x", nil, core.Persistent)),
					"transaction": second(s.Txn(ctx, core.SetOp("/d", nil, 0))),
				} {
					require.ErrorIs(w, err, core.ErrUnknownOutcome, name)
					if code == zktest.CodeAPIError {
						require.ErrorIs(w, err, zk.ErrAPIError, name)
						continue
					}
					var answer *core.CodeError
					require.ErrorAs(w, err, &answer, name)
					require.Equal(w, int32(code), answer.Code)
				}
				err := third(s.Get(ctx, "/d"))
				require.Error(w, err)
				require.NotErrorIs(w, err, core.ErrUnknownOutcome)
				require.Equal(w, 5, refused())
			})
		})
	}
}

// If the answer to a create does not tell the outcome, a read does: if the node
// does not exist, the answer is the error.
func TestFault09_CreatesLeftOpen(t *testing.T) {
	for name, call := range map[string]func(w *world, s *core.Session) error{
		"enter": func(w *world, s *core.Session) error { return second(s.Enter(w.Context(), "/d", "lock-", nil)) },
		"claim": func(w *world, s *core.Session) error { return second(s.Claim(w.Context(), "/d/x", nil)) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				require.NoError(w, w.Srv.Put("/d", nil))
				s := w.process().session()
				refused := w.throttle(zktest.CodeSystemError, 1, zktest.OpCreate)
				err := call(w, s)
				var answer *core.CodeError
				require.ErrorAs(w, err, &answer)
				require.NotErrorIs(w, err, core.ErrUnknownOutcome)
				require.Equal(w, 1, refused())
				require.Empty(w, w.standing("/d"))
				require.NoError(w, call(w, s), "nothing is left in the way of the next")
			})
		})
	}
}
