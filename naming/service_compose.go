package naming

import (
	"bytes"
	"cmp"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/docent-go/docent/internal/base/treap"
	"github.com/docent-go/docent/internal/recipe/views"
)

// composed is the instances and problems in the znodes of a service. The cost
// of a new state is what has changed in it.
type composed struct {
	last    *views.TreeState // the state from which this was made
	wanted  treap.Map[known] // the instances to show
	others  treap.Map[known] // the instances that the filter leaves out (Filter)
	bad     treap.Map[known] // znodes that do not hold an instance
	refused treap.Map[reported]
	present *index // wanted and others, while an instance is missing (ProtectEmpty)

	problems   []error // of bad, in the order of the znodes' names
	unreadable []error // of refused, in the same order
}

// compose processes the changes of the znodes since the last state. It does not
// decode unchanged data again.
func (s *Service) compose(now *views.TreeState) {
	c := &s.composed
	bad, refused := c.bad, c.refused
	otherRules := s.rule()
	if c.last == nil {
		s.composeAll(now)
	} else {
		if otherRules {
			s.composeAgain()
		}
		for change := range now.Since(c.last) {
			c.refuse(now, change.Key)
			n := change.After
			if n != nil && n.Unread {
				n = nil
			}
			if change.Key != "" {
				s.composeNode(change.Key, n)
			}
		}
	}
	for change := range now.HiddenSince(c.last) {
		c.refuse(now, change.Key)
	}
	c.last = now
	if treap.Differ(bad, c.bad) {
		c.problems = make([]error, 0, c.bad.Len())
		for _, k := range c.bad.All() {
			c.problems = append(c.problems, k.err)
		}
	}
	if treap.Differ(refused, c.refused) {
		c.unreadable = make([]error, 0, c.refused.Len())
		for _, r := range c.refused.All() {
			c.unreadable = append(c.unreadable, r.err)
		}
	}
}

// composeAll is compose for the first state. The znodes come in the order of
// their names.
func (s *Service) composeAll(now *views.TreeState) {
	c := &s.composed
	nodes := make([]*views.TreeNode, 0, now.Len())
	for n := range now.All() {
		if n.Path != "" && !n.Unread {
			nodes = append(nodes, n)
		}
	}
	wanted := make([]*known, 0, len(nodes))
	for i, k := range s.knowAll(nodes) {
		n := nodes[i]
		if n.Err != nil {
			c.refuse(now, n.Path)
		}
		if s.wants(k) {
			wanted = append(wanted, k)
		} else {
			c.put(n.Path, k, false)
		}
	}
	c.wanted = treap.Sorted(wanted, func(k *known) string { return k.in.ID })
}

// composeAgain decodes the znodes of the last state again, after a change of the
// rules.
func (s *Service) composeAgain() {
	c := &s.composed
	for n := range c.last.All() {
		if n.Path == "" || n.Unread {
			continue
		}
		c.take(n.Path, cmp.Or(c.wanted.Get(n.Path), c.others.Get(n.Path), c.bad.Get(n.Path)))
		k := s.know(n)
		c.put(n.Path, k, s.wants(k))
	}
}

// decodeShare is how many znodes one goroutine decodes.
const decodeShare = 500

// knowAll decodes znodes on all processors. The servers have no part in it.
func (s *Service) knowAll(nodes []*views.TreeNode) []*known {
	all := make([]*known, len(nodes))
	var work errgroup.Group
	work.SetLimit(runtime.GOMAXPROCS(0))
	for from := decodeShare; from < len(nodes); from += decodeShare {
		work.Go(func() error {
			s.knowSome(all[from:min(from+decodeShare, len(nodes))], nodes[from:])
			return nil
		})
	}
	s.knowSome(all[:min(decodeShare, len(nodes))], nodes)
	_ = work.Wait()        // no error is possible
	s.knowSome(all, nodes) // a codec that has ended its goroutine may end this one too
	return all
}

// knowSome decodes the first znodes, except those that are known already.
func (s *Service) knowSome(some []*known, nodes []*views.TreeNode) {
	for i, k := range some {
		if k == nil {
			some[i] = s.know(nodes[i])
		}
	}
}

// composeNode processes one znode; n is nil if it is gone.
func (s *Service) composeNode(name string, n *views.TreeNode) {
	c := &s.composed
	old := cmp.Or(c.wanted.Get(name), c.others.Get(name), c.bad.Get(name))
	if n != nil && old != nil {
		switch {
		case old.czxid == n.Stat.Czxid && old.mzxid == n.Stat.Mzxid:
			return
		case old.err == nil && bytes.Equal(old.data, n.Data): // written again as it was
			old.czxid, old.mzxid = n.Stat.Czxid, n.Stat.Mzxid
			return
		}
	}
	if n == nil {
		c.take(name, old)
		return
	}
	k := s.know(n)
	wants := s.wants(k)
	if old != nil && (!wants || c.wanted.Get(name) == nil) {
		c.take(name, old)
		old = nil
	}
	if old != nil {
		c.index(old, -1)
	}
	c.put(name, k, wants)
}

// know decodes a znode.
func (s *Service) know(n *views.TreeNode) *known {
	k := &known{czxid: n.Stat.Czxid, mzxid: n.Stat.Mzxid, data: n.Data}
	k.in, k.err = s.rules.reader.decode(s.name, n.Path, n.Data)
	return k
}

// wants reports whether a znode holds an instance to show.
func (s *Service) wants(k *known) bool {
	return k.err == nil && (s.opts.filter == nil || s.opts.filter(k.in))
}

// put adds a znode.
func (c *composed) put(name string, k *known, wanted bool) {
	switch {
	case k.err != nil:
		c.bad = c.bad.Put(name, k)
		return
	case wanted:
		c.wanted = c.wanted.Put(name, k)
	default:
		c.others = c.others.Put(name, k)
	}
	c.index(k, 1)
}

// take removes a znode; old is nil if it was unknown.
func (c *composed) take(name string, old *known) {
	if old == nil {
		return
	}
	if old.err == nil {
		c.index(old, -1)
	}
	c.wanted, c.others, c.bad = c.wanted.Delete(name), c.others.Delete(name), c.bad.Delete(name)
}

// index counts an instance as present, or with -1 as gone.
func (c *composed) index(k *known, n int) {
	if c.present != nil {
		c.present.add(k, n)
	}
}

// refuse records why a znode of the directory may not be read, or that it may.
func (c *composed) refuse(now *views.TreeState, name string) {
	if name == "" {
		return
	}
	err := now.Refused(name)
	before := c.refused.Get(name)
	switch {
	case err == nil:
		c.refused = c.refused.Delete(name)
	case before == nil || before.err.Error() != err.Error():
		c.refused = c.refused.Put(name, &reported{err})
	}
}
