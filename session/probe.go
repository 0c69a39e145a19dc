package session

import (
	"encoding/binary"
	"time"
)

// A probe is a transaction of one check, which changes nothing. Servers put it
// before a quorum like any other transaction, so that its answer proves what a
// ping, a read or a sync cannot: that the ensemble still counts on this
// session's server. conn sends probes on its own, past the client's queue. They
// cost the leader an entry in its log.
type probe struct {
	answered chan struct{} // closed with the answer
	code     int32         // of the answer; valid once answered
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
	frame := probeFrame(xid, c.s.abs(path))
	c.sent[xid] = sentRequest{request{xid: xid, op: opMulti}, time.Now(), p, len(frame) - 4}
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

// settle takes the answer to a probe, and its frame.
func (c *conn) settle(p *probe, r reply, frame []byte) {
	c.mu.Lock()
	c.unproven--
	c.mu.Unlock()
	p.abandon.Stop()
	p.code = r.code
	p.proves = r.provesQuorum(opMulti)
	p.missing = r.code == codeNoNode || r.code == 0 && checkFailed(frame) == codeNoNode
	close(p.answered)
	c.s.review() // what is due next was not known when this one left
}

// checkFailed returns the error code of the first operation of a transaction,
// or 0, from its reply with the prefix.
func checkFailed(frame []byte) int32 {
	result := frame[4+replyHeader:]
	if len(result) < 9 {
		return 0
	}
	if kind := int32(binary.BigEndian.Uint32(result)); kind != multiError {
		return 0
	}
	return int32(binary.BigEndian.Uint32(result[5:]))
}

const multiError = -1 // the kind of a result that is an error, and of the header that ends a transaction

// probeSize is the size of a probe, without its prefix.
func probeSize(path string) int {
	return frameHeader + 2*multiHeader + stringSize(path) + 4
}

// probeFrame is a transaction that checks that a node exists, with its prefix.
func probeFrame(xid int32, path string) []byte {
	end := int32(multiError)
	b := binary.BigEndian.AppendUint32(make([]byte, 4, 64+len(path)), uint32(xid))
	b = binary.BigEndian.AppendUint32(b, opMulti)
	b = appendMultiHeader(b, opCheck, false)
	b = binary.BigEndian.AppendUint32(b, uint32(len(path)))
	b = append(b, path...)
	version := int32(anyVersion)
	b = binary.BigEndian.AppendUint32(b, uint32(version))
	b = appendMultiHeader(b, end, true)
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

func appendMultiHeader(b []byte, kind int32, done bool) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(kind))
	last := byte(0)
	if done {
		last = 1
	}
	none := int32(-1)
	return binary.BigEndian.AppendUint32(append(b, last), uint32(none))
}
