package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
)

// growthRounds bounds the rounds of measures with a long preparation.
const growthRounds = 3

// growthMeasures measure how each cost grows.
func growthMeasures() []measure {
	var all []measure
	add := func(family, title, axis string, n int, u unit, of string, subjects ...subject) {
		all = append(all, measure{
			name: fmt.Sprintf("%s-%d", family, n), title: title, axis: axis, x: float64(n), unit: u, of: of, clients: 1,
			rounds: growthRounds, subjects: subjects,
		})
	}
	for _, n := range []int{1, 10, 100, 300} {
		sessions, ops := min(n, 8), max(150, 2*n)
		add("growth/waiters", "One lock, per acquisition", "waiters", n, perOp, "",
			subject{floor, func(e env) (sample, error) { return chain(e, sessions, ops) }},
			subject{docent, func(e env) (sample, error) { return docentLocks(e, n, sessions, ops) }},
			subject{goZK, func(e env) (sample, error) { return zkLocks(e, n, sessions, ops) }},
			external(curator, task{verb: "lock", clients: n, sessions: sessions, ops: ops}))
		all[len(all)-1].clients = n
	}
	for _, n := range []int{10, 100, 1000, 2000} {
		add("growth/members", "One more member until a watcher has it", "members", n, latency, "",
			subject{floor, func(e env) (sample, error) { return zkMembers(e, n, 20) }},
			subject{docent, func(e env) (sample, error) { return docentMembers(e, n, 20) }})
	}
	for _, n := range []int{1, 100, 1000, 5000} {
		add("growth/keys", "Config published until Load has it", "keys open in the session", n, latency, "",
			subject{floor, func(e env) (sample, error) { return zkVisible(e, 60) }},
			subject{docent, func(e env) (sample, error) { return docentVisible(e, 60, n) }})
	}
	for _, n := range []int{10, 1000, 10_000, 100_000} {
		add("growth/items", "Take + Ack", "items in the queue", n, latency, "",
			subject{floor, func(e env) (sample, error) { return zkTake(e, 60) }},
			subject{docent, func(e env) (sample, error) { return docentBacklog(e, n, 60) }})
	}
	for _, n := range []int{10, 100, 1000, 5000} {
		add("growth/instances", "Balancer.Pick", "instances", n, counted, "ns",
			subject{docent, pick(n, naming.RoundRobin(), "")},
			subject{"docent, hash", pick(n, naming.Hash(), "192.0.2.7")})
	}
	return all
}

// zkMembers is a create, a watch event and a list on the bare client, in a
// directory of n.
func zkMembers(e env, n, ops int) (sample, error) {
	conns, err := e.site.raw(2)
	if err != nil {
		return sample{}, err
	}
	if _, err := conns[0].Create(e.dir, nil, 0, open); err != nil {
		return sample{}, err
	}
	err = inParallel(n, func(i int) error {
		_, err := conns[0].Create(fmt.Sprintf("%s/m%05d", e.dir, i), nil, 0, open)
		return err
	})
	if err != nil {
		return sample{}, err
	}
	_, _, events, err := conns[1].ChildrenW(e.dir)
	if err != nil {
		return sample{}, err
	}
	s, err := eachOp(ops, func(i int) error {
		made := make(chan error, 1)
		go func() {
			_, err := conns[0].Create(fmt.Sprintf("%s/x%05d", e.dir, i), nil, 0, open)
			made <- err
		}()
		<-events
		var err error
		_, _, events, err = conns[1].ChildrenW(e.dir)
		return cmp.Or(err, <-made)
	})
	return s, cmp.Or(err, forget(conns[0], e.dir))
}

// docentMembers also reads the payload of the new member, because a watcher is
// given it.
func docentMembers(e env, n, ops int) (sample, error) {
	sms, err := e.site.sm(2)
	if err != nil {
		return sample{}, err
	}
	group := groupmembership.NewGroup(sms[0], e.dir)
	all := make([]*groupmembership.Membership, n+ops+warmth(ops))
	join := func(i int) (err error) {
		all[i], err = group.Join(e, fmt.Sprintf("m%05d", i), nil)
		return err
	}
	if err := inParallel(n, join); err != nil {
		return sample{}, err
	}
	ctx, cancel := context.WithCancel(e)
	news := make(chan error, 16)
	go func() {
		defer close(news)
		// With the shortest pause, changes are not combined: here they come one
		// at a time.
		for _, err := range groupmembership.NewGroup(sms[1], e.dir, groupmembership.Pause(time.Nanosecond)).Changes(ctx) {
			if ctx.Err() != nil {
				return
			}
			news <- err
		}
	}()
	s, err := sample{}, <-news
	if err == nil {
		s, err = eachOp(ops, func(i int) error {
			joined := make(chan error, 1)
			go func() { joined <- join(n + i) }()
			return cmp.Or(<-news, <-joined)
		})
	}
	cancel()
	for range news {
		continue
	}
	return s, cmp.Or(err, inParallel(len(all), func(i int) error {
		if all[i] == nil {
			return nil
		}
		return all[i].Leave(context.Background())
	}))
}

// docentBacklog takes from a queue in which n further items wait.
func docentBacklog(e env, n, ops int) (sample, error) {
	sm, err := session.Dial(e, session.Config{Servers: e.site.addrs, Timeout: sessionTimeout})
	if err != nil {
		return sample{}, err
	}
	defer sm.Close()
	q := queue.New(sm, e.dir)
	if err := fill(e, q, n+ops+warmth(ops)); err != nil {
		return sample{}, err
	}
	s, err := takeAll(e, q, ops)
	conn, connErr := connect(e.site.addrs, 30*time.Second)
	if connErr != nil {
		return s, cmp.Or(err, connErr)
	}
	defer conn.Close()
	return s, cmp.Or(err, forget(conn, e.dir+"/items"))
}
