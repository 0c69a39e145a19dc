package scenarios

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// TestServiceThroughFaults makes instances register, change and unregister
// while one server after the other is killed and restarted. A client that picks
// all the time always finds an instance. An instance is removed only if its
// session has ended, or it was unregistered. One that is cut off is removed,
// and comes back with its newest state.
func TestServiceThroughFaults(t *testing.T) {
	t.Parallel()
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 3)
	ctx, cancel := context.WithCancel(t.Context())
	register := func(p *process, id string) *naming.Registration {
		g, err := naming.NewRegistry(p.Manager).Register(within(t, patience), naming.Instance{Service: "orders", ID: id, Address: "10.0.0.1", Port: 80, Weight: 1})
		require.NoError(t, err)
		return g
	}
	steady := make(map[string]*process)
	registered := make(map[string]*naming.Registration)
	sessions := make(map[string]session.ID)
	for i := range 3 {
		id := "steady-" + strconv.Itoa(i)
		p := start(t, e, lasting)
		steady[id], registered[id] = p, register(p, id)
		sessions[id] = registered[id].State().Session
	}
	orders, err := naming.NewRegistry(observer(t, e)).Open(within(t, patience), "orders")
	require.NoError(t, err)
	defer orders.Close()
	balancer, err := orders.Balancer(naming.RoundRobin())
	require.NoError(t, err)

	var mu sync.Mutex
	removed := make(map[string]int)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() {
		for change, err := range orders.Changes(ctx) {
			if err != nil {
				t.Errorf("the watch reports %v", err)
			}
			for _, event := range change.Events {
				if event.Kind == naming.Removed {
					mu.Lock()
					removed[event.Instance.ID]++
					mu.Unlock()
				}
			}
		}
	})
	running.Go(func() {
		for ctx.Err() == nil {
			p, err := balancer.Pick("")
			if err != nil {
				t.Errorf("a client finds nothing to pick: %v", err)
				return
			}
			p.Done(nil)
			time.Sleep(time.Millisecond) // its call
		}
	})
	find := func(id string) (naming.Instance, bool) {
		for _, in := range orders.Load() {
			if in.ID == id {
				return in, true
			}
		}
		return naming.Instance{}, false
	}

	visitor := start(t, e, lasting)
	for round := range 3 {
		e.Server(round).Kill()
		for _, g := range registered {
			in := g.Instance()
			in.Weight = round + 2
			require.NoError(t, g.Update(within(t, patience), in))
		}
		id := "guest-" + strconv.Itoa(round)
		g := register(visitor, id)
		ensemble.Eventually(t, patience, id+" is seen", func() bool { _, there := find(id); return there })
		require.NoError(t, g.Unregister(within(t, patience)))
		ensemble.Eventually(t, patience, id+" is removed", func() bool { _, there := find(id); return !there })
		e.Server(round).Restart()
		require.NoError(t, e.WaitQuorum(within(t, patience)))
	}

	cut := start(t, e, brief)
	g := register(cut, "cut")
	ensemble.Eventually(t, patience, "the instance is seen", func() bool { _, there := find("cut"); return there })
	cut.proxy.CutAll(ensemble.Both)
	ensemble.Eventually(t, patience, "the instance is removed", func() bool { _, there := find("cut"); return !there })
	require.False(t, g.State().In, "the instance knew before others could see it")
	drained := make(chan error, 1)
	go func() { drained <- g.Drain(ctx) }()
	cut.proxy.HealAll()
	require.NoError(t, <-drained)
	ensemble.Eventually(t, patience, "the instance is back, and drains", func() bool { in, there := find("cut"); return there && in.Draining })
	require.NoError(t, g.Unregister(within(t, patience)))

	for id, g := range registered {
		ensemble.Eventually(t, patience, id+" is seen with its newest state", func() bool { in, _ := find(id); return in.Weight == 4 })
		require.True(t, g.State().In)
	}
	ensemble.Eventually(t, patience, "nothing else is left", func() bool { return len(orders.Load()) == len(registered) })
	mu.Lock()
	defer mu.Unlock()
	for id, p := range steady {
		s, err := p.Session(t.Context())
		require.NoError(t, err)
		if s.ID == sessions[id] {
			require.Zero(t, removed[id], "%s was removed although its session lasts", id)
		}
	}
}
