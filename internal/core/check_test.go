package core_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// deafFor is how long a watch can be deaf in a session with few watches.
const deafFor = 75 * time.Second

// requireFires requires that the watches fire before they could be deaf for
// longer.
func requireFires(w *testworld.World, watches ...*core.Watch) {
	w.Helper()
	late := time.After(deafFor)
	for _, watch := range watches {
		select {
		case <-watch.Done():
			require.NotEqual(w, core.SessionEnded, watch.Event())
		case <-late:
			require.FailNow(w, "the watch is deaf")
		}
	}
}

// The ACL of a watched node changes. The server does not report that, and
// withholds the node's events from then on. The session notices it.
func TestFault39_ACLChangesUnderAWatch(t *testing.T) {
	for name, change := range map[string]func(w *testworld.World){
		"it is written to":         func(w *testworld.World) { w.Put("/a", "later") },
		"it is deleted":            func(w *testworld.World) { w.Remove("/a") },
		"it is made again":         func(w *testworld.World) { w.Remove("/a"); w.Put("/a", "") },
		"only its ACL has changed": func(*testworld.World) {},
		"it is opened again":       func(w *testworld.World) { w.Put("/a", "later"); w.Open("/a") },
	} {
		t.Run(name, func(t *testing.T) {
			testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
				w.Put("/a", "")
				s := w.Process(testworld.Guest).Current()
				_, _, got, err := s.GetW(w.Context(), "/a")
				require.NoError(w, err)
				_, seen, err := s.SeeW(w.Context(), "/a")
				require.NoError(w, err)
				_, _, exists, err := s.ExistsW(w.Context(), "/a")
				require.NoError(w, err)
				time.Sleep(time.Hour)
				w.Shut("/a")
				change(w)
				requireFires(w, got, seen, exists)
			})
		})
	}
}

// The ACL of a directory changes under a watch on its children.
func TestFault39_ACLOfADirectoryChangesUnderAWatch(t *testing.T) {
	for name, change := range map[string]func(w *testworld.World){
		"a child is made":    func(w *testworld.World) { w.Put("/a/2", "") },
		"a child is deleted": func(w *testworld.World) { w.Remove("/a/1") },
		"it is opened again": func(w *testworld.World) { w.Put("/a/2", ""); w.Open("/a") },
	} {
		t.Run(name, func(t *testing.T) {
			testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
				w.Put("/a/1", "")
				s := w.Process(testworld.Guest).Current()
				_, _, watch, err := s.ChildrenW(w.Context(), "/a")
				require.NoError(w, err)
				time.Sleep(time.Hour)
				w.Shut("/a")
				change(w)
				requireFires(w, watch)
				require.Equal(w, core.NodeChildrenChanged, watch.Event())
			})
		})
	}
}

// A waiter that joins a deaf watch shares it, and does not keep the other
// waiters from the missed changes.
func TestFault39_WaiterComesToADeafWatch(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		w.Put("/a", "")
		s := w.Process().Current()
		_, first, err := s.SeeW(w.Context(), "/a")
		require.NoError(w, err)
		w.Shut("/a")
		w.Put("/a", "later")
		seen, second, err := s.SeeW(w.Context(), "/a")
		require.NoError(w, err)
		require.True(w, seen.Hidden)
		requireFires(w, first, second)
	})
}

// A session without credentials checks its watches if something else shows that
// ACLs are in use: a node that it may not read, or an earlier change of the
// node's ACL.
func TestFault39_WhatTellsOfACLs(t *testing.T) {
	for name, tell := range map[string]func(w *testworld.World, s *core.Session){
		"a hidden node": func(w *testworld.World, s *core.Session) {
			w.Put("/b", "")
			w.Shut("/b")
			_, watch, err := s.SeeW(w.Context(), "/b")
			require.NoError(w, err)
			watch.Stop()
		},
		"an earlier change": func(w *testworld.World, _ *core.Session) { w.Open("/a") },
	} {
		t.Run(name, func(t *testing.T) {
			testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
				w.Put("/a", "")
				s := w.Process().Current()
				tell(w, s)
				_, _, watch, err := s.GetW(w.Context(), "/a")
				require.NoError(w, err)
				w.Shut("/a")
				w.Put("/a", "later")
				requireFires(w, watch)
			})
		})
	}
}

// Every session checks its watches after a reconnection. The server does not
// repeat withheld events when the watch is set again.
func TestFault39_ReconnectionShowsWhatWasWithheld(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		w.Put("/a/1", "")
		p := w.Process()
		_, _, got, err := p.Current().GetW(w.Context(), "/a")
		require.NoError(w, err)
		_, _, listed, err := p.Current().ChildrenW(w.Context(), "/a")
		require.NoError(w, err)
		w.Shut("/a")
		w.Put("/a", "later")
		w.Put("/a/2", "")
		_, err = p.Core().Create(w.Context(), "/newer", nil, core.Persistent) // the session has seen a later change
		require.NoError(w, err)
		time.Sleep(time.Hour)
		require.Zero(w, got.Event(), "nothing tells the session of ACLs")
		p.Link.Disconnect()
		requireFires(w, got, listed)
	})
}

// After a reconnection, the server reports the changes of the meantime, hidden
// or not.
func TestFault39_MadeAgainHiddenWhileCutOff(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		w.Put("/a", "")
		p := w.Process()
		_, watch, err := p.Current().SeeW(w.Context(), "/a")
		require.NoError(w, err)
		p.Link.Cut(zktest.Both)
		p.Link.Disconnect()
		w.Remove("/a")
		_, err = owner.Core().Create(w.Context(), "/a", nil, core.Persistent)
		require.NoError(w, err)
		time.Sleep(time.Second)
		p.Link.Heal()
		start := time.Now()
		requireFires(w, watch)
		require.Less(w, time.Since(start), 5*time.Second)
		seen, err := p.Core().See(w.Context(), "/a")
		require.NoError(w, err)
		require.True(w, seen.Hidden)
	})
}

// The cost of checks in an hour, if ACLs are in use: one request a minute for a
// watch, four per ping for ten thousand watches, and none for a watch without
// waiters that need it.
func TestFault39_WhatChecksCost(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		s := w.Process(testworld.Guest).Current()
		hour := func() (requests int) {
			for _, n := range w.Count(func() { time.Sleep(time.Hour) }) {
				requests += n
			}
			return requests
		}
		require.Zero(w, hour())
		w.Put("/a", "")
		_, _, quiet, err := s.GetW(w.Context(), "/a")
		require.NoError(w, err)
		quiet.NoLook()
		require.Zero(w, hour(), "a waiter that does not care")
		_, _, watch, err := s.GetW(w.Context(), "/a")
		require.NoError(w, err)
		one := hour()
		require.Greater(w, one, 50)
		require.LessOrEqual(w, one, 60)
		watch.Stop()
		require.Zero(w, hour(), "nobody waits")

		many := testworld.Sized(1000, 10_000)
		for i := range many {
			path := fmt.Sprintf("/many/%d", i)
			w.Put(path, "")
			_, _, _, err := s.GetW(w.Context(), path)
			require.NoError(w, err)
		}
		all := hour()
		pings := 3 * 360 // an hour of the third of ten seconds
		require.Greater(w, all, 3*pings)
		require.LessOrEqual(w, all, 4*pings+4)
	})
}

// If nothing shows that ACLs are in use, a watch costs one check after each
// reconnection.
func TestFault39_WhatChecksCostWithoutACLs(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		const many = 100
		for i := range many {
			path := fmt.Sprintf("/many/%d", i)
			w.Put(path, "")
			_, _, _, err := p.Current().GetW(w.Context(), path)
			require.NoError(w, err)
		}
		require.Empty(w, w.Count(func() { time.Sleep(time.Hour) }))
		counts := w.Count(func() {
			p.Link.Disconnect()
			time.Sleep(time.Hour)
		})
		require.Equal(w, map[string]int{"connect": 1, "setWatches": 1, "exists": many}, counts)
	})
}

// A watch that is set again all the time needs no check.
func TestFault39_ConfirmedWatchCostsNoCheck(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		s := w.Process(testworld.Guest).Current()
		counts := w.Count(func() {
			for range 120 {
				w.Put("/a", "")
				_, _, _, err := s.GetW(w.Context(), "/a")
				require.NoError(w, err)
				time.Sleep(30 * time.Second)
			}
		})
		require.Equal(w, map[string]int{"getData": 120}, counts)
	})
}
