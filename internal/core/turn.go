package core

import (
	"context"
	"errors"
	"time"

	"github.com/docent-go/docent/internal/base/misuse"
	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/conn"
	"github.com/docent-go/docent/internal/wire"
)

// Turn is the prepared turn of a waiting node: with it, the end of the node's
// predecessor is sufficient for a hold. See Node.Prepare.
type Turn struct {
	// Names are the children of the node's directory, in no particular order.
	// It is nil unless they were requested.
	Names []string
	// Watch is the watch on the predecessor. It is nil if the predecessor is
	// missing.
	Watch *Watch
	// Pred is the predecessor. It is zero if the predecessor is missing. Its
	// stat is zero if a server hides it.
	Pred Sighting
	// Stat is the stat of our own node. It is zero if our node was already
	// watched.
	Stat Stat

	n    *Node
	link *conn.Conn // the connection of all reads; nil if there were several
}

// Prepare watches the predecessor at path before, and this node, which the
// session watches only once. With list, it lists the directory of this node
// first. All requests are sent in one packet, in this order.
//
// A missing predecessor is not an error: Turn.Watch is nil. A predecessor that
// the session may not read is watched as by SeeW. The caller stops the watch.
//
// Prepare returns ErrDeleted if this node is gone, and the error of Watch if
// the session may not read this node. ctx bounds the requests, which Prepare
// sends again after a lost connection. If Prepare fails, it leaves no watch on
// the predecessor.
func (n *Node) Prepare(ctx context.Context, before string, list bool) (*Turn, error) {
	n.made()
	s := n.s
	if err := znode.Validate(before); err != nil {
		return nil, s.refuse(prepareOp, before, err)
	}
	// The request that sets the watch again is longer than the read that sets it.
	if err := s.fits(wire.SetWatchesHeader + wire.StringSize(s.abs(before))); err != nil {
		return nil, s.refuse(prepareOp, before, err)
	}
	start := time.Now()
	t := &Turn{n: n}
	var said error // why the packet is sent again
	for attempt := 0; ; attempt++ {
		link, err := s.waitUp(ctx)
		if err != nil {
			return nil, s.report(prepareOp, before, start, because(err, said))
		}
		p := n.preparation(before, list)
		p.send(link)
		o, err := p.complete(ctx, t)
		switch {
		case err == nil:
			return t, s.report(prepareOp, before, start, nil)
		case errors.Is(err, ErrDeleted):
			return nil, err
		case o.final(), o == open:
			return nil, s.report(prepareOp, before, start, err)
		case s.over(ctx):
			return nil, s.report(prepareOp, before, start, s.last(ctx, err, said))
		}
		said = err
		s.sleep(ctx, attempt)
	}
}

const prepareOp = "prepare"

// Lasts reports whether the end of the predecessor proves that this node
// existed at that time. If Lasts returns true after the event of that end, an
// earlier deletion of this node was reported earlier, by Gone.
//
// Lasts returns false after a reconnection, because a server then sends the
// missed events in any order. It returns false while this node is not watched
// after a write to it, which the session is about to read. It returns false if
// the session may not read the predecessor. It does no I/O.
func (t *Turn) Lasts() bool {
	misuse.ZeroValue(t == nil || t.n == nil, "or nil core.Turn", "Node.Prepare")
	n, s := t.n, t.n.s
	n.mu.Lock()
	watched := n.watched && n.used == 0
	n.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	return watched && t.link != nil && s.link == t.link
}

// preparation is one packet of Prepare.
type preparation struct {
	n    *Node
	list *asked[listing] // nil unless requested
	pred *watching       // the predecessor
	own  *watching       // nil if the node is watched
	link *conn.Conn
}

// asked is a request and its call.
type asked[T any] struct {
	request[T]
	call *conn.Call
}

// watching is a read of a node that joins a watch.
type watching struct {
	asked[node]
	path   string
	watch  *Watch
	shares bool // the server already has the watch
}

// preparation joins the watches before the reads are sent.
func (n *Node) preparation(before string, list bool) *preparation {
	p := &preparation{n: n, pred: n.s.watching(before, nil)}
	if list {
		dir, _ := znode.Split(n.path)
		p.list = &asked[listing]{request: n.s.childrenRequest(dir, false)}
	}
	n.mu.Lock()
	watched := n.watched
	n.watched = true
	n.mu.Unlock()
	if !watched {
		p.own = n.s.watching(n.path, n.onEvent)
	}
	return p
}

func (s *Session) watching(path string, call func(EventType)) *watching {
	w := &watching{path: path}
	w.watch, w.shares = s.watches.join(s.abs(path), dataWatch, call)
	w.request = s.getRequest(path, !w.shares)
	return w
}

// enqueue fixes the request's position in the stream.
func (a *asked[T]) enqueue(link *conn.Conn) (queued conn.Queued) {
	if a.queue != nil {
		a.call, queued = a.queue(link)
		return queued
	}
	a.call = a.request.call()
	return link.Enqueue(a.call)
}

// send sends the requests in one packet.
func (p *preparation) send(link *conn.Conn) {
	p.link = link
	var queued [3]conn.Queued
	if p.list != nil {
		queued[0] = p.list.enqueue(link)
	}
	queued[1] = p.pred.enqueue(link)
	if p.own != nil {
		queued[2] = p.own.enqueue(link)
	}
	for _, q := range queued {
		q.Write()
	}
}

// complete waits for the answers. It takes the last answer first: the others
// have arrived by then, so the caller wakes up once.
func (p *preparation) complete(ctx context.Context, t *Turn) (outcome, error) {
	t.link = p.link
	o, err := p.completeOwn(ctx, t)
	if err == nil {
		o, err = p.completeList(ctx, t)
	}
	if err == nil {
		return p.completePred(ctx, t)
	}
	p.abandon(ctx)
	return o, err
}

// abandon gives up a packet after one of its requests has failed. A watch that
// the server has set is noted before its waiter leaves, so that the watch is
// removed. Requests that are unsent when ctx ends are withdrawn.
func (p *preparation) abandon(ctx context.Context) {
	s := p.n.s
	if p.list != nil {
		p.list.call.Await(ctx, s.ctx.Done())
	}
	if _, _, err := p.pred.read(ctx, s); err == nil {
		p.pred.watch.Stop()
	}
}

func (p *preparation) completeOwn(ctx context.Context, t *Turn) (outcome, error) {
	if p.own == nil {
		return executed, nil
	}
	n := p.n
	read, o, err := p.own.read(ctx, n.s)
	switch {
	case errors.Is(err, ErrNoAuth):
		n.unwatch()
		t.link = nil // the next read comes after the read of the predecessor
		t.Stat, err = n.Watch(ctx)
		return refused, err
	case errors.Is(err, ErrNoNode):
		n.markDeleted()
		return o, ErrDeleted
	case err != nil:
		n.unwatch()
		return o, err
	}
	t.Stat, err = n.take(Sighting{Data: read.data, Stat: read.stat})
	return o, err
}

func (p *preparation) completeList(ctx context.Context, t *Turn) (outcome, error) {
	if p.list == nil {
		return executed, nil
	}
	l, o, err := outcomeOf(ctx, p.n.s, p.list.request, p.list.call)
	if errors.Is(err, ErrNoNode) {
		return o, ErrDeleted // the directory is gone, and so is this node
	}
	t.Names = l.names
	return o, err
}

func (p *preparation) completePred(ctx context.Context, t *Turn) (outcome, error) {
	read, o, err := p.pred.read(ctx, p.n.s)
	t.Watch, t.Pred = p.pred.watch, Sighting{Data: read.data, Stat: read.stat}
	if errors.Is(err, ErrNoAuth) {
		t.link = nil // the end of a hidden node has no event
		t.Pred, t.Watch, err = p.n.s.SeeFunc(ctx, p.pred.path, nil)
	}
	if errors.Is(err, ErrNoNode) {
		t.Watch, err = nil, nil
	}
	return o, err
}

// read waits for the answer. If the read fails, its waiter leaves the watch.
func (w *watching) read(ctx context.Context, s *Session) (node, outcome, error) {
	n, o, err := outcomeOf(ctx, s, w.request, w.call)
	switch {
	case errors.Is(err, ErrNoAuth):
		s.watches.aclsInUse()
	case err == nil && !w.shares:
		s.watches.arm(w.watch, n.sighting())
	}
	if err != nil {
		w.watch.Stop()
	}
	return n, o, err
}
