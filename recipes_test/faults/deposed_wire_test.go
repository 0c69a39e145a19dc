package faults

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The kinds of requests by their numbers in the protocol.
const (
	opCreate = iota + 1
	opDelete
	opExists
	opGetData
	opSetData
	opGetACL
	opSetACL
	opGetChildren
	opSync
	_
	opPing
	opGetChildren2
	opCheck
	opMulti
	opCreate2
	opReconfig
	opCheckWatches
	opRemoveWatches
	opCreateContainer
	_
	opCreateTTL
	opMultiRead

	opCloseSession = -11
	opAuth         = 100
	opSetWatches   = 101
	opGetEphemeral = 103
	opCountAll     = 104
	opSetWatches2  = 105
	opAddWatch     = 106
	opWhoAmI       = 107
	opUnknown      = 999
)

const (
	xidPing = -2
	xidAuth = -4
)

// glance is how long a client waits for an unexpected answer, once later
// requests of other sessions have been answered.
const glance = 50 * time.Millisecond

// bytesOf joins the fields of a request. An int is an int32 on the wire, string
// and []byte have a length prefix, raw has none.
func bytesOf(fields ...any) raw {
	var b raw
	for _, f := range fields {
		switch v := f.(type) {
		case int:
			b = binary.BigEndian.AppendUint32(b, uint32(v))
		case int64:
			b = binary.BigEndian.AppendUint64(b, uint64(v))
		case bool:
			b = append(b, map[bool]byte{true: 1}[v])
		case string:
			b = append(bytesOf(b, len(v)), v...)
		case []byte:
			b = append(bytesOf(b, len(v)), v...)
		case raw:
			b = append(b, v...)
		default:
			panic(fmt.Sprintf("not a field of a request: %T", f))
		}
	}
	return b
}

type raw []byte

// part is one operation of a multi; end ends the list.
func part(op int, fields ...any) raw { return bytesOf(op, false, -1, bytesOf(fields...)) }

func parts(ops ...raw) raw {
	var b raw
	for _, op := range ops {
		b = append(b, op...)
	}
	return bytesOf(b, -1, true, -1)
}

// everybody is an ACL that grants everything to all clients.
var everybody = bytesOf(1, 31, "world", "anyone")

// wire is a connection to one server, frame by frame.
type wire struct {
	tb       testing.TB
	conn     net.Conn
	xid      int
	session  int64
	password []byte
}

func dialWire(tb testing.TB, addr string) *wire {
	tb.Helper()
	conn, err := net.DialTimeout("tcp", addr, patience)
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = conn.Close() }) // the server may have closed it
	return &wire{tb: tb, conn: conn}
}

// openWire opens a session.
func openWire(tb testing.TB, addr string) *wire {
	tb.Helper()
	w := dialWire(tb, addr)
	w.hello(0, make([]byte, 16))
	require.True(tb, w.greeted(patience))
	require.NotZero(tb, w.session)
	return w
}

func (w *wire) hello(session int64, password []byte) {
	w.write(bytesOf(0, int64(0), 60_000, session, password, false))
}

// greeted reports whether the handshake is answered, and notes the session.
func (w *wire) greeted(within time.Duration) bool {
	w.tb.Helper()
	frame, ok := w.read(within)
	if ok {
		require.NotEmpty(w.tb, frame, "the server has closed the connection during the handshake")
		w.session = int64(binary.BigEndian.Uint64(frame[8:]))
		w.password = frame[20:36]
	}
	return ok
}

func (w *wire) write(frame raw) {
	w.tb.Helper()
	_, err := w.conn.Write(bytesOf([]byte(frame)))
	require.NoError(w.tb, err)
}

// read returns the next frame, or false after within. The end of the connection
// is an empty frame.
func (w *wire) read(within time.Duration) ([]byte, bool) {
	w.tb.Helper()
	require.NoError(w.tb, w.conn.SetReadDeadline(time.Now().Add(within)))
	var head [4]byte
	_, err := io.ReadFull(w.conn, head[:])
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, false
	case err != nil:
		return nil, true
	}
	frame := make([]byte, binary.BigEndian.Uint32(head[:]))
	_, err = io.ReadFull(w.conn, frame)
	require.NoError(w.tb, err)
	return frame, true
}

// send sends a request and returns the xid of its answer.
func (w *wire) send(op int, body raw) int {
	w.tb.Helper()
	w.xid++
	xid := w.xid
	switch op {
	case opPing:
		xid = xidPing
	case opAuth:
		xid = xidAuth
	}
	w.write(bytesOf(xid, op, body))
	return xid
}

// answerTo reads up to the answer with the xid, and returns its code and body.
func (w *wire) answerTo(xid int) (int, []byte) {
	w.tb.Helper()
	for {
		frame, ok := w.read(patience)
		require.True(w.tb, ok, "no answer to %d within %v", xid, patience)
		require.NotEmpty(w.tb, frame, "the server has closed the connection before it answered %d", xid)
		if int(int32(binary.BigEndian.Uint32(frame))) == xid {
			return int(int32(binary.BigEndian.Uint32(frame[12:]))), frame[16:]
		}
	}
}

func (w *wire) ask(op int, body raw) (int, []byte) {
	w.tb.Helper()
	return w.answerTo(w.send(op, body))
}
