package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/ctxend"
	"github.com/docent-go/docent/internal/misuse"
	"github.com/docent-go/docent/internal/oneline"
	"github.com/docent-go/docent/internal/znode"
	"github.com/docent-go/docent/session"
)

// Queue is a queue at a path. It keeps nothing of a single item; what it keeps
// is a picture of the directory, which all who take through it share. One value
// serves any number of goroutines. It is safe for concurrent use, needs no
// goroutine of its own, and need not be closed.
type Queue struct {
	sm     *core.Manager
	path   string
	o      *options
	layout layout
	err    error

	items, claims, dead, guards string
	picture                     picture
	acks                        acks
}

// New returns the queue at path, which is below sm's root. It does no I/O; a
// path or an option that cannot be used is reported by every call on the Queue.
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
		q.err = fmt.Errorf("items, claims, dead letters and guards must lie in four directories, not %s, %s, %s and %s",
			q.items, q.claims, q.dead, q.guards)
	}
	q.picture.q, q.picture.aside, q.picture.pace = q, make(map[string]*aside), newPace()
	q.acks.p = &q.picture
	return q
}

func pathOr(given, otherwise string) string {
	if given != "" {
		return given
	}
	return otherwise
}

// made panics for a Queue that New has not made, or was given no Manager.
func (q *Queue) made() {
	misuse.If(q == nil || q.sm == nil, "a Queue without a Manager is used: get one from queue.New, with the Manager of core.Dial")
}

// Path returns the path of the queue.
func (q *Queue) Path() string {
	misuse.ZeroValue(q == nil, "or nil queue.Queue", "queue.New")
	return q.path
}

// Len returns how many items are in the queue, those included that are claimed
// or not due yet, and whatever else lies in their directory. It costs one
// request, whatever the length. It tells what the server that we are connected
// to knows, which may lag behind. ctx bounds the request. It fails with
// session.ErrNoAuth if the session may not read the directory, on every server.
func (q *Queue) Len(ctx context.Context) (int, error) {
	q.made()
	if q.err != nil {
		return 0, q.fail("count", q.err)
	}
	n, err := q.count(ctx, q.items)
	return n, q.failed(ctx, "count", err)
}

// count returns how many children a directory has: none if it is missing.
func (q *Queue) count(ctx context.Context, dir string) (int, error) {
	// An exists would ask for the right to read on newer servers alone.
	_, stat, err := q.sm.Get(ctx, dir)
	if errors.Is(err, core.ErrNoNode) {
		return 0, nil
	}
	return int(stat.NumChildren), err
}

func (q *Queue) fail(op string, err error) error {
	return fmt.Errorf("%s queue %s: %w", op, q.path, err)
}

// failed is fail for an error, or none, of something that ctx bounds.
func (q *Queue) failed(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	return q.fail(op, ctxend.Join(ctx, err))
}
