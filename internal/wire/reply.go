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
	Zxid  int64 // the newest transaction that the server has seen, or that of the request
	Code  Code
	Event Event  // with XidEvent
	Path  string // with XidEvent
	Body  []byte // of an answer: shares the frame's memory
	// Dropped is how many bytes of the body were dropped, because the answer was
	// larger than its reader allows. Body is empty then.
	Dropped int
}

// replyHeader is xid, zxid and error code.
const replyHeader = 16

// ParseReply parses a frame including its length prefix.
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

// ProvesQuorum reports whether the answer proves that a quorum of the ensemble
// has committed the request of the given kind. Only a change proves it, done or
// refused. A server answers everything else alone. A deposed leader keeps
// answering pings, reads, syncs and handshakes for syncLimit ticks, while
// another leader expires the session. So does a follower that has lost its
// leader, except for syncs.
//
// An answer whose code is not about the request's znodes may come without a
// quorum: a throttled request (-127) is not executed at all. So may an early
// answer: with enableEagerACLCheck a server checks the right to a change (-102)
// in its own tree.
func (r Reply) ProvesQuorum(op Op) bool {
	return op.Changes() && (r.Code == CodeOK || r.Code.AboutZnodes()) && !r.Code.Early(op)
}

// Handshake is what a server grants in its first frame.
type Handshake struct {
	Timeout time.Duration
	Session int64 // 0: the session has expired
}

// handshakeReply is the size of protocol version, timeout, session id and the
// length of the password.
const handshakeReply = 20

// ParseHandshake parses the first frame of a server, including its length
// prefix.
func ParseHandshake(frame []byte) (Handshake, error) {
	if len(frame) < prefix+handshakeReply {
		return Handshake{}, fmt.Errorf("the server answered the handshake with %d bytes: it is not a ZooKeeper server", len(frame))
	}
	d := NewDecoder(frame[prefix:])
	d.Int32() // the version of the protocol: only one exists
	return Handshake{Timeout: time.Duration(d.Int32()) * time.Millisecond, Session: d.Int64()}, nil
}
