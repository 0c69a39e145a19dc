package core_test

import (
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/testing/testworld"
)

// A node that the session may not read exists, whatever the server answers.
func TestFault38_HiddenNodeExists(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		_, err := owner.Core().Create(w.Context(), "/a", []byte("x"), core.Persistent)
		require.NoError(w, err)
		p := w.Process()
		_, found, err := p.Exists(w.Context(), "/a")
		require.NoError(w, err)
		require.True(w, found)
		_, found, watch, err := p.Current().ExistsW(w.Context(), "/a")
		require.NoError(w, err)
		require.True(w, found)
		watch.Stop()
		seen, err := p.Core().See(w.Context(), "/a")
		require.NoError(w, err)
		require.True(w, seen.Hidden)
		require.Empty(w, seen.Data)
		_, err = p.Core().See(w.Context(), "/missing")
		require.ErrorIs(w, err, zk.ErrNoNode)
		require.NoError(w, p.EnsureDir(w.Context(), "/a"))
		seen, err = owner.Core().See(w.Context(), "/a")
		require.NoError(w, err)
		require.False(w, seen.Hidden)
		require.Equal(w, "x", string(seen.Data))
		stat, found, err := owner.Exists(w.Context(), "/")
		require.NoError(w, err)
		require.True(w, found)
		require.False(w, core.Hidden(stat), "the root is not hidden")
	})
}

// Servers do not report the creation of a node that the waiter may not read.
func TestFault39_CreationIsWithheld(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		p := w.Process()
		_, found, watch, err := p.Current().ExistsW(w.Context(), "/a")
		require.NoError(w, err)
		require.False(w, found)
		_, err = owner.Core().Create(w.Context(), "/a", nil, core.Persistent)
		require.NoError(w, err)
		start := time.Now()
		<-watch.Done()
		require.Equal(w, core.NodeCreated, watch.Event())
		require.Less(w, time.Since(start), 13*time.Second)
	})
}

// A hidden node that is created and deleted between two looks uses the server's
// watch up. The look sets it again.
func TestFault39_HiddenNodeComesAndGoes(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		p := w.Process()
		_, _, watch, err := p.Current().ExistsW(w.Context(), "/a")
		require.NoError(w, err)
		_, err = owner.Core().Create(w.Context(), "/a", nil, core.Persistent)
		require.NoError(w, err)
		w.Remove("/a")
		require.Zero(w, w.Srv.WatchesOf("/a"))
		time.Sleep(13 * time.Second)
		require.Zero(w, watch.Event())
		require.Equal(w, 1, w.Srv.WatchesOf("/a"))
		w.Put("/a", "x")
		start := time.Now()
		<-watch.Done()
		require.Zero(w, time.Since(start))
	})
}

// Servers report neither the end of a node that the waiter may not read, nor
// that it becomes readable.
func TestFault39_HiddenNodeIsLookedAt(t *testing.T) {
	for _, wait := range []time.Duration{0, time.Minute} {
		testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
			_, err := owner.Core().Create(w.Context(), "/a", nil, core.Persistent)
			require.NoError(w, err)
			p := w.Process()
			seen, watch, err := p.Current().SeeW(w.Context(), "/a")
			require.NoError(w, err)
			require.True(w, seen.Hidden)
			called := make(chan core.EventType, 1)
			_, _, err = p.Current().SeeFunc(w.Context(), "/a", func(e core.EventType) { called <- e })
			require.NoError(w, err)
			time.Sleep(wait)
			require.Zero(w, watch.Event(), "nothing has happened")
			w.Remove("/a")
			start := time.Now()
			<-watch.Done()
			require.Equal(w, core.NodeDeleted, watch.Event())
			require.Equal(w, core.NodeDeleted, <-called)
			most := 1250 * time.Millisecond
			if wait > 0 {
				most = 12500 * time.Millisecond
			}
			require.LessOrEqual(w, time.Since(start), most)

			_, err = owner.Core().Create(w.Context(), "/a", nil, core.Persistent)
			require.NoError(w, err)
			_, watch, err = p.Current().SeeW(w.Context(), "/a")
			require.NoError(w, err)
			w.Remove("/a")
			w.Put("/a", "open to all")
			<-watch.Done()
			require.Equal(w, core.NodeDataChanged, watch.Event())
		})
	}
}

// The cost of looks in an hour of waiting: nothing for a readable node, few
// requests for other nodes, and nothing without a waiter.
func TestFault39_WhatLooksCost(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		w.Put("/open", "")
		_, err := owner.Core().Create(w.Context(), "/hidden", nil, core.Persistent)
		require.NoError(w, err)
		p := w.Process()
		s := p.Current()
		hour := func() (requests int) {
			counts := w.Count(func() { time.Sleep(time.Hour) })
			for op, n := range counts {
				if op != "sync" {
					requests += n
				}
			}
			return requests
		}
		before := hour()
		_, _, open, err := s.ExistsW(w.Context(), "/open")
		require.NoError(w, err)
		_, readable, err := s.SeeW(w.Context(), "/open")
		require.NoError(w, err)
		_, _, quiet, err := s.ExistsW(w.Context(), "/quiet")
		require.NoError(w, err)
		quiet.NoLook()
		require.Equal(w, before, hour(), "readable nodes cost no look")
		open.Stop()
		readable.Stop() // the hidden node will tell the session that ACLs are in use

		for range 1000 {
			_, _, missing, err := s.ExistsW(w.Context(), "/missing")
			require.NoError(w, err)
			defer missing.Stop()
		}
		cost := hour() - before
		require.Greater(w, cost, 200)
		require.Less(w, cost, 500, "a thousand waiters share one look every ten seconds")

		_, hidden, err := s.SeeW(w.Context(), "/hidden")
		require.NoError(w, err)
		both := hour() - before
		require.Greater(w, both, cost+200)
		require.Less(w, both, cost+1000)
		hidden.Stop()
		require.InDelta(w, cost, hour()-before, 5, "the last waiter ends the looks")
	})
}

// The session ends: so do the looks, and the watch fires.
func TestFault39_LooksEndWithTheSession(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		_, err := owner.Core().Create(w.Context(), "/hidden", nil, core.Persistent)
		require.NoError(w, err)
		p := w.Process()
		_, hidden, err := p.Current().SeeW(w.Context(), "/hidden")
		require.NoError(w, err)
		_, _, missing, err := p.Current().ExistsW(w.Context(), "/missing")
		require.NoError(w, err)
		require.NoError(w, p.Close())
		<-hidden.Done()
		<-missing.Done()
		require.Equal(w, core.SessionEnded, hidden.Event())
		require.Equal(w, core.SessionEnded, missing.Event())
	})
}
