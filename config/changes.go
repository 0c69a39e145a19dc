package config

import (
	"context"
	"errors"
	"iter"

	"github.com/docent-go/docent/internal/core"
)

// Changes yields the present value, and then the newest value after every
// change: a write, a deletion (Exists is false) or a re-creation. While the
// loop body runs, intermediate values are skipped, but never the last.
//
// An error is yielded once, together with the present value: a *BadValueError,
// or the reason why the znode cannot be read. The loop goes on after it. Once the
// error is over, the value is yielded again, even if it has not changed. A lost
// session yields nothing: Stale tells it. The loop ends without an error when
// ctx ends and after Close, and with session.ErrClosed when the Manager is
// closed. The errors are *session.OpErrors.
//
// Changes is safe for concurrent use. A loop costs no goroutine, no request and
// no watch.
func (v *Value[T]) Changes(ctx context.Context) iter.Seq2[*Snapshot[T], error] {
	v.made()
	return func(yield func(*Snapshot[T], error) bool) {
		var rev, errRev uint64
		failed := false // the last yield had an error
		for ctx.Err() == nil {
			now := v.view.Load()
			if now.rev != rev || failed && now.err == nil {
				rev, failed = now.rev, false
				if !yield(&now.Snapshot, nil) {
					return
				}
				continue
			}
			if now.errRev != errRev {
				errRev, failed = now.errRev, now.err != nil
				if failed && !yield(&now.Snapshot, core.Failed(watchOp, v.path, now.err)) {
					return
				}
				continue
			}
			select {
			case <-now.next:
			case <-ctx.Done():
			case <-v.mirror.Done():
				if v.view.Load() != now {
					continue // the last change comes first
				}
				if errors.Is(v.mirror.Err(), core.ErrLost) { // the Manager was closed, and not the view
					yield(&now.Snapshot, v.Err())
				}
				return
			}
		}
	}
}
