package inspect

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/docent-go/docent/internal/recipe/owner"
	"github.com/docent-go/docent/session"
)

// history is a random history of threads that hold locks and wait for locks.
// Its state has a form as znodes, of which inspect makes a report.
type history struct {
	rand    *rand.Rand
	threads []*thread
	locks   []*recipeLock
	zxid    int64
	last    session.ID
	closing bool // no thread begins anything new: threads only release
}

// thread is a thread of a client. It waits for one lock at a time.
type thread struct {
	session session.ID
	layout  Layout
	parents []session.ID // of the session
	ordered bool         // it takes its locks in one order, as lock.Multi does
	child   *thread      // the command that the thread runs, and waits for
	steps   int          // of a command: the number of steps until it ends; -1 for other threads
	held    []*claim
	wait    *claim
}

// ended reports whether a command has ended.
func (t *thread) ended() bool {
	return t.steps == 0 && len(t.held) == 0 && t.wait == nil && t.child == nil
}

// claim is what a thread has in a lock: its place in the queue, a hold, or a
// permit.
type claim struct {
	of        *thread
	lock      *recipeLock
	reads     bool
	impatient bool // it gives up after a while
	seq       int
	zxid      int64
	lease     int64 // the zxid of its lease, 0 without one
}

// recipeLock is a lock, a read/write lock or a semaphore.
type recipeLock struct {
	path    string
	kind    Kind
	kazoo   bool // a semaphore in the layout of kazoo
	limit   int
	queue   []*claim // in order; of a semaphore the waiters, of other kinds the holders too
	permits []*claim
	seq     int
}

func newHistory(seed uint64) *history {
	h := &history{rand: rand.New(rand.NewPCG(seed, 30))}
	size := 5
	if seed%16 == 0 {
		size = 20
	}
	for i := range 2 + h.rand.IntN(size) {
		l := &recipeLock{path: fmt.Sprintf("/l%d", i), kind: []Kind{KindLock, KindLock, KindRWLock, KindSemaphore}[h.rand.IntN(4)]}
		if l.kind == KindSemaphore {
			l.kazoo, l.limit = h.rand.IntN(3) == 0, 1+h.rand.IntN(3)
		}
		h.locks = append(h.locks, l)
	}
	for range 2 + h.rand.IntN(size) {
		h.last++
		layout := []Layout{Docent, Docent, Curator, Kazoo}[h.rand.IntN(4)]
		for range 1 + h.rand.IntN(3) {
			h.threads = append(h.threads, &thread{session: h.last, layout: layout, ordered: h.rand.IntN(4) == 0, steps: -1})
		}
	}
	return h
}

func (h *history) next() int64 {
	h.zxid++
	return h.zxid
}

// round lets each thread make a step, in random order.
func (h *history) round() {
	for _, i := range h.rand.Perm(len(h.threads)) {
		h.step(h.threads[i])
	}
	h.threads = slices.DeleteFunc(h.threads, (*thread).ended)
}

func (h *history) step(t *thread) {
	switch {
	case t.child != nil:
		if t.child.ended() {
			t.child = nil
		}
	case t.wait != nil:
		h.waiting(t, t.wait)
	case t.steps == 0 || h.closing:
		t.steps = min(t.steps, 0)
		h.release(t)
	default:
		t.steps = max(-1, t.steps-1)
		switch n := h.rand.IntN(10); {
		case n < 4 || len(t.held) == 3:
			h.release(t)
		case n < 5 && len(t.held) > 0 && t.layout == Docent:
			h.last++
			t.child = &thread{
				session: h.last, layout: Docent, parents: append(slices.Clone(t.parents), t.session), steps: 1 + h.rand.IntN(6),
			}
			h.threads = append(h.threads, t.child)
		default:
			h.acquire(t)
		}
	}
}

// waiting lets a waiter do what it can.
func (h *history) waiting(t *thread, c *claim) {
	l := c.lock
	first := l.queue[0] == c
	switch {
	case l.kind == KindSemaphore && first && !l.kazoo && c.lease == 0:
		c.lease = h.next()
	case l.kind == KindSemaphore && first && len(l.permits) < l.limit:
		if c.lease == 0 {
			c.lease = h.next()
		}
		l.queue = l.queue[1:]
		l.permits = append(l.permits, c)
		t.held, t.wait = append(t.held, c), nil
	case l.kind != KindSemaphore && slices.Contains(l.holders(), c):
		t.held, t.wait = append(t.held, c), nil
	case c.impatient && h.rand.IntN(3) == 0:
		l.leave(c)
		t.wait = nil
	}
}

// release releases one hold, if there is one.
func (h *history) release(t *thread) {
	if len(t.held) > 0 {
		i := h.rand.IntN(len(t.held))
		t.held[i].lock.leave(t.held[i])
		t.held = slices.Delete(t.held, i, i+1)
	}
}

func (h *history) acquire(t *thread) {
	first := 0
	if t.ordered {
		for _, c := range t.held {
			first = max(first, slices.Index(h.locks, c.lock)+1)
		}
	}
	if first == len(h.locks) {
		h.release(t)
		return
	}
	l := h.locks[first+h.rand.IntN(len(h.locks)-first)]
	if l.kind == KindSemaphore && l.kazoo != (t.layout == Kazoo) {
		return
	}
	c := &claim{
		of: t, lock: l, seq: l.seq, zxid: h.next(),
		reads: l.kind == KindRWLock && h.rand.IntN(2) == 0, impatient: h.rand.IntN(5) == 0,
	}
	l.seq++
	l.queue = append(l.queue, c)
	t.wait = c
}

func (l *recipeLock) leave(c *claim) {
	for _, all := range []*[]*claim{&l.queue, &l.permits} {
		if i := slices.Index(*all, c); i >= 0 {
			*all = slices.Delete(slices.Clone(*all), i, i+1)
		}
	}
}

// holders returns the holders. A contender may not have noticed that it is one.
func (l *recipeLock) holders() []*claim {
	if l.kind == KindSemaphore {
		return l.permits
	}
	n := slices.IndexFunc(l.queue, func(c *claim) bool { return !c.reads })
	switch {
	case n < 0:
		return l.queue
	case n == 0:
		return l.queue[:1]
	}
	return l.queue[:n]
}

// report returns what inspect reports of the znodes of this state.
func (h *history) report() *Report {
	top := &node{path: "/"}
	for _, l := range h.locks {
		l.nodes(top)
	}
	top.complete()
	return &Report{Findings: findings(top, func(*node) {})}
}

// nodes adds the znodes of the lock.
func (l *recipeLock) nodes(top *node) {
	dir := top.add(strings.TrimPrefix(l.path, "/"))
	queue, permits := dir, dir
	switch {
	case l.kazoo:
		dir.data = []byte(strconv.Itoa(l.limit))
		queue = top.add(dir.name + "-" + kazooLock)
	case l.kind == KindSemaphore:
		queue, permits = dir.add("locks"), dir.add("leases")
	}
	for _, c := range l.queue {
		tag := "lock-"
		switch {
		case c.of.layout == Kazoo && c.reads:
			tag = kazooRead
		case c.of.layout == Kazoo:
			tag = kazooLock
		case c.reads:
			tag = curatorRead
		case l.kind == KindRWLock:
			tag = curatorWrite
		}
		queue.claim(c, c.name(c.zxid, tag, c.seq), c.zxid, "")
		if c.lease != 0 {
			permits.claim(c, c.name(c.lease, "lease-", int(c.lease)), c.lease, queue.kids[len(queue.kids)-1].name)
		}
	}
	for _, c := range l.permits {
		name := c.name(c.lease, "lease-", int(c.lease))
		if l.kazoo {
			name = hex32(int(c.lease))
		}
		permits.claim(c, name, c.lease, "")
	}
	for _, n := range []*node{queue, permits, dir} {
		n.complete()
	}
}

// name returns the name of a znode in the layout of the claim's thread.
func (c *claim) name(zxid int64, tag string, seq int) string {
	if c.of.layout == Kazoo {
		return fmt.Sprintf("%s%s%010d", hex32(int(zxid)), tag, seq)
	}
	return curatorName(int(zxid), tag, seq)
}

func (n *node) add(name string) *node {
	kid := &node{path: strings.TrimSuffix(n.path, "/") + "/" + name, name: name, parent: n}
	n.kids = append(n.kids, kid)
	n.names = append(n.names, name)
	return kid
}

// complete is called once a node has all its children.
func (n *node) complete() {
	slices.SortFunc(n.kids, func(a, b *node) int { return strings.Compare(a.name, b.name) })
	slices.Sort(n.names)
	n.names = slices.Compact(n.names)
	n.stat.NumChildren, n.stat.DataLength = int32(len(n.names)), int32(len(n.data))
	if n.shape = shapePlain; len(n.names) > 0 {
		n.recognise()
	}
}

// claim adds a znode of a claim.
func (n *node) claim(c *claim, name string, zxid int64, place string) {
	kid := n.add(name)
	kid.stat.Czxid, kid.stat.Ctime, kid.stat.EphemeralOwner = zxid, zxid, int64(c.of.session)
	switch c.of.layout {
	case Docent:
		data, err := json.Marshal(owner.Data{ID: c.of.session.String(), Host: "h", PID: 1, Parents: c.of.parents, Place: place})
		if err != nil {
			panic(err)
		}
		kid.data = data
	case Curator:
		kid.data = []byte("10.0.0.1")
	default:
		kid.data = []byte("worker")
	}
	kid.stat.DataLength = int32(len(kid.data))
}
