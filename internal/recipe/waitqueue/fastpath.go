package waitqueue

import (
	"context"
	"sync"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/core"
)

// fastPath is what a Queue remembers of its own contender that was alone in the
// wait queue. If the next contender gets the next number, no other contender
// has joined in between, and it is first without a list. So a lock that one
// process takes again and again costs no lists.
//
// What is proven: a contender with the number n+1 is first if
//
//  1. The contender before it, with the number n, was alone when its node was
//     created: there was no contender before it. No contender with a smaller
//     number comes later, since the numbers of a directory grow.
//  2. That contender's node was gone before the create of this one was sent.
//  3. No number lies between n and n+1.
//  4. Both nodes were created in the same incarnation of the directory, since
//     the next one starts its numbers anew. The directory is watched, its czxid
//     in 1 is the czxid of the watch, and the watch had not fired when the
//     create was answered. A server sends a session an event before the answers
//     to later requests, so the event of a deletion of the directory between
//     the two creates comes before the answer to the second create.
//
// The proof fails in two cases. A client creates a node with a sequence number
// that it chose itself; this breaks every wait queue. Or an operator removes
// our right to read the directory, which silences the watch. The operator then
// creates the directory again so that exactly the next number comes.
//
// Wait queues with Config.Compatible are not covered, since their contenders
// may hold together. Nor are wait queues with Config.Successors, since a
// successor has a number that the server did not assign. They always list the
// directory.
type fastPath struct {
	mu     sync.Mutex
	last   *core.Node // our newest contender if it was alone, otherwise nil
	number znode.Seq  // the number of our newest contender
	dir    int64      // the directory's czxid at that time
	life   *core.Life // of the directory, nil while it is not watched
	asking bool       // a goroutine reads life
	ended  bool       // the Queue was garbage collected
	quiet  bool       // the last two contenders were alone: the next one may be, too
}

// after returns a number: a contender with the next number is first. It returns
// false if nothing is known, such as for a session without a contender that was
// alone.
func (f *fastPath) after(s *core.Session) (znode.Seq, *core.Life, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	known := f.quiet && f.last != nil && f.last.Session() == s && f.last.HasGone() && f.watched()
	return f.number, f.life, known
}

// watched reports whether the directory of the newest contender is watched, in
// the same incarnation. The caller holds mu.
func (f *fastPath) watched() bool {
	return f.life != nil && f.life.Czxid() == f.dir && f.life.Lasts()
}

// follows notes a contender that is first because of its number, in the given
// incarnation of the directory.
func (f *fastPath) follows(c *contender, life *core.Life) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if life.Czxid() == f.dir { // otherwise another contender has seen the next incarnation meanwhile
		f.last, f.number = c.Node, c.self
	}
}

// listed notes what a contender saw in its list. If the second contender in a
// row was alone, the directory is watched from then on.
func (f *fastPath) listed(c *contender, dir core.Stat) {
	f.mu.Lock()
	defer f.mu.Unlock()
	before, number := f.last, f.number
	f.last, f.number, f.dir, f.quiet = c.Node, c.self, dir.Czxid, false
	if c.view.before > 0 || c.view.behind {
		f.last = nil
		return
	}
	if before == nil || before.Session() != c.s || c.self != number+1 {
		return // one contender that was alone does not make a quiet queue
	}
	f.quiet = true
	if !f.watched() && !f.asking {
		if f.life != nil {
			f.life.Stop()
			f.life = nil
		}
		f.asking = true
		path, _ := znode.Split(c.Path())
		go f.watch(c.s, path) // ends with the session
	}
}

// forget stops the watch. It is the cleanup of the Queue.
func (f *fastPath) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	if f.life != nil {
		f.life.StopLater()
	}
}

func (f *fastPath) watch(s *core.Session, dir string) {
	life, err := s.Life(context.Background(), dir)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asking = false
	switch {
	case err != nil: // contenders then go on with lists
	case !f.ended && f.life == nil && life.Czxid() == f.dir:
		f.life = life
	default:
		life.Stop()
	}
}
