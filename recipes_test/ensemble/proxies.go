package ensemble

import (
	"strings"
	"testing"
	"time"
)

// Proxies is one client's private access to an ensemble: a proxy in front of
// every server.
type Proxies struct {
	proxies []*Proxy
}

// Proxied returns new proxies in front of all servers, in the order of
// [Ensemble.Servers]. They end with the test tb.
func (e *Ensemble) Proxied(tb testing.TB) *Proxies {
	tb.Helper()
	p := &Proxies{}
	for _, s := range e.servers {
		p.proxies = append(p.proxies, NewProxy(tb, s.addr))
	}
	return p
}

// At returns the proxy in front of the i-th server, counted from 0.
func (p *Proxies) At(i int) *Proxy { return p.proxies[i] }

// Addrs returns the host:port of every proxy.
func (p *Proxies) Addrs() []string {
	var addrs []string
	for _, proxy := range p.proxies {
		addrs = append(addrs, proxy.Addr())
	}
	return addrs
}

// ConnectString is [Proxies.Addrs] joined with commas.
func (p *Proxies) ConnectString() string { return strings.Join(p.Addrs(), ",") }

// CutAll cuts the client off from every server in the given direction.
func (p *Proxies) CutAll(d Direction) {
	for _, proxy := range p.proxies {
		proxy.Cut(d)
	}
}

// HealAll ends the cuts of all proxies.
func (p *Proxies) HealAll() {
	for _, proxy := range p.proxies {
		proxy.Heal()
	}
}

// RefuseAll makes all proxies refuse new connections, or accept them again.
func (p *Proxies) RefuseAll(refuse bool) {
	for _, proxy := range p.proxies {
		proxy.Refuse(refuse)
	}
}

// DisconnectAll closes the client's present connections.
func (p *Proxies) DisconnectAll() {
	for _, proxy := range p.proxies {
		proxy.Disconnect()
	}
}

// DelayAll delays all traffic by d, in both directions.
func (p *Proxies) DelayAll(d time.Duration) {
	for _, proxy := range p.proxies {
		proxy.Delay(d)
	}
}
