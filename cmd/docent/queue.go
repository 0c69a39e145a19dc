package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
	"unicode/utf8"

	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
)

// queueCommand is "docent queue".
type queueCommand struct {
	Put  queuePut  `cmd:"" help:"Put an item, and print its id."`
	Take queueTake `cmd:"" help:"Take an item, and print it or run a command with it."`
	Len  queueLen  `cmd:"" help:"Print how many items there are."`
	List queueList `cmd:"" help:"List the items, with their claims."`
	Dead queueDead `cmd:"" help:"List the dead letters, put them back, or delete them."`
}

// queueAt are the flags of every command on a queue.
type queueAt struct {
	Path   string `arg:"" name:"PATH" help:"The queue, as an absolute path."`
	Layout string `default:"curator" values:"curator,simple,kazoo,kazoo-locking" help:"Layout of the items: curator, simple, kazoo or kazoo-locking."`
	Items  string `placeholder:"PATH" help:"Directory of the items (Curator's queuePath). Default: the layout's own."`
	Claims string `placeholder:"PATH" help:"Directory of the claims (Curator's lockPath). Default: the layout's own."`
}

var queueLayouts = map[string]queue.Format{
	"curator": queue.Curator, "simple": queue.SimpleQueue, "kazoo": queue.KazooQueue, "kazoo-locking": queue.KazooLockingQueue,
}

// with connects and calls f with the queue.
func (c *queueAt) with(ctx context.Context, a *app, task string, opts []queue.Option,
	f func(ctx context.Context, sm *session.Manager, q *queue.Queue) error) error {
	if err := c.check(task); err != nil {
		return err
	}
	sm, err := a.connect(ctx)
	if err != nil {
		return err
	}
	return errors.Join(withTask(task, f(ctx, sm, c.open(sm, opts...))), sm.Close())
}

func (c *queueAt) check(task string) error {
	if _, ok := queueLayouts[c.Layout]; !ok {
		return usagef("%s: --layout %q is unknown; use curator, simple, kazoo or kazoo-locking", task, c.Layout)
	}
	for _, path := range []string{c.Path, c.Items, c.Claims} {
		if path != "" || path == c.Path {
			if err := checkPath(path); err != nil {
				return withTask(task, err)
			}
		}
	}
	return nil
}

func (c *queueAt) open(sm *session.Manager, opts ...queue.Option) *queue.Queue {
	return queue.New(sm, c.Path, append(opts,
		queue.Layout(queueLayouts[c.Layout]), queue.Items(c.Items), queue.Claims(c.Claims))...)
}

// orMissing returns an error if the queue does not exist.
func (c *queueAt) orMissing(ctx context.Context, sm *session.Manager) error {
	return orMissing(ctx, sm, c.Path, c.Items, c.Claims)
}

// unlessMissing returns an error if nothing was found because the queue does not
// exist. n is how many items or letters were found.
func (c *queueAt) unlessMissing(ctx context.Context, a *app, sm *session.Manager, n int) error {
	if n > 0 {
		return nil
	}
	return a.once(ctx, func(ctx context.Context) error { return c.orMissing(ctx, sm) })
}

// queuePut is "docent queue put".
type queuePut struct {
	queueAt
	Data     string        `arg:"" name:"DATA" optional:"" default:"-" allowempty:"" help:"The item's data. Default: -, which reads standard input."`
	Priority *int          `placeholder:"N" help:"Items with a smaller number are taken sooner. Write a negative number as --priority=-1. Default: 0."`
	Delay    time.Duration `placeholder:"1m" help:"Make the item ready only after this time."`
}

// Help is shown by "docent queue put --help".
func (queuePut) Help() string {
	return `Prints the item's id. If the server's answer is lost, the exit code is 1, and the item may or may not be in the queue.` +
		"\n\n" + `Example: docent queue put /queues/mail --priority 5 < message.eml`
}

func (c *queuePut) check(task string) error {
	if err := c.queueAt.check(task); err != nil {
		return err
	}
	low, high := math.MinInt32, math.MaxInt32
	if c.Layout == "kazoo" || c.Layout == "kazoo-locking" {
		low, high = 0, 999
	}
	switch {
	case c.Priority != nil && c.Layout == "simple":
		return usagef("queue put: --priority needs another --layout than simple, which has no priorities")
	case c.Priority != nil && (*c.Priority < low || *c.Priority > high):
		return usagef("queue put: --priority %d is out of range; give %d to %d", *c.Priority, low, high)
	case c.Delay > 0 && c.Layout != "curator":
		return usagef("queue put: --delay needs --layout curator; other layouts have no delays")
	case c.Delay > maxDelay:
		return usagef("queue put: --delay %v is out of range; give at most %v", c.Delay, maxDelay)
	}
	return nil
}

// maxDelay is a hundred years, which are more than anyone waits and less than
// the format of an item's name can hold.
const maxDelay = 100 * 365 * 24 * time.Hour

// Run puts the item.
func (c *queuePut) Run(ctx context.Context, a *app) error {
	task := "queue put " + c.Path
	if err := c.check(task); err != nil {
		return err
	}
	opts := []queue.PutOption{queue.Delay(c.Delay)}
	if c.Priority != nil {
		opts = append(opts, queue.Priority(*c.Priority))
	}
	data := []byte(c.Data)
	if c.Data == "-" {
		var err error
		if data, err = io.ReadAll(a.stdin); err != nil {
			return withTask(task, fmt.Errorf("read the item from standard input: %w", err))
		}
	}
	return c.with(ctx, a, task, nil, func(ctx context.Context, _ *session.Manager, q *queue.Queue) error {
		var id queue.ID
		err := a.once(ctx, func(ctx context.Context) (err error) {
			id, err = q.Put(ctx, data, opts...)
			return err
		})
		switch {
		case errors.Is(err, session.ErrUnknownOutcome):
			return &taskError{task: task, err: err, hint: `check with "docent queue list", and put the item again if it is not there`}
		case err != nil:
			return err
		case a.globals.JSON:
			return a.printJSON(struct {
				Path string   `json:"path"`
				ID   queue.ID `json:"id"`
			}{c.Path, id})
		}
		return a.printf("%s\n", id)
	})
}

// queueLen is "docent queue len".
type queueLen struct{ queueAt }

// Help is shown by "docent queue len --help".
func (queueLen) Help() string {
	return `Counts all items in one request, including claimed and delayed items. With --json it counts ready, delayed, claimed ` +
		`and dead items separately, which reads the whole list of the queue.`
}

// Run prints the length.
func (c *queueLen) Run(ctx context.Context, a *app) error {
	return c.with(ctx, a, "queue len "+c.Path, nil, func(ctx context.Context, sm *session.Manager, q *queue.Queue) error {
		var n int
		var status queue.Status
		var absent error
		err := a.once(ctx, func(ctx context.Context) (err error) {
			// The sync makes earlier puts visible on our server.
			if err = sm.Sync(ctx, c.Path); err != nil {
				return err
			}
			if n, err = q.Len(ctx); err == nil && n == 0 {
				if absent = c.orMissing(ctx, sm); !errors.Is(absent, session.ErrNoNode) {
					err = absent
				}
			}
			if err == nil && a.globals.JSON {
				status, err = q.Status(ctx)
			}
			return err
		})
		switch {
		case err != nil:
			return err
		case a.globals.JSON:
			err = a.printJSON(struct {
				Path    string `json:"path"`
				Ready   int    `json:"ready"`
				Delayed int    `json:"delayed"`
				Claimed int    `json:"claimed"`
				Dead    int    `json:"dead"`
				Foreign int    `json:"foreign"`
			}{c.Path, status.Ready, status.Delayed, status.Claimed, status.Dead, status.Foreign})
		default:
			err = a.printf("%d\n", n)
		}
		return cmp.Or(err, absent)
	})
}

// queueList is "docent queue list".
type queueList struct{ queueAt }

// Help is shown by "docent queue list --help".
func (queueList) Help() string {
	return `Prints one line for each item, in the order in which they are taken: id, priority, number of deliveries, state ` +
		`(ready, due at a time, claimed by a client, hidden, or malformed), and size in bytes. With --json each line also has ` +
		`the data.`
}

// queueEntryJSON is one item of a list.
type queueEntryJSON struct {
	ID       queue.ID `json:"id"`
	State    string   `json:"state"`
	Priority int      `json:"priority"`
	Attempts int      `json:"attempts"`
	Put      string   `json:"put"`
	Due      string   `json:"due,omitempty"`
	By       string   `json:"by,omitempty"`
	Host     string   `json:"host,omitempty"`
	PID      int      `json:"pid,omitempty"`
	Since    string   `json:"since,omitempty"`
	payloadJSON
}

// payloadJSON is an item's data: as text if it is UTF-8, else as base64.
type payloadJSON struct {
	Data   *string `json:"data,omitempty"`
	Base64 []byte  `json:"base64,omitempty"`
}

func payload(data []byte) payloadJSON {
	if utf8.Valid(data) {
		text := string(data)
		return payloadJSON{Data: &text}
	}
	return payloadJSON{Base64: data}
}

// Run prints the items.
func (c *queueList) Run(ctx context.Context, a *app) error {
	return c.with(ctx, a, "queue list "+c.Path, nil, func(ctx context.Context, sm *session.Manager, q *queue.Queue) error {
		if err := a.once(ctx, func(ctx context.Context) error { return sm.Sync(ctx, c.Path) }); err != nil {
			return err
		}
		n := 0
		for e, err := range q.List(ctx) {
			if err != nil {
				return err
			}
			n++
			if a.globals.JSON {
				err = a.printJSON(entryAsJSON(e))
			} else {
				err = a.printf("%s\tpriority %d\tattempts %d\t%s\t%d bytes\n", e.ID, e.Priority, e.Attempts, stateOf(e), len(e.Data))
			}
			if err != nil {
				return err
			}
		}
		return c.unlessMissing(ctx, a, sm, n)
	})
}

func stateOf(e queue.Entry) string {
	now := time.Now()
	switch {
	case e.Claim != nil && e.Claim.Hidden:
		return "claimed (the ACL of the claim hides the consumer)"
	case e.Claim != nil && e.Claim.PID != 0:
		return fmt.Sprintf("claimed by %s (pid %d on %s) since %s",
			oneLine(e.Claim.ID), e.Claim.PID, oneLine(e.Claim.Host), clock(e.Claim.Since, now))
	case e.Claim != nil:
		return fmt.Sprintf("claimed by %s since %s", oneLine(e.Claim.ID), clock(e.Claim.Since, now))
	case e.Hidden:
		return "hidden (the ACL of its znode hides the data)"
	case e.Malformed:
		return "malformed: " + oneLine(e.Reason)
	case e.Due.After(now):
		return "due at " + clock(e.Due, now)
	}
	return "ready"
}

func entryAsJSON(e queue.Entry) queueEntryJSON {
	j := queueEntryJSON{
		ID: e.ID, State: "ready", Priority: e.Priority, Attempts: e.Attempts, Put: knownTime(e.Put), payloadJSON: payload(e.Data),
	}
	if !e.Due.IsZero() {
		j.Due = timestamp(e.Due)
	}
	switch {
	case e.Claim != nil:
		j.State, j.By, j.Host, j.PID, j.Since = "claimed", e.Claim.ID, e.Claim.Host, e.Claim.PID, knownTime(e.Claim.Since)
	case e.Hidden:
		j.State = "hidden"
	case e.Malformed:
		j.State = "malformed"
	case e.Due.After(time.Now()):
		j.State = "delayed"
	}
	return j
}

// knownTime is the timestamp of t, or "" if the server has not sent the time.
func knownTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return timestamp(t)
}
