package session

import (
	"time"

	"github.com/docent-go/docent/internal/wire"
)

// A probe is a transaction of one check, which changes nothing. Servers put it
// before a quorum like any other transaction, so that its answer proves what a
// ping, a read or a sync cannot: that the ensemble still counts on this
// session's server. conn sends probes on its own, past the client's queue. They
// cost the leader an entry in its log.
type probe struct {
	answered chan struct{} // closed with the answer
	code     wire.Code     // of the answer; valid once answered
	proves   bool          // a quorum has answered; valid once answered
	missing  bool          // the check found no node; valid once answered
	abandon  *time.Timer
}

// probe sends a probe of the node at path, below the root of the Manager. If the
// answer takes longer than wait, the connection is closed: the server may be a
// leader that was deposed, or have lost its leader, and another may do better.
//
// It does not block: a network that takes nothing holds up the write alone.
func (c *conn) probe(path string, wait time.Duration) *probe {
	p := &probe{answered: make(chan struct{})}
	c.mu.Lock()
	xid := xidProbe - c.probes
	c.probes++
	frame := wire.Check(xid, c.s.abs(path))
	c.sent[xid] = sentRequest{request{xid: xid, op: wire.OpMulti}, time.Now(), p, len(frame) - 4}
	c.unproven++
	p.abandon = time.AfterFunc(wait, func() {
		if c.isClosed() {
			return
		}
		c.s.m.log.Info("a quorum has not answered for a while: trying another server", "server", c.server.addr)
		c.Close()
	})
	c.mu.Unlock()
	c.s.spawn(func() {
		if err := c.write(frame); err != nil {
			c.Close()
		}
	})
	return p
}

// probing reports whether a probe has not been answered yet.
func (c *conn) probing() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unproven > 0
}

// settle takes the answer to a probe.
func (c *conn) settle(p *probe, r wire.Reply) {
	c.mu.Lock()
	c.unproven--
	c.mu.Unlock()
	p.abandon.Stop()
	p.code = r.Code
	p.proves = r.ProvesQuorum(wire.OpMulti)
	p.missing = r.Code == wire.CodeNoNode || r.Code == wire.CodeOK && wire.FirstFailure(r.Body) == wire.CodeNoNode
	close(p.answered)
	c.s.review() // what is due next was not known when this one left
}
