package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docent-go/docent/internal/base/backoff"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

// reserve is the space that Put leaves in an item's znode, so that a claim or a
// dead letter fits into one request with the item's data.
var reserve [4096]byte

// pauses are the pauses of Put while the queue is full, and before another
// attempt if the directory has vanished.
var pauses = backoff.Backoff{Min: 10 * time.Millisecond, Max: 500 * time.Millisecond}

// Put puts an item at the end of the queue, and returns its ID. When Put has
// returned without an error, the item is delivered until it is acknowledged.
// data may be empty.
//
// ctx bounds the request, and the wait for room if the queue has a Limit. Put
// does not wait for a consumer. Errors:
//
//   - ctx's, with ErrFull if ctx has ended while the queue was full;
//   - session.ErrUnknownOutcome if the answer was lost: the item may or may not
//     be in the queue, and Put does not put it twice;
//   - session.ErrTooLarge, before anything is sent;
//   - ErrUnsupported for a priority or a delay that the queue's format does not
//     have; an invalid path or option;
//   - session.ErrExhausted; session.ErrClosed; session.ErrNoAuth.
func (q *Queue) Put(ctx context.Context, data []byte, opts ...PutOption) (ID, error) {
	q.made()
	id, err := q.put(ctx, data, true, opts)
	return id, q.failed(ctx, "put into queue", err)
}

// TryPut is Put that does not wait for room: it returns ErrFull at once. ctx
// bounds the request.
func (q *Queue) TryPut(ctx context.Context, data []byte, opts ...PutOption) (ID, error) {
	q.made()
	id, err := q.put(ctx, data, false, opts)
	return id, q.failed(ctx, "try put into queue", err)
}

func (q *Queue) put(ctx context.Context, data []byte, wait bool, opts []PutOption) (ID, error) {
	n, err := q.named(opts)
	if err != nil {
		return "", err
	}
	raw := q.layout.encode(data)
	path := znode.Join(q.items, q.layout.prefix(n))
	if err := q.fits(path, raw); err != nil {
		return "", err
	}
	if err := q.room(ctx, 1, wait); err != nil {
		return "", err
	}
	var made string
	err = q.inItems(ctx, func(s *core.Session) error {
		made, err = s.Create(ctx, path, raw, core.Sequential)
		return err
	})
	if err != nil {
		return "", err
	}
	return q.idOf(made)
}

// named returns the name for an item with the options, without its sequence
// number.
func (q *Queue) named(opts []PutOption) (name, error) {
	if q.err != nil {
		return name{}, q.err
	}
	var o putOptions
	misuse.Apply("Queue.Put", &o, opts)
	if o.err != nil {
		return name{}, o.err
	}
	n := name{priority: o.priority, prioritized: o.prioritized}
	l := q.layout
	if o.prioritized && l.minPriority == l.maxPriority {
		return name{}, fmt.Errorf("priority %d: %w, which has no priorities", n.priority, ErrUnsupported)
	}
	if o.prioritized && (n.priority < l.minPriority || n.priority > l.maxPriority) {
		return name{}, fmt.Errorf("priority %d: %w, which has priorities from %d to %d", n.priority, ErrUnsupported, l.minPriority, l.maxPriority)
	}
	if o.delayed {
		var err error
		n.due, err = q.dueAt(o.due)
		return n, err
	}
	return n, nil
}

// dueAt is dueAt with an error if the queue's format has no delays.
func (q *Queue) dueAt(t time.Time) (int64, error) {
	if !q.layout.delays {
		return 0, fmt.Errorf("a delay: %w, which has no delays", ErrUnsupported)
	}
	return dueAt(t)
}

// fits refuses an item that could be put, but would be too large to become a
// dead letter.
func (q *Queue) fits(path string, raw []byte) error {
	return q.sm.Fits(core.CreateOp(path, raw, core.Sequential), core.CreateOp(q.claims, reserve[:], core.Ephemeral))
}

// inItems calls f in the current session, and again if the directory of the
// items is missing. The server may remove an empty directory at any time.
func (q *Queue) inItems(ctx context.Context, f func(s *core.Session) error) error {
	for n := 0; ; n++ {
		s, err := q.sm.Session(ctx)
		if err != nil {
			return err
		}
		err = f(s)
		switch {
		case errors.Is(err, core.ErrNodeExists):
			return q.exhausted(err)
		case errors.Is(err, core.ErrUnknownOutcome):
			return err
		case errors.Is(err, core.ErrSessionEnded) && ctx.Err() == nil: // nothing was sent
		case errors.Is(err, core.ErrNoNode):
			if err := s.EnsureDir(ctx, q.items); err != nil && !errors.Is(err, core.ErrSessionEnded) {
				return err
			}
			if err := pauses.Wait(ctx, n-1); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// exhausted returns the error of a sequential create that was refused because
// of an existing znode.
func (q *Queue) exhausted(err error) error {
	return fmt.Errorf("%w; let the consumers empty %s first: %w", core.ErrExhausted, q.items, err)
}

func (q *Queue) idOf(path string) (ID, error) {
	_, text := znode.Split(path)
	n, ok := q.layout.parse(text)
	if !ok {
		return "", fmt.Errorf("the server named the item %q, which is not a name in this format", text)
	}
	return n.id(), nil
}

// room waits until n more items may be put. It reads the number of items, a
// request of constant cost, at growing intervals. A watch would cost more: the
// only watch for such a change comes with a list of all items.
func (q *Queue) room(ctx context.Context, n int, wait bool) error {
	if q.o.limit == 0 {
		return nil
	}
	if n > q.o.limit {
		return fmt.Errorf("%d items at a time, and the limit is %d: %w", n, q.o.limit, ErrFull)
	}
	for tries := 0; ; tries++ {
		count, err := q.count(ctx)
		if err != nil {
			return err
		}
		if count+n <= q.o.limit {
			return nil
		}
		full := fmt.Errorf("%w: it has %s, and the limit is %d", ErrFull, plural(count, "item"), q.o.limit)
		if !wait {
			return full
		}
		if err := pauses.Wait(ctx, tries); err != nil {
			return fmt.Errorf("waiting for room: %w", full)
		}
	}
}
