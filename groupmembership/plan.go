package groupmembership

import (
	"cmp"
	"slices"
)

// nobody stands for the owner of a partition that has none.
const nobody = -1

// planner computes plans. It keeps its memory from one plan to the next, and is
// not safe for concurrent use.
type planner struct {
	owned, room, greedy []int
}

// plan writes into owners which member each partition should belong to, given
// the number of members, and the owner of each partition: the place of a member
// in the order of the ids, or nobody. An owner that is not a member is nobody.
//
// It is the whole agreement between the members: there is no leader. Each
// computes it by itself from what it sees, so for the same view it must come
// to the same result everywhere. A partition changes hands only if
//
//   - its owner has more than its share, which is one more than n/m for n%m of
//     the m members and n/m for the others. The larger shares go to those who
//     own as much already, so that nobody gives up what it could keep; how much more
//     they own does not count, since they are about to give that up.
//   - or it has no owner. It goes to a member with less than its share.
//
// What is balanced within one is therefore left as it is, and whatever the
// members do of a plan leads to a view whose plan needs less: a member only
// ever claims up to its share and gives up down to it, and nobody's share becomes
// smaller than what it owns of it by then.
//
// A plan of n partitions and m members takes n + m log m steps.
func (p *planner) plan(members int, owners []int) {
	if members == 0 {
		for i := range owners {
			owners[i] = nobody
		}
		return
	}
	p.shares(members, owners)
	for i, owner := range owners {
		if owner == nobody {
			continue
		}
		if p.room[owner] > 0 {
			p.room[owner]--
		} else {
			owners[i] = nobody
		}
	}
	next := 0
	for i, owner := range owners {
		if owner != nobody {
			continue
		}
		for p.room[next] == 0 {
			next++
		}
		owners[i] = next
		p.room[next]--
	}
}

// shares sets room to how many partitions each member should own.
func (p *planner) shares(members int, owners []int) {
	p.owned = cleared(p.owned, members)
	p.room = cleared(p.room, members)
	p.greedy = cleared(p.greedy, members)
	for _, owner := range owners {
		if owner != nobody {
			p.owned[owner]++
		}
	}
	most := len(owners)/members + 1
	for i := range p.greedy {
		p.greedy[i] = i
	}
	slices.SortFunc(p.greedy, func(a, b int) int {
		return cmp.Or(cmp.Compare(min(p.owned[b], most), min(p.owned[a], most)), cmp.Compare(a, b))
	})
	for i, member := range p.greedy {
		p.room[member] = len(owners) / members
		if i < len(owners)%members {
			p.room[member]++
		}
	}
}

// cleared returns a slice of n zeros, in the memory of the given one if that is
// large enough.
func cleared(all []int, n int) []int {
	if cap(all) < n {
		return make([]int, n)
	}
	all = all[:n]
	clear(all)
	return all
}
