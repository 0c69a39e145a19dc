package queue

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/docent-go/docent/internal/base/stamp"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

// Dead yields the dead letters, in the order of their IDs. It reads some
// letters at a time, about a megabyte of data or one letter, as the loop goes
// on. A letter that goes meanwhile is left
// out. ctx bounds the reads. An error ends the sequence: ctx's;
// session.ErrClosed; an invalid path or option; session.ErrNoAuth if the
// letters may not be listed.
func (q *Queue) Dead(ctx context.Context) iter.Seq2[DeadLetter, error] {
	q.made()
	return func(yield func(DeadLetter, error) bool) {
		ids, err := q.letters(ctx)
		if err != nil {
			yield(DeadLetter{}, q.failed(ctx, "list dead letters", err))
			return
		}
		for l, err := range q.read(ctx, ids) {
			if !yield(l.DeadLetter, q.failed(ctx, "list dead letters", err)) || err != nil {
				return
			}
		}
	}
}

// letter is a dead letter as it was read.
type letter struct {
	DeadLetter
	name    name  // of the item that it was
	version int32 // of its znode
}

// letters lists the IDs of the dead letters. Other znodes are left out.
func (q *Queue) letters(ctx context.Context) ([]string, error) {
	if q.err != nil {
		return nil, q.err
	}
	texts, _, err := q.sm.Children(ctx, q.dead)
	if errors.Is(err, core.ErrNoNode) {
		return nil, nil
	}
	texts = slices.DeleteFunc(texts, func(text string) bool {
		_, ok := q.itemOf(text)
		return !ok
	})
	slices.Sort(texts)
	return texts, err
}

// itemOf returns the name of the item that became the letter.
func (q *Queue) itemOf(id string) (name, bool) {
	text, czxid, ok := strings.Cut(id, letterMark)
	if _, err := strconv.ParseUint(czxid, 16, 64); !ok || err != nil {
		return name{}, false
	}
	return q.layout.parse(text)
}

// read yields the letters with the IDs. It reads them in batches. Letters that
// have gone are left out.
func (q *Queue) read(ctx context.Context, ids []string) iter.Seq2[letter, error] {
	return batched(ids, func(some []string) ([]letter, int, error) { return q.readSome(ctx, some) })
}

// readSome reads the first letters, up to listedBytes. It returns how many it
// has read.
func (q *Queue) readSome(ctx context.Context, ids []string) (letters []letter, n int, err error) {
	paths := make([]string, len(ids))
	for i, id := range ids {
		paths[i] = znode.Join(q.dead, id)
	}
	nodes, err := q.sm.SeeSome(ctx, paths, listedBytes)
	if err != nil {
		return nil, 0, err
	}
	letters = make([]letter, 0, len(nodes))
	for i, node := range nodes {
		if node != nil {
			letters = append(letters, q.openLetter(ids[i], node))
		}
	}
	return letters, len(nodes), nil
}

// openLetter describes a letter by its ID and its znode.
func (q *Queue) openLetter(id string, node *core.Sighting) letter {
	n, _ := q.itemOf(id)
	l := letter{DeadLetter{ID: id, Item: n.id(), Priority: int(n.priority), Hidden: node.Hidden}, n, node.Stat.Version}
	if !core.Hidden(node.Stat) {
		l.Died = stamp.Millis(node.Stat.Ctime)
	}
	if node.Hidden {
		l.Reason = "the letter may not be read"
		return l
	}
	var h header
	head, data, _ := bytes.Cut(node.Data, []byte{'\n'})
	if err := json.Unmarshal(head, &h); err != nil {
		// Another client has written to it. The data are shown, and not
		// delivered.
		l.Data, l.Malformed, l.Reason = node.Data, true, "the letter has no readable header"
		return l
	}
	l.Data, l.Reason, l.Attempts = data, h.Reason, h.Attempts
	l.Put, l.Malformed = stamp.Millis(h.Put), h.Malformed
	return l
}
