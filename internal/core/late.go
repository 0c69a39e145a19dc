package core

import (
	"sync"
	"time"
)

// watchLate is how long a hold lasts before its node is watched. A lock that
// is held for less than that costs no request for a watch, which would be on
// its way when the node goes.
//
// What the watch is there for, it does no worse: a deletion by others is never
// known before it has happened, and one in this time is found when the watch
// is set.
const watchLate = 10 * time.Millisecond

// lateWatches are the nodes of holds that are to be watched if they last. They
// share timers: one for each hold would cost as much as the request that it
// saves, since the runtime has to wake up for it. A node keeps its place when
// its hold is handed on; after the last, nothing is left to do.
type lateWatches struct {
	mu     sync.Mutex
	queues map[time.Duration][]lateWatch // by how long their holds have to last; the oldest first
}

type lateWatch struct {
	node *Node
	due  time.Time
}

func (l *lateWatches) add(s *Session, n *Node, after time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.queues == nil {
		l.queues = make(map[time.Duration][]lateWatch)
	}
	queue := l.queues[after]
	l.queues[after] = append(queue, lateWatch{n, time.Now().Add(after)})
	if len(queue) == 0 {
		time.AfterFunc(after, func() { l.run(s, after) })
	}
}

// run watches the nodes that are due, and comes back for the next.
func (l *lateWatches) run(s *Session, after time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	queue := l.queues[after]
	now := time.Now()
	for len(queue) > 0 && !queue[0].due.After(now) {
		if n := queue[0].node; !n.unwatched() {
			s.spawn(n.watchOn)
		}
		queue = queue[1:]
	}
	if l.queues[after] = queue; len(queue) == 0 {
		delete(l.queues, after)
		return
	}
	time.AfterFunc(queue[0].due.Sub(now), func() { l.run(s, after) })
}
