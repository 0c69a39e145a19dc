package inspect

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/docent-go/docent/internal/line"
	"github.com/docent-go/docent/internal/recognise"
	"github.com/docent-go/docent/internal/znode"
)

// whyNoSession says of a node that its recipe makes ephemeral that it is not.
const whyNoSession = "it belongs to no session, and so stays until somebody deletes it"

// inLine returns the nodes that stand in a line, in order, and takes them.
func (c *classifier) inLine(n *node) []*node {
	var nodes []*node
	for _, p := range line.InOrder(n.names, lineTags[n.shape]) {
		if k := n.kid(p.Name); k != nil {
			nodes = append(nodes, k)
		}
	}
	c.take(nodes...)
	return nodes
}

// stale marks those nodes that belong to no session.
func stale(h *Header, nodes []*node) {
	for _, k := range nodes {
		if k.lasting() {
			h.Abandoned = append(h.Abandoned, Mark{k.path, whyNoSession})
		}
	}
}

func parties(nodes []*node) []Party {
	all := make([]Party, len(nodes))
	for i, n := range nodes {
		all[i] = n.party()
		if all[i].Layout == "" {
			all[i].Layout = Generic
		}
	}
	return all
}

// line recognises mutexes, locks for readers and writers, and elections.
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
	nodes := c.inLine(n)
	all := parties(nodes)
	f.Layouts = layoutsOf(all)
	stale(&f.Header, nodes)
	if len(all) > 0 {
		f.Holder, f.Waiters = &all[0], all[1:]
	}
	for _, p := range all {
		// A mutex of Curator's mostly holds an address, an election a name.
		f.MayBeElection = f.MayBeElection || p.Layout == Kazoo || p.Layout == Curator && p.ID != "" && !isAddress(p.ID)
	}
	if slices.Contains(f.Layouts, Docent) {
		f.MayBeElection = false // only its mutex writes that: its elections are like Curator's
	}
	kazoos := func(k *node) bool { return recognise.HasSeq(k.name, kazooLock) }
	if slices.Contains(f.Layouts, Curator) && slices.ContainsFunc(nodes, kazoos) {
		f.Notes = append(f.Notes, "names of kazoo's and of Curator's layout: unless kazoo's users set the other's pattern, they do not exclude each other")
	}
	if wish := n.kid(transferName); wish != nil {
		f.MayBeElection = true
		c.take(wish)
	}
	if f.MayBeElection {
		f.Notes = append(f.Notes, "elections of Curator's LeaderSelector and of kazoo look the same: the holder may be a leader")
	}
	return f
}

func (c *classifier) rwlock(n *node) *RWLock {
	f := &RWLock{Header: headerAs(KindRWLock, n)}
	nodes := c.inLine(n)
	all := parties(nodes)
	stale(&f.Header, nodes)
	held := true
	for i := range all {
		all[i].Mode = ModeWrite
		if _, reads := znode.ParseSeq(nodes[i].name, curatorRead, kazooRead); reads {
			all[i].Mode = ModeRead
		}
		// Readers hold up to the first writer, who holds if it is the first of all.
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
	nodes := c.inLine(n)
	all := parties(nodes)
	f.Layouts = layoutsOf(all)
	stale(&f.Header, nodes)
	if len(all) > 0 {
		f.Leader, f.Candidates = &all[0], all[1:]
	}
	wish := n.kid(transferName)
	if wish == nil {
		return f
	}
	c.take(wish)
	var w struct{ ID, Node string }
	if json.Unmarshal(wish.data, &w) == nil && w.Node != "" {
		f.Transfer = w.ID
		if _, stands := slices.BinarySearch(n.names, w.Node); !stands {
			f.Abandoned = append(f.Abandoned, Mark{wish.path, "it names a candidate that does not stand any more"})
		}
	}
	return f
}

// semaphore recognises Docent's and Curator's: "leases", and "locks" in which
// those stand who wait. Both go when they are empty.
func (c *classifier) semaphore(n *node) Finding {
	leases, locks := n.kid("leases"), n.kid("locks")
	if n.shape != shapePlain || leases == nil || leases.shape != shapeLeases && !(leases.leaf() && locks != nil) {
		return nil
	}
	f := &Semaphore{Header: headerAs(KindSemaphore, n)}
	c.take(leases)
	var line []*node
	if locks != nil && (locks.shape == shapeLock || locks.leaf()) {
		c.take(locks)
		nodes := c.inLine(locks)
		stale(&f.Header, nodes)
		f.Waiters = parties(nodes)
		f.Unread += locks.omitted
		line = nodes
	}
	c.permits(f, leases, line)
	return f
}

// permits fills in who has permits. The first in line makes its lease before it
// has a permit: Docent's says for which place in the line it is, and of
// Curator's the newest that the same session owns is taken for it.
func (c *classifier) permits(f *Semaphore, leases *node, line []*node) {
	if leases.shape != shapeLeases {
		return
	}
	nodes := c.inLine(leases)
	stale(&f.Header, nodes)
	held := make([]*node, 0, len(nodes))
	pending := len(line) > 0 && layoutOf(line[0].name) == Curator
	for _, k := range slices.Backward(nodes) {
		o, ours := ownerOf(k.data)
		switch {
		case slices.ContainsFunc(line, func(w *node) bool { return o.Place == w.name }):
		case pending && !ours && k.stat.EphemeralOwner == line[0].stat.EphemeralOwner:
			pending = false
		default:
			held = append(held, k)
		}
	}
	slices.Reverse(held)
	f.Holders = parties(held)
	f.Used = len(f.Holders) + leases.omitted
	f.Unread += leases.omitted
	f.Layouts = layoutsOf(f.Holders, f.Waiters)
}

// kazooSemaphore recognises kazoo's: the limit in the node, leases with 32
// hexadecimal digits for a name, and the line beside the node.
func (c *classifier) kazooSemaphore(n *node) Finding {
	limit, err := strconv.Atoi(string(n.data))
	if n.shape != shapePlain || err != nil || limit < 1 || n.parent == nil {
		return nil
	}
	line := n.parent.kid(n.name + "-" + kazooLock)
	leases := n.kids
	for _, name := range n.names {
		if len(name) != hexLen || !isHex(name) {
			return nil
		}
	}
	if line == nil {
		return nil // kazoo never removes it: without it this is something else
	}
	f := &Semaphore{Header: headerAs(KindSemaphore, n), Limit: limit, Holders: parties(leases), Used: len(n.names)}
	c.take(leases...)
	stale(&f.Header, leases)
	f.Unread = n.omitted
	if line.shape == shapeLock || line.leaf() {
		c.take(line)
		nodes := c.inLine(line)
		stale(&f.Header, nodes)
		f.Waiters = parties(nodes)
		f.Unread += line.omitted
	}
	f.Layouts = []Layout{Kazoo}
	return f
}

func isAddress(s string) bool {
	return strings.Count(s, ".") == 3 && strings.Trim(s, "0123456789.") == "" || strings.Count(s, ":") >= 2
}
