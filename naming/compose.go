package naming

import (
	"bytes"

	"github.com/docent-go/docent/internal/mirror"
	"github.com/docent-go/docent/internal/treap"
)

// composed is what the nodes of a service say. A new state costs what has changed in it,
// and a copy of the pointers.
type composed struct {
	last    *mirror.TreeState // of which this was made
	nodes   map[string]*known
	wanted  treap.Map[known] // the instances to show
	bad     treap.Map[known] // nodes that hold no instance
	refused treap.Map[reported]
	present index // the instances, with those that the filter leaves out (Where)

	shown      []*known // wanted, in the order of the nodes' names
	problems   []error  // of bad, in the same order
	unreadable []error  // of refused, in the same order
}

// compose reads what has changed in the nodes since the last state. A node whose data
// has not changed is not decoded again.
func (s *Service) compose(now *mirror.TreeState) {
	c := &s.composed
	if c.nodes == nil {
		c.nodes, c.present = make(map[string]*known), makeIndex()
	}
	wanted, bad, refused := c.wanted, c.bad, c.refused
	for change := range now.Since(c.last) {
		c.refuse(now, change.Key)
		if change.Key != "" {
			s.composeNode(change.Key, change.After)
		}
	}
	for change := range now.HiddenSince(c.last) {
		c.refuse(now, change.Key)
	}
	c.last = now
	if differ(wanted, c.wanted) {
		c.shown = make([]*known, 0, c.wanted.Len())
		for _, k := range c.wanted.All() {
			c.shown = append(c.shown, k)
		}
	}
	if differ(bad, c.bad) {
		c.problems = make([]error, 0, c.bad.Len())
		for _, k := range c.bad.All() {
			c.problems = append(c.problems, k.err)
		}
	}
	if differ(refused, c.refused) {
		c.unreadable = make([]error, 0, c.refused.Len())
		for _, r := range c.refused.All() {
			c.unreadable = append(c.unreadable, r.err)
		}
	}
}

// differ reports whether two maps hold other values.
func differ[V any](a, b treap.Map[V]) bool {
	for range treap.Diff(a, b) {
		return true
	}
	return false
}

// composeNode takes one node, which is nil if it is gone.
func (s *Service) composeNode(name string, n *mirror.TreeNode) {
	c := &s.composed
	old := c.nodes[name]
	if n == nil {
		c.take(name, old)
		delete(c.nodes, name)
		return
	}
	switch {
	case old != nil && old.czxid == n.Stat.Czxid && old.mzxid == n.Stat.Mzxid:
		return
	case old != nil && old.err == nil && bytes.Equal(old.data, n.Data): // written again as it was
		old.czxid, old.mzxid = n.Stat.Czxid, n.Stat.Mzxid
		return
	}
	c.take(name, old)
	k := &known{czxid: n.Stat.Czxid, mzxid: n.Stat.Mzxid, data: n.Data}
	k.in, k.err = s.r.decode(s.name, name, n.Data)
	c.nodes[name] = k
	if k.err != nil {
		c.bad = c.bad.Put(name, k)
		return
	}
	c.present.add(k, 1)
	if s.opts.keep == nil || s.opts.keep(k.in) {
		c.wanted = c.wanted.Put(name, k)
	}
}

// take takes out what a node was, which may be nothing.
func (c *composed) take(name string, old *known) {
	if old == nil {
		return
	}
	if old.err == nil {
		c.present.add(old, -1)
	}
	c.wanted, c.bad = c.wanted.Delete(name), c.bad.Delete(name)
}

// refuse notes why a node below the directory may not be read, or that it may.
func (c *composed) refuse(now *mirror.TreeState, name string) {
	err := now.Refused(name)
	before := c.refused.Get(name)
	switch {
	case name == "":
	case err == nil:
		c.refused = c.refused.Delete(name)
	case before == nil || before.err.Error() != err.Error():
		c.refused = c.refused.Put(name, &reported{err})
	}
}
