package groupmembership

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// planned is plan with ids in place of indexes: "", and an id that is not a
// member's, is unowned.
func planned(members, owners []string) []string {
	places := make([]int, len(owners))
	for i, owner := range owners {
		places[i] = slices.Index(members, owner) // unowned is -1 too
	}
	new(planner).plan(len(members), places)
	target := make([]string, len(owners))
	for i, place := range places {
		if place != unowned {
			target[i] = members[place]
		}
	}
	return target
}

func TestPlan(t *testing.T) {
	for _, c := range []struct{ members, owners, want []string }{
		{nil, []string{"", "a"}, []string{"", ""}},
		{[]string{"a"}, []string{"", "", ""}, []string{"a", "a", "a"}},
		{[]string{"a", "b"}, []string{"a", "a", "a", "a"}, []string{"a", "a", "b", "b"}},
		{[]string{"a", "b"}, []string{"a", "a", "a"}, []string{"a", "a", "b"}},
		{[]string{"a", "b"}, []string{"b", "a", "b"}, []string{"b", "a", "b"}}, // balanced: nothing moves
		{[]string{"a", "b", "c"}, []string{"a", ""}, []string{"a", "b"}},       // c is idle
		{[]string{"a", "b"}, []string{"a", "gone", "b", "gone"}, []string{"a", "a", "b", "b"}},
		{[]string{"a", "b", "c"}, []string{"", "a", "a", "b", "b", "b"}, []string{"c", "a", "a", "b", "b", "c"}},
		// a has given up one of three for c, and b has not given up any yet: a
		// keeps the others.
		{[]string{"a", "b", "c"}, []string{"", "a", "a", "b", "b", "b", "b"}, []string{"c", "a", "a", "b", "b", "b", "c"}},
	} {
		require.Equal(t, c.want, planned(c.members, c.owners), "%v", c)
	}
}

func anyMembers(t *rapid.T) []string {
	return slices.Sorted(maps.Keys(rapid.MapOfN(rapid.StringMatching(`[a-f]{1,2}`), rapid.Just(true), 1, 9).Draw(t, "members")))
}

func anyOwners(t *rapid.T, members []string) []string {
	return rapid.SliceOfN(rapid.SampledFrom(append([]string{"", "gone"}, members...)), 0, 40).Draw(t, "owners")
}

func count(owners []string) map[string]int {
	counts := make(map[string]int)
	for _, owner := range owners {
		counts[owner]++
	}
	return counts
}

// Every plan gives each partition to a member, is balanced within one, and
// moves as little as possible. A member gives up only what exceeds its share,
// and the larger shares are with the members that own most.
func TestPlanIsBalancedAndLazy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := anyMembers(t)
		owners := anyOwners(t, members)
		target := planned(members, owners)
		before, after := count(owners), count(target)
		least, most := len(owners)/len(members), (len(owners)+len(members)-1)/len(members)
		kept, total := 0, 0
		for _, m := range members {
			if after[m] < least || after[m] > most {
				t.Fatalf("%s has %d of %d partitions among %d members", m, after[m], len(owners), len(members))
			}
			total += after[m]
		}
		if total != len(owners) {
			t.Fatalf("%d of %d partitions are given to members", total, len(owners))
		}
		for i := range owners {
			if owners[i] == target[i] {
				kept++
			}
		}
		// No balanced distribution keeps more.
		counts := make([]int, 0, len(members))
		for _, m := range members {
			counts = append(counts, before[m])
		}
		slices.SortFunc(counts, func(a, b int) int { return b - a })
		best := 0
		for i, n := range counts {
			share := len(owners) / len(members)
			if i < len(owners)%len(members) {
				share++
			}
			best += min(n, share)
		}
		if kept != best {
			t.Fatalf("%d partitions stay where they are, %d could", kept, best)
		}
		if next := planned(members, target); !slices.Equal(next, target) {
			t.Fatalf("a balanced state is moved: %v to %v", target, next)
		}
	})
}

// Some of the members have carried out a plan. No member then gives up, or
// claims, what it would not have to if all had acted at once.
func TestPlanDoesNotChangeWhileItIsFollowed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := anyMembers(t)
		before := anyOwners(t, members)
		target := planned(members, before)
		now := slices.Clone(before)
		for i, owner := range before {
			if owner == target[i] || !rapid.Bool().Draw(t, fmt.Sprintf("acts on %d", i)) {
				continue
			}
			now[i] = ""
			if !slices.Contains(members, owner) || rapid.Bool().Draw(t, fmt.Sprintf("claims %d", i)) {
				now[i] = target[i]
			}
		}
		next := planned(members, now)
		for i, owner := range now {
			if owner == target[i] && next[i] != owner {
				t.Fatalf("%d is to move from %s to %s: plan %v of %v, by now %v", i, owner, next[i], target, before, now)
			}
		}
	})
}

// Members act on views of their own, one step at a time and in any order, each
// view some state of the past. It comes to rest, balanced, and no partition
// is ever taken from an owner.
func TestPlanSettles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members := anyMembers(t)
		now := anyOwners(t, members)
		for i, owner := range now {
			if owner == "gone" {
				now[i] = "" // its session ends
			}
		}
		views := make(map[string][]string)
		for _, m := range members {
			views[m] = now
		}
		step := func(m string, fresh bool) bool {
			if fresh {
				views[m] = slices.Clone(now)
			}
			target := planned(members, views[m])
			for i := range now {
				switch {
				case now[i] == m && views[m][i] == m && target[i] != m:
					now = slices.Clone(now)
					now[i] = ""
					return true
				case now[i] == "" && views[m][i] == "" && target[i] == m:
					now = slices.Clone(now)
					now[i] = m
					return true
				}
			}
			return false
		}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			step(rapid.SampledFrom(members).Draw(t, "who"), rapid.Bool().Draw(t, "fresh"))
		}
		for round := 0; ; round++ {
			if round > 10*len(now)+10 {
				t.Fatalf("it does not settle: %v", now)
			}
			moved := false
			for _, m := range members {
				moved = step(m, true) || moved
			}
			if !moved {
				break
			}
		}
		if target := planned(members, now); !slices.Equal(target, now) {
			t.Fatalf("at rest, but not as planned: %v, %v", now, target)
		}
	})
}

func BenchmarkPlan(b *testing.B) {
	var p planner
	owners := make([]int, 1000)
	for b.Loop() {
		for i := range owners {
			owners[i] = i % 90
		}
		p.plan(100, owners)
	}
}
