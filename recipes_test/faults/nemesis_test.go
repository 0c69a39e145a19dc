package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/docent-go/docent/recipes_test/ensemble"
)

// nemesis injects the faults: one fault of the servers at a time, and one or
// two of the clients' connections. The seed decides the faults, their order and
// their durations. The ensemble decides which server leads, and so which server
// is hit.
type nemesis struct {
	tb    testing.TB
	e     *ensemble.Ensemble
	procs []*process
	clock clock
	seed  uint64
	// more are faults of servers that not every machine can make.
	more []fault

	// twoLeaders is how often a deposed leader still led when another did.
	twoLeaders atomic.Int32

	mu     sync.Mutex
	events []string
	counts map[string]int
}

// fault is a fault that is healed after a time.
type fault struct {
	name string
	do   func(n *nemesis, rng *rand.Rand, last func()) // last waits for the duration of the fault
}

// note writes a line into the schedule.
func (n *nemesis) note(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.events = append(n.events, seconds(n.clock.now())+" "+fmt.Sprintf(format, args...))
}

func (n *nemesis) count(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.counts[name]++
}

// mostEvents bounds the events of the schedule in each failure. The end of a
// failed test prints all of them.
const mostEvents = 40

// recently returns the latest events, for a failure.
func (n *nemesis) recently() string {
	return fmt.Sprintf("DOCENT_SEED=%d\n%s", n.seed, n.schedule(mostEvents))
}

// schedule returns the last events.
func (n *nemesis) schedule(most int) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.events[max(0, len(n.events)-most):], "\n")
}

// report counts the faults by name.
func (n *nemesis) report() (text string, total int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var names []string
	for name, count := range n.counts {
		names = append(names, fmt.Sprintf("%d× %s", count, name))
		total += count
	}
	slices.Sort(names)
	return strings.Join(names, ", "), total
}

// deck deals every fault of a set before it deals one again.
func deck(rng *rand.Rand, all []fault) func() fault {
	var left []fault
	return func() fault {
		if len(left) == 0 {
			left = slices.Clone(all)
			rng.Shuffle(len(left), func(i, j int) { left[i], left[j] = left[j], left[i] })
		}
		next := left[0]
		left = left[1:]
		return next
	}
}

// rage injects the faults of a set one after the other until ctx ends, and
// calls mended after each.
func (n *nemesis) rage(ctx context.Context, name string, all []fault, least, most, rest time.Duration, mended func()) {
	rng := source(n.seed, name)
	deal := deck(rng, all)
	for ctx.Err() == nil {
		next := deal()
		lasts := between(rng, least, most)
		n.count(next.name)
		next.do(n, rng, func() { pause(ctx, lasts) })
		mended()
		n.note("%s: over", next.name)
		pause(ctx, between(rng, rest/3, rest))
	}
}

// servers injects faults of the servers. It runs in the test's own goroutine.
func (n *nemesis) servers(ctx context.Context) {
	n.rage(ctx, "servers", slices.Concat(serverFaults, quorumFaults, n.more), time.Second, 4*time.Second, 2*time.Second, n.heal)
}

// heal waits until all servers form an ensemble again.
func (n *nemesis) heal() {
	n.tb.Helper()
	if err := n.e.WaitQuorum(within(n.tb, patience)); err != nil {
		n.tb.Fatalf("the ensemble does not recover: %v\n%s", err, n.recently())
	}
}

// clients injects faults of the clients. Each hand has its own source of
// randomness.
func (n *nemesis) clients(ctx context.Context, hand int) {
	n.rage(ctx, fmt.Sprint("clients", hand), clientFaults, 300*time.Millisecond, 4*time.Second, time.Second, func() {})
}

// cast picks a leader and two followers, in random order.
func (n *nemesis) cast(rng *rand.Rand) (leader *ensemble.Server, followers []*ensemble.Server) {
	leader = n.e.Leader()
	for _, s := range n.e.Servers() {
		if s != leader {
			followers = append(followers, s)
		}
	}
	rng.Shuffle(len(followers), func(i, j int) { followers[i], followers[j] = followers[j], followers[i] })
	return leader, followers
}
