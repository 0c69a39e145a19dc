package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-zookeeper/zk"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

func electionMeasures() []measure {
	return []measure{
		{
			name: "election/resign", title: "Leadership handed on by Resign", clients: 2,
			subjects: resigned(20),
			absent:   map[string]string{goZK: "has no election"},
			budgets:  []budget{against(floor, 1.5)},
		},
		handedOn("election/handed-on", 8, 160),
		{
			name: "election/crash", title: fmt.Sprintf("Leadership after a crash, session timeout %v, tick %v", crashTimeout, tick), clients: 2, rounds: 5,
			subjects: []subject{{floor, zkCrash}, {docent, docentCrash}},
			absent: map[string]string{
				goZK:    "has no election",
				curator: "waits for the same expiry by the server",
				kazoo:   "waits for the same expiry by the server",
				etcd:    "its leases are a matter of seconds",
			},
			budgets: []budget{atMost(micros(crashTimeout + tick + 100*time.Millisecond))},
		},
	}
}

// handedOn is a leadership for which all candidates campaign again right after
// they have resigned. Its floor is the floor of a contended lock: the leader's
// node is deleted, and the next candidate gets the event.
func handedOn(name string, candidates, ops int) measure {
	return measure{
		name: name, title: fmt.Sprintf("Leadership handed on among %d candidates, each time", candidates), unit: perOp, clients: candidates,
		subjects: []subject{
			{floor, func(e env) (sample, error) { return chain(e, candidates, ops) }},
			{docent, func(e env) (sample, error) { return docentTerms(e, candidates, ops) }},
			external(curator, task{verb: "terms", clients: candidates, sessions: candidates, ops: ops}),
			external(kazoo, task{verb: "terms", clients: candidates, sessions: candidates, ops: ops * 3 / 4}),
		},
		absent: map[string]string{goZK: "has no election", etcd: "its contended lock is the same queue"},
	}
}

func docentTerms(e env, candidates, ops int) (sample, error) {
	sms, err := e.site.sm(candidates)
	if err != nil {
		return sample{}, err
	}
	ctx, cancel := e.deadline()
	defer cancel()
	all := make([]*election.Election, candidates)
	for i := range all {
		all[i] = election.New(sms[i], e.dir, election.ID(fmt.Sprintf("c%02d", i)))
	}
	return crowd(candidates, ops, func(c int) error {
		term, err := all[c].Campaign(ctx)
		if err != nil {
			return err
		}
		return term.Resign()
	})
}

// resigned is the time from the resignation of one candidate until the other
// leads.
func resigned(ops int) []subject {
	return []subject{
		{floor, func(e env) (sample, error) {
			conns, err := e.site.raw(2)
			if err != nil {
				return sample{}, err
			}
			return resignations(e, ops, func(i int) (func() error, <-chan error, error) {
				if _, err := conns[0].Create(e.dir, nil, zk.FlagEphemeral, open); err != nil {
					return nil, nil, err
				}
				_, _, events, err := conns[1].ExistsW(e.dir)
				leads := make(chan error, 1)
				go func() { leads <- (<-events).Err }()
				return func() error { return conns[0].Delete(e.dir, -1) }, leads, err
			}, nil)
		}},
		{docent, docentResign(ops)},
		external(curator, task{verb: "elect", clients: 2, sessions: 2, ops: ops}),
		external(kazoo, task{verb: "elect", clients: 2, sessions: 2, ops: ops}),
		external(etcd, task{verb: "elect", clients: 2, sessions: 2, ops: ops}),
	}
}

// resignations times each resignation until the successor learns that it leads.
// prepare makes one candidate lead and the other wait; after cleans up.
func resignations(e env, ops int, prepare func(i int) (resign func() error, leads <-chan error, err error), after func() error) (sample, error) {
	s := sample{ops: ops}
	for i := range warmth(ops) + ops {
		resign, leads, err := prepare(i)
		if err != nil {
			return sample{}, err
		}
		e.site.settle()
		start := time.Now()
		resigned := make(chan error, 1)
		go func() { resigned <- resign() }()
		err = <-leads
		took := time.Since(start)
		if err := errors.Join(err, <-resigned); err != nil {
			return sample{}, err
		}
		if after != nil {
			if err := after(); err != nil {
				return sample{}, err
			}
		}
		if i >= warmth(ops) {
			s.each = append(s.each, took)
			s.elapsed += took
		}
	}
	return s, nil
}

func docentResign(ops int) func(env) (sample, error) {
	return func(e env) (sample, error) {
		sms, err := e.site.sm(2)
		if err != nil {
			return sample{}, err
		}
		ctx, cancel := e.deadline()
		defer cancel()
		a := election.New(sms[0], e.dir, election.ID("a"))
		b := election.New(sms[1], e.dir, election.ID("b"))
		var next *election.Term
		prepare := func(int) (func() error, <-chan error, error) {
			term, err := a.Campaign(ctx)
			if err != nil {
				return nil, nil, err
			}
			leads := make(chan error, 1)
			go func() {
				var err error
				next, err = b.Campaign(ctx)
				leads <- err
			}()
			return term.Resign, leads, standing(ctx, a, 2)
		}
		return resignations(e, ops, prepare, func() error { return next.Resign() })
	}
}

// standing waits until the election has n candidates.
func standing(ctx context.Context, e *election.Election, n int) error {
	for {
		all, err := e.Participants(ctx)
		if err != nil || len(all) == n {
			return err
		}
	}
}

const crashTimeout = time.Second

// docentCrash cuts the leader off for good, and waits until another candidate
// leads.
func docentCrash(e env) (sample, error) {
	return crash(e, func(ctx context.Context, cutOff []string) (func() error, func() error, error) {
		sm, err := session.Dial(ctx, session.Config{Servers: cutOff, Timeout: crashTimeout, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			return nil, nil, err
		}
		if _, err := election.New(sm, e.dir, election.ID("old")).Campaign(ctx); err != nil {
			return nil, nil, err
		}
		sms, err := e.site.sm(2)
		if err != nil {
			return nil, nil, err
		}
		next := election.New(sms[1], e.dir, election.ID("new"))
		term := make(chan result[*election.Term], 1)
		go func() {
			t, err := next.Campaign(ctx)
			term <- result[*election.Term]{t, err}
		}()
		var leads *election.Term
		wait := func() error {
			r := <-term
			leads = r.value
			return r.err
		}
		after := func() error { return errors.Join(leads.Resign(), sm.Close()) }
		return wait, after, standing(ctx, next, 2)
	})
}

type result[T any] struct {
	value T
	err   error
}

// zkCrash is a bare ephemeral node whose owner is cut off, and a watch on it.
func zkCrash(e env) (sample, error) {
	return crash(e, func(ctx context.Context, cutOff []string) (func() error, func() error, error) {
		owner, err := connect(cutOff, crashTimeout)
		if err != nil {
			return nil, nil, err
		}
		if _, err := owner.Create(e.dir, nil, zk.FlagEphemeral, open); err != nil {
			return nil, nil, err
		}
		conns, err := e.site.raw(2)
		if err != nil {
			return nil, nil, err
		}
		_, _, events, err := conns[1].ExistsW(e.dir)
		wait := func() error { return (<-events).Err }
		return wait, func() error { owner.Close(); return nil }, err
	})
}

// crash measures the time from the cut to the successor.
func crash(e env, prepare func(ctx context.Context, cutOff []string) (wait, after func() error, err error)) (sample, error) {
	servers, err := e.lab.servers(standalone)
	if err != nil {
		return sample{}, err
	}
	ctx, cancel := e.deadline()
	defer cancel()
	s := sample{ops: 1}
	doors := &bed{}
	defer doors.end()
	var proxies *ensemble.Proxies
	if err := doors.try(func() { proxies = servers.Proxied(doors) }); err != nil {
		return sample{}, err
	}
	wait, after, err := prepare(ctx, proxies.Addrs())
	if err != nil {
		return sample{}, err
	}
	e.site.settle()
	start := time.Now()
	proxies.CutAll(ensemble.Both)
	if err := wait(); err != nil {
		return sample{}, err
	}
	s.elapsed = time.Since(start)
	s.each = []time.Duration{s.elapsed}
	proxies.HealAll()
	return s, after()
}
