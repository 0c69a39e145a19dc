package config

import (
	"context"
	"iter"
)

// Changes yields the present value, and then the newest whenever it has
// changed: written, deleted (Exists is false) or made again. While the loop
// body runs, values that follow each other are skipped; the last one never is.
//
// An error is yielded once, together with the present value: a *BadValueError
// or why the node can not be read. The loop goes on after it. It ends when ctx
// does, without a word, or with ErrClosed or session.ErrClosed when the Value
// or its Manager is closed.
//
// Any number of loops may run at the same time. None costs a goroutine, a
// request or a watch.
func (v *Value[T]) Changes(ctx context.Context) iter.Seq2[*Snapshot[T], error] {
	v.made()
	return func(yield func(*Snapshot[T], error) bool) {
		var rev, errRev uint64
		for ctx.Err() == nil {
			now := v.view.Load()
			if now.rev != rev {
				rev = now.rev
				if !yield(&now.Snapshot, nil) {
					return
				}
				continue
			}
			if now.errRev != errRev {
				errRev = now.errRev
				if now.err != nil && !yield(&now.Snapshot, now.err) {
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
				yield(&now.Snapshot, v.ended())
				return
			}
		}
	}
}
