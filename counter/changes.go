package counter

import (
	"context"
	"iter"

	"github.com/docent-go/docent/internal/mirror"
)

// Changes yields the present number, and then the newest whenever it has
// changed: written, deleted (Exists is false) or made again. While the loop body
// runs, numbers that follow each other are skipped; the last one never is. It
// goes on over lost connections and ended sessions, and never goes back.
//
// An error is yielded, with the last good number beside it, where the node
// holds something else than a number (*FormatError) or cannot be read
// (session.ErrNoAuth); the loop goes on after it. It ends when ctx does,
// without a word, or with session.ErrClosed.
func (c *Counter) Changes(ctx context.Context) iter.Seq2[Value, error] {
	c.made()
	return func(yield func(Value, error) bool) {
		if c.err != nil {
			yield(Value{}, c.fail("watch", c.err))
			return
		}
		m, err := mirror.Open(ctx, c.sm, mirror.Config{Path: c.path})
		if err != nil {
			if ctx.Err() == nil {
				yield(Value{}, c.fail("watch", err))
			}
			return
		}
		defer m.Close()
		c.follow(ctx, m, yield)
	}
}

func (c *Counter) follow(ctx context.Context, m *mirror.Mirror, yield func(Value, error) bool) {
	var last Value
	var rev uint64
	var told error
	for ctx.Err() == nil {
		now := m.Load()
		if now.Rev != rev {
			rev = now.Rev
			next, err := Value{}, error(nil)
			if now.Exists {
				next, err = c.value(now.Data, now.Stat)
			}
			if err == nil {
				last = next
			}
			if !yield(last, err) {
				return
			}
			continue
		}
		if now.Err != told {
			if told = now.Err; told != nil && !yield(last, c.fail("watch", told)) {
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
			yield(last, c.fail("watch", m.Err()))
			return
		}
	}
}
