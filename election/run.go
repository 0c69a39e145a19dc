package election

import (
	"context"
	"errors"
	"time"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/oneline"
)

// Pauses of Run between terms that end sooner than shortTerm: an f that
// returns at once must not have all candidates elect each other without end.
const (
	shortTerm  = time.Second
	leastPause = 100 * time.Millisecond
	mostPause  = 10 * time.Second
)

// Run campaigns, calls f while it leads, resigns when f has returned, and
// campaigns again at the end of the line, until ctx ends or f fails. The
// context that f gets ends when ctx does, or when the term is lost;
// context.Cause tells which. Run always waits for f to return, and resigns also
// when f panics.
//
// What ends a term decides how Run goes on:
//
//   - f returns nil: Run campaigns again. If terms last less than a second, it
//     pauses before that, for a random time that grows to ten seconds.
//   - f returns an error while it leads: Run returns that error.
//   - The term was lost before f returned: Run campaigns again, whatever f
//     returned, since that cannot be told from a consequence of the loss.
//     OnTermEnd hears of it. An f that wants Run to end then cancels ctx.
//   - Another leader was named before f returned (Transfer): the context of f
//     ends with ErrTransferred, while we go on leading until f returns. Then Run
//     resigns and campaigns again, whatever f returned.
//   - ctx has ended: Run returns ctx's error, joined with what f returned if
//     that says anything else.
//
// Run returns the errors of Campaign too. It never returns nil.
func (e *Election) Run(ctx context.Context, f func(ctx context.Context, t *Term) error) error {
	e.made()
	misuse.NilFunc(f == nil, "Election.Run")
	for short := 0; ; {
		t, err := e.Campaign(ctx)
		if err != nil {
			return err
		}
		began := time.Now()
		err, why := lead(ctx, t, f)
		if e.told != nil {
			e.told(t, oneline.Join(err, why))
		}
		taken := errors.Is(why, core.ErrLost) || errors.Is(why, ErrTransferred)
		switch {
		case ctx.Err() != nil:
			return e.stopped(ctx, err)
		case err != nil && !taken:
			return oneline.Join(err, why)
		case why != nil && !taken:
			return e.fail("resign", why) // our node stands in the way, and cannot be removed
		}
		if short++; time.Since(began) >= shortTerm {
			short = 0
		}
		if err := line.Pause(ctx, short-1, leastPause, mostPause); err != nil {
			return e.stopped(ctx, nil)
		}
	}
}

// lead calls f and resigns. why says that the term was lost or transferred
// before f returned, or why our node cannot be removed.
func lead(ctx context.Context, t *Term, f func(context.Context, *Term) error) (err, why error) {
	within, stop := line.Within(ctx, &t.Hold)
	within, transfer := context.WithCancelCause(within)
	defer func() { // a second Resign does nothing: this one is for panics
		stop()
		_ = t.Resign()
	}()
	go func() { // ends with stop at the latest
		select {
		case <-t.Transferred():
			transfer(ErrTransferred)
		case <-within.Done():
		}
	}()
	err = f(within, t)
	lost := errors.Is(t.Err(), core.ErrLost)
	if why = t.Resign(); errors.Is(why, core.ErrLost) && !lost {
		why = nil // a term that is lost after f has returned has done its duty
	}
	if why == nil && context.Cause(within) == ErrTransferred {
		why = ErrTransferred
	}
	return err, why
}

// stopped is Run's error after ctx has ended. What f returned is left out when
// it says no more than that.
func (e *Election) stopped(ctx context.Context, err error) error {
	why := e.fail("run for", ctx.Err())
	if cause := context.Cause(ctx); !errors.Is(why, cause) {
		why = e.fail("run for", oneline.Join(ctx.Err(), cause))
	}
	if err == nil || errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx)) {
		return why
	}
	return oneline.Join(why, err)
}
