package naming_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/zktest"
)

// slowly has the server delete znodes late.
func slowly(w *testworld.World) {
	w.Srv.Intercept(func(r zktest.Request) zktest.Action {
		if r.Op == zktest.OpDelete {
			return zktest.Delay(3 * time.Second)
		}
		return zktest.Pass
	})
}

// An instance that registers again while its own znode is still being removed
// waits for the removal, under every policy.
func TestRegisterWaitsForItsOwnLeavingZnode(t *testing.T) {
	for name, opts := range map[string][]naming.RegisterOption{"wait": nil, "refuse": {naming.Refuse()}, "replace": {naming.Replace()}} {
		for kind, service := range map[string]naming.ServiceType{"dynamic": naming.Dynamic, "permanent": naming.Permanent} {
			t.Run(name+" "+kind, func(t *testing.T) {
				testworld.Run(t, func(w *testworld.World) {
					p := w.Process()
					slowly(w)
					in := at("a", "10.0.0.1")
					in.Type = service
					first := register(p, in, opts...)
					gone, cancel := context.WithCancel(w.Context())
					cancel()
					require.ErrorIs(w, first.Unregister(gone), context.Canceled, "the removal goes on in the background")
					in.Weight = 2
					second := register(p, in, opts...)
					time.Sleep(time.Minute)
					require.True(w, second.State().In)
					info, found := w.Srv.Node(orders + "/a")
					require.True(w, found)
					require.Contains(w, string(info.Data), `"weight":"2"`)
				})
			})
		}
	}
}

// A process that acquires a worker id again under its name while it still gives
// up the last one gets the same number: it waits for its own znode.
func TestWorkersWaitForTheirOwnLeavingZnode(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		slowly(w)
		workers := naming.NewWorkers(p.Manager, "/workers", 2)
		first, err := workers.Acquire(w.Context(), "a")
		require.NoError(w, err)
		released := make(chan error, 1)
		go func() { released <- first.Release() }()
		time.Sleep(time.Second)
		second, err := workers.Acquire(w.Context(), "a")
		require.NoError(w, err)
		require.NoError(w, <-released)
		require.Equal(w, first.ID(), second.ID())
		require.Greater(w, second.Token(), first.Token())
		require.NoError(w, second.Err())

		// Without a name, and without another number, it waits too.
		single := naming.NewWorkers(p.Manager, "/single", 1)
		first, err = single.Acquire(w.Context(), "")
		require.NoError(w, err)
		go func() { released <- first.Release() }()
		time.Sleep(time.Second)
		second, err = single.Acquire(w.Context(), "")
		require.NoError(w, err)
		require.NoError(w, <-released)
		require.Zero(w, second.ID())

		// What it holds, and does not give up, is taken.
		_, err = single.Acquire(w.Context(), "")
		require.ErrorIs(w, err, naming.ErrNoWorkerID)
		third, err := workers.Acquire(w.Context(), "a")
		require.NoError(w, err)
		require.Equal(w, 1, third.ID())
	})
}
