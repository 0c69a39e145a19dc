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

// ReplyHead is the size of the length prefix and the header of a reply.
const ReplyHead = prefix + replyHeader

// ParseReplyHead parses the first ReplyHead bytes of a frame.
func ParseReplyHead(head []byte) (Reply, error) {
	if len(head) < ReplyHead {
		return Reply{}, fmt.Errorf("the server sent a reply of %d bytes, which is shorter than a reply header", len(head))
	}
	d := Decoder{buf: head[prefix:ReplyHead]}
	return Reply{Xid: d.Int32(), Zxid: d.Int64(), Code: Code(d.Int32())}, nil
}

// ParseReply parses a frame including its length prefix.
func ParseReply(frame []byte) (Reply, error) {
	r, err := ParseReplyHead(frame)
	if err != nil {
		return Reply{}, err
	}
	d := Decoder{buf: frame[ReplyHead:]}
	if r.Xid != XidEvent {
		r.Body = d.Rest()
		return r, nil
	}
	r.Event = Event(d.Int32())
	d.Int32() // the state of the session, which only the client's own events change
	path := d.View()
	switch {
	case d.Err() != nil:
		return Reply{}, errors.New("the server sent a watch event without its type or its path")
	case r.Event.Known() && !validPath(path):
		return Reply{}, fmt.Errorf("the server sent a watch event with the path %s, which no znode can have", shown(path))
	}
	r.Path = string(path)
	return r, nil
}

// Readable returns an error if the answer to a request of the kind lacks a part
// of its body. Such an answer proves nothing, whatever its code. It checks the
// form of the body and the path of a created znode, not the names in a list. It
// allocates nothing. The body of an error is not read, nor one that was dropped.
func (r Reply) Readable(op Op) error {
	if r.Code != CodeOK || r.Dropped > 0 {
		return nil
	}
	d := Decoder{buf: r.Body, skims: true}
	switch op {
	case OpCreate, OpCreate2, OpCreateContainer, OpCreateTTL:
		d.created(op)
	case OpExists, OpSetData, OpSetACL:
		d.Stat()
	case OpGetData:
		d.View()
		d.Stat()
	case OpGetChildren2:
		d.names()
		d.Stat()
	case OpGetACL:
		d.ACL()
		d.Stat()
	case OpGetEphemerals:
		d.paths()
	case OpSASL:
		d.View()
		return d.answered("a SASL token")
	case OpWhoAmI:
		d.identities()
	case OpMulti, OpMultiRead:
		n := 0
		for more := true; more; n++ {
			_, more = d.result()
		}
		if d.err == nil && n == 1 {
			d.err = fmt.Errorf("no results: %w", ErrMalformed)
		}
	}
	return d.answered(op.String())
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

// MaxHandshake is the maximum size of a server's first frame. Servers send 36 or
// 37 bytes.
const MaxHandshake = 1 << 10

// MaxPassword is the maximum size of a session's password. Servers use 16 bytes.
// The client underneath has room for 224 in its next hello.
const MaxPassword = 128

// ParseHandshake parses the first frame of a server, including its length
// prefix. It rejects a timeout that is not positive, unless the session has
// expired, and a password that is longer than MaxPassword.
func ParseHandshake(frame []byte) (Handshake, error) {
	if len(frame) < prefix+handshakeReply {
		return Handshake{}, fmt.Errorf("the server answered the handshake with %d bytes: it is not a ZooKeeper server", len(frame))
	}
	d := NewDecoder(frame[prefix:])
	d.Int32() // the version of the protocol: only one exists
	h := Handshake{Timeout: time.Duration(d.Int32()) * time.Millisecond, Session: d.Int64()}
	// The client underneath allocates by the length of the password.
	password := d.View()
	switch {
	case d.err != nil:
		return Handshake{}, errors.New("the server's answer to the handshake has a password whose length is beyond the answer's end: it is not a ZooKeeper server")
	case len(password) > MaxPassword:
		return Handshake{}, fmt.Errorf("the server's answer to the handshake has a password of %d bytes, and at most %d are accepted", len(password), MaxPassword)
	case h.Session != 0 && h.Timeout <= 0:
		return Handshake{}, fmt.Errorf("the server granted a session timeout of %v, which is not positive", h.Timeout)
	}
	return h, nil
}
