package election_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

var errWork = errors.New("the work failed")

func TestRunHandsOn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a, b := w.process().run("a"), w.process().run("b")
		require.True(t, a.leads())
		require.False(t, b.leads())
		a.stop <- nil
		require.True(t, b.leads())
		require.False(t, a.leads())
		time.Sleep(time.Minute) // a stands in line again
		b.stop <- nil
		require.True(t, a.leads(), "it has campaigned again")
		require.Len(t, a.terms(), 2)
		require.Greater(t, b.terms()[0].Token(), a.terms()[0].Token())
		require.Greater(t, a.terms()[1].Token(), b.terms()[0].Token())
	})
}

func TestRunReturnsTheFunctionsError(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a, b := w.process().run("a"), w.process().run("b")
		a.stop <- errWork
		require.ErrorIs(t, a.Wait(), errWork)
		require.True(t, b.leads())
		require.Len(t, w.nodes(), 1)
	})
}

func TestRunEndsWithItsContext(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a, b := w.process().run("a"), w.process().run("b")
		require.ErrorIs(t, b.Cancel(), context.Canceled, "it waits")
		err := a.Cancel() // leads
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorContains(t, err, dir)
		synctest.Wait()
		require.Empty(t, w.nodes())
		require.Equal(t, 2, w.Srv.Watches(), "one for each session, which hears of transfers")

		why := errors.New("shutting down")
		ctx, cancel := context.WithCancelCause(t.Context())
		err = w.process().election("c").Run(ctx, func(ctx context.Context, _ *election.Term) error {
			cancel(why)
			<-ctx.Done()
			require.ErrorIs(t, context.Cause(ctx), why)
			return errWork
		})
		for _, want := range []error{context.Canceled, why, errWork} {
			require.ErrorIs(t, err, want)
		}
		require.ErrorIs(t, w.process().election("d").Run(ctx, neverLeads), context.Canceled, "a done ctx beats a vacancy")
	})
}

// A function that returns the error of Run's context ended in good order, as
// groupmembership.OnPartitionEnd reports it too.
func TestOnTermEnd_endOfContext(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for _, own := range []error{nil, errWork} {
			ctx, cancel := context.WithCancel(t.Context())
			var told []error
			err := w.process().election("a", election.OnTermEnd(func(_ *election.Term, err error) { told = append(told, err) })).
				Run(ctx, func(ctx context.Context, _ *election.Term) error {
					cancel()
					<-ctx.Done()
					if own != nil {
						return own
					}
					return context.Cause(ctx)
				})
			require.ErrorIs(t, err, context.Canceled)
			require.Equal(t, []error{own}, told)
		}
	})
}

// A function whose store has rejected the token gives up the term, and Run goes
// on. OnTermEnd gets the error, and Run never returns it.
func TestRunGivesUpATerm(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		fenced := fmt.Errorf("%w: the store has seen a greater token", session.ErrReclaim)
		ctx, cancel := context.WithCancel(t.Context())
		var told []error
		var tokens []int64
		err := w.process().election("a", election.OnTermEnd(func(_ *election.Term, err error) { told = append(told, err) })).
			Run(ctx, func(ctx context.Context, term *election.Term) error {
				if tokens = append(tokens, term.Token()); len(tokens) == 3 {
					cancel()
				}
				return fenced
			})
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, session.ErrReclaim)
		require.Equal(t, []error{fenced, fenced, fenced}, told)
		require.Less(t, tokens[0], tokens[1])
		require.Less(t, tokens[1], tokens[2])
	})
}

// The next campaign waits until the function has noticed the loss.
func TestRunWaitsForTheFunction(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		var told []error
		ctx, cancel := context.WithCancel(t.Context())
		terms, inside := 0, 0
		err := p.election("a", election.OnTermEnd(func(_ *election.Term, err error) { told = append(told, err) })).
			Run(ctx, func(ctx context.Context, term *election.Term) error {
				inside++
				defer func() { inside-- }()
				require.Equal(t, 1, inside)
				if terms++; terms == 3 {
					cancel()
					return nil
				}
				w.Srv.Expire(p.Current().ID())
				<-ctx.Done()
				require.ErrorIs(t, context.Cause(ctx), session.ErrLost)
				time.Sleep(time.Hour)
				require.Empty(t, w.nodes(), "not in line while the function runs")
				return errWork
			})
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 3, terms, "an error after a loss does not end Run")
		require.Len(t, told, 3)
		for _, err := range told[:2] {
			require.ErrorIs(t, err, session.ErrLost)
			require.ErrorIs(t, err, errWork)
			require.ErrorContains(t, err, "the work failed; run election "+dir+": the term was lost: ")
		}
		require.NoError(t, told[2])
	})
}

// A function that returns at once does not make the candidates elect each
// other without end.
func TestRunPauses(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		terms := 0
		err := w.process().election("a").Run(ctx, func(context.Context, *election.Term) error {
			terms++
			return nil
		})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Less(t, terms, 400)
		require.Greater(t, terms, 50, "and goes on")
	})
}

func TestRunResignsAfterPanic(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		require.PanicsWithValue(t, "ouch", func() {
			_ = w.process().election("a").Run(t.Context(), func(context.Context, *election.Term) error { panic("ouch") })
		})
		require.Empty(t, w.nodes())
	})
}

// Curator's LeaderSelector, case by case: it must not die of a failed attempt,
// must line up again after an expiry, must leave nothing when it is stopped.
func TestHardCase52_Requeue(t *testing.T) {
	for _, layout := range layouts {
		inWorld(t, func(t *testing.T, w *world) {
			pa, pb := w.process(), w.process()
			a, b := pa.run("a", layout), pb.run("b", layout)
			for range 5 { // expiry as leader, over and over
				w.Srv.Expire(pa.Current().ID())
				w.Srv.Expire(pb.Current().ID())
				time.Sleep(10 * time.Second)
				require.NotEqual(t, a.leads(), b.leads(), "one of them")
				require.Len(t, w.nodes(), 2)
			}
			// The connection breaks right behind the create, again and again.
			var faults atomic.Int32
			faults.Store(10)
			w.Srv.Intercept(func(r zktest.Request) zktest.Action {
				if r.Op == zktest.OpCreate && faults.Add(-1) >= 0 {
					return zktest.LoseReply
				}
				return zktest.Pass
			})
			for faults.Load() > 0 {
				w.Srv.Expire(pa.Current().ID())
				time.Sleep(20 * time.Second)
			}
			require.NotEqual(t, a.leads(), b.leads())
			require.Len(t, w.nodes(), 2)
			// Stopped while it is cut off: the other one leads, nothing is
			// left.
			pa.Link.Cut(zktest.Both)
			require.ErrorIs(t, a.Cancel(), context.Canceled)
			time.Sleep(time.Minute)
			require.True(t, b.leads())
			pa.Link.Heal()
			time.Sleep(time.Minute)
			require.Len(t, w.nodes(), 1)
		})
	}
}

func TestResignFails(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		r := w.process().run("a")
		refuse := w.Srv.Intercept(func(req zktest.Request) zktest.Action {
			if req.Op == zktest.OpDelete {
				return zktest.Fail(zktest.CodeNoAuth)
			}
			return zktest.Pass
		})
		defer refuse()
		r.stop <- nil
		err := r.Wait()
		require.ErrorIs(t, err, session.ErrNoAuth)
		require.ErrorContains(t, err, dir)
	})
}
