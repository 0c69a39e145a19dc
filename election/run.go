package election

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docent-go/docent/internal/base/backoff"
	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/oneline"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
)

// shortTerm is a term after which Run pauses: an f that returns at once must not
// have all candidates elect each other without end.
const shortTerm = time.Second

// Run campaigns, calls f while its candidate leads, resigns when f has
// returned, and campaigns again as the last in the queue, until ctx ends or f
// fails. The context of f ends with ctx, when the term is lost, or when it is
// transferred; context.Cause returns the reason. Run always waits for f to
// return. It also resigns if f panics.
//
// The end of a term decides how Run goes on:
//
//   - f returns nil: Run campaigns again. If terms last less than a second, it
//     pauses before that, for a random time that grows to ten seconds.
//   - f returns an error that matches session.ErrReclaim: Run goes on as after
//     nil, and never returns the error. OnTermEnd gets it. That is for a store
//     that has rejected the token of the term: another candidate leads, although
//     this process does not know it yet.
//   - f returns another error while it leads: Run returns that error.
//   - The term was lost before f returned: Run campaigns again, whatever f
//     returned, since the error of f may be a consequence of the loss.
//     OnTermEnd gets the error. To end Run in that case, f cancels ctx.
//   - A Transfer named another candidate before f returned: the context of f
//     ends with ErrTransferred, and the candidate leads until f returns. Then
//     Run resigns and campaigns again, whatever f returned.
//   - ctx has ended: Run returns the error of ctx, joined with the error of f
//     unless that is the error of ctx.
//
// Run also returns the errors of Campaign, and the error of a resignation that
// cannot remove the candidate's znode. It never returns nil. It is safe for
// concurrent use: each call is a separate candidate.
func (e *Election) Run(ctx context.Context, f func(ctx context.Context, t *Term) error) error {
	e.made()
	misuse.NilFunc(f == nil, "Election.Run")
	for short := 0; ; {
		h, err := e.campaign(ctx)
		if err != nil {
			return e.failed("run election", e.otherLayout(err))
		}
		t := &Term{Hold: bridge.Hold(h), election: e}
		began := time.Now()
		err, why := lead(ctx, t, f)
		if e.onTermEnd != nil {
			own := err
			if ctxend.Is(ctx, err) {
				own = nil // f only returns why it was stopped
			}
			e.onTermEnd(t, oneline.Join(own, why))
		}
		if errors.Is(err, core.ErrReclaim) {
			err = nil
		}
		taken := errors.Is(why, core.ErrLost) || errors.Is(why, ErrTransferred)
		switch {
		case ctx.Err() != nil:
			return e.stopped(ctx, err)
		case err != nil && !taken:
			return oneline.Join(err, why)
		case why != nil && !taken:
			return why // our node cannot be removed, and blocks its successors
		}
		if short++; time.Since(began) >= shortTerm {
			short = 0
		}
		if err := backoff.Restart.Wait(ctx, short-1); err != nil {
			return e.stopped(ctx, nil)
		}
	}
}

// lead calls f and resigns. why says that the term was lost or transferred
// before f returned, or why our node cannot be removed.
func lead(ctx context.Context, t *Term, f func(context.Context, *Term) error) (err, why error) {
	within, stop := ctxend.WithHold(ctx, &t.Hold)
	within, transfer := context.WithCancelCause(within)
	go func() { // ends with stop at the latest
		select {
		case <-t.Transferred():
			transfer(ErrTransferred)
		case <-within.Done():
		}
	}()
	resign := func(error) error {
		lost := errors.Is(t.Err(), core.ErrLost)
		why = t.Resign()
		switch {
		case lost:
			why = t.election.failed("run election", fmt.Errorf("the term was lost: %w", t.Err()))
		case errors.Is(why, core.ErrLost):
			why = nil // a loss after f has returned does not matter
		case why == nil && context.Cause(within) == ErrTransferred:
			why = ErrTransferred
		}
		return nil
	}
	err = ctxend.Do(within, stop, func(ctx context.Context) error { return f(ctx, t) }, resign, func() { _ = t.Resign() })
	return err, why
}

// stopped returns Run's error after ctx has ended. It omits an error of f that
// is the error of ctx.
func (e *Election) stopped(ctx context.Context, err error) error {
	why := e.failed("run election", ctxend.Err(ctx))
	if err == nil || ctxend.Is(ctx, err) {
		return why
	}
	return oneline.Join(why, err)
}
