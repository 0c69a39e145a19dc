package inspect

import (
	"slices"
	"time"

	"github.com/docent-go/docent/internal/recipe/recognise"
)

// itemLayouts are the layouts of items.
var itemLayouts = map[recognise.ItemLayout]Layout{
	recognise.Curator: Curator, recognise.Plain: Generic, recognise.Kazoo: Kazoo,
}

// queueTree recognises queues with directories for items, claims and dead
// letters: Docent's, which are Curator's with both paths below one node, and
// kazoo's LockingQueue.
func (c *classifier) queueTree(n *node) Finding {
	if n.shape != shapePlain {
		return nil
	}
	for _, dirs := range []struct {
		items, claims string
	}{{"items", "claims"}, {"entries", "taken"}} {
		items, claims, dead := n.kid(dirs.items), n.kid(dirs.claims), n.kid("dead")
		if items.is(shapeItems) || claims.is(shapeClaims) || dead.is(shapeLetters) {
			c.guards(n.kid("guards"))
			return c.assemble(n, items, claims, dead)
		}
	}
	return nil
}

// is reports whether the node exists and was recognised as s.
func (n *node) is(s shape) bool { return n != nil && n.shape == s }

// queue recognises a directory of items, with siblings for claims and dead
// letters, and a directory of claims or of dead letters without items.
func (c *classifier) queue(n *node) Finding {
	switch n.shape {
	case shapeItems:
		var claims, dead *node
		if n.parent != nil {
			claims, dead = n.parent.kid(n.name+"-claims"), n.parent.kid(n.name+"-dead")
			c.guards(n.parent.kid(n.name + "-guards"))
		}
		return c.assemble(n, n, claims, dead)
	case shapeClaims:
		f := c.assemble(n, nil, n, nil)
		f.Notes = append(f.Notes, "claims of a queue whose items are in another directory")
		return f
	case shapeLetters:
		return c.assemble(n, nil, nil, n)
	}
	return nil
}

// guards takes the znodes that the transactions of claims check.
func (c *classifier) guards(dir *node) {
	if dir == nil {
		return
	}
	guard := func(n *node) bool { return n.leaf() && recognise.HasSeq(n.name, "guard-") }
	if !slices.ContainsFunc(dir.kids, func(k *node) bool { return !guard(k) }) {
		c.take(dir)
	}
	for _, k := range dir.kids {
		if guard(k) {
			c.take(k)
		}
	}
}

// assemble makes a Queue from its directories. Each may be missing, or belong
// to another recipe.
func (c *classifier) assemble(n, items, claims, dead *node) *Queue {
	f := &Queue{Header: headerAs(KindQueue, n)}
	f.Unread = 0
	var layouts []Layout
	if items.is(shapeItems) {
		c.take(items)
		f.Unrecognised = len(items.unrecognised)
		f.Unread = items.omitted
		now := time.Now()
		for _, name := range items.names {
			i, ok := recognise.ParseItem(name)
			if !ok {
				continue
			}
			f.Length++
			layouts = append(layouts, itemLayouts[i.Layout])
			if i.Due.After(now) {
				f.Delayed++
			}
		}
		if first := items.kid(items.oldest); first != nil {
			c.take(first)
			f.Oldest = &Item{Path: first.path, Put: first.created(), Attempts: int(first.stat.Version)}
		}
	} else if items != nil && items.leaf() {
		c.take(items)
	}
	if claims.is(shapeClaims) {
		c.take(claims)
		c.claims(f, claims, items)
		layouts = append(layouts, layoutsIn(f.Claims, func(claim ItemClaim) Layout { return claim.Layout })...)
		if items == nil {
			for _, name := range claims.names {
				if i, ok := recognise.ParseItem(name); ok {
					layouts = append(layouts, itemLayouts[i.Layout])
				}
			}
		}
	} else if claims != nil && claims.leaf() {
		c.take(claims)
	}
	if dead.is(shapeLetters) {
		c.take(dead)
		f.Dead = len(dead.names) - len(dead.unrecognised)
		layouts = append(layouts, Docent)
	} else if dead != nil && dead.leaf() {
		c.take(dead)
	}
	slices.Sort(layouts)
	f.Layouts = slices.Compact(layouts)
	return f
}

// claims fills in the claims. It marks a claim whose item was gone before the
// claim: an acknowledgement removes both.
func (c *classifier) claims(f *Queue, claims, items *node) {
	f.Unread += claims.omitted
	for _, k := range claims.kids {
		if claims.unrecognised[k.name] {
			continue
		}
		c.take(k)
		f.Claims = append(f.Claims, ItemClaim{k.name, c.owner(k).holding()})
		if k.lasting() {
			f.Abandoned = append(f.Abandoned, Mark{k.path, "the claim belongs to no session: no consumer can take the item until the claim is deleted"})
		}
		if items == nil || items.names == nil && !items.leaf() {
			continue
		}
		_, there := slices.BinarySearch(items.names, k.name)
		// A claim that is younger than the list of items may belong to an item
		// that is younger, too.
		if !there && !k.unknown() && k.stat.Czxid <= items.stat.Pzxid {
			f.Abandoned = append(f.Abandoned, Mark{k.path, "the item of the claim does not exist"})
		}
	}
}
