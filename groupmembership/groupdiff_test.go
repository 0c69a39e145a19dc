package groupmembership_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/session"
)

func members(tokens map[string]int64, payloads map[string]string) []groupmembership.Member {
	var all []groupmembership.Member
	for _, id := range slices.Sorted(maps.Keys(tokens)) {
		all = append(all, groupmembership.Member{Owner: session.Owner{ID: id, Token: tokens[id]}, Payload: []byte(payloads[id])})
	}
	return all
}

func TestDiff(t *testing.T) {
	require.Empty(t, groupmembership.Diff(nil, nil))
	before := members(map[string]int64{"a": 1, "b": 2, "c": 3, "d": 4}, nil)
	after := members(map[string]int64{"b": 2, "c": 9, "d": 4, "e": 8}, map[string]string{"d": "x"})
	require.Equal(t, "-a -c ~d=x +e= +c=", showEvents(groupmembership.Diff(before, after)))
	require.Equal(t, "left", groupmembership.Left.String())
	require.Equal(t, "joined", groupmembership.Joined.String())
	require.Equal(t, "updated", groupmembership.Updated.String())
	require.Equal(t, "unknown", groupmembership.EventKind(0).String())
}

// The events, applied to the members before, give the members after.
func TestDiffLeadsFromOneToTheOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"})
		tokens := rapid.MapOf(ids, rapid.Int64Range(1, 3))
		payloads := rapid.MapOf(ids, rapid.SampledFrom([]string{"", "x", "y"}))
		before := members(tokens.Draw(t, "before"), payloads.Draw(t, "payloads before"))
		after := members(tokens.Draw(t, "after"), payloads.Draw(t, "payloads after"))
		have := make(map[string]groupmembership.Member)
		for _, m := range before {
			have[m.ID] = m
		}
		for _, e := range groupmembership.Diff(before, after) {
			old, there := have[e.Member.ID]
			switch e.Kind {
			case groupmembership.Left:
				require.True(t, there)
				require.Equal(t, old, e.Member)
				delete(have, e.Member.ID)
			case groupmembership.Joined:
				require.False(t, there)
				have[e.Member.ID] = e.Member
			case groupmembership.Updated:
				require.True(t, there)
				require.Equal(t, old.Token, e.Member.Token)
				require.NotEqual(t, old, e.Member)
				have[e.Member.ID] = e.Member
			}
		}
		require.Equal(t, after, slices.SortedFunc(maps.Values(have), func(a, b groupmembership.Member) int {
			if a.ID < b.ID {
				return -1
			}
			return 1
		}))
	})
}
