package queue

import (
	"cmp"
	"math"
	"slices"

	"github.com/docent-go/docent/internal/base/znode"
)

// oldest returns the sequence number with which the order of the names begins.
// Sequence numbers wrap around, so they lie on a circle. The numbers of a queue
// are within half of the circle, so the widest gap lies between the newest and
// the oldest.
func oldest(names []name) znode.Seq {
	wrapped := false
	for _, n := range names {
		wrapped = wrapped || n.seq < 0
	}
	if !wrapped { // no need to sort
		return 0
	}
	seqs := make([]znode.Seq, len(names))
	for i, n := range names {
		seqs[i] = n.seq
	}
	slices.Sort(seqs)
	start := seqs[0]
	widest := uint32(start - seqs[len(seqs)-1])
	for i := 1; i < len(seqs); i++ {
		if gap := uint32(seqs[i] - seqs[i-1]); gap > widest {
			start, widest = seqs[i], gap
		}
	}
	return start
}

// before is the order in which items are taken: by priority, the smallest
// first, and then in the order in which they were put. start is the result of
// oldest.
func before(a, b name, start znode.Seq) int {
	return cmp.Or(
		cmp.Compare(a.priority, b.priority),
		cmp.Compare(uint32(a.seq-start), uint32(b.seq-start)),
		cmp.Compare(a.text, b.text), // other clients may choose any number
	)
}

// ready is a heap of the items that can be taken now, ordered by before.
type ready struct {
	names []name
	start znode.Seq
}

func (h *ready) Len() int           { return len(h.names) }
func (h *ready) Less(i, j int) bool { return before(h.names[i], h.names[j], h.start) < 0 }
func (h *ready) Swap(i, j int)      { h.names[i], h.names[j] = h.names[j], h.names[i] }
func (h *ready) Push(x any)         { h.names = append(h.names, x.(name)) }
func (h *ready) Pop() any           { return pop(&h.names) }

// waiting is a heap of the items that are not due yet, ordered by due.
type waiting struct{ names []name }

func (h *waiting) Len() int           { return len(h.names) }
func (h *waiting) Less(i, j int) bool { return h.names[i].due < h.names[j].due }
func (h *waiting) Swap(i, j int)      { h.names[i], h.names[j] = h.names[j], h.names[i] }
func (h *waiting) Push(x any)         { h.names = append(h.names, x.(name)) }
func (h *waiting) Pop() any           { return pop(&h.names) }

// next returns when the next item is due, or math.MaxInt64.
func (h *waiting) next() int64 {
	if len(h.names) == 0 {
		return math.MaxInt64
	}
	return h.names[0].due
}

func pop(names *[]name) name {
	last := len(*names) - 1
	n := (*names)[last]
	(*names)[last] = name{}
	*names = (*names)[:last]
	return n
}
