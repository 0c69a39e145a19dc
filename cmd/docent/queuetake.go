package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/docent-go/docent/cmd/docent/internal/child"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
)

// queueTake is "docent queue take".
type queueTake struct {
	queueAt
	Cmd         []string       `arg:"" optional:"" name:"CMD" help:"A command and its arguments, after --. It gets the item on standard input."`
	Wait        *time.Duration `placeholder:"30s" help:"How long to wait for an item; 0 means not at all. Default: without limit."`
	Retry       time.Duration  `placeholder:"1m" needs:"CMD" help:"After CMD has failed, make the item ready again only after this time."`
	MaxAttempts *int           `placeholder:"N" help:"Make the item a dead letter after N failed deliveries. Default: never."`
	Grace       time.Duration  `default:"5s" needs:"CMD" help:"Time between SIGTERM and SIGKILL for a CMD whose claim is lost."`
	cmdAuth
}

// Help is shown by "docent queue take --help".
func (queueTake) Help() string {
	return `Without CMD it prints the item byte for byte, and acknowledges it. With CMD it runs CMD with the item on standard ` +
		`input. CMD's environment has DOCENT_PATH, DOCENT_ITEM (the item's id), DOCENT_ATTEMPT (1 for the first) and DOCENT_TOKEN ` +
		`(the fencing token). If CMD ends with 0, the item is acknowledged, else it is released and can be taken again. The exit ` +
		`code is CMD's. If the claim is lost, CMD gets SIGTERM, SIGKILL after --grace, and the exit code is 79: another consumer ` +
		`gets the item. The exit code is 75 if no item came within --wait. Items that may not be read or claimed are skipped, ` +
		`with a line on standard error.` + "\n\n" +
		`Example: while docent queue take /queues/mail --max-attempts 5 --retry 1m -- ./send.sh || [ $? -lt 64 ]; do :; done`
}

func (c *queueTake) check() error {
	switch {
	case c.Retry > 0 && c.Layout != "curator":
		return usagef("queue take: --retry needs --layout curator; other layouts have no delays")
	case c.MaxAttempts != nil && *c.MaxAttempts < 1:
		return usagef("queue take: --max-attempts %d is too small; give 1 or more, or leave it out for no limit", *c.MaxAttempts)
	}
	return c.queueAt.check("queue take " + c.Path)
}

// Run takes an item, and prints it or runs CMD with it.
func (c *queueTake) Run(ctx context.Context, a *app) error {
	if err := c.check(); err != nil {
		return err
	}
	task := "queue take " + c.Path
	if err := lookCmd(task, c.Cmd); err != nil {
		return err
	}
	opts := []queue.Option{queue.OnSkipped(func(s queue.Skipped) {
		a.note("%s: item %s is skipped: %s", task, s.ID, nodeReason(s.Err))
	})}
	if c.MaxAttempts != nil {
		opts = append(opts, queue.MaxAttempts(*c.MaxAttempts))
	}
	var item *queue.Item
	return a.acquired(ctx, func(ctx context.Context, sm *session.Manager) error {
		return a.notingMissing(ctx, task, sm, []string{c.Path, c.Items, c.Claims}, func(ctx context.Context) (err error) {
			item, err = c.take(ctx, a, sm, c.open(sm, opts...))
			return err
		})
	}, func(signals <-chan os.Signal, err error) error {
		switch {
		case err != nil && item != nil: // it arrived together with the signal
			err = errors.Join(err, item.Release(queue.WithoutAttempt()))
		case err == nil && len(c.Cmd) == 0:
			err = c.print(a, item)
		case err == nil:
			err = c.work(a, task, item, signals)
		}
		return withTask(task, err)
	})
}

// take waits for an item within --wait.
func (c *queueTake) take(ctx context.Context, a *app, sm *session.Manager, q *queue.Queue) (*queue.Item, error) {
	var item *queue.Item
	if c.Wait != nil && *c.Wait == 0 {
		err := a.once(ctx, func(ctx context.Context) (err error) {
			// The sync makes earlier puts visible on our server.
			if err = sm.Sync(ctx, c.Path); err == nil {
				item, err = q.TryTake(ctx)
			}
			return err
		})
		if errors.Is(err, queue.ErrEmpty) {
			err = &nothingCame{"no item is ready" + c.inTheWay(ctx, sm, q) + "; raise --wait, or leave it out to wait without limit"}
		}
		return item, err
	}
	w := waiting{
		app: a, task: "queue take " + c.Path, sm: sm, limit: c.Wait, path: c.Path,
		look: func(ctx context.Context) (string, error) { return nothingReady(ctx, sm, q) },
		late: func(string) error {
			return &nothingCame{fmt.Sprintf("no item was ready within %v%s; raise --wait, or try again later", *c.Wait, c.inTheWay(ctx, sm, q))}
		},
	}
	err := w.run(ctx, func(ctx context.Context) (err error) {
		item, err = q.Take(ctx)
		return err
	})
	return item, err
}

// nothingReady returns what is in the way of Take: no item is ready, and none is
// ours. An item may be ours before Take returns.
func nothingReady(ctx context.Context, sm *session.Manager, q *queue.Queue) (obstacle string, err error) {
	status, err := q.Status(ctx)
	if err != nil || status.Ready > len(q.Skipped()) {
		return "", err
	}
	if status.Claimed > 0 {
		s, err := sm.Session(ctx)
		if err != nil {
			return "", err
		}
		for item, err := range q.List(ctx) {
			if err != nil || item.Claim != nil && item.Claim.Session == s.ID {
				return "", err
			}
		}
	}
	return "no item is ready", nil
}

// inTheWay says how many items were skipped, or that there is no queue. It says
// nothing if the servers do not answer in time: the wait has its result.
func (c *queueTake) inTheWay(ctx context.Context, sm *session.Manager, q *queue.Queue) string {
	switch n := len(q.Skipped()); n {
	case 0:
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		if errors.Is(c.orMissing(ctx, sm), session.ErrNoNode) {
			return ": the znode " + oneLine(c.Path) + " does not exist (check the path, and the root in --servers)"
		}
		return ""
	case 1:
		return ", and 1 item may not be taken (see --auth-file)"
	default:
		return fmt.Sprintf(", and %d items may not be taken (see --auth-file)", n)
	}
}

// nothingCame is errNotAcquired for a queue.
type nothingCame struct{ text string }

func (e *nothingCame) Error() string { return e.text }
func (e *nothingCame) Unwrap() error { return errNotAcquired }

// print prints the item and then acknowledges it. If it cannot print the item,
// it releases it.
func (c *queueTake) print(a *app, item *queue.Item) error {
	var err error
	if a.globals.JSON {
		err = a.printJSON(struct {
			ID       queue.ID `json:"id"`
			Attempt  int      `json:"attempt"`
			Priority int      `json:"priority"`
			Token    int64    `json:"token"`
			payloadJSON
		}{item.ID, item.Attempt, item.Priority, item.Token(), payload(item.Data)})
	} else {
		err = a.printValue(item.Data)
	}
	if err != nil {
		return errors.Join(err, item.Release())
	}
	return ackError(item.Ack())
}

// ackError makes a lost claim an error with exit code 79.
func ackError(err error) error {
	if errors.Is(err, session.ErrLost) {
		return &unacknowledged{err}
	}
	return err
}

// unacknowledged is errLost for an item that was printed.
type unacknowledged struct{ cause error }

func (e *unacknowledged) Error() string {
	return fmt.Sprintf("the item was printed, but its claim was lost before it was acknowledged: %v; it may be delivered again", e.cause)
}

func (e *unacknowledged) Unwrap() []error { return []error{errLost, e.cause} }

// work runs CMD with the item.
func (c *queueTake) work(a *app, task string, item *queue.Item, signals <-chan os.Signal) error {
	cmd := child.Command{Args: c.Cmd, Grace: c.Grace, Env: a.cmdEnv(
		"DOCENT_PATH="+c.Path, "DOCENT_ITEM="+string(item.ID), "DOCENT_ATTEMPT="+strconv.Itoa(item.Attempt),
		"DOCENT_TOKEN="+strconv.FormatInt(item.Token(), 10))}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(item.Data), a.stdout, a.stderr
	out, err := child.Run(item.Context(), cmd, signals)
	a.code = out.Code
	if lost := lossOf(&item.Hold, time.Now()); lost != nil && err == nil {
		_ = item.Release() // fails with the same loss
		return &lossError{lost, out}
	}
	if err == nil && out.Code == 0 {
		err := item.Ack()
		if errors.Is(err, session.ErrLost) {
			return &lossError{err, out}
		}
		return err
	}
	why := queue.Reason(fmt.Sprintf("CMD ended with code %d", out.Code))
	if released := item.Release(why, queue.After(c.Retry)); released != nil {
		// CMD's failure is the result; the session's end releases the item.
		a.note("%s: %s", task, reason(released))
	}
	return err
}
