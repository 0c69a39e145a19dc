package ensemble

import (
	"bytes"
	"fmt"
	"testing"
	"time"
)

// peers are the ways between the servers of an ensemble: where each of them listens, and, with [PeerProxies], a pair of proxies
// for each of them and each other one.
type peers struct {
	addrs []peerAddrs
	wires map[[2]int]peerWires // by the ids of who connects and whom it connects to; nil without PeerProxies
}

// peerAddrs is where a server expects the others: followers of its own, and votes.
type peerAddrs struct{ data, vote string }

// peerWires carry what one server connects to another for.
type peerWires struct{ data, vote *Proxy }

// followWithin is about as long as a follower keeps trying to connect to a leader that refuses it.
const followWithin = time.Second

// wire puts the proxies between the servers.
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
	// A server that is elected may listen a little later than its followers connect. Refused, they try again within the second;
	// when a connection that they had breaks they go back to voting, while the elected one waits for them for all of initLimit.
	for _, w := range p.wires {
		w.data.waitForListener(followWithin)
	}
	// Of two servers the one with the greater id keeps the connection for votes. When the other connects, it hangs up and
	// connects back to the address with which that one has introduced itself: this has to be the proxy as well.
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

// seenBy are the lines of the configuration that name the servers, for the server with the id: its own addresses, and the ways
// to the others.
func (p *peers) seenBy(id int) []string {
	if len(p.addrs) < 2 {
		return nil // standalone
	}
	var lines []string
	for i, at := range p.addrs {
		if w, ok := p.wires[[2]int{id, i + 1}]; ok {
			at = peerAddrs{w.data.Addr(), w.vote.Addr()}
		}
		// Both are on one host: what is left of the vote's address is its port.
		lines = append(lines, fmt.Sprintf("server.%d=%s%s", i+1, at.data, at.vote[len("127.0.0.1"):]))
	}
	return lines
}

// Sever holds everything that server from sends to server to, over connections of either's making, until [Ensemble.HealPeers]:
// sever both ways to part them. Votes and the traffic between leader and follower alike. It needs [PeerProxies].
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

// DelayPeers has everything between the servers arrive d later. It needs [PeerProxies].
func (e *Ensemble) DelayPeers(d time.Duration) {
	for _, w := range e.peers.wires {
		w.data.Delay(d)
		w.vote.Delay(d)
	}
}

// HealPeers lets everything flow between the servers again, what was held first.
func (e *Ensemble) HealPeers() {
	for _, w := range e.peers.wires {
		w.data.Heal()
		w.vote.Heal()
	}
}
