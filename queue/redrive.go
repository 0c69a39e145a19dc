package queue

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

// Redrive puts dead letters back into the queue: those with the given IDs, or
// without IDs all that can be delivered. Each is put at the end, with its old
// priority, no attempts, a new ID and the letter's ACL. One transaction puts
// the item and deletes the letter, so that no item is lost or doubled. Redrive
// returns how many were put back, also with an error. Letters that have gone
// meanwhile are passed over, so Redrive may be repeated. A Limit is not
// applied.
//
// ctx bounds the requests. Errors: ctx's; session.ErrClosed; an invalid path or
// option; ErrNoLetter, before anything is sent; the ID of a malformed letter;
// session.ErrNoAuth; session.ErrUnknownOutcome if the answer was lost: a letter
// may have been put back that is not counted.
func (q *Queue) Redrive(ctx context.Context, ids ...string) (int, error) {
	q.made()
	all := len(ids) == 0
	err := q.checkLetters(ids)
	if all {
		ids, err = q.letters(ctx)
	}
	if err != nil {
		return 0, q.failed(ctx, "redrive dead letters", err)
	}
	return each(ctx, q, "redrive dead letters", q.read(ctx, ids), func(l letter) (bool, error) { return q.redrive(ctx, l, all) })
}

// Discard deletes the dead letters with the given IDs for good, and returns how
// many it has deleted. It also deletes letters that may not be read. It cannot
// discard all letters at once: only letters that the caller has seen in Dead
// are deleted. Letters that have gone meanwhile are passed over, so Discard may
// be repeated, for instance after a session.ErrUnknownOutcome. ctx bounds the
// requests. Errors: ctx's; session.ErrClosed; an invalid path or option;
// ErrNoLetter, before anything is sent; session.ErrNoAuth;
// session.ErrUnknownOutcome.
func (q *Queue) Discard(ctx context.Context, ids ...string) (int, error) {
	q.made()
	if err := q.checkLetters(ids); err != nil {
		return 0, q.failed(ctx, "discard dead letters", err)
	}
	return each(ctx, q, "discard dead letters", withoutError(ids), func(id string) (bool, error) {
		err := q.sm.Delete(ctx, znode.Join(q.dead, id), core.AnyVersion)
		if errors.Is(err, core.ErrNoNode) {
			return false, nil
		}
		return err == nil, err
	})
}

// checkLetters rejects IDs that no dead letter of the queue's layout can have.
func (q *Queue) checkLetters(ids []string) error {
	if q.err != nil {
		return q.err
	}
	for _, id := range ids {
		if _, ok := q.itemOf(id); !ok {
			return fmt.Errorf("%q is %w", id, ErrNoLetter)
		}
	}
	return nil
}

// withoutError yields the elements, with nil errors.
func withoutError[T any](all []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, one := range all {
			if !yield(one, nil) {
				return
			}
		}
	}
}

// each calls do for one letter after the other until it fails, and counts the
// letters for which it returned true.
func each[L any](ctx context.Context, q *Queue, op string, letters iter.Seq2[L, error], do func(L) (bool, error)) (int, error) {
	n := 0
	for l, err := range letters {
		done := false
		if err == nil {
			done, err = do(l)
		}
		if err != nil {
			if n > 0 {
				err = fmt.Errorf("after %s: %w", plural(n, "letter"), err)
			}
			return n, q.failed(ctx, op, err)
		}
		if done {
			n++
		}
	}
	return n, nil
}

// plural returns a number with its noun, such as "1 letter" or "2 letters".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// redrive puts back a letter as it was read. If another client has written to
// the letter since, redrive reads it again.
func (q *Queue) redrive(ctx context.Context, l letter, skip bool) (done bool, err error) {
	for tries := 0; ; tries++ {
		switch {
		case (l.Malformed || l.Hidden) && skip:
			return false, nil
		case l.Hidden:
			return false, fmt.Errorf("letter %s: %w", l.ID, core.Explain(core.ErrNoAuth))
		case l.Malformed:
			return false, fmt.Errorf("letter %s is malformed: it cannot be delivered", l.ID)
		}
		if err := pauses.Wait(ctx, tries-2); err != nil {
			return false, err
		}
		s, err := q.sm.Session(ctx)
		if err != nil {
			return false, err
		}
		path := znode.Join(q.dead, l.ID)
		acl, err := s.KeptACL(ctx, path)
		if err == nil {
			n := l.name
			n.due = 0
			_, err = s.Txn(ctx,
				core.DeleteOp(path, l.version),
				core.CreateOp(znode.Join(q.items, q.layout.prefix(n)), q.layout.encode(l.Data), core.Sequential).WithExactACL(acl))
		}
		op, _ := core.RefusedOp(err)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, core.ErrUnknownOutcome):
			return false, err
		case errors.Is(err, core.ErrSessionEnded) && ctx.Err() == nil:
		case errors.Is(err, core.ErrNoNode) && op == 0:
			return false, nil // another client was faster
		case errors.Is(err, core.ErrNodeExists):
			return false, q.exhausted(err)
		case errors.Is(err, core.ErrBadVersion):
			again, _, err := q.readSome(ctx, []string{l.ID})
			if err != nil || len(again) == 0 {
				return false, err
			}
			l = again[0]
		case errors.Is(err, core.ErrNoNode):
			if err := s.EnsureDir(ctx, q.items); err != nil {
				return false, err
			}
		default:
			return false, err
		}
	}
}
