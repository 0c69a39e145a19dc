package ensemble

import (
	"bytes"
	"fmt"
	"testing"
	"time"
)

// peers are the connections between the servers of an ensemble: the addresses
// of each server and, with [PeerProxies], two proxies from each server to each
// other one.
type peers struct {
	addrs []peerAddrs
	wires map[[2]int]peerWires // by the ids of the connecting and the accepting server; nil without PeerProxies
}

// peerAddrs are the addresses at which a server accepts its followers and
// votes.
type peerAddrs struct{ data, vote string }

// peerWires are the proxies for the connections from one server to another.
type peerWires struct{ data, vote *Proxy }

// followWithin is about the time for which a follower retries a leader that
// refuses connections.
const followWithin = time.Second

// wire makes the proxies between the servers.
func (p *peers) wire(tb testing.TB) {
	tb.Helper()
	p.wires = map[[2]int]peerWires{}
	for from := 1; from <= len(p.addrs); from++ {
		for to := 1; to <= len(p.addrs); to++ {
			if from != to {
				at := p.addrs[to-1]
				p.wires[[2]int{from, to}] = peerWires{NewProxy(tb, at.data), NewProxy(tb, at.vote)}
			}
		}
	}
	// An elected server may listen a little later than its followers connect. A
	// refused follower tries again within the second. But if an open connection
	// breaks, the follower votes again, while the elected server waits for all
	// of initLimit.
	for _, w := range p.wires {
		w.data.waitForListener(followWithin)
	}
	// Of two servers, the one with the greater id makes the connection for
	// votes. When the other connects, it closes that connection and dials the
	// address in the other's introduction. That address must be the proxy's
	// too.
	for key, w := range p.wires {
		from, to := key[0], key[1]
		own := []byte(p.addrs[from-1].vote)
		proxied := []byte(p.wires[[2]int{to, from}].vote.Addr())
		if len(own) != len(proxied) {
			tb.Fatalf("%s cannot be replaced with %s: the lengths differ", own, proxied)
		}
		w.vote.changeFirst(func(chunk []byte) []byte { return bytes.Replace(chunk, own, proxied, 1) })
	}
}

// seenBy returns the configuration lines that name the servers, for the server
// with the id: its own addresses, and the proxies to the others.
func (p *peers) seenBy(id int) []string {
	if len(p.addrs) < 2 {
		return nil // standalone
	}
	var lines []string
	for i, at := range p.addrs {
		if w, ok := p.wires[[2]int{id, i + 1}]; ok {
			at = peerAddrs{w.data.Addr(), w.vote.Addr()}
		}
		// Both are on one host: of the vote's address only the port remains.
		lines = append(lines, fmt.Sprintf("server.%d=%s%s", i+1, at.data, at.vote[len("127.0.0.1"):]))
	}
	return lines
}

// Sever holds all traffic from server from to server to, on connections made by
// either, until [Ensemble.HealPeers]. That includes votes and the traffic
// between leader and follower. Sever both directions to part the servers. It
// needs [PeerProxies].
func (e *Ensemble) Sever(from, to *Server) {
	e.tb.Helper()
	out, ok := e.peers.wires[[2]int{from.id, to.id}]
	if !ok {
		e.tb.Fatal("Sever needs an ensemble with PeerProxies, and two servers of it")
	}
	back := e.peers.wires[[2]int{to.id, from.id}]
	for _, proxy := range []*Proxy{out.data, out.vote} {
		proxy.Cut(ToServer)
	}
	for _, proxy := range []*Proxy{back.data, back.vote} {
		proxy.Cut(ToClient)
	}
}

// DelayPeers delays all traffic between the servers by d. It needs
// [PeerProxies].
func (e *Ensemble) DelayPeers(d time.Duration) {
	for _, w := range e.peers.wires {
		w.data.Delay(d)
		w.vote.Delay(d)
	}
}

// HealPeers lets all traffic between the servers pass again, held traffic
// first.
func (e *Ensemble) HealPeers() {
	for _, w := range e.peers.wires {
		w.data.Heal()
		w.vote.Heal()
	}
}
