package election_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// transfer is a running Transfer.
type transfer struct{ *testworld.Call[struct{}] }

func (p *process) transfer(id string) transfer {
	return transfer{testworld.Go(p.W, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, p.election("operator").Transfer(ctx, id)
	})}
}

// result waits for the Transfer, and then until all goroutines wait.
func (tr transfer) result() error {
	_, err := tr.Result()
	synctest.Wait()
	return err
}

// ids lists the candidates.
func (p *process) ids() (ids []string) {
	all, err := p.election("x").Participants(p.W.Context())
	require.NoError(p.W, err)
	for _, c := range all {
		ids = append(ids, c.ID)
	}
	return ids
}

// requested reports whether there is a transfer request.
func (w *world) requested() bool {
	synctest.Wait()
	_, found := w.Srv.Node(dir + "/transfer")
	return found
}

func TestTransfer(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		op := w.process()
		a, b, c, d := w.process().run("a"), w.process().run("b"), w.process().run("c"), w.process().run("d")
		require.NoError(t, op.transfer("a").result(), "it leads already")
		require.Len(t, a.terms(), 1)

		time.Sleep(time.Second) // Run slows down after shorter terms
		require.NoError(t, op.transfer("c").result())
		require.True(t, c.leads())
		require.ErrorIs(t, a.causes()[0], election.ErrTransferred)
		require.ErrorIs(t, a.told()[0], election.ErrTransferred)
		require.Empty(t, b.terms(), "it stepped aside before a term began")
		ids := op.ids()
		require.Equal(t, []string{"c", "d"}, ids[:2])
		require.ElementsMatch(t, []string{"a", "b"}, ids[2:])
		require.Greater(t, c.terms()[0].Token(), a.terms()[0].Token())
		require.False(t, w.requested())
		require.Len(t, w.nodes(), 4)

		// The order holds from there, and no old request comes back.
		c.stop <- nil
		require.True(t, d.leads())
		d.stop <- nil
		require.NotEqual(t, a.leads(), b.leads())
	})
}

// The hold is kept until the function has returned: no other candidate leads
// meanwhile.
func TestTransferWaitsForTheFunction(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p, op := w.process(), w.process()
		finish := make(chan struct{})
		stopped := make(chan error, 1)
		ended := make(chan error, 1)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			ended <- p.election("a").Run(ctx, func(ctx context.Context, term *election.Term) error {
				<-ctx.Done()
				if context.Cause(ctx) == election.ErrTransferred {
					stopped <- term.Err()
					<-finish
				}
				return errWork // must not end Run
			})
		}()
		synctest.Wait()
		b := w.process().run("b")
		tr := op.transfer("b")
		require.NoError(t, <-stopped, "it leads still")
		time.Sleep(time.Hour)
		require.True(t, tr.Waiting())
		require.False(t, b.leads())
		close(finish)
		require.NoError(t, tr.result())
		require.True(t, b.leads())
		require.Equal(t, []string{"b", "a"}, op.ids())
		cancel()
		require.ErrorIs(t, <-ended, context.Canceled)
	})
}

func TestTransferToCampaign(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		op := w.process()
		term := w.process().lead("a")
		b := w.process().campaign("b")
		c := w.process().campaign("c")
		asked := term.Transferred()
		tr := op.transfer("c")
		<-asked
		<-term.Transferred()
		require.NoError(t, term.Err(), "a leader that does not look goes on leading")
		require.True(t, tr.Waiting())
		require.NoError(t, term.Resign())
		require.NoError(t, tr.result())
		next := c.Get()
		require.True(t, b.Waiting())
		require.NoError(t, next.Resign())
		b.Get()
	})
}

func TestTransferToNobody(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		op := w.process()
		err := op.election("x").Transfer(t.Context(), "b")
		require.ErrorIs(t, err, election.ErrNoCandidate)
		require.ErrorContains(t, err, "the election has no candidates")
		a := w.process().run("a")
		for range 9 {
			w.process().campaign("c")
		}
		err = op.election("x").Transfer(t.Context(), "b")
		require.ErrorIs(t, err, election.ErrNoCandidate)
		require.EqualError(t, err, `transfer leadership /leaders/a: to "b": there is no such candidate; `+
			`the candidates are "a", "c", "c", "c", "c", "c", "c", "c", and 2 more`)
		require.True(t, a.leads())
		require.Len(t, a.terms(), 1)
		require.Len(t, w.nodes(), 10)
	})
}

// If several candidates have the id, the request names the first.
func TestTransferToOneOfSeveral(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a, first, second := w.process().run("a"), w.process().run("b"), w.process().run("b")
		require.NoError(t, w.process().transfer("b").result())
		require.True(t, first.leads())
		require.False(t, a.leads())
		require.Empty(t, second.terms())
	})
}

// The leader does not resign: the request ends with the caller's ctx.
func TestTransferGivenUp(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		op := w.process()
		term := w.process().lead("a")
		b, c := w.process().campaign("b"), w.process().campaign("c")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := op.election("x").Transfer(ctx, "c")
		require.ErrorIs(t, err, election.ErrTransferTimeout)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, `"a" leads`)
		require.False(t, w.requested())
		require.NoError(t, term.Resign())
		b.Get()
		require.True(t, c.Waiting())
	})
}

// The ctx ends while the request is being made, or the operator is cut off: the
// request is gone at the latest with the operator's session.
func TestTransferUnknownOutcome(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		op := w.process()
		term := w.process().lead("a")
		b, c := w.process().campaign("b"), w.process().campaign("c")
		answer := make(chan struct{})
		remove := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpMulti {
				return zktest.Hold(answer)
			}
			return zktest.Pass
		})
		tr := op.transfer("c")
		require.True(t, tr.Waiting())
		require.False(t, w.requested(), "the request is held")
		remove()
		require.ErrorIs(t, testworld.ErrOf(tr.GiveUp()), context.Canceled)
		close(answer)
		require.False(t, w.requested())

		tr = op.transfer("c")
		require.True(t, w.requested())
		op.Link.Cut(zktest.Both)
		require.ErrorIs(t, testworld.ErrOf(tr.GiveUp()), election.ErrTransferTimeout)
		time.Sleep(time.Minute)
		require.False(t, w.requested())
		require.NoError(t, term.Resign())
		b.Get()
		require.True(t, c.Waiting())
	})
}

func TestTransferReplyLost(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		op := w.process()
		a, b := w.process().run("a"), w.process().run("b")
		lost := false
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpMulti && !lost {
				lost = true
				return zktest.LoseReply
			}
			return zktest.Pass
		})
		require.NoError(t, op.transfer("b").result())
		require.True(t, lost)
		require.True(t, b.leads())
		require.False(t, a.leads())
		require.False(t, w.requested())
	})
}

// The named candidate goes before it leads: the request is void, and does not
// name a later candidate with the same id.
func TestTransferToOneThatGoes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		op := w.process()
		term := w.process().lead("a")
		b, pc := w.process().campaign("b"), w.process()
		c := pc.campaign("c")
		tr := op.transfer("c")
		w.Srv.Expire(pc.Current().ID())
		err := tr.result()
		require.ErrorIs(t, err, election.ErrNoCandidate)
		require.ErrorContains(t, err, "it went before it led")
		require.False(t, w.requested())
		synctest.Wait()
		require.NoError(t, term.Resign())
		b.Get()
		require.True(t, c.Waiting(), "it stands at the end, with the same id")
	})
}

// A candidate in Java takes no notice, and keeps its place until it goes.
func TestTransferPastJava(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		term := w.process().lead("a")
		theirs := dir + "/_c_00000000-0000-4000-8000-000000000000-latch-0000000001"
		require.NoError(t, w.Srv.Put(theirs, []byte("java")))
		require.NoError(t, w.Srv.SetSequence(dir, 2))
		b := w.process().campaign("b")
		c := w.process().campaign("c")
		tr := w.process().transfer("c")
		<-term.Transferred()
		require.NoError(t, term.Resign())
		time.Sleep(time.Minute)
		require.True(t, tr.Waiting(), "java leads")
		require.NoError(t, w.Srv.Remove(theirs))
		require.NoError(t, tr.result())
		c.Get()
		require.True(t, b.Waiting())
	})
}

func TestTransferRefused(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		a := w.process().run("a")
		w.process().campaign("b")
		remove := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpMulti {
				return zktest.Fail(zktest.CodeNoAuth)
			}
			return zktest.Pass
		})
		require.ErrorIs(t, p.election("x").Transfer(t.Context(), "b"), session.ErrNoAuth)
		remove()
		require.True(t, a.leads())
		require.ErrorContains(t, election.New(p.Manager, "x").Transfer(t.Context(), "b"), "relative")
		require.ErrorIs(t, election.New(p.Manager, dir, election.Layout(election.OneNode)).Transfer(t.Context(), "b"), election.ErrNotTransferable)
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("enough")
		cancel(why)
		require.ErrorIs(t, p.election("x").Transfer(ctx, "b"), why)
		require.NoError(t, p.Close())
		require.ErrorIs(t, p.election("x").Transfer(t.Context(), "b"), session.ErrClosed)
	})
}
