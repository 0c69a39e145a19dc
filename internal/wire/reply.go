package wire

import (
	"errors"
	"fmt"
	"time"
)

// Reply is one frame of a server after the handshake: the answer to a request, or a
// watch event.
type Reply struct {
	Xid   int32
	Zxid  int64 // the newest transaction that the server has seen, or the one that it has executed
	Code  Code
	Event Event  // with XidEvent
	Path  string // with XidEvent
	Body  []byte // of an answer: shares the frame's memory
}

// replyHeader is xid, zxid and error code.
const replyHeader = 16

// ParseReply reads a frame with its length in front.
func ParseReply(frame []byte) (Reply, error) {
	if len(frame) < prefix+replyHeader {
		return Reply{}, fmt.Errorf("the server sent a reply of %d bytes, which is shorter than a reply header", len(frame))
	}
	d := NewDecoder(frame[prefix:])
	r := Reply{Xid: d.Int32(), Zxid: d.Int64(), Code: Code(d.Int32())}
	if r.Xid != XidEvent {
		r.Body = d.Rest()
		return r, nil
	}
	r.Event = Event(d.Int32())
	d.Int32() // the state of the session, which only the client's own events change
	r.Path = d.String()
	if d.Err() != nil {
		return Reply{}, errors.New("the server sent a watch event without its type or its path")
	}
	return r, nil
}

// ProvesQuorum reports whether an answer can only have been given after a quorum of
// the ensemble has committed the request, which was of the given kind: a change,
// whether it was done or refused. A server answers everything else alone. A leader
// that was deposed goes on answering pings, reads, syncs and handshakes for
// syncLimit ticks, while another leader expires the session; so does a follower
// that has lost its leader, but for syncs.
//
// An answer with a code that is not about the request's znodes may come from a
// server that has asked no quorum: a throttled request (-127) is not executed at
// all. So may an answer that comes early: with enableEagerACLCheck a server looks for
// the right to a change (-102) in its own tree.
func (r Reply) ProvesQuorum(op Op) bool {
	return op.Changes() && (r.Code == CodeOK || r.Code.AboutZnodes()) && !r.Code.Early(op)
}

// Handshake is what a server grants in its first frame.
type Handshake struct {
	Timeout time.Duration
	Session int64 // 0: the session has expired
}

// handshakeReply is protocol version, timeout, session id and the length of the
// password.
const handshakeReply = 20

// ParseHandshake reads the first frame of a server, with its length in front.
func ParseHandshake(frame []byte) (Handshake, error) {
	if len(frame) < prefix+handshakeReply {
		return Handshake{}, fmt.Errorf("the server answered the handshake with %d bytes: it is not a ZooKeeper server", len(frame))
	}
	d := NewDecoder(frame[prefix:])
	d.Int32() // the version of the protocol: there is only one
	return Handshake{Timeout: time.Duration(d.Int32()) * time.Millisecond, Session: d.Int64()}, nil
}
