package core

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"github.com/docent-go/docent/internal/chance"
)

// hosts gives the client one address after the other, in rounds. Each round
// looks every name up anew, so that servers may move to other addresses, and
// goes through all addresses found: in random order, but those that failed of
// late come last. Between rounds without success it pauses, longer from round
// to round.
//
// It implements zk.HostProvider for one session. The client calls Init, Len,
// Next and Connected, and then the dialer, from one goroutine; nothing else
// uses a hosts.
type hosts struct {
	servers  []string
	lookup   func(ctx context.Context, host string) ([]string, error) // nil: leave names to the dialer
	patience patience
	maxPause time.Duration
	failures *failures       // shared by the sessions of a Manager
	sealed   context.Context // ends when the session must dial no more
	// trusted returns how long the session can be trusted without an answer.
	// It returns false before the session is granted.
	trusted func() (left time.Duration, granted bool)

	next  target    // handed out last
	round []target  // what is left of it
	fails int       // rounds in a row without a connection that lasted
	since time.Time // of the present or last connection; zero once it was judged
}

// target is one address of a server, and the name it was found under.
type target struct {
	addr   string // host:port as dialled
	server string // host:port as configured
	name   string // host as configured: what TLS verifies
	err    error  // why there is no address
}

func (h *hosts) Init([]string) error { return nil }
func (h *hosts) Len() int            { return len(h.servers) }
func (h *hosts) Connected()          { h.since, h.round = time.Now(), nil }

// Next returns the next address to dial, after a pause when a new round
// begins. Its second result tells the client to drop what is queued and to
// look whether it should quit: true only once the session is sealed.
func (h *hosts) Next() (addr string, sealed bool) {
	if !h.since.IsZero() && time.Since(h.since) >= h.maxPause {
		h.fails = 0 // a server that hangs up at once is not dialled without pauses
	}
	h.since = time.Time{}
	if len(h.round) == 0 {
		h.pause()
		h.fails++
		h.round = h.lookUp()
	}
	h.next = h.round[0]
	h.round = h.round[1:]
	return h.next.addr, h.sealed.Err() != nil
}

// limit returns how long the dial, the TLS handshake or the ZooKeeper
// handshake with the address that Next has returned may take.
func (h *hosts) limit() time.Duration { return h.share(len(h.round) + 1) }

// share is the time for one of so many attempts, of which all but one may be
// lost to servers that hang.
func (h *hosts) share(attempts int) time.Duration {
	left, granted := h.trusted()
	if !granted {
		return h.patience.grown(h.fails)
	}
	return h.patience.within(h.fails, left/time.Duration(attempts))
}

// patience is how long an attempt to reach a server may take. It grows with
// each failed round, so that servers that are slow give a session in the end.
type patience struct {
	base time.Duration
	most time.Duration // what arrives later is of no use
}

// newPatience returns the patience for sessions with the given timeout, of which
// so much is trusted without an answer.
func newPatience(timeout, trusted time.Duration) patience {
	base := min(max(timeout/6, 500*time.Millisecond), 5*time.Second)
	return patience{base: base, most: max(base, trusted)}
}

// grown returns the patience in the given round since the last success,
// counted from one.
func (p patience) grown(round int) time.Duration {
	const doublings = 16
	return min(p.base<<min(max(round-1, 0), doublings), p.most)
}

// within returns the patience that leaves the rest of a session's trust to
// other servers. A quarter of the base is always granted: a server that is
// well needs no more.
func (p patience) within(round int, limit time.Duration) time.Duration {
	return max(min(p.grown(round), limit), p.base/4)
}

func (h *hosts) pause() {
	if h.fails == 0 {
		return
	}
	timer := time.NewTimer(backoff(h.fails, h.maxPause))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-h.sealed.Done():
	}
}

// lookUp makes one round. A name that does not resolve stays in it, as the
// last, with its error, so that there is always something to report.
func (h *hosts) lookUp() []target {
	// Half of a session's trust stays for the servers.
	ctx, cancel := context.WithTimeout(h.sealed, h.share(2))
	defer cancel()
	var good, bad []target
	answers := make(chan []target, len(h.servers))
	pending := make(map[string]struct{})
	for _, server := range h.servers {
		host, port, _ := net.SplitHostPort(server) // validated with the Config
		if h.lookup == nil || net.ParseIP(host) != nil {
			good = append(good, target{addr: server, server: server, name: host})
			continue
		}
		pending[server] = struct{}{}
		go func() { answers <- h.resolve(ctx, server, host, port) }()
	}
	for len(pending) > 0 {
		var found []target
		select {
		case found = <-answers:
		case <-ctx.Done():
			// A LookupHost that does not heed its context is left behind.
			for server := range pending {
				host, _, _ := net.SplitHostPort(server)
				found = append(found, unresolved(server, host, ctx.Err()))
			}
		}
		for _, t := range found {
			if t.err != nil {
				bad = append(bad, t)
			} else {
				good = append(good, t)
			}
			delete(pending, t.server)
		}
	}
	rand.Shuffle(len(good), func(i, j int) { good[i], good[j] = good[j], good[i] })
	h.failures.sort(good)
	return append(good, bad...)
}

func (h *hosts) resolve(ctx context.Context, server, host, port string) []target {
	ips, err := h.lookup(ctx, host)
	if err == nil && len(ips) == 0 {
		err = errors.New("no addresses")
	}
	if err != nil {
		return []target{unresolved(server, host, err)}
	}
	targets := make([]target, len(ips))
	for i, ip := range ips {
		targets[i] = target{addr: net.JoinHostPort(ip, port), server: server, name: host}
	}
	return targets
}

func unresolved(server, host string, err error) target {
	return target{addr: server, server: server, name: host, err: fmt.Errorf("look up %s: %w", host, err)}
}

const minPause = 20 * time.Millisecond

// backoff is a random time up to an exponentially growing limit, the "full
// jitter" that keeps many clients from coming back in step.
func backoff(attempt int, limit time.Duration) time.Duration {
	ceiling := limit
	if attempt < 16 {
		ceiling = min(limit, minPause<<attempt)
	}
	return minPause/2 + chance.N(max(ceiling, 1))
}
