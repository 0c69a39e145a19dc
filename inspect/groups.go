package inspect

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/docent-go/docent/internal/base/znode"
	"github.com/docent-go/docent/internal/recipe/owner"
	"github.com/docent-go/docent/internal/recipe/recognise"
)

// group recognises a directory of members alone: ephemeral nodes that are not
// one-node locks.
func (c *classifier) group(n *node) Finding {
	members := membersOf(n)
	if members == nil {
		return nil
	}
	f := &Group{Header: headerAs(KindGroup, n)}
	f.Members = c.members(n.kids)
	f.Layouts = layoutsOf(f.Members)
	f.Unread = n.omitted
	return f
}

// membersOf returns the children if all of them may be members, or nil.
func membersOf(n *node) []*node {
	if n == nil || n.shape != shapePlain || len(n.kids) == 0 {
		return nil
	}
	locks, unknown, unread := 0, 0, 0
	for _, k := range n.kids {
		if !k.leaf() || k.lasting() {
			return nil
		}
		if k.unknown() {
			unknown++ // it may be a member
		}
		if k.withoutData() {
			unread++ // it may be a member, or a lock beside locks
		}
		if o, ours := owner.Parse(k.data); ours && o.ID != "" {
			locks++
		}
	}
	if locks > 0 && locks+unread == len(n.kids) || unknown == len(n.kids) {
		return nil
	}
	return n.kids
}

// members describes members, and takes their nodes. The name of a node is the
// member's id. A node of kazoo has the id as its data.
func (c *classifier) members(kids []*node) []Owner {
	var all []Owner
	for _, k := range kids {
		var p Owner
		if layoutOf(k.name) == Kazoo {
			p = c.owner(k)
		} else { // its name tells everything
			p = k.owner()
			p.LeftOut = false
			p.ID, p.Host, p.PID, p.Layout = k.name, "", 0, Curator
		}
		p.Revoked = false
		all = append(all, p)
		c.take(k)
	}
	return all
}

// partitioner recognises partitioners of Docent and kazoo.
func (c *classifier) partitioner(n *node) Finding {
	if n.shape != shapePlain {
		return nil
	}
	if f := c.docentPartitioner(n); f != nil {
		return f
	}
	party, locks := n.kid("party"), n.kid("locks")
	if membersOf(party) == nil || locks == nil || locks.shape != shapePlain || !locksOf(locks, party) {
		return nil
	}
	f := &Partitioner{Header: headerAs(KindPartitioner, n)}
	c.take(party)
	f.Members = c.members(party.kids)
	c.take(locks)
	for _, k := range locks.kids {
		if k.shape != shapeLock {
			continue
		}
		c.take(k)
		l := c.lock(k)
		f.Abandoned = append(f.Abandoned, l.Abandoned...)
		if l.Holder != nil {
			f.Claims = append(f.Claims, Claim{k.name, *l.Holder})
		}
	}
	f.Unread = party.omitted + locks.omitted
	f.Layouts = layoutsOf(f.Members)
	return f
}

// locksOf reports whether the locks may be the partitions of a kazoo partitioner
// with that party: all contenders are kazoo's, and belong to sessions of members.
// A group and the locks of an application may have the same names.
func locksOf(locks, party *node) bool {
	members := make(map[int64]bool)
	for _, k := range party.kids {
		members[k.stat.EphemeralOwner] = true
	}
	for _, lock := range locks.kids {
		for _, k := range lock.kids {
			if !recognise.HasSeq(k.name, recognise.KazooLock) {
				return false
			}
			if k.ephemeral() && !members[k.stat.EphemeralOwner] && party.omitted == 0 {
				return false
			}
		}
	}
	return true
}

func (c *classifier) docentPartitioner(n *node) Finding {
	members, claims := n.kid("members"), n.kid("claims")
	if members == nil || claims == nil || claims.shape != shapePlain {
		return nil
	}
	count, err := strconv.Atoi(string(claims.data))
	if err != nil || count < 1 || members.shape != shapePlain {
		return nil
	}
	live := slices.DeleteFunc(slices.Clone(members.kids), func(k *node) bool { return !k.leaf() || k.lasting() })
	if len(live) == 0 && !members.leaf() && len(claims.kids) == 0 { // it may be a directory of keys
		return nil
	}
	f := &Partitioner{Header: headerAs(KindPartitioner, n), Partitions: count}
	f.Layouts = []Layout{Docent}
	c.take(members, claims)
	f.Members = c.members(live)
	f.Unread, f.Unrecognised = members.omitted+claims.omitted, len(members.kids)-len(live)
	for _, k := range claims.kids {
		if _, err := strconv.Atoi(k.name); err != nil {
			continue
		}
		c.take(k)
		p := c.owner(k).holding()
		p.Layout = Docent
		f.Claims = append(f.Claims, Claim{k.name, p})
		if k.lasting() {
			f.Abandoned = append(f.Abandoned, Mark{k.path, "the claim belongs to no session: no member can own the partition until the znode is deleted"})
		}
	}
	slices.SortFunc(f.Claims, func(a, b Claim) int {
		return cmp.Or(cmp.Compare(len(a.Partition), len(b.Partition)), strings.Compare(a.Partition, b.Partition))
	})
	return f
}

// Names of a double barrier.
const (
	readyName    = "ready"
	memberPrefix = "member-"
)

// double recognises double barriers: Docent's by the data of their nodes,
// Curator's by nodes with a UUID as their name, kazoo's by "ready" among nodes
// with a hexadecimal name. A persistent node with such a name is a member that no
// session owns, and the others wait for it. By itself it makes no double barrier.
func (c *classifier) double(n *node) Finding {
	if n.shape != shapePlain {
		return nil
	}
	var members, lasting []*node
	sure := false
	for _, k := range n.kids {
		o, _ := owner.Parse(k.data)
		uuid, bare := znode.IsUUID(k.name), len(k.name) == hexLen && znode.IsHex(k.name)
		switch {
		case !k.leaf() || !uuid && !bare && !strings.HasPrefix(k.name, memberPrefix):
			continue
		case k.lasting():
			lasting = append(lasting, k)
			continue
		}
		members = append(members, k)
		sure = sure || uuid || o.Visit != ""
	}
	ready := n.kid(readyName)
	var round struct{ Members []string }
	if ready != nil {
		ours := json.Unmarshal(ready.data, &round) == nil && len(round.Members) > 0
		sure = sure || ours || len(members) > 0
	}
	if !sure {
		return nil
	}
	f := &Double{Header: headerAs(KindDouble, n), Ready: ready != nil, named: round.Members != nil}
	members = append(members, lasting...)
	slices.SortFunc(members, func(a, b *node) int { return strings.Compare(a.name, b.name) })
	c.take(members...)
	for _, k := range members {
		p := c.owner(k)
		if p.ID == "" {
			p.ID = strings.TrimPrefix(k.name, memberPrefix)
		}
		if znode.IsUUID(k.name) && p.Layout == "" {
			p.Layout = Curator
		}
		inside := ready != nil && k.stat.Czxid < ready.stat.Czxid && (round.Members == nil || slices.Contains(round.Members, k.name))
		if inside {
			f.Inside = append(f.Inside, p)
		} else {
			f.Waiting = append(f.Waiting, p)
		}
	}
	markWithoutSession(&f.Header, members)
	f.Unread = n.omitted
	f.Layouts = layoutsOf(f.Inside, f.Waiting)
	if ready == nil {
		return f
	}
	c.take(ready)
	if ready.withoutData() { // a round with many members
		c.leaveOut(ready)
	}
	for _, name := range round.Members {
		if n.kid(name) == nil && n.omitted == 0 {
			f.Left = append(f.Left, name)
		}
	}
	if len(f.Inside) == 0 {
		f.Abandoned = append(f.Abandoned, Mark{ready.path, "no member of the round is inside"})
	}
	return f
}
