package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// way is how a holder reaches the servers of an ensemble whose leader is
// deposed.
type way struct {
	name string
	// doomed says that the holder reaches the deposed leader alone, so that its
	// session ends.
	doomed bool
}

// The ways of the holders.
var (
	atLeader   = way{"client of the leader", true}
	redialling = way{"client of the leader, redialling", true}
	moved      = way{"moved to the deposed leader", true}
	atFollower = way{"client of a follower", false}
	roaming    = way{"client of all servers, redialling", false}
)

// heldFor are the session timeouts of the holders: 2, 3 and 5 ticks.
var heldFor = []time.Duration{4 * time.Second, 6 * time.Second, 10 * time.Second}

// rivals are a holder of a lock and its contender, a client of the followers.
type rivals struct {
	way     way
	timeout time.Duration
	hold    *lock.Hold
	end     func() time.Time
	next    chan time.Time // the time at which the contender holds
	began   time.Time      // the time from next
}

// depositions numbers the deposals of a process: each uses new locks.
var depositions atomic.Int32

// holdLocks makes holders take locks, one for each way and timeout, and
// contenders wait for them. It returns a function to call when the leader is
// parted. That function starts the faults of the holders' connections, and
// returns a function that ends them.
func holdLocks(t *testing.T, e *ensemble.Ensemble, leader *ensemble.Server, followers []*ensemble.Server) (
	pairs []*rivals, after func(rng *rand.Rand) (stop func()),
) {
	t.Helper()
	all, redialled := e.Proxied(t), ensemble.NewProxy(t, leader.Addr())
	first, second := ensemble.NewProxy(t, followers[0].Addr()), ensemble.NewProxy(t, leader.Addr())
	second.Refuse(true)
	servers := map[way][]string{
		atLeader:   {leader.Addr()},
		redialling: {redialled.Addr()},
		moved:      {first.Addr(), second.Addr()},
		atFollower: {followers[0].Addr()},
		roaming:    all.Addrs(),
	}
	var addrs []string
	for _, f := range followers {
		addrs = append(addrs, f.Addr())
	}
	// The contenders' session outlasts the election, however long that takes.
	contenders := dial(t, session.Config{Servers: addrs, Timeout: 40 * time.Second})
	dir := fmt.Sprintf("/deposed/%d", depositions.Add(1))
	for _, w := range []way{atLeader, redialling, moved, atFollower, roaming} {
		for _, timeout := range heldFor {
			sm := dial(t, session.Config{Servers: servers[w], Timeout: timeout})
			path := fmt.Sprintf("%s/%d", dir, len(pairs))
			h, err := lock.NewMutex(sm, path).Lock(within(t, patience))
			require.NoError(t, err)
			require.Equal(t, timeout, bridge.CoreHold(&h.Hold).Session().Timeout())
			p := &rivals{way: w, timeout: timeout, hold: h, end: endOf(h.Context()), next: make(chan time.Time, 1)}
			pairs = append(pairs, p)
			p.contend(t, contenders, path)
		}
	}
	second.Refuse(false)
	return pairs, func(rng *rand.Rand) func() {
		first.Refuse(true)
		first.Disconnect()
		return redial(rng, redialled.Disconnect, all.DisconnectAll)
	}
}

// contend makes a contender wait for the lock.
func (p *rivals) contend(t *testing.T, sm *session.Manager, path string) {
	t.Helper()
	m := lock.NewMutex(sm, path)
	ctx := t.Context() // ends before the cleanup
	var waits sync.WaitGroup
	waits.Go(func() {
		h, err := m.Lock(ctx)
		if err != nil {
			if ctx.Err() == nil {
				t.Errorf("the contender for %s: %v", path, err)
			}
			return
		}
		p.next <- time.Now()
		if err := h.Release(); err != nil {
			t.Errorf("the contender for %s: %v", path, err)
		}
	})
	t.Cleanup(waits.Wait)
	ensemble.Eventually(t, patience, "the contender is queued", func() bool {
		waiters, err := m.Waiters(within(t, patience))
		return err == nil && len(waiters) == 1 || p.hold.Err() != nil
	})
}

// redial breaks connections repeatedly: each time, the session's client may
// connect to the deposed leader again.
func redial(rng *rand.Rand, disconnect ...func()) (stop func()) {
	done := make(chan struct{})
	var breaks sync.WaitGroup
	for i, f := range disconnect {
		pauses := rand.New(rand.NewPCG(rng.Uint64(), uint64(i)))
		breaks.Go(func() {
			for {
				timer := time.NewTimer(between(pauses, 200*time.Millisecond, 1500*time.Millisecond))
				select {
				case <-done:
					timer.Stop()
					return
				case <-timer.C:
					f()
				}
			}
		})
	}
	return sync.OnceFunc(func() {
		close(done)
		breaks.Wait()
	})
}

// survived reports whether the hold lasts, while the ensemble is whole.
func (p *rivals) survived(t *testing.T) bool {
	t.Helper()
	if p.hold.Err() != nil {
		return false
	}
	// A write is answered after everything that a quorum has committed before.
	_, err := bridge.CoreHold(&p.hold.Hold).Session().Txn(within(t, patience), bridge.CoreHold(&p.hold.Hold).Guard())
	return err == nil && p.hold.Err() == nil
}

// changed waits until the contender holds, or ctx ends.
func (p *rivals) changed(ctx context.Context) bool {
	if !p.began.IsZero() {
		return true
	}
	select {
	case p.began = <-p.next:
		return true
	case <-ctx.Done():
		return false
	}
}

// judge compares the end of the hold with the time from which the contender
// holds. It waits for that time unless the hold lasts. The ensemble is whole.
func (p *rivals) judge(t *testing.T, d deposal, parted time.Time, found *margins) {
	t.Helper()
	if p.began.IsZero() && p.survived(t) {
		return
	}
	if !p.changed(within(t, patience)) {
		t.Fatalf("%s, a session of %v: the contender does not get the lock (the hold's end: %v)", p.way.name, p.timeout, p.hold.Err())
	}
	next := p.began
	select {
	case <-p.hold.Done():
	case <-time.After(patience):
		t.Fatalf("%s, a session of %v: two holders, the first one for ever", p.way.name, p.timeout)
	}
	margin := next.Sub(p.end())
	t.Logf("%s, a session of %v: held until %v after the leader was parted, the next from %v on (%v)",
		p.way.name, p.timeout, p.end().Sub(parted).Round(time.Millisecond), next.Sub(parted).Round(time.Millisecond), p.hold.Err())
	found.add(fmt.Sprintf("%v: %s, %v", d, p.way.name, p.timeout), margin)
	if margin < 0 {
		t.Errorf("%s, a session of %v: two holders for %v; the contender from %v after the leader was parted on",
			p.way.name, p.timeout, -margin, next.Sub(parted))
	}
}
