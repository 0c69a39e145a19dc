package conn

import (
	"bytes"
	"net"
	"testing"
	"time"

	"github.com/docent-go/docent/internal/wire"
)

// deaf is a network that delivers a fixed stream and accepts all writes.
type deaf struct {
	net.Conn
	*bytes.Reader
}

func (c deaf) Read(p []byte) (int, error)       { return c.Reader.Read(p) }
func (c deaf) Write(p []byte) (int, error)      { return len(p), nil }
func (c deaf) Close() error                     { return nil }
func (c deaf) SetDeadline(time.Time) error      { return nil }
func (c deaf) SetReadDeadline(time.Time) error  { return nil }
func (c deaf) SetWriteDeadline(time.Time) error { return nil }

// For every stream of a server, reading ends, each call has ended once, and the
// answer of a call is in the stream.
func FuzzRead(f *testing.F) {
	f.Add(join(theGrant, answer(firstXid+1, 0), event(wire.EventDeleted, "/a"), answer(firstXid+2, -101)))
	f.Add(join(theGrant, answer(firstXid+3, wire.CodeUnimplemented), answer(wire.XidPing, 0), answer(1, 0)))
	f.Add(join(theGrant, answer(firstXid+2, 0)))
	f.Add(join(theGrant, frame(i32(wire.XidEvent), i64(0))))
	f.Add(join(theGrant, answer(firstXid+1, 0), answer(firstXid+2, 0, []byte("a"))))
	f.Add(join(theGrant, i32(1<<30), i32(firstXid+1), i64(0), i32(0)))
	f.Add(join(theGrant, event(wire.EventDeleted, "//")))
	f.Add(i32(1 << 30))
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		c := New(deaf{Reader: bytes.NewReader(stream)}, Config{Owner: new(owner), Patience: patience, Go: atOnce, Closing: atOnce})
		if _, err := c.Write(bytes.Clone(theHello)); err != nil {
			t.Fatal(err)
		}
		var ends [3]int
		calls := make([]*Call, len(ends))
		for i := range calls {
			calls[i] = NewCall(wire.Read(wire.OpGetData, "/a", false), func(*Call) { ends[i]++ })
		}
		c.Send(calls...)
		if _, err := c.Write(bytes.Clone(theGoodbye)); err != nil {
			t.Fatal(err)
		}
		p := make([]byte, 64)
		for read := 0; ; {
			n, err := c.Read(p)
			if read += n; read > len(stream) {
				t.Fatal("the client reads more than the server has sent")
			}
			if err != nil {
				break
			}
		}
		unreadable := 0
		for i, call := range calls {
			answered := call.Fate() == Answered
			if call.Fate() == Unreadable {
				unreadable++
			}
			if ends[i] != 1 || !answered && call.Fate() != Lost && (call.Fate() != Unreadable || call.Err() == nil) || unreadable > 1 {
				t.Fatalf("call %d has ended %d times, %v", i, ends[i], call.Fate())
			}
			if answered && (call.Reply().Readable(call.Op()) != nil || call.Reply().Xid != call.xid || !bytes.Contains(stream, call.Reply().Body)) {
				t.Fatalf("call %d has the answer %+v", i, call.Reply())
			}
		}
	})
}
