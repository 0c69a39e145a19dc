package scenarios

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// TestFault18_NewestMemberWins: real servers keep the order of members with one
// id. Each member is cut off until its session has expired. Whichever comes
// back first, in the end the member that joined last has the path.
func TestFault18_NewestMemberWins(t *testing.T) {
	t.Parallel()
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 1)
	for _, olderFirst := range []bool{true, false} {
		path := "/group-newest"
		if olderFirst {
			path = "/group-older"
		}
		var members []*groupmembership.Membership
		var processes []*process
		for _, payload := range []string{"old", "new"} {
			p := start(t, e, brief)
			m, err := groupmembership.NewGroup(p.Manager, path, groupmembership.Replace()).Join(within(t, patience), "id", []byte(payload))
			require.NoError(t, err)
			p.proxy.CutAll(ensemble.Both)
			members, processes = append(members, m), append(processes, p)
		}
		all := groupmembership.NewGroup(observer(t, e), path)
		shows := func(want string) func() bool {
			return func() bool {
				found, err := all.Members(within(t, patience))
				return err == nil && (len(found) == 0 && want == "" || len(found) == 1 && string(found[0].Payload) == want)
			}
		}
		ensemble.Eventually(t, patience, "both sessions have expired", shows(""))
		old, newest := processes[0], processes[1]
		if olderFirst {
			old.proxy.HealAll()
			ensemble.Eventually(t, patience, "the older member is back", shows("old"))
			newest.proxy.HealAll()
		} else {
			newest.proxy.HealAll()
			ensemble.Eventually(t, patience, "the newest member is back", shows("new"))
			old.proxy.HealAll()
		}
		ensemble.Eventually(t, patience, "the newest member has the path", shows("new"))
		ensemble.Eventually(t, patience, "the older member knows", func() bool { return errors.Is(members[0].State().Err, session.ErrReplaced) })
		ensemble.Eventually(t, patience, "the newest member knows", func() bool { return members[1].State().In })
		require.True(t, shows("new")())
		for _, m := range members {
			require.NoError(t, m.Leave(context.Background()))
		}
	}
}
