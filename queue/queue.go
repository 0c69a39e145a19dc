package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/docent-go/docent/internal/base/ctxend"
	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/oneline"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/session"
)

// Queue is a queue at a path. New returns one. It keeps no state of a single
// item. It keeps a snapshot of the directory, which all calls of Take share. A
// Queue is safe for concurrent use, needs no goroutine of its own, and need not
// be closed.
type Queue struct {
	sm     *core.Manager
	path   string
	o      *options
	layout layout
	err    error

	items, claims, dead, guards string
	snapshot                    snapshot
	acks                        acks
}

// New returns the queue at path, which is below sm's root. It does no I/O. If
// the path or an option cannot be used, every call on the Queue returns the
// error.
func New(sm *session.Manager, path string, opts ...Option) *Queue {
	q := &Queue{sm: bridge.Core(sm), path: path, o: newOptions(opts)}
	q.layout, q.err = q.o.format.layout()
	q.items = pathOr(q.o.items, path+q.layout.items)
	q.claims = pathOr(q.o.claims, path+q.layout.claims)
	q.dead = pathOr(q.o.dead, path+q.layout.dead)
	q.guards = path + q.layout.guards
	q.err = oneline.Join(append(q.o.errs, q.err)...)
	for _, p := range []string{path, q.items, q.claims, q.dead, q.guards} {
		if err := znode.Validate(p); err != nil && q.err == nil {
			q.err = err
		}
	}
	dirs := []string{q.items, q.claims, q.dead, q.guards}
	slices.Sort(dirs)
	if q.err == nil && len(slices.Compact(dirs)) < 4 {
		q.err = fmt.Errorf("items, claims, dead letters and guards must lie in four different directories, not %s, %s, %s and %s",
			q.items, q.claims, q.dead, q.guards)
	}
	q.snapshot.q, q.snapshot.quarantined, q.snapshot.pace = q, make(map[string]*quarantined), newPace()
	q.acks.p = &q.snapshot
	return q
}

func pathOr(given, otherwise string) string {
	if given != "" {
		return given
	}
	return otherwise
}

// made panics for a Queue that was not made by New, or that was given no
// Manager.
func (q *Queue) made() {
	misuse.If(q == nil || q.sm == nil, "a Queue without a Manager is used: get one from queue.New, with the Manager of session.Dial")
}

// Path returns the path of the queue.
func (q *Queue) Path() string {
	misuse.ZeroValue(q == nil, "or nil queue.Queue", "queue.New")
	return q.path
}

// Len returns how many items are in the queue, including items that are claimed
// or not due yet, and all other znodes in their directory. It costs one
// request, whatever the length. The connected server may lag. ctx bounds the
// request. Errors: ctx's; session.ErrClosed; an invalid path or option;
// session.ErrNoAuth if the session may not read the directory, on every version
// of the server.
func (q *Queue) Len(ctx context.Context) (int, error) {
	q.made()
	n, err := q.count(ctx)
	return n, q.failed(ctx, "count items", err)
}

// count returns the number of children of the items' directory, and 0 if the
// directory is missing.
func (q *Queue) count(ctx context.Context) (int, error) {
	if q.err != nil {
		return 0, q.err
	}
	// An exists needs the right to read on newer servers only; a get needs it
	// on all.
	_, stat, err := q.sm.Get(ctx, q.items)
	if errors.Is(err, core.ErrNoNode) {
		return 0, nil
	}
	return int(stat.NumChildren), err
}

// failed returns the error of a verb that ctx bounds. It returns nil for nil.
func (q *Queue) failed(ctx context.Context, op string, err error) error {
	return core.Failed(op, q.path, ctxend.Join(ctx, err))
}
