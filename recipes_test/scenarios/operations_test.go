package scenarios

import (
	"errors"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// TestRollingRestart restarts one server after the other, the leader last, and
// waits in between until every client is confirmed again, as docs/operations.md
// says. No session ends, and no hold.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	ensemble.RequireZooKeeper(t)
	rolls(t, (*ensemble.Server).Restart)
}

// TestRollingUpgrade is a rolling restart in which each server comes back with
// ZooKeeper 3.9 on the data of 3.8.
func TestRollingUpgrade(t *testing.T) {
	t.Parallel()
	ensemble.RequireUpgrade(t)
	e := rolls(t, func(s *ensemble.Server) {
		s.Upgrade()
		s.Restart()
	})
	for _, s := range e.Servers() {
		require.True(t, s.Upgraded())
	}
}

func rolls(t *testing.T, again func(s *ensemble.Server)) *ensemble.Ensemble {
	const timeout = 5 * time.Minute // an election on a busy machine takes half a minute
	e := ensemble.Start(t, 3, ensemble.Config("maxSessionTimeout", strconv.Itoa(int(timeout.Milliseconds()))))
	var clients []*process
	var holds []*lock.Hold
	for i := range 4 {
		p := start(t, e, timeout)
		h, err := lock.NewMutex(p.Manager, fmt.Sprintf("/locks/%d", i)).Lock(within(t, patience))
		require.NoError(t, err)
		clients, holds = append(clients, p), append(holds, h)
	}
	for _, s := range append(e.Followers(), e.Leader()) {
		s.Stop()
		again(s)
		require.NoError(t, e.WaitQuorum(within(t, 2*patience)))
		for _, p := range clients {
			ensemble.Eventually(t, patience, "the client is confirmed", func() bool { return p.Health().Confirmed })
		}
	}
	for i, h := range holds {
		require.NoError(t, h.Err())
		require.Equal(t, clients[i].Health().Session, h.SessionID())
	}
	return e
}

// TestLostQuorum kills two of three servers. Holds end at their deadline, views
// serve what they know, and all goes on by itself when a server is back.
func TestLostQuorum(t *testing.T) {
	t.Parallel()
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 3)
	p := start(t, e, medium)
	_, err := config.NewStore(p.Manager, "/config").Create(within(t, patience), "k", []byte("7"))
	require.NoError(t, err)
	value, err := config.Open(within(t, patience), p.Manager, "/config/k", config.JSON[int]())
	require.NoError(t, err)
	defer value.Close()
	member, err := groupmembership.NewGroup(p.Manager, "/group").Join(within(t, patience), "p", nil)
	require.NoError(t, err)
	held, err := lock.NewMutex(p.Manager, "/lock").Lock(within(t, patience))
	require.NoError(t, err)

	down := []*ensemble.Server{e.Leader(), e.Followers()[0]}
	for _, s := range down {
		s.Kill()
	}
	<-held.Done()
	require.ErrorIs(t, held.Err(), session.ErrTrustElapsed)
	ensemble.Eventually(t, patience, "the reason is known", func() bool {
		h := p.Health()
		return !h.Confirmed && errors.Is(h.Err, session.ErrNotServing)
	})
	require.True(t, value.Stale())
	require.Equal(t, 7, value.Load().Value)

	down[0].Restart()
	require.NoError(t, e.WaitQuorum(within(t, patience)))
	again, err := lock.NewMutex(p.Manager, "/lock").Lock(within(t, patience))
	require.NoError(t, err)
	require.Greater(t, again.Token(), held.Token())
	ensemble.Eventually(t, patience, "all is back", func() bool {
		return p.Health().Confirmed && !value.Stale() && member.State().In
	})
}

// TestQuota sets a hard limit for a tree. What is held stays, what would be
// created fails with a reason, and a release makes room.
func TestQuota(t *testing.T) {
	t.Parallel()
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 1, ensemble.Config("enforceQuota", "true"))
	p := start(t, e, lasting)
	m := lock.NewMutex(p.Manager, "/app/locks/a")
	h, err := m.Lock(within(t, patience))
	require.NoError(t, err)

	client, _, err := zk.Connect(e.Addrs(), lasting, zk.WithLogInfo(false))
	require.NoError(t, err)
	defer client.Close()
	for _, node := range []struct{ path, data string }{
		{"/zookeeper/quota/app", ""},
		{"/zookeeper/quota/app/zookeeper_limits", "count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=4"},
		{"/zookeeper/quota/app/zookeeper_stats", "count=4,bytes=0"}, // app, locks, a and the holder
	} {
		_, err := client.Create(node.path, []byte(node.data), 0, zk.WorldACL(zk.PermAll))
		require.NoError(t, err)
	}
	_, err = lock.NewMutex(p.Manager, "/app/locks/a").Lock(within(t, patience))
	var refused *session.CodeError
	require.ErrorAs(t, err, &refused)
	require.EqualValues(t, -125, refused.Code)
	require.ErrorContains(t, err, "QUOTAEXCEEDED")
	require.NoError(t, h.Err())
	require.NoError(t, h.Release())
	ensemble.Eventually(t, patience, "there is room", func() bool {
		h, err := m.Lock(within(t, time.Second))
		return err == nil && h.Release() == nil
	})
}
