package views

import (
	"context"
	"iter"
)

// Changes yields the state and then the newest state after every change of the
// node, until ctx ends. A state that passes while the loop body runs is skipped,
// but never the last. An error is yielded with the state as it was last seen:
// State.Err, once for each of its values, after which the loop goes on; and at
// last the reason why the view has ended.
func (m *Node) Changes(ctx context.Context) iter.Seq2[*State, error] {
	return func(yield func(*State, error) bool) {
		var rev uint64
		var told error
		for ctx.Err() == nil {
			now := m.Load()
			if now.Rev != rev {
				if rev = now.Rev; !yield(now, nil) {
					return
				}
				continue
			}
			if now.Err != told {
				if told = now.Err; told != nil && !yield(now, told) {
					return
				}
				continue
			}
			select {
			case <-now.Next():
			case <-ctx.Done():
			case <-m.Done():
				if m.Load() != now {
					continue // the last change comes first
				}
				yield(now, m.Err())
				return
			}
		}
	}
}
