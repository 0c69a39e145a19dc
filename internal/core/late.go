package core

import (
	"sync"
	"time"
)

// watchLate is how long a hold lasts before its node is watched. A shorter hold
// costs no request for a watch, which would be of no use when the node is
// deleted.
//
// The watch works no worse for it: the deletion by another client is never
// known before it has happened, and a deletion in this time is found when the
// watch is set.
const watchLate = 10 * time.Millisecond

// lateWatches has the nodes of holds that will be watched if the holds last.
// The nodes share timers: a timer for each hold would cost as much as the saved
// request, because the runtime has to wake up for it. A node keeps its place
// when its hold is handed on. After its last hold, nothing is done for it.
type lateWatches struct {
	mu     sync.Mutex
	queues map[time.Duration][]lateWatch // by the time that the holds have to last; the oldest first
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

// run watches the nodes that are due, and schedules the next run.
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
