package wire

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseReply(t *testing.T) {
	r, err := ParseReply(frame(i32(5), i64(1<<40), i32(int32(CodeNoNode))))
	require.NoError(t, err)
	require.Equal(t, Reply{Xid: 5, Zxid: 1 << 40, Code: CodeNoNode, Body: []byte{}}, r)

	event := bytes.Join([][]byte{i32(XidEvent), i64(-1), i32(0), i32(int32(EventDeleted)), i32(3), str("/a")}, nil)
	r, err = ParseReply(frame(event))
	require.NoError(t, err)
	require.Equal(t, Reply{Xid: XidEvent, Zxid: -1, Event: EventDeleted, Path: "/a"}, r)

	for n := range len(event) {
		_, err := ParseReply(frame(event[:n]))
		require.ErrorContains(t, err, "the server sent", "%d of %d bytes", n, len(event))
	}
}

func FuzzParseReply(f *testing.F) {
	f.Add(frame(i32(5), i64(9), i32(0), []byte("body")))
	f.Add(frame(i32(XidEvent), i64(-1), i32(0), i32(int32(EventDataChanged)), i32(3), str("/a")))
	f.Add(frame(i32(XidEvent), i64(-1), i32(0), i32(int32(EventDataChanged)), i32(3), i32(-1)))
	f.Add(frame(i32(XidEvent), i64(-1), i32(0), i32(int32(EventDataChanged)), i32(3), i32(1<<30)))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var r Reply
		var err error
		bounded(t, b, func() { r, err = ParseReply(b) })
		if err != nil {
			if len(b) >= 20 && int32(binary.BigEndian.Uint32(b[4:])) != XidEvent {
				t.Fatalf("a whole header is enough: %v", err)
			}
			return
		}
		if len(b) < 20 || r.Xid != int32(binary.BigEndian.Uint32(b[4:])) || r.Xid != XidEvent && (r.Path != "" || r.Event != 0) {
			t.Fatalf("%+v out of %x", r, b)
		}
		if !bytes.Contains(b, []byte(r.Path)) {
			t.Fatal("a path that is not in the frame")
		}
	})
}

func TestParseHandshake(t *testing.T) {
	h, err := ParseHandshake(frame(i32(0), i32(8000), i64(0x1_0000_0001), str(string(make([]byte, 16)))))
	require.NoError(t, err)
	require.Equal(t, Handshake{Timeout: 8 * time.Second, Session: 0x1_0000_0001}, h)
	h, err = ParseHandshake(frame(i32(0), i32(0), i64(0), i32(0)))
	require.NoError(t, err)
	require.Zero(t, h.Session)
	_, err = ParseHandshake(frame(i32(0), i32(8000), i64(1)))
	require.ErrorContains(t, err, "not a ZooKeeper server")
}

func FuzzParseHandshake(f *testing.F) {
	f.Add(frame(i32(0), i32(8000), i64(1), str(string(make([]byte, 16)))))
	f.Add(frame(i32(0), i32(-1), i64(-1), i32(-1)))
	f.Add([]byte("HTTP/1.1 400"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var h Handshake
		var err error
		bounded(t, b, func() { h, err = ParseHandshake(b) })
		if (err == nil) != (len(b) >= 24) {
			t.Fatalf("%d bytes: %v", len(b), err)
		}
		if err == nil && (h.Timeout%time.Millisecond != 0 || h.Session != int64(binary.BigEndian.Uint64(b[12:]))) {
			t.Fatalf("%+v out of %x", h, b)
		}
	})
}

// A deposed leader answers everything but changes alone. With
// enableEagerACLCheck it also answers alone that the right to a change is
// missing (-102).
func TestProvesQuorum(t *testing.T) {
	proving := []Op{OpCreate, OpCreate2, OpCreateContainer, OpCreateTTL, OpDelete, OpDeleteContainer, OpSetData, OpSetACL, OpMulti, OpCheck, OpReconfig}
	for op := range Op(200) {
		for code := range Code(200) {
			answer := Reply{Code: -code}
			about := -code == CodeOK || slices.Contains([]Code{-101, -103, -104, -105, -106, -107, -108, -109, -110, -111}, -code)
			require.Equal(t, about && slices.Contains(proving, op), answer.ProvesQuorum(op), "%v, %d", op, -code)
		}
	}
}
