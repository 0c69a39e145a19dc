package queue

import (
	"container/heap"
	"slices"

	"github.com/docent-go/docent/internal/base/chance"
	"github.com/docent-go/docent/internal/base/znode"
)

// backlog is the items that can be taken and have not been read yet.
type backlog struct {
	listed []name // of the last list, in order
	at     int    // the items before it were read, or passed
	later  ready  // items that came after the list: released, due, or to be tried again
	start  znode.Seq
	passed bool // whether some were passed without a read
}

// next returns the first item.
func (b *backlog) next() (n name, found bool) {
	switch {
	case b.laterFirst():
		return b.later.names[0], true
	case b.at < len(b.listed):
		return b.listed[b.at], true
	}
	return name{}, false
}

// laterFirst reports whether the first item is one that came later.
func (b *backlog) laterFirst() bool {
	return b.later.Len() > 0 && (b.at == len(b.listed) || before(b.later.names[0], b.listed[b.at], b.start) < 0)
}

// add adds an item that can be taken.
func (b *backlog) add(n name) {
	b.later.start = b.start
	heap.Push(&b.later, n)
}

// first removes the first n items.
func (b *backlog) first(n int) []name {
	return b.firstWhile(n, func(name) bool { return true })
}

// firstWhile removes the first items for which f returns true, up to n.
func (b *backlog) firstWhile(n int, f func(name) bool) []name {
	var names []name
	for len(names) < n {
		if next, found := b.next(); !found || !f(next) {
			return names
		}
		switch {
		case b.laterFirst():
			names = append(names, heap.Pop(&b.later).(name))
		default:
			names = append(names, b.listed[b.at])
			b.at++
		}
	}
	return names
}

// firstLater removes the first n items that came later.
func (b *backlog) firstLater(n int) []name {
	var names []name
	for len(names) < n && b.later.Len() > 0 {
		names = append(names, heap.Pop(&b.later).(name))
	}
	return names
}

// randomRun removes up to n consecutive listed items, at a random place. The
// place is among the first reach items, as far as these have the same priority.
// randomRun takes the earlier of two random places, so that few items are left
// over at the front.
func (b *backlog) randomRun(n, reach int) []name {
	same := b.listed[b.at : b.at+min(len(b.listed)-b.at, max(n, reach))]
	for i, name := range same {
		if name.priority != same[0].priority {
			same = same[:i]
			break
		}
	}
	n = min(n, len(same))
	from := min(chance.N(len(same)-n+1), chance.N(len(same)-n+1))
	names := slices.Clone(same[from : from+n])
	copy(same[n:], same[:from]) // the items before the run are still to be read
	b.at += n
	return names
}

// pass goes on to the item at the position to of the list, without reading the
// items before it.
func (b *backlog) pass(to int) {
	if to = min(to, len(b.listed)); to > b.at {
		b.at, b.passed = to, true
	}
}
