package core_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// firstOf lets act handle the first request of a kind, and returns the number
// of requests.
func (w *world) firstOf(op zktest.Op, act zktest.Action) (count func() int) {
	n := 0
	w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
		if r.Op != op {
			return zktest.Pass
		}
		if n++; n == 1 {
			return act
		}
		return zktest.Pass
	}))
	return func() int { synctest.Wait(); return n }
}

// The outcome of a write whose request or answer is lost: it is done at most
// once, and the error says if the outcome is unknown. Cases 9 and 10 are the
// errors of libraries that take the answer to the repetition for the outcome.
func TestHardCase09_10_LostWrites(t *testing.T) {
	sequential := func(ctx context.Context, s *core.Session) error {
		_, err := s.Create(ctx, "/d/n-", nil, core.Sequential)
		return err
	}
	for _, c := range []struct {
		name  string
		op    zktest.Op
		write func(ctx context.Context, s *core.Session) error
	}{
		{"create", zktest.OpCreate, func(ctx context.Context, s *core.Session) error {
			_, err := s.Create(ctx, "/d/x", nil, core.Persistent)
			return err
		}},
		{"create ephemeral", zktest.OpCreate, func(ctx context.Context, s *core.Session) error {
			_, err := s.Create(ctx, "/d/x", nil, core.Ephemeral)
			return err
		}},
		{"create sequential", zktest.OpCreate, sequential},
		{"set with a version", zktest.OpSetData, func(ctx context.Context, s *core.Session) error {
			_, err := s.Set(ctx, "/d", []byte("new"), 0)
			return err
		}},
		{"set", zktest.OpSetData, func(ctx context.Context, s *core.Session) error {
			_, err := s.Set(ctx, "/d", []byte("new"), core.AnyVersion)
			return err
		}},
		{"delete with a version", zktest.OpDelete, func(ctx context.Context, s *core.Session) error {
			return s.Delete(ctx, "/d", 0)
		}},
		{"delete", zktest.OpDelete, func(ctx context.Context, s *core.Session) error {
			return s.Delete(ctx, "/d", core.AnyVersion)
		}},
		{"txn", zktest.OpMulti, func(ctx context.Context, s *core.Session) error {
			_, err := s.Txn(ctx, core.SetOp("/d", []byte("new"), 0))
			return err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				require.NoError(w, w.Srv.Put("/d", nil))
				p := w.process()
				count := w.firstOf(c.op, zktest.LoseReply)
				err := c.write(w.Context(), p.session())
				require.ErrorIs(w, err, core.ErrUnknownOutcome)
				require.Equal(w, 1, count(), "it is not sent twice")
				done := 0
				for _, change := range w.Changes() {
					if change.Session != 0 {
						done++
					}
				}
				require.Equal(w, 1, done, "it is done once")
			})
			inWorld(t, func(w *world) {
				require.NoError(w, w.Srv.Put("/d", nil))
				p := w.process()
				count := w.firstOf(c.op, zktest.DropRequest)
				err := c.write(w.Context(), p.session())
				require.ErrorIs(w, err, core.ErrUnknownOutcome)
				require.Equal(w, 1, count())
			})
		})
	}
}

// Reads are repeated until they are answered.
func TestReadsAreRepeated(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w, w.Srv.Put("/d", []byte("x")))
		p := w.process()
		n := 0
		w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			switch r.Op {
			case zktest.OpGetData, zktest.OpExists, zktest.OpGetChildren2, zktest.OpSync:
				if n++; n%3 == 1 {
					return zktest.LoseReply
				} else if n%3 == 2 {
					return zktest.DropRequest
				}
			}
			return zktest.Pass
		}))
		data, _, err := p.Get(w.Context(), "/d")
		require.NoError(w, err)
		require.Equal(w, "x", string(data))
		_, found, err := p.Exists(w.Context(), "/d")
		require.NoError(w, err)
		require.True(w, found)
		_, _, err = p.Children(w.Context(), "/d")
		require.NoError(w, err)
		require.NoError(w, p.Sync(w.Context(), "/d"))
		require.Equal(w, 12, n)
	})
}

// The end of ctx is the error. Only a write that was sent is in doubt.
func TestCtxEnds(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w, w.Srv.Put("/d", nil))
		p := w.process()
		s := p.session()

		// While the request is outstanding.
		p.link.Cut(zktest.Both)
		_, err := s.Set(w.Within(time.Second), "/d", nil, core.AnyVersion)
		require.ErrorIs(w, err, context.DeadlineExceeded)
		require.ErrorIs(w, err, core.ErrUnknownOutcome)
		_, _, err = s.Get(w.Within(time.Second), "/d")
		require.ErrorIs(w, err, context.DeadlineExceeded)
		require.NotErrorIs(w, err, core.ErrUnknownOutcome)
		p.link.Heal()

		// Without a connection.
		p.link.Refuse(true)
		p.link.Disconnect()
		w.eventually("suspended", func() bool { return p.State() == core.Suspended })
		_, err = s.Set(w.Within(time.Second), "/d", nil, core.AnyVersion)
		require.ErrorIs(w, err, context.DeadlineExceeded)
		require.NotErrorIs(w, err, core.ErrUnknownOutcome, "it was never sent")
		p.link.Refuse(false)

		// Before the call: an ended ctx wins over a server that would answer.
		ctx, cancel := context.WithCancel(w.Context())
		cancel()
		w.eventually("connected", func() bool { return p.State() == core.Connected })
		w.Srv.ResetCounts()
		_, _, err = p.Get(ctx, "/d")
		require.ErrorIs(w, err, context.Canceled)
		require.Zero(w, w.Srv.Count(zktest.OpGetData))
	})
}

// A session's operations end with it; the manager's go on in the next.
func TestOperationsAcrossSessions(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w, w.Srv.Put("/d", []byte("x")))
		p := w.process()
		s := p.session()
		p.link.Cut(zktest.Both)
		got := make(chan error, 2)
		go func() {
			_, _, err := s.Get(w.Context(), "/d")
			got <- err
		}()
		managers := make(chan error, 1)
		go func() {
			_, _, err := p.Get(w.Context(), "/d")
			managers <- err
		}()
		<-s.Done()
		err := <-got
		require.ErrorIs(w, err, core.ErrSessionEnded)
		require.ErrorIs(w, err, core.ErrTrustElapsed)
		_, err = s.Create(w.Context(), "/late", nil, core.Persistent)
		require.ErrorIs(w, err, core.ErrSessionEnded)
		require.NotErrorIs(w, err, core.ErrUnknownOutcome)
		p.link.Heal()
		require.NoError(w, <-managers)

		require.NoError(w, p.Close())
		_, _, err = p.Get(w.Context(), "/d")
		require.ErrorIs(w, err, core.ErrClosed)
		require.ErrorContains(w, err, "get /d")
		_, _, err = s.Get(w.Context(), "/d")
		require.ErrorIs(w, err, core.ErrSessionEnded)
	})
}
