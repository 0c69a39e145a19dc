package naming

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/docent-go/docent/internal/base/backoff"
	"github.com/docent-go/docent/internal/base/treap"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/views"
	"github.com/docent-go/docent/session"
)

// following is the state of a Service's loop.
type following struct {
	composed
	shown   treap.Map[known] // the instances of the newest view that was read
	read    bool             // instances were read, and not taken from a file
	emptied bool             // the last state had no instance
	lost    index            // the instances that were shown before all were gone (ProtectEmpty)
	missing []missed         // instances of lost that are shown although they are gone
	trees   reported         // the tree's error
	limits  reported         // the error about znodes beyond the limits
}

// known is a znode in one version.
type known struct {
	czxid, mzxid int64
	data         []byte
	in           Instance
	err          error // why it is not an instance
}

// reported keeps an error the same value as long as its text is the same.
type reported struct{ err error }

func (p *reported) is(err error) error {
	if err == nil || p.err == nil || p.err.Error() != err.Error() {
		p.err = err
	}
	return p.err
}

// run follows the service until Close. It sends to opened once the first view
// can be shown.
func (s *Service) run(opened chan<- error) {
	tree, err := views.OpenTree(s.ctx, s.r.sm, views.TreeConfig{
		Path: s.dir, Depth: 1, Pause: s.opts.pause, Limit: s.opts.limit, MaxBytes: s.opts.bytes, NamesOnly: s.r.codec.InName(),
	})
	if err != nil {
		s.end(err)
		opened <- err
		return
	}
	defer tree.Close()
	defer s.closeRules()
	if err := s.openRules(); err != nil {
		s.end(err)
		opened <- err
		return
	}
	s.tree.Store(tree)
	s.away.Store(false)
	s.work.Go(func() { s.followLink(tree) })
	err = s.refusal(tree.Load())
	for {
		now := tree.Load()
		left := s.show(now)
		if opened != nil {
			opened <- err
			opened = nil
		}
		if !s.await(tree, now, left) {
			s.end(tree.Err())
			return
		}
	}
}

// await waits for a new state, for a wake-up, or for left if that is not zero.
// It reports whether the watch goes on.
func (s *Service) await(tree *views.Tree, now *views.TreeState, left time.Duration) bool {
	over, stop := backoff.After(left)
	defer stop()
	select {
	case <-now.Next():
	case <-s.wake:
	case <-over:
	case <-tree.Done():
	case <-s.ctx.Done():
	}
	return s.ctx.Err() == nil && tree.Err() == nil
}

// end publishes the last view.
func (s *Service) end(err error) {
	s.cancel(err)
	err = context.Cause(s.ctx)
	if err != s.closed && errors.Is(err, core.ErrClosed) {
		err = core.ErrClosed
	}
	last := *s.view.Load()
	last.Stale, last.Err = true, err
	s.publish(&last)
}

// followLink records that the connection is lost, and that it has come back. It
// has come back once a quorum has answered and everything has been read again.
// followLink does not wait for the reading, because the connection may be lost
// again while the reading hangs.
func (s *Service) followLink(tree *views.Tree) {
	var reading sync.WaitGroup
	giveUp := func() {}
	for change := range s.r.sm.ConfirmedStates(s.ctx) {
		giveUp()
		reading.Wait()
		if change.State != core.Connected {
			s.away.Store(true)
			s.rouse()
			continue
		}
		if !s.away.Load() {
			continue // the first state: everything has been read
		}
		ctx, cancel := context.WithCancel(s.ctx)
		giveUp = cancel
		reading.Go(func() { s.comeBack(ctx, tree) })
	}
	giveUp()
	reading.Wait()
}

// comeBack waits until everything has been read in the present session. If that
// fails, the watch has ended, or another state of the connection follows.
func (s *Service) comeBack(ctx context.Context, tree *views.Tree) {
	current, err := s.r.sm.Session(ctx)
	if err == nil {
		err = tree.Await(ctx, current, 0)
	}
	if err == nil {
		err = s.awaitRules(ctx, current)
	}
	if err == nil {
		s.away.Store(false)
		s.rouse()
	}
}

func (s *Service) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// refusal returns why the service as a whole may not be read, and nil if it
// may.
func (s *Service) refusal(now *views.TreeState) error {
	var op *core.OpError
	if now.Err != nil && (now.Get("") == nil || errors.As(now.Err, &op) && op.Path == s.dir) {
		return now.Err
	}
	return nil
}

// show publishes a new view of the state. It returns after which time it wants
// to be called again, zero for never.
func (s *Service) show(now *views.TreeState) time.Duration {
	old := s.view.Load()
	next := &View{list: old.list}
	refused := s.refusal(now)
	switch {
	case refused != nil:
		next.Stale, next.Err = true, s.trees.is(refused)
	case s.away.Load():
		next.Stale, next.Err = true, ErrOffline
	}
	s.compose(now)
	shown, problems := s.composed.wanted, s.composed.problems
	left := time.Duration(0)
	if refused != nil && shown.Len() == 0 {
		next.Protected = old.Protected // it is not known whether there are instances
	} else {
		shown, left = s.protect(old.list, next.Stale)
		next.Protected = len(s.missing) > 0
		if !s.read || treap.Differ(s.shown, shown) {
			if shown.Len()+old.Len() > 0 {
				next.list = &listing{known: shown}
			}
			s.shown, s.read = shown, true
		}
	}
	problems = slices.Clip(problems) // the next state shares the slice
	if next.Err == nil {
		problems = append(problems, s.unreadable...)
		if now.Err != nil && len(s.unreadable) == 0 {
			problems = append(problems, s.trees.is(now.Err))
		}
	}
	next.LeftOut = leftOut(now.LeftOut)
	if err := now.LeftOut.Err(s.opts.limit, s.opts.bytes, redact); err != nil {
		problems = append(problems, s.limits.is(fmt.Errorf("service %q: %w", s.name, err)))
	}
	problems = append(problems, s.ruleProblems()...)
	next.Problems = append(problems, s.cache.problems()...)
	if old.Stale == next.Stale && sameText(old.Err, next.Err) && old.Protected == next.Protected &&
		old.list == next.list && old.LeftOut.Znodes == next.LeftOut.Znodes && old.LeftOut.Bytes == next.LeftOut.Bytes && slices.Equal(old.Problems, next.Problems) {
		return left
	}
	s.publish(next)
	return left
}

// leftOut is what the view reports as left out. It shortens the names of Dubbo's
// instances, which may hold a password.
func leftOut(l views.LeftOut) session.LeftOut {
	out := session.LeftOut{Znodes: l.Znodes, Bytes: l.Bytes}
	for _, name := range l.First {
		out.First = append(out.First, redact(name))
	}
	return out
}

// publish makes v the newest view. Only the loop calls it.
func (s *Service) publish(v *View) {
	v.next = make(chan struct{})
	old := s.view.Swap(v)
	close(old.next)
	if old.list == v.list {
		return
	}
	s.cache.rouse()
	s.mu.Lock()
	balancers := s.balancers
	s.mu.Unlock()
	for _, b := range balancers {
		b.build()
	}
}

func sameText(a, b error) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Error() == b.Error()
}
