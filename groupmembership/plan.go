package groupmembership

import (
	"cmp"
	"slices"
)

// plan says which member each partition should belong to, given the members,
// and the owner of each partition ("" where it has none; one that is not among
// the members counts as none).
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
func plan(members, owners []string) []string {
	target := make([]string, len(owners))
	if len(members) == 0 {
		return target
	}
	room := shares(members, owners)
	for i, owner := range owners {
		if room[owner] > 0 {
			target[i] = owner
			room[owner]--
		}
	}
	next := 0
	for i := range target {
		if target[i] != "" {
			continue
		}
		for room[members[next]] == 0 {
			next++
		}
		target[i] = members[next]
		room[members[next]]--
	}
	return target
}

// shares says how many partitions each member should own.
func shares(members, owners []string) map[string]int {
	owned := make(map[string]int, len(members))
	for _, owner := range owners {
		owned[owner]++
	}
	greedy := slices.Clone(members)
	most := len(owners)/len(members) + 1
	slices.SortFunc(greedy, func(a, b string) int {
		return cmp.Or(cmp.Compare(min(owned[b], most), min(owned[a], most)), cmp.Compare(a, b))
	})
	share := make(map[string]int, len(members))
	for i, member := range greedy {
		share[member] = len(owners) / len(members)
		if i < len(owners)%len(members) {
			share[member]++
		}
	}
	return share
}
