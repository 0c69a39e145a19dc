package demo

import (
	"context"
	"errors"
	"fmt"

	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/zktest"
)

// services: a client calls two instances of a service while one of them drains,
// the other dies, and ZooKeeper goes away.
func services(ctx context.Context, s *stage) error {
	client, err := s.enter(ctx, "client")
	if err != nil {
		return err
	}
	registered := make(map[string]*naming.Registration)
	processes := make(map[string]*process)
	for i, name := range []string{"ann", "ben"} {
		p, err := s.enter(ctx, name)
		if err != nil {
			return err
		}
		s.say(name, "registers an instance of the service orders")
		g, err := naming.NewRegistry(p.Manager).Register(ctx, naming.Instance{Service: "orders", ID: name, Address: fmt.Sprint("10.0.0.", i+1), Port: 80})
		if err != nil {
			return err
		}
		registered[name], processes[name] = g, p
	}
	orders, err := naming.NewRegistry(client.Manager).Open(ctx, "orders")
	if err != nil {
		return err
	}
	defer orders.Close()
	balancer, err := orders.Balancer(naming.RoundRobin())
	if err != nil {
		return err
	}
	calls := func(n int) (map[string]int, error) {
		// A pick never waits: while a change is applied, it uses the earlier
		// instances. The claims are about the present instances.
		if err := balancer.Refresh(); err != nil {
			return nil, err
		}
		got := make(map[string]int)
		for range n {
			p, err := balancer.Pick("")
			if err != nil {
				return nil, err
			}
			got[p.Item.ID]++
			p.Done(nil)
		}
		return got, nil
	}
	got, err := calls(10)
	if err != nil {
		return err
	}
	if err := s.claim(got["ann"] == 5 && got["ben"] == 5, "10 calls of the client go to both in turn"); err != nil {
		return err
	}

	s.say("ann", "drains")
	if err := registered["ann"].Drain(ctx); err != nil {
		return err
	}
	if err := until(ctx, orders, func(v *naming.View) bool { return v.Len() == 2 && v.Instances()[0].Draining }); err != nil {
		return err
	}
	if got, err = calls(10); err != nil {
		return err
	}
	if err := s.claim(got["ben"] == 10, "10 calls go to ben, and none to ann"); err != nil {
		return err
	}
	s.say("ann", "is done, and unregisters")
	if err := registered["ann"].Unregister(ctx); err != nil {
		return err
	}
	if err := until(ctx, orders, func(v *naming.View) bool { return v.Len() == 1 }); err != nil {
		return err
	}

	s.say("network", "cuts the client off from ZooKeeper")
	client.link.Cut(zktest.Both)
	if err := until(ctx, orders, func(v *naming.View) bool { return v.Stale }); err != nil {
		return err
	}
	if got, err = calls(10); err != nil {
		return err
	}
	if err := s.claim(got["ben"] == 10 && orders.Stale(), "the client goes on with what was last known, and knows that it is"); err != nil {
		return err
	}
	s.say("network", "is back")
	client.link.Heal()
	if err := until(ctx, orders, func(v *naming.View) bool { return !v.Stale }); err != nil {
		return err
	}

	s.say("server", "ben dies: its session expires, and the service has no instance any more")
	processes["ben"].link.Cut(zktest.Both)
	s.server.Expire(int64(registered["ben"].State().Session))
	if err := until(ctx, orders, func(v *naming.View) bool { return v.Protected }); err != nil {
		return err
	}
	if got, err = calls(10); err != nil {
		return err
	}
	return s.claim(got["ben"] == 10, "all instances seldom die at once: the client keeps the last instance for %v, and marks the view", naming.DefaultProtection)
}

// until waits until the service is as wanted.
func until(ctx context.Context, s *naming.Service, ok func(*naming.View) bool) error {
	for change, err := range s.Changes(ctx) {
		if err != nil {
			return err
		}
		if ok(change.View) {
			return nil
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return errors.New("the watch has ended")
}
