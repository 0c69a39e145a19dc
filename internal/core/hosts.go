package core

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"time"

	"github.com/docent-go/docent/internal/base/backoff"
)

// hosts gives the client one address after the other, in rounds. Each round
// resolves every name again, because servers may move to other addresses. The
// round has all addresses in random order, except that addresses with recent
// failures come last. There is a pause between unsuccessful rounds, which grows
// from round to round.
//
// It implements zk.HostProvider for one session. The client calls Init, Len,
// Next and Connected, and then the dialer, on one goroutine. No other code uses
// a hosts.
type hosts struct {
	servers  []string
	lookup   func(ctx context.Context, host string) ([]string, error) // nil: the dialer resolves names
	patience patience
	pauses   backoff.Backoff // between rounds
	failures *failures       // shared by the sessions of a Manager
	sealed   context.Context // ends when the session must stop dialling
	// trusted returns how long the session can be trusted without an answer.
	// granted is false before the session is granted.
	trusted func() (left time.Duration, granted bool)

	next  target    // the target that Next returned last
	round []target  // the remaining targets of the round
	fails int       // rounds in a row without a lasting connection
	since time.Time // when the present or last connection began; zero once Next has counted it
}

// target is one address of a server, and the name that it was resolved from.
type target struct {
	addr   string // host:port as dialled
	server string // host:port as configured
	name   string // host as configured: what TLS verifies
	err    error  // why the name has no address
}

func (h *hosts) Init([]string) error { return nil }
func (h *hosts) Len() int            { return len(h.servers) }
func (h *hosts) Connected()          { h.since, h.round = time.Now(), nil }

// Next returns the next address to dial, after a pause if a new round begins.
// The second result tells the client to drop its queue and to check whether it
// should quit. It is true only once the session is sealed.
func (h *hosts) Next() (addr string, sealed bool) {
	if !h.since.IsZero() && time.Since(h.since) >= h.pauses.Max {
		h.fails = 0 // only after a lasting connection: a server that closes connections at once is dialled with pauses
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

// limit returns the time limit of the dial, of the TLS handshake and of the
// ZooKeeper handshake, for the address that Next has returned.
func (h *hosts) limit() time.Duration { return h.share(len(h.round) + 1) }

// share returns the time limit of an attempt, if all but one of the attempts
// may be lost to servers that hang.
func (h *hosts) share(attempts int) time.Duration {
	left, granted := h.trusted()
	if !granted {
		return h.patience.grown(h.fails)
	}
	return h.patience.within(h.fails, left/time.Duration(attempts))
}

// patience is the time limit of an attempt to reach a server. It grows with
// each failed round, so that slow servers give a session eventually.
type patience struct {
	base time.Duration
	most time.Duration // a later answer is useless
}

// newPatience returns the patience for sessions with a timeout. trusted is the
// part of the timeout for which a session is trusted without an answer.
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

// within returns the patience that leaves the rest of a session's trust for
// other servers. It is at least a quarter of the base, which is enough for a
// healthy server.
func (p patience) within(round int, limit time.Duration) time.Duration {
	return max(min(p.grown(round), limit), p.base/4)
}

func (h *hosts) pause() {
	if h.fails > 0 {
		_ = h.pauses.Wait(h.sealed, h.fails) // the end of sealed is noticed in Next
	}
}

// lookUp returns the targets of one round. A name that does not resolve is in
// it, at the end and with its error, so that the round always has something to
// report.
func (h *hosts) lookUp() []target {
	// Half of the session's trust remains for the servers.
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
			// Do not wait for a LookupHost that ignores its context.
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
	return target{addr: server, server: server, name: host, err: lookUpError(host, err)}
}

const minPause = 20 * time.Millisecond

// pausesUpTo are the pauses between rounds of dialling, and between the
// attempts of a request.
func pausesUpTo(limit time.Duration) backoff.Backoff {
	return backoff.Backoff{Min: minPause, Max: limit, Floor: minPause / 2}
}
