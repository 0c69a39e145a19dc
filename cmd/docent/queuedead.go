package main

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
)

// queueDead is "docent queue dead".
type queueDead struct {
	List    queueDeadList    `cmd:"" help:"List the dead letters."`
	Redrive queueDeadRedrive `cmd:"" help:"Put dead letters back into the queue."`
	Discard queueDeadDiscard `cmd:"" help:"Delete dead letters."`
}

// queueDeadList is "docent queue dead list".
type queueDeadList struct{ queueAt }

// Help is shown by "docent queue dead list --help".
func (queueDeadList) Help() string {
	return `Prints one line for each dead letter: id, number of deliveries, time and reason of its death. With --json each line ` +
		`also has the data.`
}

// letterJSON is one dead letter.
type letterJSON struct {
	ID        string   `json:"id"`
	Item      queue.ID `json:"item"`
	Reason    string   `json:"reason"`
	Malformed bool     `json:"malformed,omitempty"`
	Priority  int      `json:"priority"`
	Attempts  int      `json:"attempts"`
	Put       string   `json:"put"`
	Died      string   `json:"died"`
	payloadJSON
}

// Run prints the dead letters.
func (c *queueDeadList) Run(ctx context.Context, a *app) error {
	return c.with(ctx, a, "queue dead list "+c.Path, nil, func(ctx context.Context, sm *session.Manager, q *queue.Queue) error {
		if err := a.once(ctx, func(ctx context.Context) error { return sm.Sync(ctx, c.Path) }); err != nil {
			return err
		}
		n := 0
		for l, err := range q.Dead(ctx) {
			if err != nil {
				return err
			}
			n++
			if a.globals.JSON {
				err = a.printJSON(letterJSON{l.ID, l.Item, l.Reason, l.Malformed, l.Priority, l.Attempts,
					knownTime(l.Put), knownTime(l.Died), payload(l.Data)})
			} else {
				err = a.printf("%s\tattempts %d\tdied %s\t%s\n", oneLine(l.ID), l.Attempts, cmp.Or(knownTime(l.Died), "?"), oneLine(l.Reason))
			}
			if err != nil {
				return err
			}
		}
		return c.unlessMissing(ctx, a, sm, n)
	})
}

// letters rejects ids that no dead letter can have: NAME.ZXID, as "docent queue
// dead list" prints them. The queue knows which names its layout has.
func (c *queueAt) letters(task string, ids []string) error {
	for _, id := range ids {
		_, zxid, _ := strings.Cut(id, ".")
		_, err := strconv.ParseUint(zxid, 16, 64)
		if err != nil || znode.ValidateName(id) != nil {
			return usagef("%s: %q is not the ID of a dead letter; list the IDs with \"docent queue dead list\"", task, id)
		}
	}
	return nil
}

// queueDeadRedrive is "docent queue dead redrive".
type queueDeadRedrive struct {
	queueAt
	IDs []string `arg:"" optional:"" name:"ID" help:"The letters' ids, from \"docent queue dead list\". Default: all letters that are not malformed."`
}

// Help is shown by "docent queue dead redrive --help".
func (queueDeadRedrive) Help() string {
	return `Puts each letter at the end of the queue, with its old priority and no attempts. Prints the number of letters.`
}

// Run puts the letters back.
func (c *queueDeadRedrive) Run(ctx context.Context, a *app) error {
	task := "queue dead redrive " + c.Path
	if err := c.letters(task, c.IDs); err != nil {
		return err
	}
	return c.with(ctx, a, task, nil, func(ctx context.Context, sm *session.Manager, q *queue.Queue) error {
		if err := a.once(ctx, func(ctx context.Context) error { return sm.Sync(ctx, c.Path) }); err != nil {
			return err
		}
		n, err := q.Redrive(ctx, c.IDs...)
		if err == nil {
			err = c.unlessMissing(ctx, a, sm, n)
		}
		if err != nil {
			return err
		}
		return a.printCount(struct {
			Path  string `json:"path"`
			Moved int    `json:"moved"`
		}{c.Path, n}, n)
	})
}

// queueDeadDiscard is "docent queue dead discard".
type queueDeadDiscard struct {
	queueAt
	IDs []string `arg:"" name:"ID" help:"The letters' ids, from \"docent queue dead list\"."`
}

// Help is shown by "docent queue dead discard --help".
func (queueDeadDiscard) Help() string {
	return `Deletes the letters for good. Letters that are gone already are skipped. Prints the number of deleted letters.` +
		"\n\nExample: docent queue dead list /jobs | cut -d' ' -f1 | xargs -r docent queue dead discard /jobs"
}

// Run deletes the letters.
func (c *queueDeadDiscard) Run(ctx context.Context, a *app) error {
	task := "queue dead discard " + c.Path
	if err := c.letters(task, c.IDs); err != nil {
		return err
	}
	return c.with(ctx, a, task, nil, func(ctx context.Context, sm *session.Manager, q *queue.Queue) error {
		n, err := q.Discard(ctx, c.IDs...)
		if err == nil {
			err = c.unlessMissing(ctx, a, sm, n)
		}
		if err != nil {
			return err
		}
		return a.printCount(struct {
			Path      string `json:"path"`
			Discarded int    `json:"discarded"`
		}{c.Path, n}, n)
	})
}

// printCount prints a count: as the object with --json, else as the number.
func (a *app) printCount(object any, n int) error {
	if a.globals.JSON {
		return a.printJSON(object)
	}
	return a.printf("%d\n", n)
}
