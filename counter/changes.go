package counter

import (
	"context"
	"iter"

	"github.com/docent-go/docent/internal/recipe/views"
)

// Changes yields the present number, and then the newest number after every
// change: a write, a deletion (Exists is false) or a re-creation. While the
// loop body runs, intermediate numbers are skipped, but never the last. The
// loop goes on through lost connections and ended sessions, and never goes back
// in time.
//
// An error is yielded together with the last good number: *FormatError if the
// znode has other data than a number, session.ErrNoAuth if it may not be read.
// The loop goes on after it. The loop ends without an error when ctx ends. It
// ends with session.ErrClosed when the Manager is closed, and with an error if
// the path or an option is invalid. Each loop has its own watch and goroutines.
// Changes is safe for concurrent use.
func (c *Counter) Changes(ctx context.Context) iter.Seq2[Value, error] {
	c.made()
	return func(yield func(Value, error) bool) {
		if c.err != nil {
			yield(Value{}, c.fail(watchOp, c.err))
			return
		}
		m, err := views.Open(ctx, c.sm, views.Config{Path: c.path})
		if err != nil {
			if ctx.Err() == nil {
				yield(Value{}, c.fail(watchOp, err))
			}
			return
		}
		defer m.Close()
		c.follow(ctx, m, yield)
	}
}

// watchOp is the operation in the errors of Changes.
const watchOp = "watch counter"

func (c *Counter) follow(ctx context.Context, m *views.Node, yield func(Value, error) bool) {
	var last Value
	for now, err := range m.Changes(ctx) {
		next := Value{}
		if err == nil && now.Exists {
			next, err = c.value(now.Data, now.Stat)
		}
		if err == nil {
			last = next
		}
		if !yield(last, c.fail(watchOp, err)) {
			return
		}
	}
}
