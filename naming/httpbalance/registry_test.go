package httpbalance_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/naming/httpbalance"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// Instances come, drain and go under load: no request fails.
func TestRollingRestart(t *testing.T) {
	srv := zktest.New(t)
	sm, err := session.Dial(t.Context(), session.Config{Servers: []string{"zk1"}, Dialer: srv.DialContext})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sm.Close()) })
	registry := naming.NewRegistry(sm)
	type running struct {
		*backend
		*naming.Registration
	}
	up := func(id string) running {
		b := start(t, id)
		g, err := registry.Register(t.Context(), b.Instance)
		require.NoError(t, err)
		return running{b, g}
	}
	old := []running{up("a"), up("b"), up("c")}
	orders, err := registry.Open(t.Context(), "orders", naming.Pause(1))
	require.NoError(t, err)
	t.Cleanup(func() { _ = orders.Close() })
	c := client(t, orders)

	var served atomic.Int64
	stop := make(chan struct{})
	var load sync.WaitGroup
	for range 4 {
		load.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				resp, err := c.Get("http://orders/")
				if err != nil {
					t.Errorf("a request failed: %v", err)
					return
				}
				if resp.Body.Close() != nil || resp.StatusCode != http.StatusOK {
					t.Errorf("status %d", resp.StatusCode)
					return
				}
				served.Add(1)
			}
		})
	}
	seen := func(ok func([]naming.Instance) bool) {
		for change, err := range orders.Changes(t.Context()) {
			require.NoError(t, err)
			if ok(change.Instances()) {
				return
			}
		}
	}
	for i, r := range old {
		next := up(string(rune('d' + i)))
		seen(func(all []naming.Instance) bool { return len(all) == 4 })
		require.NoError(t, r.Drain(t.Context()))
		seen(func(all []naming.Instance) bool { return count(all) == 3 })
		more := served.Load() + 20
		for served.Load() < more && !t.Failed() {
			get(t, c)
		}
		if i == 2 { // one is stopped before it is unregistered
			r.srv.Close()
		}
		require.NoError(t, r.Unregister(t.Context()))
		r.srv.Close()
		seen(func(all []naming.Instance) bool { return len(all) == 3 })
		require.NotNil(t, next.Registration)
	}
	// A crash: the instance is still listed, but its port refuses connections.
	crashed := up("z")
	crashed.srv.Close()
	seen(func(all []naming.Instance) bool { return len(all) == 4 })
	for range 50 {
		get(t, c)
	}
	close(stop)
	load.Wait()
	require.Equal(t, []string{"z"}, func() (ids []string) {
		for _, in := range orders.Load() {
			if in.ID == "z" {
				ids = append(ids, in.ID)
			}
		}
		return ids
	}())
}

func count(all []naming.Instance) (available int) {
	for _, in := range all {
		if in.Available() {
			available++
		}
	}
	return available
}

func TestInvalidOption(t *testing.T) {
	c := client(t, list(), httpbalance.DownAfter(-1, 0, 0))
	_, err := c.Get("http://orders/")
	require.ErrorContains(t, err, "httpbalance: service orders")
}
