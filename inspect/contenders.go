package inspect

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/recipe/owner"
	"github.com/docent-go/docent/internal/recipe/recognise"
	"github.com/docent-go/docent/internal/recipe/waitqueue"
)

// reasonNoSession is the mark of a node that is not ephemeral, although its
// recipe makes ephemeral nodes.
const reasonNoSession = "it belongs to no session, and stays until a client deletes it"

// inOrder returns the nodes of a wait queue, in order, and takes them.
func (c *classifier) inOrder(n *node) []*node {
	var nodes []*node
	for _, p := range waitqueue.InOrder(n.names, lineTags[n.shape]) {
		if k := n.kid(p.Name); k != nil {
			nodes = append(nodes, k)
		}
	}
	c.take(nodes...)
	return nodes
}

// markWithoutSession marks the nodes that belong to no session.
func markWithoutSession(h *Header, nodes []*node) {
	for _, k := range nodes {
		if k.lasting() {
			h.Abandoned = append(h.Abandoned, Mark{k.path, reasonNoSession})
		}
	}
}

// line recognises mutexes, read/write locks, elections and leases.
func (c *classifier) line(n *node) Finding {
	switch n.shape {
	case shapeLock:
		return c.lock(n)
	case shapeRW:
		return c.rwlock(n)
	case shapeLatch:
		return c.election(n)
	case shapeLeases:
		f := &Semaphore{Header: headerAs(KindSemaphore, n)}
		c.permits(f, n, nil)
		return f
	}
	return nil
}

func (c *classifier) lock(n *node) *Lock {
	f := &Lock{Header: headerAs(KindLock, n)}
	nodes := c.inOrder(n)
	all := c.owners(nodes)
	f.Layouts = layoutsOf(all)
	markWithoutSession(&f.Header, nodes)
	if len(all) > 0 {
		f.Holder, f.Waiters = &all[0], all[1:]
	}
	for _, p := range all {
		// The data of a node is mostly an address in a mutex of Curator, and a
		// name in an election.
		f.MayBeElection = f.MayBeElection || p.Layout == Kazoo || p.Layout == Curator && p.ID != "" && !isAddress(p.ID)
	}
	if slices.Contains(f.Layouts, Docent) {
		f.MayBeElection = false // only Docent's mutex writes such data
	}
	ofKazoo := func(k *node) bool { return recognise.HasSeq(k.name, kazooLock) }
	if slices.Contains(f.Layouts, Curator) && slices.ContainsFunc(nodes, ofKazoo) {
		f.Notes = append(f.Notes, "contenders of kazoo and of Curator: they do not exclude each other, unless kazoo's locks have Curator's names in extra_lock_patterns")
	}
	if request := n.kid(transferName); request != nil {
		f.MayBeElection = true
		c.take(request)
		markWithoutSession(&f.Header, []*node{request})
	}
	if f.MayBeElection {
		f.Notes = append(f.Notes, "elections of Curator's LeaderSelector and of kazoo look the same: the holder may be a leader")
	}
	return f
}

func (c *classifier) rwlock(n *node) *RWLock {
	f := &RWLock{Header: headerAs(KindRWLock, n)}
	nodes := c.inOrder(n)
	all := c.owners(nodes)
	markWithoutSession(&f.Header, nodes)
	held := true
	for i := range all {
		all[i].Mode = ModeWrite
		if _, reads := znode.ParseSeq(nodes[i].name, curatorRead, kazooRead); reads {
			all[i].Mode = ModeRead
		}
		// Readers hold up to the first writer. A writer holds if it is the
		// first of all.
		if all[i].Mode == ModeWrite {
			held = held && i == 0
		} else if i > 0 && all[i-1].Mode == ModeWrite {
			held = false
		}
		if held {
			f.Holders = append(f.Holders, all[i])
		} else {
			f.Waiters = append(f.Waiters, all[i])
		}
	}
	f.Layouts = layoutsOf(all)
	return f
}

func (c *classifier) election(n *node) *Election {
	f := &Election{Header: headerAs(KindElection, n)}
	nodes := c.inOrder(n)
	all := c.owners(nodes)
	f.Layouts = layoutsOf(all)
	markWithoutSession(&f.Header, nodes)
	if len(all) > 0 {
		f.Leader, f.Candidates = &all[0], all[1:]
	}
	request := n.kid(transferName)
	if request == nil {
		return f
	}
	c.take(request)
	markWithoutSession(&f.Header, []*node{request})
	var w struct{ ID, Node string }
	if json.Unmarshal(request.data, &w) == nil && w.Node != "" {
		f.Transfer = w.ID
		if _, exists := slices.BinarySearch(n.names, w.Node); !exists {
			f.Abandoned = append(f.Abandoned, Mark{request.path, "it names a candidate that does not exist any longer"})
		}
	}
	return f
}

// semaphore recognises semaphores of Docent and Curator: a directory "leases",
// and a directory "locks" with the wait queue. Empty directories are removed.
func (c *classifier) semaphore(n *node) Finding {
	leases, locks := n.kid("leases"), n.kid("locks")
	if n.shape != shapePlain || leases == nil || leases.shape != shapeLeases && !(leases.leaf() && locks != nil) {
		return nil
	}
	f := &Semaphore{Header: headerAs(KindSemaphore, n)}
	c.take(leases)
	var queue []*node
	if locks != nil && (locks.shape == shapeLock || locks.leaf()) {
		c.take(locks)
		nodes := c.inOrder(locks)
		markWithoutSession(&f.Header, nodes)
		f.Waiters = c.owners(nodes)
		f.Unread += locks.omitted
		queue = nodes
	}
	c.permits(f, leases, queue)
	return f
}

// permits fills in the holders of permits. The first waiter creates its lease
// before it has a permit: such a lease is not a holder. Docent's lease names
// the waiter's node. For Curator, it is the newest lease of the waiter's
// session.
func (c *classifier) permits(f *Semaphore, leases *node, queue []*node) {
	if leases.shape != shapeLeases {
		return
	}
	nodes := c.inOrder(leases)
	markWithoutSession(&f.Header, nodes)
	held := make([]*node, 0, len(nodes))
	pending := len(queue) > 0 && layoutOf(queue[0].name) == Curator
	for _, k := range slices.Backward(nodes) {
		o, ours := owner.Parse(k.data)
		switch {
		case slices.ContainsFunc(queue, func(w *node) bool { return o.Place == w.name }):
		case pending && !ours && k.stat.EphemeralOwner == queue[0].stat.EphemeralOwner:
			pending = false
		default:
			held = append(held, k)
		}
	}
	slices.Reverse(held)
	f.Holders = c.owners(held)
	f.Used = len(f.Holders) + leases.omitted
	f.Unread += leases.omitted
	f.Layouts = layoutsOf(f.Holders, f.Waiters)
}

// kazooSemaphore recognises semaphores of kazoo: the node's data is the limit,
// its children are leases with names of 32 hexadecimal digits, and the wait
// queue is a sibling.
func (c *classifier) kazooSemaphore(n *node) Finding {
	limit, err := strconv.Atoi(string(n.data))
	if n.shape != shapePlain || err != nil || limit < 1 || n.parent == nil {
		return nil
	}
	line := n.parent.kid(n.name + "-" + kazooLock)
	leases := n.kids
	for _, name := range n.names {
		if len(name) != hexLen || !znode.IsHex(name) {
			return nil
		}
	}
	if line == nil {
		return nil // kazoo never removes the queue: this is not a semaphore
	}
	f := &Semaphore{Header: headerAs(KindSemaphore, n), Limit: limit, Holders: c.permitted(leases), Used: len(n.names)}
	c.take(leases...)
	markWithoutSession(&f.Header, leases)
	f.Unread = n.omitted
	if line.shape == shapeLock || line.leaf() {
		c.take(line)
		nodes := c.inOrder(line)
		markWithoutSession(&f.Header, nodes)
		f.Waiters = c.owners(nodes)
		f.Unread += line.omitted
	}
	f.Layouts = []Layout{Kazoo}
	return f
}

// permitted returns the holders of kazoo's permits. kazoo creates a lease when
// there is a free permit.
func (c *classifier) permitted(leases []*node) []Owner {
	all := c.owners(leases)
	for i, o := range all {
		all[i] = o.holding()
	}
	return all
}

func isAddress(s string) bool {
	return strings.Count(s, ".") == 3 && strings.Trim(s, "0123456789.") == "" || strings.Count(s, ":") >= 2
}
