package waitqueue

import (
	"math"

	"github.com/docent-go/docent/internal/base/znode"
)

// view is the position of one contender in the wait queue.
type view struct {
	before int    // how many predecessors it has to wait for
	pred   string // the name of the last of them: its predecessor
	ahead  string // the name of the last but one of them, if there are two
	first  string // the name of the first of them
	behind bool   // whether there is a contender behind it, of whatever kind
}

// look finds the position of our contender among the children of a directory.
// It makes one pass, because each contender lists a directory of thousands. The
// order is the order of znode.Line.
func (l *Queue) look(children []string, name string, self znode.Seq) view {
	var v view
	var last, second, farthest znode.Seq // the distances of pred, ahead and first to us
	for _, child := range children {
		if child == name {
			continue
		}
		seq, blocks := znode.ParseSeq(child, l.blockers...)
		if !blocks {
			var compatible bool
			if seq, compatible = znode.ParseSeq(child, l.compatible...); !compatible {
				continue
			}
		}
		distance := seq - self
		if distance > 0 || distance == 0 && child > name {
			v.behind = true
			continue
		}
		if !blocks {
			continue
		}
		v.before++
		if v.before == 1 || distance < farthest || distance == farthest && child < v.first {
			farthest, v.first = distance, child
		}
		switch {
		case v.before == 1 || distance > last || distance == last && child > v.pred:
			second, v.ahead = last, v.pred
			last, v.pred = distance, child
		case v.ahead == "" || distance > second || distance == second && child > v.ahead:
			second, v.ahead = distance, child
		}
	}
	return v
}

// lastBlocker reports whether the predecessor is the last contender to wait
// for. New contenders get later numbers, so only a successor of the predecessor
// (Config.Successors) can take its place.
func (l *Queue) lastBlocker(v view) bool { return v.before == 1 && !l.leavesSuccessor(v.pred) }

// leavesSuccessor reports whether the contender with that name may leave a
// successor.
func (l *Queue) leavesSuccessor(name string) bool {
	_, may := znode.ParseSeq(name, l.successors...)
	return may
}

// InOrder returns the contenders among children, in order, for a reader without
// a sequence number of its own.
//
// Sequence numbers lie on a circle. The numbers in one directory are close
// together, so the widest gap between neighbours separates the newest from the
// oldest. The order begins after this gap, wherever the numbers wrap.
func InOrder(children []string, tags []string) []znode.Place {
	places := znode.Line(children, 0, tags...)
	if len(places) == 0 {
		return nil
	}
	start := places[0].Seq
	widest := uint32(start - places[len(places)-1].Seq)
	for i := 1; i < len(places); i++ {
		if gap := uint32(places[i].Seq - places[i-1].Seq); gap > widest {
			start, widest = places[i].Seq, gap
		}
	}
	return znode.Line(children, start+math.MinInt32, tags...) // as seen from opposite the start
}
