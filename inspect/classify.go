package inspect

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/docent-go/docent/internal/base/stamp"
	"github.com/docent-go/docent/internal/recipe/owner"
	"github.com/docent-go/docent/session"
)

// findings classifies the nodes of a tree, in the order of the tree. It calls
// leaveOut for each node whose owner is reported without what its data tells.
func findings(top *node, leaveOut func(*node)) []Finding {
	c := &classifier{taken: make(map[*node]bool), kept: make(map[*node]int), leaveOut: leaveOut}
	c.visit(top)
	return c.all
}

// classifier goes through a tree from the top down. A recipe takes the nodes
// that belong to it: they are not findings themselves.
type classifier struct {
	all   []Finding
	taken map[*node]bool
	kept  map[*node]int // values in the histories of keys

	leaveOut func(*node)
}

// recognisers are called in turn for a node. A recogniser returns nil if the
// node does not belong to its recipe. The most specific come first.
var recognisers = []func(*classifier, *node) Finding{
	(*classifier).job,
	(*classifier).semaphore,
	(*classifier).kazooSemaphore,
	(*classifier).partitioner,
	(*classifier).queueTree,
	(*classifier).dubbo,
	(*classifier).line,
	(*classifier).queue,
	(*classifier).double,
	(*classifier).service,
	(*classifier).history,
	(*classifier).group,
	(*classifier).dubboRecord,
	(*classifier).leaf,
}

func (c *classifier) visit(n *node) {
	c.histories(n)
	if !c.taken[n] {
		f := c.find(n)
		f.Head().Kept += c.kept[n]
		c.all = append(c.all, f)
	}
	if n.hidden != "" {
		c.all = append(c.all, &Hidden{headerAs(KindHidden, n), n.hidden})
	}
	for _, kid := range n.kids {
		c.visit(kid)
	}
	if n.omitted > 0 && n.shape == shapePlain {
		h := Header{Kind: KindOmitted, Path: n.path}
		c.all = append(c.all, &Omitted{h, n.omitted, n.reason})
	}
}

func (c *classifier) find(n *node) Finding {
	for _, recognise := range recognisers {
		if f := recognise(c, n); f != nil {
			return f
		}
	}
	p := &Plain{headerAs(KindPlain, n), int(n.stat.DataLength), session.ID(n.stat.EphemeralOwner)}
	if n.lasting() && layoutOf(n.name) != "" && n.leaf() {
		p.Notes = append(p.Notes, "its name looks like that of a process's znode in a recipe, but no session owns it")
	}
	return p
}

// owner describes the owner of a node.
func (c *classifier) owner(n *node) Owner {
	o := n.owner()
	if o.LeftOut {
		c.leaveOut(n)
	}
	return o
}

// owners describes the owners of a recipe's nodes.
func (c *classifier) owners(nodes []*node) []Owner {
	all := make([]Owner, len(nodes))
	for i, n := range nodes {
		all[i] = c.owner(n)
		if all[i].Layout == "" {
			all[i].Layout = Generic
		}
	}
	return all
}

// take notes that a child belongs to a recipe.
func (c *classifier) take(kids ...*node) {
	for _, k := range kids {
		c.taken[k] = true
	}
}

// headerAs returns the header of a finding on the node.
func headerAs(k Kind, n *node) Header {
	h := Header{
		Kind: k, Path: n.path, Created: n.created(), Children: int(n.stat.NumChildren), Unrecognised: len(n.unrecognised),
	}
	if n.shape != shapePlain {
		h.Unread = n.omitted
	}
	return h
}

// leaf recognises recipes of a single node.
func (c *classifier) leaf(n *node) Finding {
	o, ours := owner.Parse(n.data)
	switch {
	case !n.leaf() || n.hidden == hiddenChildren || n.unknown():
		return nil
	case n.ephemeral():
		f := &OneNode{headerAs(KindOneNode, n), c.owner(n).holding()}
		f.Layouts = layoutsOf([]Owner{f.Holder})
		f.Notes = append(f.Notes, "one ephemeral znode: the holder of a one-node lock or election, whose waiters have no znodes, or a member of another recipe")
		return f
	case ours && o.ID == "" && o.Visit == "":
		f := &Barrier{headerAs(KindBarrier, n), c.owner(n).holding()}
		f.Layouts = []Layout{Docent}
		return f
	case n.stat.DataLength == 0:
		return nil
	case len(n.data) == 4 || len(n.data) == 8:
		var value int64
		if len(n.data) == 4 {
			value = int64(int32(binary.BigEndian.Uint32(n.data)))
		} else {
			value = int64(binary.BigEndian.Uint64(n.data))
		}
		if owner.Text(n.data) != "" {
			break // more likely a word
		}
		f := &Counter{headerAs(KindCounter, n), value, len(n.data), n.stat.Version, stamp.Millis(n.stat.Mtime)}
		f.Layouts = []Layout{Curator}
		f.Notes = append(f.Notes, fmt.Sprintf("any %d bytes look like a counter", len(n.data)))
		return f
	}
	f := &ConfigKey{headerAs(KindConfigKey, n), int(n.stat.DataLength), n.stat.Version, stamp.Millis(n.stat.Mtime)}
	if bytes.HasPrefix(n.data, []byte(`{"once":`)) {
		f.Notes = append(f.Notes, "it looks like a damaged record of a job that runs once per interval: no process runs the job until the znode is deleted")
	}
	return f
}
