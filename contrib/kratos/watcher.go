package docentkratos

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/go-kratos/kratos/v2/registry"

	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
)

// errEnded ends the goroutine of kratos that calls Next: it goes on after every
// error but context.Canceled.
var errEnded = fmt.Errorf("%w: %w", session.ErrClosed, context.Canceled)

// stream turns a sequence into calls that Stop ends.
type stream[T any] struct {
	ctx    context.Context
	cancel context.CancelFunc
	open   func(ctx context.Context) (iter.Seq2[T, error], error)

	mu   sync.Mutex // held by the Next that waits
	pull func() (T, error, bool)
	end  func()
}

func newStream[T any](ctx context.Context, open func(ctx context.Context) (iter.Seq2[T, error], error)) stream[T] {
	ctx, cancel := context.WithCancel(ctx)
	return stream[T]{ctx: ctx, cancel: cancel, open: open}
}

// next returns the next element. Its caller holds mu.
func (s *stream[T]) next() (elem T, err error) {
	if err := s.ctx.Err(); err != nil {
		return elem, err
	}
	if s.pull == nil {
		seq, err := s.open(s.ctx)
		if err != nil {
			return elem, s.why(err)
		}
		s.pull, s.end = iter.Pull2(seq)
	}
	elem, err, ok := s.pull()
	if !ok {
		err = errEnded
	}
	return elem, s.why(err)
}

// why returns why Next fails. The end of the watcher has precedence.
func (s *stream[T]) why(err error) error {
	switch ended := s.ctx.Err(); {
	case err == nil:
		return nil
	case ended != nil:
		return ended
	case errors.Is(err, session.ErrClosed):
		return errEnded
	}
	return err
}

// Stop ends the watcher. A Next that waits returns context.Canceled. The error is
// always nil.
func (s *stream[T]) Stop() error {
	s.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end != nil {
		s.end()
	}
	return nil
}

// watcher is a registry.Watcher.
type watcher struct {
	stream[naming.Change]
	begun bool // a list was returned
}

var _ registry.Watcher = (*watcher)(nil)

func newWatcher(ctx context.Context, follow func(ctx context.Context) (*naming.Service, error)) *watcher {
	return &watcher{stream: newStream(ctx, func(ctx context.Context) (iter.Seq2[naming.Change, error], error) {
		s, err := follow(ctx)
		if err != nil {
			return nil, err
		}
		return s.Changes(ctx), nil
	})}
}

// Next returns the instances: at first as soon as there are any, and then after
// each change, also if none is left. It returns an error for an instance that
// cannot be read, once. After Stop it returns context.Canceled. If the Manager
// or the Registry is closed, the error also matches session.ErrClosed.
func (w *watcher) Next() ([]*registry.ServiceInstance, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		c, err := w.next()
		if err != nil {
			return nil, err
		}
		if len(c.Events) == 0 || !w.begun && c.Len() == 0 {
			continue // no instance has changed
		}
		w.begun = true
		return parsed(c.View)
	}
}
