package core

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// names is a name service in memory.
type names struct {
	mu    sync.Mutex
	known map[string][]string
	asked map[string]int
}

func (n *names) lookUp(ctx context.Context, host string) ([]string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.asked == nil {
		n.asked = make(map[string]int)
	}
	n.asked[host]++
	ips, ok := n.known[host]
	if !ok {
		return nil, errors.New("no such host")
	}
	return ips, nil
}

func newHosts(t *testing.T, n *names, servers ...string) *hosts {
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	return &hosts{servers: servers, lookup: n.lookUp, patience: patience{time.Second, time.Second}, pauses: pausesUpTo(2 * time.Second),
		failures: newFailures(time.Minute), sealed: ctx, trusted: func() (time.Duration, bool) { return 0, false }}
}

// take returns the next n targets, sorted by address.
func take(t *testing.T, h *hosts, n int) []target {
	t.Helper()
	var got []target
	for range n {
		_, sealed := h.Next()
		require.False(t, sealed)
		got = append(got, h.next)
	}
	slices.SortFunc(got, func(a, b target) int { return strings.Compare(a.addr, b.addr) })
	return got
}

func TestHostsGoThroughAllAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &names{known: map[string][]string{"zk1": {"10.0.0.1", "10.0.0.2"}, "zk2": {"2001:db8::1"}}}
		h := newHosts(t, n, "zk1:2181", "zk2:2182", "10.0.0.9:1")
		want := []target{
			{addr: "10.0.0.1:2181", server: "zk1:2181", name: "zk1"}, {addr: "10.0.0.2:2181", server: "zk1:2181", name: "zk1"},
			{addr: "10.0.0.9:1", server: "10.0.0.9:1", name: "10.0.0.9"}, {addr: "[2001:db8::1]:2182", server: "zk2:2182", name: "zk2"},
		}
		first := make(map[string]int)
		for range 200 {
			addr, _ := h.Next()
			first[addr]++
			got := []target{h.next}
			got = append(got, take(t, h, 3)...)
			slices.SortFunc(got, func(a, b target) int { return strings.Compare(a.addr, b.addr) })
			require.Equal(t, want, got)
		}
		require.Len(t, first, 4, "each address comes first at times: clients spread over the servers")
		require.Equal(t, 200, n.asked["zk1"], "looked up anew in every round")
		require.NotContains(t, n.asked, "10.0.0.9", "an address needs no look-up")
	})
}

// Case 75: a name that does not resolve, and an address that changes behind a
// name.
func TestHardCase75_NamesChangeAndFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &names{known: map[string][]string{"zk1": {"10.0.0.1"}}}
		h := newHosts(t, n, "gone:2181", "zk1:2181")
		addr, _ := h.Next()
		require.Equal(t, "10.0.0.1:2181", addr, "what resolves comes first")
		addr, _ = h.Next()
		require.Equal(t, "gone:2181", addr)
		require.ErrorContains(t, h.next.err, "look up gone: no such host")

		n.known = map[string][]string{"zk1": {"10.0.0.7"}, "gone": {"10.0.0.8"}}
		got := take(t, h, 2)
		require.Equal(t, []target{{addr: "10.0.0.7:2181", server: "zk1:2181", name: "zk1"}, {addr: "10.0.0.8:2181", server: "gone:2181", name: "gone"}}, got)

		n.known = map[string][]string{"zk1": {}, "gone": nil}
		for _, tgt := range take(t, h, 2) {
			require.ErrorContains(t, tgt.err, "no addresses")
		}
	})
}

// With a user's Dialer, the Dialer resolves the names.
func TestHostsLeaveNamesToTheDialer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosts(t, nil, "zk1:2181", "zk2:2181")
		h.lookup = nil
		require.Equal(t, []target{{addr: "zk1:2181", server: "zk1:2181", name: "zk1"}, {addr: "zk2:2181", server: "zk2:2181", name: "zk2"}}, take(t, h, 2))
	})
}

func TestHostsPauseBetweenRounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &names{known: map[string][]string{"zk1": {"10.0.0.1"}}}
		pauses := make(map[int][]time.Duration) // by round
		for range 50 {
			h := newHosts(t, n, "zk1:2181")
			for round := range 40 {
				start := time.Now()
				h.Next()
				pauses[round] = append(pauses[round], time.Since(start))
			}
		}
		require.Zero(t, slices.Max(pauses[0]), "the first round comes at once")
		for round := 1; round < 40; round++ {
			p := pauses[round]
			limit := min(2*time.Second, minPause<<min(round, 10))
			require.GreaterOrEqual(t, slices.Min(p), minPause/2)
			require.LessOrEqual(t, slices.Max(p), limit)
			slices.Sort(p)
			require.Greater(t, len(slices.Compact(p)), 25, "jittered")
		}
		require.Greater(t, slices.Max(pauses[30]), time.Second, "it grows")
	})
}

// A lasting connection resets the pauses. A server that accepts handshakes and
// closes the connection at once does not reset them, because it would be
// dialled in a tight loop.
func TestHostsPauseBehindServersThatHangUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosts(t, &names{known: map[string][]string{"zk1": {"10.0.0.1"}}}, "zk1:2181")
		start := time.Now()
		const tries = 1000
		for range tries {
			h.Next()
			h.Connected()
		}
		require.Greater(t, time.Since(start), tries/2*time.Second)

		time.Sleep(time.Minute)
		start = time.Now()
		h.Next()
		require.Zero(t, time.Since(start), "after a connection that lasted")
	})
}

func TestSealingEndsPauseAndLookUp(t *testing.T) {
	for name, prepare := range map[string]func(h *hosts){
		"pause": func(h *hosts) { h.fails, h.pauses = 100, pausesUpTo(time.Hour) },
		"look-up": func(h *hosts) {
			h.patience = patience{time.Hour, time.Hour}
			h.lookup = func(ctx context.Context, _ string) ([]string, error) { <-ctx.Done(); return nil, ctx.Err() }
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, seal := context.WithCancel(t.Context())
				h := newHosts(t, new(names), "zk1:2181")
				h.sealed = ctx
				prepare(h)
				start := time.Now()
				time.AfterFunc(time.Millisecond, seal)
				_, sealed := h.Next()
				require.True(t, sealed)
				require.Equal(t, time.Millisecond, time.Since(start))
			})
		})
	}
}

// A name service that hangs costs a round its patience and no more. Resolved
// names are dialled.
func TestHostsBearASlowNameService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHosts(t, nil, "slow:2181", "zk1:2181")
		h.lookup = func(ctx context.Context, host string) ([]string, error) {
			if host == "slow" {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return []string{"10.0.0.1"}, nil
		}
		start := time.Now()
		addr, _ := h.Next()
		require.Equal(t, "10.0.0.1:2181", addr)
		require.Equal(t, h.patience.base, time.Since(start))
		h.Next()
		require.ErrorIs(t, h.next.err, context.DeadlineExceeded)
	})
}

// Addresses with recent failures come last, the newest failure at the very end.
// So do the other addresses of the same server. After a while a failure is
// forgotten.
func TestFault11_FailuresComeLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &names{known: map[string][]string{"zk1": {"10.0.0.1", "2001:db8::1"}, "zk2": {"10.0.0.2"}}}
		h := newHosts(t, n, "zk1:2181", "zk2:2181", "10.0.0.3:2181", "10.0.0.3:2182")
		fail := func(addr string) {
			for h.next.addr != addr {
				h.Next()
			}
			h.failures.note(h.next)
		}
		round := func() (addrs []string) {
			h.round = nil
			for range 5 {
				addr, _ := h.Next()
				addrs = append(addrs, addr)
			}
			return addrs
		}
		fail("10.0.0.3:2182")
		fail("10.0.0.1:2181")
		for range 50 {
			got := round()
			require.ElementsMatch(t, []string{"10.0.0.2:2181", "10.0.0.3:2181"}, got[:2])
			require.Equal(t, []string{"10.0.0.3:2182", "[2001:db8::1]:2181", "10.0.0.1:2181"}, got[2:])
		}
		fail("10.0.0.2:2181")
		require.Equal(t, "10.0.0.2:2181", round()[4])

		// The next session knows of them.
		next := newHosts(t, n, h.servers...)
		next.failures = h.failures
		addr, _ := next.Next()
		require.Equal(t, "10.0.0.3:2181", addr)

		time.Sleep(time.Minute)
		last := make(map[string]bool)
		for range 200 {
			last[round()[4]] = true
		}
		require.Len(t, last, 5)
		require.Empty(t, h.failures.addrs)
		require.Empty(t, h.failures.servers)
	})
}

// Several servers behind one name count as several servers.
func TestFault11_OneNameForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &names{known: map[string][]string{"zk": {"10.0.0.1", "10.0.0.2", "10.0.0.3"}}}
		h := newHosts(t, n, "zk:2181")
		for range 100 {
			h.Next()
			failed := h.next
			h.failures.note(failed)
			h.round = nil
			for range 2 {
				addr, _ := h.Next()
				require.NotEqual(t, failed.addr, addr)
			}
			h.round = nil
		}
	})
}

func TestFault12_Patience(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		timeout time.Duration
		rounds  []time.Duration
	}{
		{6 * s, []time.Duration{s, 2 * s, 3500 * time.Millisecond, 3500 * time.Millisecond}},
		{s, []time.Duration{s / 2, s * 7 / 12, s * 7 / 12}},
		{60 * s, []time.Duration{5 * s, 10 * s, 20 * s, 35 * s, 35 * s}},
	} {
		p := newPatience(c.timeout, c.timeout*7/12)
		for i, want := range c.rounds {
			require.Equal(t, want, p.grown(i+1), "%v, round %d", c.timeout, i+1)
		}
		require.Equal(t, c.rounds[len(c.rounds)-1], p.grown(1000))
		require.Equal(t, p.base/4, p.within(9, -s), "a server that is well is reached in the last moment")
		require.Equal(t, p.base/2, p.within(9, p.base/2))
		require.Equal(t, p.base, p.within(1, time.Hour))
	}
}
