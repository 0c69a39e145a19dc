package scenarios

import (
	"context"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/recipes_test/ensemble"
)

// roll is a watcher's view, built from the events: the members, and the
// sessions of members that left without Leave.
type roll struct {
	mu      sync.Mutex
	present map[string]groupmembership.Member
	left    []groupmembership.Member
}

func (r *roll) follow(tb testing.TB, ctx context.Context, g *groupmembership.Group) {
	for change, err := range g.Changes(ctx) {
		if err != nil {
			tb.Logf("watch: %v", err)
			continue
		}
		r.mu.Lock()
		for _, e := range change.Events {
			if e.Kind == groupmembership.Left {
				delete(r.present, e.Member.ID)
				r.left = append(r.left, e.Member)
				continue
			}
			r.present[e.Member.ID] = e.Member
		}
		r.mu.Unlock()
	}
}

// shows reports whether the member exists with the payload.
func (r *roll) shows(id, payload string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	m, there := r.present[id]
	return there && string(m.Payload) == payload
}

func (r *roll) absent(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, there := r.present[id]
	return !there
}

// TestGroupThroughFaults makes members join and leave while one server after
// the other is killed. A member is removed only if its session has ended. A
// member that is cut off is removed, and comes back with its newest payload.
func TestGroupThroughFaults(t *testing.T) {
	t.Parallel()
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 3)
	ctx, cancel := context.WithCancel(t.Context())
	watched := &roll{present: make(map[string]groupmembership.Member)}
	var watching sync.WaitGroup
	watcher := observer(t, e)
	watching.Go(func() { watched.follow(t, ctx, groupmembership.NewGroup(watcher, "/clusterServers")) })
	defer watching.Wait()
	defer cancel()

	steady := make(map[string]*process)
	members := make(map[string]*groupmembership.Membership)
	for i := range 3 {
		id := "steady-" + strconv.Itoa(i)
		p := start(t, e, lasting)
		m, err := groupmembership.NewGroup(p.Manager, "/clusterServers").Join(within(t, patience), id, []byte("0"))
		require.NoError(t, err)
		steady[id], members[id] = p, m
	}
	visitor := start(t, e, lasting)
	guests := groupmembership.NewGroup(visitor.Manager, "/clusterServers")
	for round := range 3 {
		e.Server(round).Kill()
		payload := strconv.Itoa(round + 1)
		for _, m := range members {
			require.NoError(t, m.UpdatePayload(within(t, patience), []byte(payload)))
		}
		guest := "guest-" + payload
		m, err := guests.Join(within(t, patience), guest, nil)
		require.NoError(t, err)
		ensemble.Eventually(t, patience, guest+" is seen", func() bool { return watched.shows(guest, "") })
		require.NoError(t, m.Leave(context.Background()))
		ensemble.Eventually(t, patience, guest+" has left", func() bool { return watched.absent(guest) })
		e.Server(round).Restart()
		require.NoError(t, e.WaitQuorum(within(t, patience)))
	}

	cut := start(t, e, brief)
	m, err := groupmembership.NewGroup(cut.Manager, "/clusterServers").Join(within(t, patience), "cut", []byte("before"))
	require.NoError(t, err)
	ensemble.Eventually(t, patience, "the member is seen", func() bool { return watched.shows("cut", "before") })
	token := m.State().Token
	cut.proxy.CutAll(ensemble.Both)
	ensemble.Eventually(t, patience, "the member has gone", func() bool { return watched.absent("cut") })
	require.False(t, m.State().In, "the member knew before others could see it")
	updated := make(chan error, 1)
	go func() { updated <- m.UpdatePayload(ctx, []byte("meanwhile")) }()
	cut.proxy.HealAll()
	require.NoError(t, <-updated)
	ensemble.Eventually(t, patience, "the member is back", func() bool { return watched.shows("cut", "meanwhile") })
	require.Greater(t, m.State().Token, token)
	require.NoError(t, m.Leave(context.Background()))

	for id, m := range members {
		ensemble.Eventually(t, patience, id+" is seen with its newest payload", func() bool { return watched.shows(id, "3") })
		require.True(t, m.State().In)
	}
	watched.mu.Lock()
	defer watched.mu.Unlock()
	for _, gone := range watched.left {
		if p, ok := steady[gone.ID]; ok {
			s, err := p.Session(t.Context())
			require.NoError(t, err)
			require.NotEqual(t, s.ID, gone.Session, "%s left although its session lasts", gone.ID)
		}
	}
}
