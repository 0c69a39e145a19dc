package groupmembership

import (
	"cmp"
	"slices"
)

// unowned is the owner of a partition without an owner.
const unowned = -1

// planner computes plans. It reuses its memory from one plan to the next, and
// is not safe for concurrent use.
type planner struct {
	owned, room, greedy []int
}

// plan replaces the present owner of each partition in owners by the member
// that should own it. members is the number of members. An owner is the index
// of a member in the order of the ids, or unowned. For an owner that is not a
// member, the caller gives unowned.
//
// The plan is the whole agreement between the members, which have no leader.
// Each member computes it from what it sees, so the same view must give the
// same result everywhere. A partition changes hands only if
//
//   - its owner has more than its share. Of the m members, n%m have a share of
//     n/m+1, and the others have n/m. The larger shares go to the members that
//     own as much already, so that no member gives up what it could keep. How
//     much more they own does not count, since they are about to give that up.
//   - or it has no owner. It goes to a member with less than its share.
//
// So a division that is balanced within one partition stays as it is. Whatever
// the members carry out of a plan leads to a view whose plan needs less. A
// member claims only up to its share and gives up only down to it. A member's
// share never becomes smaller than the part of it that the member owns by then.
//
// A plan of n partitions and m members takes n + m log m steps.
func (p *planner) plan(members int, owners []int) {
	if members == 0 {
		for i := range owners {
			owners[i] = unowned
		}
		return
	}
	p.shares(members, owners)
	for i, owner := range owners {
		if owner == unowned {
			continue
		}
		if p.room[owner] > 0 {
			p.room[owner]--
		} else {
			owners[i] = unowned
		}
	}
	next := 0
	for i, owner := range owners {
		if owner != unowned {
			continue
		}
		for p.room[next] == 0 {
			next++
		}
		owners[i] = next
		p.room[next]--
	}
}

// shares sets room to the number of partitions that each member should own.
func (p *planner) shares(members int, owners []int) {
	p.owned = cleared(p.owned, members)
	p.room = cleared(p.room, members)
	p.greedy = cleared(p.greedy, members)
	for _, owner := range owners {
		if owner != unowned {
			p.owned[owner]++
		}
	}
	maxShare := len(owners)/members + 1
	for i := range p.greedy {
		p.greedy[i] = i
	}
	slices.SortFunc(p.greedy, func(a, b int) int {
		return cmp.Or(cmp.Compare(min(p.owned[b], maxShare), min(p.owned[a], maxShare)), cmp.Compare(a, b))
	})
	for i, member := range p.greedy {
		p.room[member] = len(owners) / members
		if i < len(owners)%members {
			p.room[member]++
		}
	}
}

// cleared returns a slice of n zeros, in the memory of all if that is large
// enough.
func cleared(all []int, n int) []int {
	if cap(all) < n {
		return make([]int, n)
	}
	all = all[:n]
	clear(all)
	return all
}
