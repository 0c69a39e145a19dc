package inspect

import (
	"slices"

	"github.com/docent-go/docent/internal/base/znode"
)

// historyName is the name of the directory beside config keys that has their
// histories, each below the name of its key.
const historyName = ".history"

// histories takes the histories of existing children of n, and their directory
// if it has no other children. The values count for these children.
func (c *classifier) histories(n *node) {
	dir := n.kid(historyName)
	if dir == nil || dir.shape != shapePlain {
		return
	}
	rest := dir.leaf()
	for _, h := range dir.kids {
		key := n.kid(h.name)
		if key == nil || key == dir || h.shape != shapeHistory && !(h.leaf() && h.stat.DataLength == 0 && !h.ephemeral()) {
			rest = true
			continue
		}
		c.kept[key] = h.values()
		c.take(h)
	}
	if !rest {
		c.take(dir)
	}
}

func (n *node) values() int { return len(n.names) - len(n.unrecognised) }

// history recognises the history of a key that is not among the nodes that were
// read.
func (c *classifier) history(n *node) Finding {
	if n.shape != shapeHistory {
		return nil
	}
	f := &History{Header: headerAs(KindHistory, n)}
	f.Layouts = []Layout{Docent}
	f.Kept = n.values()
	dir, _ := znode.Split(n.path)
	above, _ := znode.Split(dir)
	f.Key = znode.Join(above, n.name)
	if n.parent == nil || n.parent.parent == nil {
		return f
	}
	if beside := n.parent.parent.names; !slices.Contains(beside, n.name) {
		f.Notes = append(f.Notes, "the key does not exist")
	}
	return f
}
