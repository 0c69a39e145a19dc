package zktest

import "sync"

// queue is a queue with one consumer. A push never blocks, so a slow reader on
// one connection cannot hold up the server.
type queue[T any] struct {
	size func(T) int

	mu     sync.Mutex
	cond   *sync.Cond
	items  []T
	bytes  int // the size of all items
	closed bool
}

func newQueue[T any](size func(T) int) *queue[T] {
	q := &queue[T]{size: size}
	q.cond = sync.NewCond(&q.mu)
	return q
}

// push appends an item, and returns the size of the items before it. After
// close, push drops the item.
func (q *queue[T]) push(v T) (before int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	before = q.bytes
	if !q.closed {
		q.items = append(q.items, v)
		q.bytes += q.size(v)
		q.cond.Broadcast()
	}
	return before
}

// pop waits for the next item. It reports false once the queue is closed and empty.
func (q *queue[T]) pop() (T, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.items) == 0 && !q.closed {
		q.cond.Wait()
	}
	var v T
	if len(q.items) == 0 {
		return v, false
	}
	v = q.items[0]
	q.items[0] = *new(T)
	q.items = q.items[1:]
	q.bytes -= q.size(v)
	q.cond.Broadcast()
	return v, true
}

// awaitRoom waits until the items take at most limit bytes, or the queue is
// closed.
func (q *queue[T]) awaitRoom(limit int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.bytes > limit && !q.closed {
		q.cond.Wait()
	}
}

// close ends the queue. The consumer still gets the items that are in it.
func (q *queue[T]) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.cond.Broadcast()
}

// gate blocks its callers while it is shut.
type gate struct {
	mu   sync.Mutex
	open chan struct{} // closed while the gate is open; nil means open too
}

func (g *gate) set(shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	isShut := g.open != nil
	switch {
	case shut && !isShut:
		g.open = make(chan struct{})
	case !shut && isShut:
		close(g.open)
		g.open = nil
	}
}

func (g *gate) shut() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open != nil
}

// pass waits until the gate is open. It reports false if done is closed first.
func (g *gate) pass(done <-chan struct{}) bool {
	for {
		g.mu.Lock()
		open := g.open
		g.mu.Unlock()
		if open == nil {
			return true
		}
		select {
		case <-open:
		case <-done:
			return false
		}
	}
}
