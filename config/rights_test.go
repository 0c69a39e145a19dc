package config_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// A key that appears unreadable is reported, and shown once it may be read.
func TestFault39_KeyThatAppearsUnreadable(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		w.Put("/app", "")
		p := w.Process()
		value, err := config.Open(w.Context(), p.Manager, "/app/key", config.JSON[int](), config.Default(1))
		require.NoError(w, err)
		defer value.Close()
		require.Equal(w, 1, value.Load().Value)
		_, err = owner.Create(w.Context(), "/app/key", []byte("2"), session.Persistent)
		require.NoError(w, err)
		time.Sleep(time.Minute)
		require.ErrorIs(w, value.Err(), session.ErrNoAuth)
		w.Remove("/app/key")
		w.Put("/app/key", "3")
		time.Sleep(time.Minute)
		require.NoError(w, value.Err())
		require.Equal(w, 3, value.Load().Value)
	})
}

// The ACL of a key or a tree changes under its watcher, which reports that, and
// shows what was written meanwhile once it may be read again.
func TestFault39_KeyIsShutUnderItsWatcher(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		w.Put("/app/key", "1")
		p := w.Process(testworld.Guest)
		value, err := config.Open(w.Context(), p.Manager, "/app/key", config.JSON[int]())
		require.NoError(w, err)
		defer value.Close()
		tree, err := config.OpenTree(w.Context(), p.Manager, "/app", config.JSON[int]())
		require.NoError(w, err)
		defer tree.Close()
		w.Shut("/app/key")
		w.Shut("/app")
		w.Put("/app/key", "2")
		w.Put("/app/new", "3")
		time.Sleep(80 * time.Second)
		require.ErrorIs(w, value.Err(), session.ErrNoAuth)
		require.ErrorIs(w, tree.Err(), session.ErrNoAuth)
		w.Open("/app/key")
		w.Open("/app")
		time.Sleep(80 * time.Second)
		require.NoError(w, value.Err())
		require.Equal(w, 2, value.Load().Value)
		require.NoError(w, tree.Err())
		require.Equal(w, 3, tree.Load().Value("new"))
	})
}

// A key that was deleted and made again hidden while the watcher was cut off is
// reported.
func TestFault39_KeyIsHiddenWhileCutOff(t *testing.T) {
	for _, away := range []time.Duration{2 * time.Second, time.Minute} {
		testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
			w.Put("/app/key", "1")
			p := w.Process()
			value, err := config.Open(w.Context(), p.Manager, "/app/key", config.JSON[int]())
			require.NoError(w, err)
			defer value.Close()
			p.Link.Cut(zktest.Both)
			p.Link.Disconnect()
			w.Remove("/app/key")
			_, err = owner.Create(w.Context(), "/app/key", []byte("2"), session.Persistent)
			require.NoError(w, err)
			time.Sleep(away)
			p.Link.Heal()
			time.Sleep(10 * time.Second)
			require.ErrorIs(w, value.Err(), session.ErrNoAuth)
			w.Remove("/app/key")
			w.Put("/app/key", "3")
			time.Sleep(time.Minute)
			require.NoError(w, value.Err())
			require.Equal(w, 3, value.Load().Value)
		})
	}
}

// A key that was deleted and made again while the watcher was cut off is
// another value, although it holds the same.
func TestFault13_KeyMadeAgainWhileCutOff(t *testing.T) {
	for _, away := range []time.Duration{2 * time.Second, time.Minute} {
		testworld.Run(t, func(w *testworld.World) {
			w.Put("/app/key", "1")
			p := w.Process()
			value, err := config.Open(w.Context(), p.Manager, "/app/key", config.JSON[int]())
			require.NoError(w, err)
			defer value.Close()
			before := value.Load()
			p.Link.Cut(zktest.Both)
			p.Link.Disconnect()
			w.Remove("/app/key")
			w.Put("/app/key", "1")
			node, _ := w.Srv.Node("/app/key")
			time.Sleep(away)
			p.Link.Heal()
			ctx, cancel := context.WithTimeout(w.Context(), time.Hour)
			defer cancel()
			for value.Load().Zxid == before.Zxid && ctx.Err() == nil {
				time.Sleep(time.Second)
			}
			require.Equal(w, node.Stat.Mzxid, value.Load().Zxid)
		})
	}
}

// What a missing key costs: a look every ten seconds. A readable key costs
// none.
func TestFault39_WhatWatchedKeysCost(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put("/app/key", "1")
		p := w.Process()
		for _, key := range []string{"/app/key", "/app/missing"} {
			value, err := config.Open(w.Context(), p.Manager, key, config.JSON[int](), config.Default(1))
			require.NoError(w, err)
			defer value.Close()
			counts := w.Count(func() { time.Sleep(time.Hour) })
			if key == "/app/key" {
				require.Zero(w, counts["exists"]+counts["getData"])
			} else {
				require.InDelta(w, 360, counts["exists"], 120)
				require.Zero(w, counts["getData"])
			}
		}
	})
}
