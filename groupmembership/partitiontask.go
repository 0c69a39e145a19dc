package groupmembership

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/docent-go/docent/internal/base/backoff"
	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/oneline"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/onenode"
	"github.com/docent-go/docent/internal/recipe/waitqueue"
)

// task is the work on one partition, from the claim until it is given up.
type task struct {
	number int
	under  int64 // the zxid of the number of partitions under which it was started
	stop   context.CancelCauseFunc
	hold   atomic.Pointer[core.Hold] // nil while the partition is not owned
}

// move ends the work because the partition goes to another member. If the claim
// is lost, that is the cause: only after ErrMoved is the partition still ours
// until f has returned. The loop may learn of a loss before the context of f
// does.
func (t *task) move() {
	cause := ErrMoved
	if h := t.hold.Load(); h != nil {
		cause = cmp.Or(h.Err(), h.Session().Err(), cause)
	}
	t.stop(cause)
}

// start claims a partition and works on it, in a goroutine.
func (r *partitionRun) start(number int) {
	ctx, stop := context.WithCancelCause(r.ctx)
	t := &task{number: number, under: r.number, stop: stop}
	r.tasks[number] = t
	r.work.Go(func() {
		defer stop(nil)
		err := errFunctionEnded
		defer func() {
			if err != nil {
				r.mu.Lock()
				r.failures = append(r.failures, err)
				r.mu.Unlock()
			}
			select {
			case r.ended <- t:
			case <-r.ctx.Done():
			}
		}()
		err = r.attend(ctx, t)
	})
}

// errFunctionEnded says that f has ended its goroutine.
var errFunctionEnded = errors.New("the function has ended the goroutine that it was called on")

// attend claims the partition, works on it, and gives it up. It returns an
// error that has to end the Run.
func (r *partitionRun) attend(ctx context.Context, t *task) error {
	claim := onenode.New(onenode.Config{Manager: r.p.sm, Path: r.p.claim(t.number), Data: []byte(r.m.id)})
	h, err := claim.Try(ctx)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil
	case errors.Is(err, waitqueue.ErrTaken), errors.Is(err, core.ErrNotEphemeral):
		r.refresh(ctx)
		r.await(ctx, t.number)
		return nil
	default:
		return err
	}
	r.unseen[t.number] = 0
	t.hold.Store(h)
	defer t.hold.Store(nil)
	within, done := ctxend.WithHold(ctx, h)
	defer func() { // a second Release does nothing: this one is for panics
		done()
		_ = h.Release()
	}()
	if err := r.confirm(within, h, t); err != nil {
		t.hold.Store(nil)
		return r.unconfirmed(ctx, h, err)
	}
	part := &Partition{Hold: bridge.Hold(h), Number: t.number}
	began := time.Now()
	err = r.repeat(within, part)
	if !errors.Is(err, core.ErrReclaim) {
		return r.giveUp(within, part, err)
	}
	failed := r.giveUp(within, part, err)
	if r.reclaims[t.number]++; time.Since(began) >= shortWork {
		r.reclaims[t.number] = 0
	}
	_ = backoff.Restart.Wait(ctx, r.reclaims[t.number]-1) // fails only if ctx ends
	return failed
}

// giveUp releases a partition after f has returned with err. It returns an
// error that has to end the Run. After a loss and after a move, the error of f
// may be a consequence, and does not end the Run.
func (r *partitionRun) giveUp(within context.Context, part *Partition, err error) error {
	if ctxend.Is(within, err) {
		err = nil // f only returns why it was stopped
	}
	lost := errors.Is(part.Err(), core.ErrLost)
	why := part.Release()
	switch {
	case lost:
		why = core.Failed("run partitioner", r.p.path, fmt.Errorf("the claim on partition %d was lost: %w", part.Number, part.Err()))
	case errors.Is(why, core.ErrLost):
		why = nil // a loss after f has returned does no harm
	case why == nil && context.Cause(within) == ErrMoved:
		why = ErrMoved
	}
	if r.p.onEnd != nil {
		told := why
		if end := new(runEnd); why == nil && errors.As(context.Cause(within), &end) {
			told = end
		}
		r.p.onEnd(part, oneline.Join(err, told))
	}
	if errors.Is(err, core.ErrReclaim) || r.ctx.Err() == nil && (lost || why == ErrMoved) {
		err = nil
	}
	if lost || why == ErrMoved {
		why = nil
	}
	return oneline.Join(err, why)
}

// await pauses if the view does not show the claim that refuses ours. A server
// sends no event for a claim that the session may not read. Without the pause,
// the view would have our claim tried again at once, for ever.
func (r *partitionRun) await(ctx context.Context, number int) {
	st := r.tree.Load()
	if st.Get(claimName(number)) != nil || st.Refused(claimName(number)) != nil {
		r.unseen[number] = 0
		return
	}
	_ = backoff.Restart.Wait(ctx, r.unseen[number]-1) // fails only if ctx ends
	r.unseen[number]++
}

// unreadRound makes the pause after an unreadable number as long as pauses get.
const unreadRound = 10

// errOtherNumber says that the number of partitions was written again after the
// decision to claim.
var errOtherNumber = errors.New("the number of partitions was written again")

// confirm reads, after our claim is made, whether the number is still the one
// under which it was decided: rule 3.
func (r *partitionRun) confirm(ctx context.Context, h *core.Hold, t *task) error {
	_, stat, err := h.Session().Get(ctx, r.p.claims())
	if err != nil {
		return err
	}
	r.unread.Store(nil)
	if stat.Mzxid != t.under {
		return errOtherNumber
	}
	return nil
}

// unconfirmed gives up a claim if the number of partitions has changed or
// cannot be read. If it may not be read, that does not end the Run: it is
// reported, and read again after a while.
func (r *partitionRun) unconfirmed(ctx context.Context, h *core.Hold, err error) error {
	hidden := errors.Is(err, core.ErrNoAuth)
	if hidden {
		r.unread.Store(&err)
	}
	if released := h.Release(); released != nil && !errors.Is(released, core.ErrLost) {
		return released
	}
	switch {
	case ctx.Err() != nil, h.Err() != nil && errors.Is(h.Err(), core.ErrLost):
		return nil
	case hidden:
		_ = backoff.Restart.Wait(ctx, unreadRound) // fails only if ctx ends
	case errors.Is(err, errOtherNumber):
		r.refresh(ctx)
	default:
		return err
	}
	return nil
}

// repeat calls f until its context ends or f fails.
func (r *partitionRun) repeat(ctx context.Context, part *Partition) error {
	for short := 0; ; {
		began := time.Now()
		if err := r.f(ctx, part); err != nil || ctx.Err() != nil {
			return err
		}
		if short++; time.Since(began) >= shortWork {
			short = 0
		}
		if err := backoff.Restart.Wait(ctx, short-1); err != nil {
			return nil
		}
	}
}

// refresh waits for a view that is newer than the failed claim. The view on
// which the claim was decided would have it tried again at once.
func (r *partitionRun) refresh(ctx context.Context) {
	if s, err := r.p.sm.Session(ctx); err == nil {
		_ = r.tree.Await(ctx, s, 0) // fails only if the run or its view has ended, which the loop sees
	}
}
