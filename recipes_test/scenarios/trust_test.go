package scenarios

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// TestTrustDeadline cuts holders off, in each direction and at random moments.
// It demands that the hold's context has ended when an observer sees the node's
// deletion. It logs the time between the two.
func TestTrustDeadline(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 3)
	watcher := observer(t, e)
	const holders = 24
	cuts := []ensemble.Direction{ensemble.ToServer, ensemble.ToClient, ensemble.Both}

	var mu sync.Mutex
	var lead []time.Duration
	var wg sync.WaitGroup
	for i := range holders {
		p := start(t, e, brief)
		s, err := bridge.Core(p.Manager).Session(t.Context())
		require.NoError(t, err)
		entry, err := s.Enter(t.Context(), fmt.Sprintf("/trust/%02d", i), "lock-", nil)
		require.NoError(t, err)
		h, err := entry.Hold(t.Context(), entry.Dir.Pzxid)
		require.NoError(t, err)
		ended := endOf(h.Context())
		wg.Go(func() {
			// The phase between two pings matters: spread the cuts.
			pause := time.NewTimer(time.Duration(rand.Int64N(int64(2 * time.Second))))
			defer pause.Stop()
			<-pause.C
			p.proxy.CutAll(cuts[i%len(cuts)])
			gone, err := goneAt(within(t, patience), watcher, h.Path())
			if err != nil {
				t.Errorf("%s: %v", h.Path(), err)
				return
			}
			end := ended()
			if end.IsZero() || end.After(gone) {
				t.Errorf("%s was deleted before its context ended", h.Path())
				return
			}
			if err := h.Err(); err == nil {
				t.Errorf("%s: no cause", h.Path())
			}
			mu.Lock()
			defer mu.Unlock()
			lead = append(lead, gone.Sub(end))
		})
	}
	wg.Wait()
	least, sum := time.Hour, time.Duration(0)
	for _, d := range lead {
		least, sum = min(least, d), sum+d
	}
	require.Len(t, lead, holders)
	t.Logf("%d cuts of sessions of 2s: the node went %v after the context at the earliest, %v on average",
		len(lead), least, sum/time.Duration(len(lead)))
}

// TestTrustWhenServersDie repeatedly kills the server of a holder, the leader
// included. The session moves to another server. If it cannot, the context ends
// before the node is deleted.
func TestTrustWhenServersDie(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 3)
	watcher := observer(t, e)
	p := start(t, e, 4*time.Second)
	for round := range 3 {
		s, err := bridge.Core(p.Manager).Session(within(t, patience))
		require.NoError(t, err)
		entry, err := s.Enter(within(t, patience), "/trust/servers", "lock-", nil)
		require.NoError(t, err)
		h, err := entry.Hold(t.Context(), entry.Dir.Pzxid)
		require.NoError(t, err)
		ended := endOf(h.Context())
		victim := e.Server(round)
		victim.Kill()
		require.NoError(t, e.WaitQuorum(within(t, patience)))
		victim.Restart()
		require.NoError(t, e.WaitQuorum(within(t, patience)))
		if h.Err() != nil {
			gone, err := goneAt(within(t, patience), watcher, h.Path())
			require.NoError(t, err)
			require.False(t, ended().After(gone), "deleted before its context ended")
			t.Logf("server %d: the hold was lost: %v", victim.ID(), h.Err())
		} else {
			t.Logf("server %d: the hold survived", victim.ID())
		}
		if err := h.Release(); err != nil {
			require.ErrorIs(t, err, session.ErrLost)
		}
	}
}

// TestNothingCrossesGenerations: a session is cut off and expires. Its pending
// requests are not done in the next session.
func TestNothingCrossesGenerations(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 3)
	watcher := observer(t, e)
	_, err := watcher.Create(t.Context(), "/config", []byte("v0"), session.Persistent)
	require.NoError(t, err)
	p := start(t, e, time.Second)
	s, err := bridge.Core(p.Manager).Session(t.Context())
	require.NoError(t, err)
	entry, err := s.Enter(t.Context(), "/locks/a", "lock-", nil)
	require.NoError(t, err)
	p.proxy.CutAll(ensemble.ToServer)
	errs := make(chan error, 40)
	for i := range 20 {
		go func() {
			_, err := s.Set(t.Context(), "/config", []byte("written by a stale holder"), session.AnyVersion)
			errs <- err
		}()
		go func() {
			_, err := s.Create(t.Context(), fmt.Sprintf("/stray-%d", i), nil, core.Ephemeral)
			errs <- err
		}()
	}
	<-s.Done()
	// Until the servers have expired the session, held requests may still be
	// done in it, while its nodes exist. They cannot be done later.
	_, err = goneAt(within(t, patience), watcher, entry.Path())
	require.NoError(t, err)
	p.proxy.HealAll()
	next, err := bridge.Core(p.Manager).Session(within(t, patience))
	require.NoError(t, err)
	require.NotEqual(t, s.ID(), next.ID())
	for range cap(errs) {
		require.Error(t, <-errs)
	}
	require.NoError(t, p.Sync(t.Context(), "/"))
	data, stat, err := p.Get(t.Context(), "/config")
	require.NoError(t, err)
	require.Equal(t, "v0", string(data))
	require.Zero(t, stat.Version)
	names, _, err := p.Children(t.Context(), "/")
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"config", "locks", "zookeeper"}, names)
}
