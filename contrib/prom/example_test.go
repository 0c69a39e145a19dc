package prom_test

import (
	"context"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/docent-go/docent/contrib/prom"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func Example() {
	srv, err := zktest.Start() // in a program: the servers of an ensemble
	if err != nil {
		panic(err)
	}
	defer srv.Close()

	metrics := prom.New(prom.Names(prom.Below(map[string]string{"/locks/orders": "orders"})))
	registry := prometheus.NewRegistry()
	registry.MustRegister(metrics)

	ctx := context.Background()
	sm, err := session.Dial(ctx, session.Config{
		Servers: []string{"zk1"}, Dialer: srv.DialContext,
		Hooks: []session.Hook{metrics},
	})
	if err != nil {
		panic(err)
	}
	defer sm.Close()

	if err := lock.NewMutex(sm, "/locks/orders").Do(ctx, func(context.Context, *lock.Hold) error { return nil }); err != nil {
		panic(err)
	}
	families, err := registry.Gather()
	if err != nil {
		panic(err)
	}
	for _, f := range families {
		if f.GetName() == "docent_holds_acquired_total" {
			fmt.Println(f.GetName(), f.GetMetric()[0].GetLabel()[0].GetValue(), f.GetMetric()[0].GetCounter().GetValue())
		}
	}
	// Output: docent_holds_acquired_total orders 1
}
