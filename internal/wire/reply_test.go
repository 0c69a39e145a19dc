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

// An event of a known kind has a path that a znode can have. Of any other
// event, nothing is used.
func TestFault44_EventsOfPathsThatLie(t *testing.T) {
	for _, path := range badPaths {
		for kind := Event(-1); kind <= 7; kind++ {
			r, err := ParseReply(frame(i32(XidEvent), i64(-1), i32(0), i32(int32(kind)), i32(3), str(path)))
			if kind.Known() {
				require.ErrorContains(t, err, "the server sent a watch event with the path", "%q", path)
				require.Less(t, len(err.Error()), 600)
			} else {
				require.NoError(t, err)
				require.Equal(t, kind, r.Event)
			}
		}
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
		if !bytes.Contains(b, []byte(r.Path)) || r.Event.Known() && !ValidPath(r.Path) {
			t.Fatalf("the path %q", r.Path)
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
	h, err = ParseHandshake(frame(i32(0), i32(8000), i64(-1), i32(-1), []byte{0}))
	require.NoError(t, err, "a session of a server with a high number, no password, and the flag of a read-only server")
	require.Equal(t, int64(-1), h.Session)
}

// The client underneath allocates a password by its length, and needs room for
// it in its next hello. It has no use for a timeout that is not positive.
func TestFault44_HandshakesThatLie(t *testing.T) {
	for _, length := range []int32{17, 1 << 20, 1<<31 - 1, -2, -16, -1 << 31} {
		answer := frame(i32(0), i32(8000), i64(1), i32(length), make([]byte, 16))
		bounded(t, answer, func() {
			_, err := ParseHandshake(answer)
			require.ErrorContains(t, err, "a password whose length is beyond", "%d", length)
		})
	}
	_, err := ParseHandshake(frame(i32(0), i32(8000), i64(1), str(string(make([]byte, MaxPassword+1)))))
	require.ErrorContains(t, err, "a password of 129 bytes, and at most 128 are accepted")
	for _, ms := range []int32{0, -1, -1 << 31} {
		_, err := ParseHandshake(frame(i32(0), i32(ms), i64(1), i32(0)))
		require.ErrorContains(t, err, "the server granted a session timeout of")
	}
}

func FuzzParseHandshake(f *testing.F) {
	f.Add(frame(i32(0), i32(8000), i64(1), str(string(make([]byte, 16)))))
	f.Add(frame(i32(0), i32(-1), i64(-1), i32(-1)))
	f.Add(frame(i32(0), i32(1), i64(-1), i32(-1)))
	f.Add(frame(i32(0), i32(8000), i64(1), i32(1<<30)))
	f.Add(frame(i32(0), i32(8000), i64(1), i32(-1<<31)))
	f.Add(frame(i32(0), i32(8000), i64(1), str(string(make([]byte, MaxPassword+1)))))
	f.Add([]byte("HTTP/1.1 400"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var h Handshake
		var err error
		bounded(t, b, func() { h, err = ParseHandshake(b) })
		if err != nil {
			return
		}
		password := int32(binary.BigEndian.Uint32(b[20:]))
		if h.Session != int64(binary.BigEndian.Uint64(b[12:])) || h.Session != 0 && h.Timeout <= 0 ||
			password != -1 && (password < 0 || password > MaxPassword || int(password) > len(b)-24) {
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
