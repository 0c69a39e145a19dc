package line

import (
	"context"
	"sync"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/znode"
)

// vacancy is what a line remembers of a contender of its own that had the line
// to itself: if the next one gets the next number, nobody else has joined in
// between, and it is first without a look at the others. A lock that one
// process takes again and again costs no lists then.
//
// What is proven: a contender with the number n+1 is first if
//
//  1. the contender before it, with the number n, was alone when it was made:
//     nobody stood before it then. Nor does anybody with a smaller number later,
//     since the numbers of a directory grow.
//  2. That contender had gone before this one's create was sent.
//  3. Nobody has a number between n and n+1.
//  4. Both stood in the same life of the directory: numbers begin anew with the
//     next. The directory is watched, its czxid in 1 is that of the watch, and
//     the watch had not fired when the create was answered. A server tells a
//     session of an event before it answers what came later, and a deletion of
//     the directory between the two creates comes before the answer to the
//     second.
//
// It does not hold for somebody who makes a node with a number of his own
// choice (neither do lines), nor where an operator takes away our right to read the
// directory, which silences the watch, and then makes it anew so that the very
// next number is right.
//
// Contenders who may hold beside others, and heirs, who come to a number without
// being given it, are left out: lines with such list as ever.
type vacancy struct {
	mu     sync.Mutex
	last   *core.Node // our newest contender if it was alone, else nil
	number znode.Seq  // that it got
	dir    int64      // the directory's czxid at that time
	life   *core.Life // of the directory, nil while it is not watched
	asking bool       // for life
	over   bool       // nobody has the line any more
	quiet  bool       // the last two had the line to themselves: the next one may, too
}

// after returns the number whose successor is first in line. Nothing is known
// for a session that has not been alone before.
func (v *vacancy) after(s *core.Session) (znode.Seq, *core.Life, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	known := v.quiet && v.last != nil && v.last.Session() == s && v.last.HasGone() && v.watched()
	return v.number, v.life, known
}

// watched reports whether the directory is watched in which the newest
// contender stood. The caller holds mu.
func (v *vacancy) watched() bool {
	return v.life != nil && v.life.Czxid() == v.dir && v.life.Lasts()
}

// follows notes a contender that is first because of its number, in the given
// life of the directory.
func (v *vacancy) follows(c *contender, life *core.Life) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if life.Czxid() == v.dir { // else another has seen the next life in the meantime
		v.last, v.number = c.Node, c.self
	}
}

// listed notes what a contender saw in its list. Where the line is quiet, the
// directory is watched from then on.
func (v *vacancy) listed(c *contender, dir core.Stat) {
	v.mu.Lock()
	defer v.mu.Unlock()
	before, number := v.last, v.number
	v.last, v.number, v.dir, v.quiet = c.Node, c.self, dir.Czxid, false
	if c.view.before > 0 || c.view.behind {
		v.last = nil
		return
	}
	if before == nil || before.Session() != c.s || c.self != number+1 {
		return // one that was alone may yet be one of many
	}
	v.quiet = true
	if !v.watched() && !v.asking {
		if v.life != nil {
			v.life.Stop()
			v.life = nil
		}
		v.asking = true
		path, _ := znode.Split(c.Path())
		go v.watch(c.s, path) // ends with the session
	}
}

// forget gives the watch up: it is the cleanup of the line.
func (v *vacancy) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.over = true
	if v.life != nil {
		v.life.StopLater()
	}
}

func (v *vacancy) watch(s *core.Session, dir string) {
	life, err := s.Life(context.Background(), dir)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asking = false
	switch {
	case err != nil: // then there are lists
	case !v.over && v.life == nil && life.Czxid() == v.dir:
		v.life = life
	default:
		life.Stop()
	}
}
