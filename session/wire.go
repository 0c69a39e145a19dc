package session

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// What of ZooKeeper's wire protocol the session has to understand itself: the
// client underneath tells neither the timeout that was granted nor which
// request an answer belongs to.

const (
	opCreate          = 1
	opDelete          = 2
	opExists          = 3
	opGetData         = 4
	opSetData         = 5
	opSetACL          = 7
	opSync            = 9
	opGetChildren2    = 12
	opCheck           = 13
	opMulti           = 14
	opCreate2         = 15
	opCreateContainer = 19
	opCreateTTL       = 21
	opSetAuth         = 100
	opSetWatches      = 101

	xidEvent   = -1
	xidPing    = -2
	xidRewatch = -8  // of requests that set watches again; the Java client's choice
	xidProbe   = -10 // and below: of the probes, which the client does not know of

	codeAPIError       = -100 // the codes of what a request ran into lie below
	codeNoNode         = -101
	codeSessionExpired = -112
	codeSessionMoved   = -118

	eventCreated  = 1
	eventDeleted  = 2
	eventData     = 3
	eventChildren = 4
)

const (
	// maxReply bounds what one frame from a server may claim to hold. A list
	// of a million children stays far below it.
	maxReply = 256 << 20
	// replyHeader is xid, zxid and error code. The client would panic on a
	// shorter frame.
	replyHeader = 16
	// handshakeReply is protocol version, timeout, session id and the length
	// of the password.
	handshakeReply = 20
)

// readFrame reads one length-prefixed frame and returns it with its prefix,
// in buf if it fits there.
func readFrame(r *bufio.Reader, buf []byte) ([]byte, error) {
	buf = buf[:0]
	prefix, err := r.Peek(4)
	if err != nil {
		if errors.Is(err, io.EOF) && len(prefix) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	n := binary.BigEndian.Uint32(prefix)
	if n > maxReply {
		return nil, fmt.Errorf("the server sent a frame of %d bytes: it is no ZooKeeper, or the stream is damaged", n)
	}
	// What a damaged length claims is not allocated before it has arrived.
	const step = 1 << 20
	for total := 4 + int(n); len(buf) < total; {
		from := len(buf)
		to := min(total, from+step)
		if cap(buf) < to {
			grown := make([]byte, to, min(total, 2*to))
			copy(grown, buf)
			buf = grown
		}
		buf = buf[:to]
		if _, err := io.ReadFull(r, buf[from:to]); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	return buf, nil
}

// request is what matters of a frame that the client sends.
type request struct {
	xid, op int32
	path    string
	watch   bool
}

// parseRequest reads a frame with its prefix. The path is read only where it
// is needed: in creates, and in reads that are marked to leave a watch.
func parseRequest(frame []byte) (request, bool) {
	if len(frame) < 12 {
		return request{}, false
	}
	r := request{
		xid: int32(binary.BigEndian.Uint32(frame[4:])),
		op:  int32(binary.BigEndian.Uint32(frame[8:])),
	}
	switch r.op {
	case opCreate:
		if path, _, ok := cutString(frame[12:]); ok {
			r.path = string(path)
		}
	case opExists, opGetData, opGetChildren2:
		path, rest, ok := cutString(frame[12:])
		if ok && len(rest) == 1 && bytes.HasSuffix(path, []byte(watchMark)) {
			r.path, r.watch = string(path[:len(path)-len(watchMark)]), true
		}
	}
	return r, true
}

// withStat returns the frame of a create as a create2, which is the same but for
// the operation, and which is answered with the node's stat behind its path.
// The client takes the path and leaves the rest.
func withStat(frame []byte) []byte {
	out := bytes.Clone(frame)
	binary.BigEndian.PutUint32(out[8:], opCreate2)
	return out
}

// createdZxid returns the zxid that made the node, of the reply to a create2
// with its prefix.
func createdZxid(frame []byte) (int64, bool) {
	_, stat, ok := cutString(frame[4+replyHeader:])
	if !ok || len(stat) < 8 {
		return 0, false
	}
	return int64(binary.BigEndian.Uint64(stat)), true
}

// parseHello returns the newest transaction that the client claims to have
// seen, from the first frame of a connection.
func parseHello(frame []byte) (zxid int64) {
	if len(frame) < 16 {
		return 0
	}
	return int64(binary.BigEndian.Uint64(frame[8:]))
}

// reply is what matters of a frame that the server sends.
type reply struct {
	xid   int32
	zxid  int64
	code  int32
	event int32  // with xidEvent
	path  string // with xidEvent
}

// parseReply reads a frame with its prefix.
func parseReply(frame []byte) (reply, error) {
	if len(frame) < 4+replyHeader {
		return reply{}, fmt.Errorf("the server sent a reply of %d bytes, less than its header", len(frame))
	}
	body := frame[4:]
	r := reply{
		xid:  int32(binary.BigEndian.Uint32(body)),
		zxid: int64(binary.BigEndian.Uint64(body[4:])),
		code: int32(binary.BigEndian.Uint32(body[12:])),
	}
	if r.xid == xidEvent {
		body = body[replyHeader:]
		if len(body) < 8 {
			return reply{}, errors.New("the server sent a watch event without its type")
		}
		r.event = int32(binary.BigEndian.Uint32(body))
		path, _, ok := cutString(body[8:])
		if !ok {
			return reply{}, errors.New("the server sent a watch event without its path")
		}
		r.path = string(path)
	}
	return r, nil
}

// provesQuorum reports whether an answer can only have been given after a quorum
// of the ensemble has committed the request: to a change, whether it was done or
// refused. A server answers everything else alone. A leader that was deposed
// goes on answering pings, reads, syncs and handshakes for syncLimit ticks,
// while another leader expires the session; so does a follower that has lost
// its leader, but for syncs.
//
// An answer with a code above codeAPIError, or with one that is not about the
// request's znodes, may come from a server that has asked no quorum: a
// throttled request (-127) is not executed at all.
func (r reply) provesQuorum(op int32) bool {
	switch op {
	case opCreate, opCreate2, opDelete, opSetData, opSetACL, opMulti, opCreateContainer, opCreateTTL:
	default:
		return false
	}
	switch r.code {
	case 0:
		return true
	case codeSessionExpired, codeSessionMoved:
		return false
	}
	return r.code < codeAPIError && r.code >= codeSessionExpired
}

// handshake is what the server grants.
type handshake struct {
	timeout time.Duration
	session int64 // 0: the session has expired
}

// parseHandshake reads the first frame of a connection with its prefix.
func parseHandshake(frame []byte) (handshake, error) {
	if len(frame) < 4+handshakeReply {
		return handshake{}, fmt.Errorf("the server answered the handshake with %d bytes: it is no ZooKeeper", len(frame))
	}
	body := frame[4:]
	return handshake{
		timeout: time.Duration(int32(binary.BigEndian.Uint32(body[4:]))) * time.Millisecond,
		session: int64(binary.BigEndian.Uint64(body[8:])),
	}, nil
}

// cutString reads a length-prefixed string off the front of b.
func cutString(b []byte) (s, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := int64(int32(binary.BigEndian.Uint32(b)))
	if n < 0 || n > int64(len(b)-4) {
		return nil, nil, false
	}
	return b[4 : 4+n], b[4+n:], true
}
