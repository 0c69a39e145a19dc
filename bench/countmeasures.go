package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func countMeasures() []measure {
	alone := onlyDocent()
	return []measure{
		{
			name: "naming/pick", title: "Balancer.Pick of 1,000, round robin", unit: counted, of: "ns", clients: 1, rounds: 5,
			subjects: []subject{{docent, pick(1000, naming.RoundRobin(), "")}},
			absent:   notInProcess("naming/pick"),
			budgets:  []budget{atMost(100)},
		},
		{
			name: "naming/pick-hash", title: "Balancer.Pick of 1,000, consistent hash", unit: counted, of: "ns", clients: 1, rounds: 5,
			subjects: []subject{{docent, pick(1000, naming.Hash(), "192.0.2.7")}},
			absent:   notInProcess("naming/pick-hash"),
			budgets:  []budget{atMost(100)},
		},
		{
			name: "session/hold-memory", title: "10,000 holds on one session, heap and stacks of each", unit: counted, of: "bytes", clients: 1, rounds: 1, cold: true,
			subjects: []subject{{docent, holdCost(func(after, before usage) float64 { return after.bytes - before.bytes })}},
			absent:   alone,
			budgets:  []budget{atMost(4096)},
		},
		{
			name: "session/hold-goroutines", title: "10,000 holds on one session, goroutines of each", unit: counted, of: "goroutines", clients: 1, rounds: 1, cold: true,
			subjects: []subject{{docent, holdCost(func(after, before usage) float64 { return after.goroutines - before.goroutines })}},
			absent:   alone,
			budgets:  []budget{atMost(0.01)},
		},
		{
			name: "group/lists", title: "1,000 members, 50 watchers, 1,000 changes in bursts: lists per change and watcher", unit: counted, of: "lists", clients: 50, rounds: 1, cold: true,
			subjects: []subject{{docent, bursts}},
			absent:   alone,
			budgets:  []budget{atMost(1.0 / 20)},
		},
	}
}

// onlyDocent is why the peers have no figure.
func onlyDocent() map[string]string {
	alone := map[string]string{}
	for _, peer := range []string{goZK, curator, kazoo, etcd} {
		alone[peer] = "this counts what Docent uses"
	}
	return alone
}

// instances makes n instances of a service.
func instances(n int) []naming.Instance {
	all := make([]naming.Instance, n)
	for i := range all {
		all[i] = naming.Instance{Service: "api", ID: fmt.Sprintf("i%05d", i), Address: fmt.Sprintf("192.0.%d.%d", i/250, i%250), Port: 80}
	}
	return all
}

func pick(n int, strategy naming.Strategy, key string) func(env) (sample, error) {
	return func(env) (sample, error) {
		b := naming.NewBalancer(naming.NewList(instances(n)...), strategy)
		var failed error
		s := inProcess(func(n int) {
			for range n {
				p, err := b.Pick(key)
				if err != nil {
					failed = err
					return
				}
				p.Done(nil)
			}
		})
		return s, failed
	}
}

// usage is the process's use of resources.
type usage struct{ bytes, goroutines float64 }

func used() usage {
	runtime.GC()
	runtime.GC() // frees the values that the first has finalized
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return usage{float64(m.HeapAlloc + m.StackInuse), float64(runtime.NumGoroutine())}
}

// holdCost acquires 10,000 locks in one session, and returns the cost of each.
// Everything that exists because of them counts, the client's tables too.
func holdCost(of func(after, before usage) float64) func(env) (sample, error) {
	return func(e env) (sample, error) {
		const n = 10_000
		sm, err := session.Dial(e, session.Config{Servers: e.site.addrs, Timeout: sessionTimeout})
		if err != nil {
			return sample{}, err
		}
		defer sm.Close()
		holds := make([]*lock.Hold, n)
		before := used()
		err = inParallel(n, func(i int) error {
			var err error
			holds[i], err = lock.NewMutex(sm, fmt.Sprintf("%s/%05d", e.dir, i)).Lock(e)
			return err
		})
		if err != nil {
			return sample{}, err
		}
		time.Sleep(500 * time.Millisecond) // the watches on our own nodes are set in the background
		s := sample{value: of(used(), before) / n}
		return s, inParallel(n, func(i int) error { return holds[i].Release() })
	}
}

// bursts counts on the embedded server: a real one does not say which client
// made a request.
func bursts(e env) (sample, error) {
	const members, watchers, burstCount = 1000, 50, 10
	srv, err := zktest.Start()
	if err != nil {
		return sample{}, err
	}
	defer srv.Close()
	var sms []*session.Manager
	defer func() {
		for _, sm := range sms {
			if err := sm.Close(); err != nil {
				e.lab.bed.Errorf("closing a session: %v", err)
			}
		}
	}()
	for range watchers + 1 {
		sm, err := session.Dial(e, session.Config{Servers: []string{"zk1"}, Dialer: srv.DialContext, Timeout: 30 * time.Second})
		if err != nil {
			return sample{}, err
		}
		sms = append(sms, sm)
	}
	joiner := groupmembership.NewGroup(sms[watchers], e.dir)
	all := make([]*groupmembership.Membership, 2*members)
	join := func(i int) (err error) {
		all[i], err = joiner.Join(e, fmt.Sprintf("m%05d", i), nil)
		return err
	}
	if err := inParallel(members, join); err != nil {
		return sample{}, err
	}
	ctx, cancel := context.WithCancel(e)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel()
	news := make(chan seen, watchers*members)
	for w := range watchers {
		watching.Go(func() {
			for change, err := range groupmembership.NewGroup(sms[w], e.dir).Changes(ctx) {
				if err != nil {
					return
				}
				news <- seen{w, slices.Collect(change.Members())}
			}
		})
	}
	last := make([][]groupmembership.Member, watchers)
	wait := func(newest string) {
		for behind := watchers; behind > 0; {
			s := <-news
			had, has := contains(last[s.watcher], newest), contains(s.members, newest)
			last[s.watcher] = s.members
			if has && !had {
				behind--
			}
		}
	}
	wait("m00000")
	lists := srv.Count(zktest.OpGetChildren2)
	for burst := range burstCount {
		// Half of the changes are members that leave, half are members that
		// join.
		err := inParallel(members/burstCount, func(i int) error {
			n := burst*members/burstCount + i
			if i%2 == 0 && n > 0 {
				return all[n].Leave(context.Background())
			}
			return join(members + n)
		})
		if err != nil {
			return sample{}, err
		}
		wait(fmt.Sprintf("m%05d", members+burst*members/burstCount+members/burstCount-1))
		time.Sleep(100 * time.Millisecond)
	}
	lists = srv.Count(zktest.OpGetChildren2) - lists
	return sample{value: float64(lists) / float64(members*watchers)}, nil
}

type seen struct {
	watcher int
	members []groupmembership.Member
}

func contains(members []groupmembership.Member, id string) bool {
	for _, m := range members {
		if m.ID == id {
			return true
		}
	}
	return false
}
