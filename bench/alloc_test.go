package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func embedded(tb testing.TB) (*zktest.Server, *session.Manager) {
	tb.Helper()
	srv := zktest.New(tb)
	sm, err := session.Dial(tb.Context(), session.Config{Servers: []string{"zk1"}, Dialer: srv.DialContext})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, sm.Close()) })
	return srv, sm
}

// Hot paths that ask no server allocate nothing.
func TestHotPathsAllocateNothing(t *testing.T) {
	srv, sm := embedded(t)
	require.NoError(t, srv.Put("/limits", []byte(`{"qps":7}`)))
	v, err := config.Open(t.Context(), sm, "/limits", config.JSON[struct{ QPS int }]())
	require.NoError(t, err)
	defer v.Close()
	h, err := lock.NewMutex(sm, "/locks/orders").Lock(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, h.Release()) }()
	b := naming.NewBalancer(naming.NewList(instances(1000)...), naming.RoundRobin())

	for name, f := range map[string]func(){
		"Value.Load":    func() { v.Load() },
		"Hold.Err":      func() { require.NoError(t, h.Err()) },
		"Hold.Token":    func() { h.Token() },
		"Hold.Deadline": func() { h.Deadline() },
		"Hold.Context":  func() { h.Context() },
		"Hold.Done":     func() { h.Done() },
		"Balancer.Pick": func() {
			p, err := b.Pick("")
			require.NoError(t, err)
			p.Done(nil)
		},
	} {
		t.Run(name, func(t *testing.T) { require.Zero(t, testing.AllocsPerRun(10_000, f)) })
	}
}

// Lock and Release allocate a small constant, whatever came before. The count
// includes the allocations of the client underneath and of the embedded server.
func TestLockAllocatesAConstant(t *testing.T) {
	_, sm := embedded(t)
	m := lock.NewMutex(sm, "/locks/orders")
	lockAndRelease := func() {
		h, err := m.Lock(t.Context())
		require.NoError(t, err)
		require.NoError(t, h.Release())
	}
	first := testing.AllocsPerRun(200, lockAndRelease)
	testing.AllocsPerRun(2000, lockAndRelease)
	later := testing.AllocsPerRun(200, lockAndRelease)
	t.Logf("%v allocations, %v after 2000 more", first, later)
	require.LessOrEqual(t, first, 160.0)
	require.LessOrEqual(t, later, first+8, "earlier locks do not add to the cost")
}
