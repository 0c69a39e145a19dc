package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// TestTrustWhenAFollowerLosesItsLeader parts a follower from its leader, while
// clients hold through the follower. The follower keeps answering them until it
// notices. The leader hears no more of their sessions, and expires them. Their
// holds must have ended by then.
func TestTrustWhenAFollowerLosesItsLeader(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	// Servers notice a lost connection after four seconds: long after the
	// sessions have expired.
	e := ensemble.Start(t, 3, ensemble.PeerProxies(), ensemble.Config("syncLimit", "16"))
	rng := source(seed(t), "trust")
	const holders = 10
	var all []time.Duration
	serving := 0
	for round, how := range []string{"parted", "follower deaf", "leader deaf"} {
		leader := e.Leader()
		var follower *ensemble.Server
		var others []string
		for _, s := range e.Servers() {
			if s != leader && follower == nil {
				follower = s
			} else {
				others = append(others, s.Addr())
			}
		}
		watcher := dial(t, session.Config{Servers: others, Timeout: lasting})
		var mu sync.Mutex
		var gaps []time.Duration
		var wg sync.WaitGroup
		ready := make(chan struct{}, holders)
		for i := range holders {
			sm := dial(t, session.Config{Servers: []string{follower.Addr()}, Timeout: sessionTimeout})
			h, err := enter(within(t, patience), sm, fmt.Sprintf("/trust/%d-%d", round, i))
			for errors.Is(err, session.ErrSessionEnded) { // possible on a busy machine
				h, err = enter(within(t, patience), sm, fmt.Sprintf("/trust/%d-%d", round, i))
			}
			require.NoError(t, err)
			end := endOf(h.Context())
			wg.Go(func() {
				gone, err := goneAt(within(t, patience), watcher, h.Path(), ready)
				still := follower.Mode() == "follower"
				if err != nil {
					t.Errorf("%s: %v", h.Path(), err)
					return
				}
				if h.Err() == nil || end().After(gone) {
					t.Errorf("%s: deleted before its context ended (%v)", h.Path(), h.Err())
					return
				}
				mu.Lock()
				defer mu.Unlock()
				gaps = append(gaps, gone.Sub(end()))
				if still {
					serving++
				}
			})
			pause(t.Context(), between(rng, 0, 100*time.Millisecond)) // spread the pings
		}
		for range holders {
			select {
			case <-ready:
			case <-time.After(patience):
				t.Fatal("an observer does not see the held nodes")
			}
		}
		pause(t.Context(), between(rng, 0, sessionTimeout))
		if how != "follower deaf" {
			e.Sever(follower, leader)
		}
		if how != "leader deaf" {
			e.Sever(leader, follower)
		}
		wg.Wait()
		e.HealPeers()
		require.NoError(t, e.WaitQuorum(within(t, patience)))
		if len(gaps) > 0 {
			t.Logf("%s: %d holds, the node went %v after the context at the earliest", how, len(gaps), slices.Min(gaps))
		}
		all = append(all, gaps...)
	}
	require.Len(t, all, 3*holders)
	require.Positive(t, serving, "the follower noticed too early: no client was misled")
	t.Logf("%d holds of sessions of %v through a follower without its leader: the node was deleted %v after the context at the earliest; "+
		"at that time the follower still served %d of them", len(all), sessionTimeout, slices.Min(all), serving)
}

// enter holds a new node in a directory.
func enter(ctx context.Context, sm *session.Manager, dir string) (*core.Hold, error) {
	s, err := bridge.Core(sm).Session(ctx)
	if err != nil {
		return nil, err
	}
	entry, err := s.Enter(ctx, dir, "lock-", nil)
	if err != nil {
		return nil, err
	}
	return entry.Hold(ctx, entry.Dir.Pzxid)
}

// goneAt waits until a node is deleted and returns the time at which that was
// seen. It closes ready once it knows whether the node exists.
func goneAt(ctx context.Context, sm *session.Manager, path string, ready chan<- struct{}) (time.Time, error) {
	tell := sync.OnceFunc(func() { ready <- struct{}{} })
	for {
		gone, err := goneIn(ctx, sm, path, tell)
		if !errors.Is(err, session.ErrSessionEnded) {
			return gone, err
		}
	}
}

// goneIn is goneAt within one session.
func goneIn(ctx context.Context, sm *session.Manager, path string, tell func()) (time.Time, error) {
	s, err := bridge.Core(sm).Session(ctx)
	if err != nil {
		return time.Time{}, err
	}
	for {
		if err := s.Sync(ctx, path); err != nil { // a lagging server may not know the node yet
			return time.Time{}, err
		}
		_, found, watch, err := s.ExistsW(ctx, path)
		if err != nil {
			return time.Time{}, err
		}
		tell()
		if !found {
			watch.Stop()
			return time.Now(), nil
		}
		select {
		case <-watch.Done():
			if watch.Event() == core.NodeDeleted {
				return time.Now(), nil
			}
		case <-ctx.Done():
			return time.Time{}, ctx.Err()
		}
	}
}
