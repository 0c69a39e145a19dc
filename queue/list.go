package queue

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/owner"
	"github.com/docent-go/docent/session"
)

// Status counts the items of a queue by their state.
type Status struct {
	Ready   int // can be taken
	Delayed int // not due yet, by the clock of this machine
	Claimed int
	Dead    int
	Foreign int // other znodes in the items' directory
}

// Status counts the items. It costs three lists: of the items, the claims and
// the dead letters. The connected server may lag. ctx bounds the requests.
// Errors: ctx's; session.ErrClosed; an invalid path or option;
// session.ErrNoAuth if a directory may not be listed.
func (q *Queue) Status(ctx context.Context) (Status, error) {
	q.made()
	var st Status
	names, claimed, foreign, err := q.survey(ctx)
	if err == nil {
		var letters []string
		letters, err = q.letters(ctx)
		st.Dead = len(letters)
	}
	if err != nil {
		return Status{}, q.failed(ctx, "get queue status", err)
	}
	st.Foreign = foreign
	now := time.Now().UnixMilli()
	for _, n := range names {
		switch {
		case claimed[n.text]:
			st.Claimed++
		case n.due > now:
			st.Delayed++
		default:
			st.Ready++
		}
	}
	return st, nil
}

// Entry is an item in the queue.
type Entry struct {
	ID       ID
	Data     []byte // as Item.Data; all of the znode's data if Malformed
	More     int    // further items in the same znode, after Data (Curator's putMulti)
	Priority int
	Attempts int       // how often it has been delivered
	Put      time.Time // as in Item
	Due      time.Time // zero: at once
	// Malformed says that the data cannot be decoded, and Reason why.
	Malformed bool
	Reason    string
	// Claim describes the consumer that has claimed the item. It is nil if the
	// item is not claimed. ID is the consumer's (see Consumer), or the text
	// that another library's claim holds.
	Claim *session.Owner
	// Hidden says that the ACL of the item's znode does not let this session
	// read it. Data is nil then, and so is every other field that the server
	// withholds.
	Hidden bool
}

// List yields the items in the order in which they are taken, including those
// that are claimed or not due yet. It reads some items at a time, about a
// megabyte of data or one item, as the loop goes on. The loop may end at any
// time. An item that goes meanwhile is
// left out. The answer may be old, so use it for display and tools. ctx bounds
// the reads. An error ends the sequence: ctx's; session.ErrClosed; an invalid
// path or option; session.ErrNoAuth if the items or the claims may not be
// listed.
func (q *Queue) List(ctx context.Context) iter.Seq2[Entry, error] {
	q.made()
	return func(yield func(Entry, error) bool) {
		names, claimed, _, err := q.survey(ctx)
		if err != nil {
			yield(Entry{}, q.failed(ctx, "list items", err))
			return
		}
		start := oldest(names)
		slices.SortFunc(names, func(a, b name) int { return before(a, b, start) })
		read := func(some []name) ([]Entry, int, error) { return q.entries(ctx, some, claimed) }
		for e, err := range batched(names, read) {
			if !yield(e, q.failed(ctx, "list items", err)) || err != nil {
				return
			}
		}
	}
}

// survey lists the items, which of them are claimed, and how many other znodes
// there are.
func (q *Queue) survey(ctx context.Context) (names []name, claimed map[string]bool, foreign int, err error) {
	if q.err != nil {
		return nil, nil, 0, q.err
	}
	texts, _, err := q.sm.Children(ctx, q.items)
	if err != nil && !errors.Is(err, core.ErrNoNode) {
		return nil, nil, 0, err
	}
	claims, _, err := q.sm.Children(ctx, q.claims)
	if err != nil && !errors.Is(err, core.ErrNoNode) {
		return nil, nil, 0, err
	}
	names = q.parse(texts)
	claimed = make(map[string]bool, len(claims))
	for _, c := range claims {
		claimed[c] = true
	}
	return names, claimed, len(texts) - len(names), nil
}

// entries reads the first of some items, and their claims, up to listedBytes. It
// returns how many items it has read. Items that have gone are left out.
func (q *Queue) entries(ctx context.Context, names []name, claimed map[string]bool) (entries []Entry, n int, err error) {
	paths := make([]string, 0, 2*len(names))
	for _, n := range names {
		paths = append(paths, znode.Join(q.items, n.text))
		if claimed[n.text] {
			paths = append(paths, znode.Join(q.claims, n.text))
		}
	}
	nodes, err := q.sm.SeeSome(ctx, paths, listedBytes)
	if err == nil && len(nodes) == 1 && claimed[names[0].text] {
		nodes, err = q.sm.SeeMany(ctx, paths[:2]) // a large item, with its claim
	}
	if err != nil {
		return nil, 0, err
	}
	entries = make([]Entry, 0, len(names))
	for _, name := range names {
		var claim *core.Sighting
		parts := 1
		if claimed[name.text] {
			parts = 2
		}
		if len(nodes) < parts {
			break // the next batch has it
		}
		item := nodes[0]
		if parts == 2 {
			claim = nodes[1]
		}
		nodes = nodes[parts:]
		n++
		if item != nil {
			entries = append(entries, q.entry(name, item, claim))
		}
	}
	return entries, n, nil
}

// entry describes an item. claim is nil if the item is not claimed.
func (q *Queue) entry(n name, item, claim *core.Sighting) Entry {
	e := Entry{ID: n.id(), Data: item.Data, Priority: int(n.priority), Due: n.dueTime(), Hidden: item.Hidden}
	if !core.Hidden(item.Stat) {
		e.Attempts, e.Put = int(item.Stat.Version), putTime(item.Stat)
	}
	if item.Hidden {
		// The other fields come from its name.
	} else if payloads, err := q.layout.decode(item.Data); err != nil {
		e.Malformed, e.Reason = true, err.Error()
	} else {
		e.Data, e.More = payloads[0], len(payloads)-1
	}
	if claim == nil {
		return e
	}
	by := owner.Describe(znode.Join(q.claims, n.text), claim.Data, claim.Stat)
	by.Hidden = claim.Hidden
	e.Claim = &by
	return e
}
