package docentgocron

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-co-op/gocron/v2"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/session"
)

// again is the pause before an Elector campaigns again after an error.
const again = 10 * time.Second

// ErrNotLeader says that another replica leads, or none.
var ErrNotLeader = errors.New("this replica does not lead")

var errClosed = errors.New("the elector was closed")

// Elector is a gocron.Elector: one replica runs the jobs. See "A leader" in the
// package documentation for what it does not promise. It is safe for concurrent
// use.
type Elector struct {
	election *election.Election
	cancel   context.CancelCauseFunc
	done     chan struct{}
	ended    error // why the campaign has ended, once done is closed

	mu     sync.Mutex
	led    *leadership // nil if this replica does not lead
	failed error       // of the last campaign
}

// leadership is a term while its jobs may begin.
type leadership struct {
	ctx  context.Context
	term *election.Term
	jobs sync.WaitGroup
}

var _ gocron.Elector = (*Elector)(nil)

// OpenElector campaigns in the election at path, which is below sm's root, until
// Close. It returns at once. After an error, such as session.ErrNoAuth, it
// campaigns again ten seconds later; IsLeader returns the error meanwhile.
// session.ErrClosed ends the campaign for good.
func OpenElector(sm *session.Manager, path string, opts ...election.Option) *Elector {
	ctx, cancel := context.WithCancelCause(context.Background())
	e := &Elector{election: election.New(sm, path, opts...), cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(e.done)
		e.ended = e.campaign(ctx)
	}()
	return e
}

// campaign returns an error only if it ends before ctx.
func (e *Elector) campaign(ctx context.Context) error {
	for {
		err := e.election.Run(ctx, e.lead)
		if ctx.Err() != nil {
			return nil
		}
		e.mu.Lock()
		e.failed = err
		e.mu.Unlock()
		if errors.Is(err, session.ErrClosed) {
			return err
		}
		select {
		case <-time.After(again):
		case <-ctx.Done():
			return nil
		}
	}
}

// lead lets jobs begin until ctx ends, and waits for the functions of Task.
func (e *Elector) lead(ctx context.Context, t *election.Term) error {
	l := &leadership{ctx: ctx, term: t}
	e.mu.Lock()
	e.led, e.failed = l, nil
	e.mu.Unlock()
	<-ctx.Done()
	e.mu.Lock()
	e.led = nil
	e.mu.Unlock()
	l.jobs.Wait()
	return nil
}

// Election returns the recipe underneath, for Leader, Participants and Transfer.
func (e *Elector) Election() *election.Election { return e.election }

// IsLeader returns nil if this replica leads. gocron calls it before each job.
// It sends no request, so ctx has no effect. The error matches ErrNotLeader. If
// the last campaign has failed, it says why.
func (e *Elector) IsLeader(context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.leads()
}

func (e *Elector) leads() error {
	switch {
	case e.led != nil && e.led.ctx.Err() == nil && e.led.term.Err() == nil:
		return nil
	case e.failed != nil:
		return fmt.Errorf("elect %s: %w: the campaign has failed: %w", e.election.Path(), ErrNotLeader, e.failed)
	}
	return fmt.Errorf("elect %s: %w", e.election.Path(), ErrNotLeader)
}

// Task returns a task for Scheduler.NewJob. f gets the term, with its token and
// its guard. The context of f ends when the job is removed, when the scheduler
// shuts down, or when the term ends or is transferred; context.Cause returns
// which. An Elector that gives the leadership up waits for f before it does. The
// task returns what f returns. It returns an error that matches ErrNotLeader,
// and does not call f, if this replica does not lead.
func (e *Elector) Task(f func(ctx context.Context, t *election.Term) error) gocron.Task {
	return gocron.NewTask(func(ctx context.Context) error {
		e.mu.Lock()
		if err := e.leads(); err != nil {
			e.mu.Unlock()
			return err
		}
		l := e.led
		l.jobs.Add(1)
		e.mu.Unlock()
		defer l.jobs.Done()
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		stop := context.AfterFunc(l.ctx, func() { cancel(context.Cause(l.ctx)) })
		defer stop()
		return f(ctx, l.term)
	})
}

// Close ends the campaign. If this replica leads, Close ends the contexts of
// the functions of Task, waits for them, and resigns. So do not call it from
// such a function. It returns nil, or why the campaign had ended before:
// session.ErrClosed. It may be called more than once. To learn of a resignation
// that could not delete the candidate's znode, use election.OnTermEnd.
func (e *Elector) Close() error {
	e.cancel(errClosed)
	<-e.done
	return e.ended
}
