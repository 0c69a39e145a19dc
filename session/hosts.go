package session

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/docent-go/docent/internal/chance"
)

// hosts gives the client one address after the other, in rounds. Each round
// looks every name up anew, so that servers may move to other addresses, and
// goes through all addresses found in random order. Between rounds without
// success it pauses, longer from round to round.
//
// It implements zk.HostProvider for one session: the client calls Init, Len,
// Next and Connected from one goroutine.
type hosts struct {
	servers  []string
	lookup   func(ctx context.Context, host string) ([]string, error) // nil: leave names to the dialer
	patience time.Duration                                            // for one look-up
	maxPause time.Duration
	sealed   context.Context // ends when the session must dial no more

	round []target  // what is left of it
	fails int       // rounds in a row without a connection that lasted
	since time.Time // of the present or last connection; zero once it was judged

	mu     sync.Mutex
	byAddr map[string]target
}

// target is one address of a server, and the name it was found under.
type target struct {
	addr string // host:port as dialled
	name string // host as configured: what TLS verifies
	err  error  // why there is no address
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
	next := h.round[0]
	h.round = h.round[1:]
	h.mu.Lock()
	if h.byAddr == nil {
		h.byAddr = make(map[string]target)
	}
	h.byAddr[next.addr] = next
	h.mu.Unlock()
	return next.addr, h.sealed.Err() != nil
}

// target returns what Next knew about an address.
func (h *hosts) target(addr string) target {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t, ok := h.byAddr[addr]; ok {
		return t
	}
	host, _, _ := net.SplitHostPort(addr)
	return target{addr: addr, name: host}
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
	ctx, cancel := context.WithTimeout(h.sealed, h.patience)
	defer cancel()
	found := make([][]target, len(h.servers))
	var wg sync.WaitGroup
	for i, server := range h.servers {
		host, port, _ := net.SplitHostPort(server) // validated with the Config
		if h.lookup == nil || net.ParseIP(host) != nil {
			found[i] = []target{{addr: server, name: host}}
			continue
		}
		wg.Go(func() {
			ips, err := h.lookup(ctx, host)
			if err == nil && len(ips) == 0 {
				err = errors.New("no addresses")
			}
			if err != nil {
				found[i] = []target{{addr: server, name: host, err: fmt.Errorf("look up %s: %w", host, err)}}
				return
			}
			for _, ip := range ips {
				found[i] = append(found[i], target{addr: net.JoinHostPort(ip, port), name: host})
			}
		})
	}
	wg.Wait()

	var good, bad []target
	for _, targets := range found {
		for _, t := range targets {
			if t.err != nil {
				bad = append(bad, t)
			} else {
				good = append(good, t)
			}
		}
	}
	rand.Shuffle(len(good), func(i, j int) { good[i], good[j] = good[j], good[i] })
	return append(good, bad...)
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
