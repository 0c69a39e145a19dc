package groupmembership_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const path = "/clusterServers"

func group(p *testworld.Process, opts ...groupmembership.GroupOption) *groupmembership.Group {
	return groupmembership.NewGroup(p.Manager, path, opts...)
}

func join(p *testworld.Process, id, payload string, opts ...groupmembership.GroupOption) *groupmembership.Membership {
	p.W.Helper()
	m, err := group(p, opts...).Join(p.W.Context(), id, []byte(payload))
	require.NoError(p.W, err)
	return m
}

// list returns the members as "id=payload".
func list(p *testworld.Process) string {
	p.W.Helper()
	members, err := group(p).Members(p.W.Context())
	require.NoError(p.W, err)
	return show(members)
}

func show(members []groupmembership.Member) string {
	var all []string
	for _, m := range members {
		all = append(all, m.ID+"="+string(m.Payload))
	}
	return strings.Join(all, " ")
}

// signs are how observers write down events.
var signs = map[groupmembership.EventKind]string{
	groupmembership.Joined: "+", groupmembership.Left: "-", groupmembership.Updated: "~",
}

func showEvents(events []groupmembership.Event) string {
	var all []string
	for _, e := range events {
		sign := signs[e.Kind] + e.Member.ID
		if e.Kind != groupmembership.Left {
			sign += "=" + string(e.Member.Payload)
		}
		all = append(all, sign)
	}
	return strings.Join(all, " ")
}

// observer records what Changes yields: its events in brackets, "!" for an error.
type observer struct {
	*testworld.Observer[groupmembership.Change]
}

func observe(p *testworld.Process, opts ...groupmembership.GroupOption) observer {
	return observer{testworld.Observe(p.W, group(p, opts...).Changes, func(change groupmembership.Change, err error) string {
		if err != nil {
			return "!"
		}
		return "[" + showEvents(change.Events) + "]"
	})}
}

// take returns what was yielded since its last call, once there was time to see
// everything.
func (o observer) take() string {
	time.Sleep(2 * time.Second)
	return o.Take()
}

// members returns the members of the last Change.
func (o observer) members() string { return show(slices.Collect(o.Last().Members())) }

func awaitState(w *testworld.World, m *groupmembership.Membership, ok func(session.Presence) bool) session.Presence {
	w.Helper()
	for s, err := range m.Changes(w.Within(testworld.Patience)) {
		require.NoError(w, err)
		if ok(s) {
			return s
		}
	}
	require.FailNow(w, "the state never came", fmt.Sprint(m.State()))
	return session.Presence{}
}

func in(s session.Presence) bool { return s.In }
