package line

import (
	"math"

	"github.com/docent-go/docent/internal/znode"
)

// view is what one contender sees of the line.
type view struct {
	before int    // how many stand before it and keep it waiting
	pred   string // the name of the last of them
	ahead  string // the name of the one before the last of them, if there are two
	behind bool   // whether anybody stands behind it, of whatever kind
}

// look finds our place among the children of a directory, in one pass: a line
// of thousands is listed by each of its contenders. The order is that of
// znode.Line.
func (l *Line) look(children []string, name string, self znode.Seq) view {
	var v view
	var last, second znode.Seq // the distances of pred and ahead to us
	for _, child := range children {
		if child == name {
			continue
		}
		seq, blocks := znode.ParseSeq(child, l.blockers...)
		if !blocks {
			var beside bool
			if seq, beside = znode.ParseSeq(child, l.beside...); !beside {
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

// free reports whether no contender is left to wait for once the predecessor is gone.
// Newcomers get later numbers, so only an heir can have taken its place.
func (l *Line) free(v view) bool { return v.before == 1 && !l.leavesHeir(v.pred) }

// leavesHeir reports whether the contender of that name may leave another in its place.
func (l *Line) leavesHeir(name string) bool {
	_, heir := znode.ParseSeq(name, l.heirs...)
	return heir
}

// InOrder returns the contenders among children, first come first, as one sees
// them who has no number of its own.
//
// Numbers lie on a circle. Those of a line are close together, so the widest
// gap between neighbours lies between the newest and the oldest: the line
// begins behind it, wherever the wrap is.
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
