package inspect

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/session"
)

// Watch yields a report of what stands at path, and from then on another
// whenever something of it has changed, or the session has ended. It asks for
// nothing in between: every node that it looks at is watched. What a limit
// leaves out is not.
//
// Reports are kept apart by the options Every and Rate, which bound what a busy
// tree costs; changes that follow each other faster are in one. A report reads
// everything anew.
//
// The error is zk.ErrNoNode while there is no node at path; then it waits for
// one. After any other error, which is one of those of Take, it ends. It ends
// without one when ctx does.
func Watch(ctx context.Context, sm *session.Manager, path string, opts ...Option) iter.Seq2[*Report, error] {
	return func(yield func(*Report, error) bool) {
		o := newOptions(opts)
		for ctx.Err() == nil {
			changed := make(chan struct{}, 1)
			began := time.Now()
			s := newScan(sm, o, func() {
				select {
				case changed <- struct{}{}:
				default: // it is known
				}
			})
			r, err := s.take(ctx, path)
			more := ctx.Err() == nil
			switch {
			case !more:
			case err == nil:
				more = yield(r, nil)
			default:
				more = yield(nil, fail(ctx, path, err)) && errors.Is(err, zk.ErrNoNode)
			}
			if more {
				more = await(ctx, changed, began.Add(max(o.every, time.Duration(s.requests)*time.Second/time.Duration(o.rate))))
			}
			s.stop()
			if !more {
				return
			}
		}
	}
}

// await waits for a change and then until the time has come. It returns false
// when ctx ends first.
func await(ctx context.Context, changed <-chan struct{}, until time.Time) bool {
	select {
	case <-changed:
	case <-ctx.Done():
		return false
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
