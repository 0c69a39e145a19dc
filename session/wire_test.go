package session

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/docent-go/docent/internal/wire"
	"github.com/docent-go/docent/internal/znode"
)

// frame puts the length before a body.
func frame(body ...[]byte) []byte {
	b := bytes.Join(body, nil)
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
}

func i32(n int32) []byte  { return binary.BigEndian.AppendUint32(nil, uint32(n)) }
func i64(n int64) []byte  { return binary.BigEndian.AppendUint64(nil, uint64(n)) }
func str(s string) []byte { return append(i32(int32(len(s))), s...) }

func TestParseRequest(t *testing.T) {
	acl := bytes.Join([][]byte{i32(1), i32(31), str("world"), str("anyone"), i32(3)}, nil)
	for name, c := range map[string]struct {
		frame []byte
		want  request
	}{
		"ping":             {frame(i32(wire.XidPing), i32(11)), request{xid: wire.XidPing, op: wire.OpPing}},
		"create":           {frame(i32(7), i32(int32(wire.OpCreate)), str("/a/b"), str("data"), acl), request{xid: 7, op: wire.OpCreate, path: "/a/b"}},
		"get":              {frame(i32(8), i32(int32(wire.OpGetData)), str("/a"), []byte{0}), request{xid: 8, op: wire.OpGetData}},
		"get with a watch": {frame(i32(8), i32(int32(wire.OpGetData)), str("/a"+watchMark), []byte{0}), request{xid: 8, op: wire.OpGetData, path: "/a", watch: true}},
		"exists":           {frame(i32(9), i32(int32(wire.OpExists)), str("/ä"+watchMark), []byte{0}), request{xid: 9, op: wire.OpExists, path: "/ä", watch: true}},
		"children":         {frame(i32(9), i32(int32(wire.OpGetChildren2)), str("/"+watchMark), []byte{0}), request{xid: 9, op: wire.OpGetChildren2, path: "/", watch: true}},
		"set":              {frame(i32(3), i32(5), str("/a"), str("x"), i32(-1)), request{xid: 3, op: wire.OpSetData}},
		"path beyond end":  {frame(i32(3), i32(int32(wire.OpCreate)), i32(100), []byte("/a")), request{xid: 3, op: wire.OpCreate}},
		"negative length":  {frame(i32(3), i32(int32(wire.OpGetData)), i32(-1), []byte{1}), request{xid: 3, op: wire.OpGetData}},
	} {
		got, ok := parseRequest(c.frame)
		require.True(t, ok, name)
		require.Equal(t, c.want, got, name)
	}
	_, ok := parseRequest(frame(i32(1), []byte{0, 0, 0}))
	require.False(t, ok)
}

func FuzzParseRequest(f *testing.F) {
	f.Add(frame(i32(7), i32(int32(wire.OpCreate)), str("/a/b"), str("data")))
	f.Add(frame(i32(8), i32(int32(wire.OpGetData)), str("/a"), []byte{1}))
	f.Add(frame(i32(8), i32(int32(wire.OpExists)), i32(-5), []byte{1}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, ok := parseRequest(b)
		switch {
		case ok != (len(b) >= 12):
			t.Fatal("only the header decides")
		case r.watch && r.op != wire.OpExists && r.op != wire.OpGetData && r.op != wire.OpGetChildren2:
			t.Fatalf("operation %d leaves no watch", r.op)
		case r.path != "" && !r.watch && r.op != wire.OpCreate:
			t.Fatal("a path that nobody asked for")
		case !bytes.Contains(b, []byte(r.path)):
			t.Fatal("a path that is not in the frame")
		}
	})
}

// streamConn is a network that delivers a fixed stream, cut anywhere.
type streamConn struct {
	net.Conn
	io.Reader
	closed bool
}

func (c *streamConn) Read(p []byte) (int, error)  { return c.Reader.Read(p) }
func (c *streamConn) Close() error                { c.closed = true; return nil }
func (c *streamConn) SetDeadline(time.Time) error { return nil }

// bareSession has what a connection needs of a session that is not kept.
func bareSession() *Session {
	return &Session{m: &Manager{failures: newFailures(time.Minute)}, sealCtx: context.Background()}
}

// What the client reads is the stream that the server sent, byte for byte, in
// whatever portions either side deals with it.
func TestConnReadIsTheStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stream := frame(i32(0), i32(8000), i64(0), str(string(make([]byte, 16)))) // expired: nothing is granted
		for range rapid.IntRange(0, 20).Draw(t, "replies") {
			body := rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(t, "body")
			stream = append(stream, frame(i32(rapid.Int32Range(0, 9).Draw(t, "xid")), i64(1), i32(0), body)...)
		}
		in := &chunks{t: t, rest: stream}
		s := bareSession()
		c := newConn(&streamConn{Reader: in}, s, target{addr: "zk1:2181"}, time.Second)
		var got []byte
		for {
			p := make([]byte, rapid.IntRange(1, 40).Draw(t, "portion"))
			n, err := c.Read(p)
			got = append(got, p[:n]...)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(stream, got) {
			t.Fatalf("%x became %x", stream, got)
		}
	})
}

type chunks struct {
	t    *rapid.T
	rest []byte
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	n := min(len(p), len(c.rest), rapid.IntRange(1, 50).Draw(c.t, "chunk"))
	copy(p, c.rest[:n])
	c.rest = c.rest[n:]
	return n, nil
}

// A frame on which the client would panic ends the connection instead.
func TestConnReadRefusesShortFrames(t *testing.T) {
	hello := frame(i32(0), i32(8000), i64(0), i32(0))
	for _, bad := range [][]byte{frame(), frame(i32(1)), frame(i32(1), i64(1), []byte{0, 0, 0}), frame(i32(wire.XidEvent), i64(1), i32(0))} {
		inner := &streamConn{Reader: bytes.NewReader(append(bytes.Clone(hello), bad...))}
		c := newConn(inner, bareSession(), target{addr: "zk1:2181"}, time.Second)
		_, err := io.ReadFull(c, make([]byte, len(hello)))
		require.NoError(t, err)
		_, err = c.Read(make([]byte, 4))
		require.ErrorContains(t, err, "the server sent")
		c.s.closing.Wait()
		require.True(t, inner.closed)
	}
}

// serverModel is what a server keeps for a session: per path, one watch on its
// data or its creation, and one on its children.
type serverModel map[modelKey]bool

type modelKey struct {
	path  string
	child bool
}

func (m serverModel) answered(op wire.Op, path string, code wire.Code) {
	if code == 0 || code == wire.CodeNoNode && op == wire.OpExists {
		m[modelKey{path, op == wire.OpGetChildren2}] = true
	}
}

func (m serverModel) fire(event wire.Event, path string) {
	switch event {
	case wire.EventCreated, wire.EventDataChanged:
		delete(m, modelKey{path, false})
	case wire.EventChildrenChanged:
		delete(m, modelKey{path, true})
	case wire.EventDeleted:
		delete(m, modelKey{path, false})
		delete(m, modelKey{path, true})
	}
}

// Should the two disagree, a reconnection loses a watch.
func TestArmedWatchesAreTheServers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var armed armedWatches
		model := make(serverModel)
		path := rapid.SampledFrom([]string{"/a", "/b"})
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "reply") {
				req := request{
					op:    rapid.SampledFrom([]wire.Op{wire.OpExists, wire.OpGetData, wire.OpGetChildren2}).Draw(t, "op"),
					path:  path.Draw(t, "path"),
					watch: true,
				}
				code := rapid.SampledFrom([]wire.Code{0, wire.CodeNoNode, -102, -4}).Draw(t, "code")
				armed.set(req, code)
				model.answered(req.op, req.path, code)
			} else {
				event := rapid.SampledFrom([]wire.Event{-1, 1, 2, 3, 4, 5}).Draw(t, "event")
				p := path.Draw(t, "path")
				armed.fired(event, p)
				model.fire(event, p)
			}
			kept := make(serverModel)
			for w := range armed.kept {
				kept[modelKey{w.path, w.kind == wire.OpGetChildren2}] = true
			}
			if !maps.Equal(kept, model) {
				t.Fatalf("kept are %v, the server has %v", kept, model)
			}
		}
	})
}

// Every watch is sent again exactly once, in frames that a server takes.
func TestRewatchFrames(t *testing.T) {
	var armed armedWatches
	want := make(map[armedWatch]bool)
	for i := range 10_000 {
		w := armedWatch{fmt.Sprintf("/locks/%040d", i), []wire.Op{wire.OpExists, wire.OpGetData, wire.OpGetChildren2}[i%3]}
		code := wire.CodeOK
		if w.kind == wire.OpExists {
			code = wire.CodeNoNode
		}
		armed.set(request{op: w.kind, path: w.path}, code)
		want[w] = true
	}
	for _, limit := range []int{maxRewatch, 1024, 100, 1} {
		checkRewatch(t, armed.frames(77, limit), limit, want)
	}
	require.Empty(t, new(armedWatches).frames(1, maxRewatch))
}

func checkRewatch(t *testing.T, frames [][]byte, limit int, want map[armedWatch]bool) {
	const one = wire.SetWatchesHeader + 4 + len("/locks/") + 40
	require.Greater(t, len(frames), 1)
	got := make(map[armedWatch]bool)
	for _, f := range frames {
		require.LessOrEqual(t, len(f)-4, max(limit, one))
		require.Equal(t, len(f)-4, int(binary.BigEndian.Uint32(f)))
		req, ok := parseRequest(f)
		require.True(t, ok)
		require.Equal(t, request{xid: wire.XidSetWatches, op: wire.OpSetWatches}, req)
		require.Equal(t, uint64(77), binary.BigEndian.Uint64(f[12:]))
		d := wire.NewDecoder(f[20:])
		for _, kind := range []wire.Op{wire.OpGetData, wire.OpExists, wire.OpGetChildren2} {
			for _, path := range d.Strings() {
				w := armedWatch{path, kind}
				require.False(t, got[w], "twice")
				got[w] = true
			}
		}
		require.NoError(t, d.Err())
		require.Empty(t, d.Rest())
	}
	require.Equal(t, want, got)
	if per := (limit - wire.SetWatchesHeader) / (one - wire.SetWatchesHeader); per > 0 {
		require.Len(t, frames, (len(want)+per-1)/per, "no more requests than needed")
	} else {
		require.Len(t, frames, len(want))
	}
}

// What leaves for a create of ours is what the client sends, but for the
// operation.
func TestWithStat(t *testing.T) {
	sent := frame(i32(8), i32(int32(wire.OpCreate)), str("/a"), str("data"), i32(0), i32(3))
	require.Equal(t, frame(i32(8), i32(int32(wire.OpCreate2)), str("/a"), str("data"), i32(0), i32(3)), withStat(sent))
	require.Equal(t, frame(i32(8), i32(int32(wire.OpCreate)), str("/a"), str("data"), i32(0), i32(3)), sent, "the client's own is left alone")
}

// What leaves for a marked read is what the client itself would send for a
// read with a watch.
func TestTakeMark(t *testing.T) {
	for _, op := range []wire.Op{wire.OpExists, wire.OpGetData, wire.OpGetChildren2} {
		marked := frame(i32(8), i32(int32(op)), str("/a"+watchMark), []byte{0})
		req, ok := parseRequest(marked)
		require.True(t, ok)
		require.Equal(t, request{xid: 8, op: op, path: "/a", watch: true}, req)
		require.Equal(t, frame(i32(8), i32(int32(op)), str("/a"), []byte{1}), takeMark(marked, req))
	}
	require.Error(t, znode.Validate("/a"+watchMark), "no real path ends with the mark")
}

// A connection that its sender has closed, while its reader still finds it
// ready, is none to send checks on.
func TestConnIsNotLinkedOnceClosed(t *testing.T) {
	s := bareSession()
	s.ctx = context.Background()
	c := newConn(&streamConn{Reader: bytes.NewReader(nil)}, s, target{addr: "zk1:2181"}, time.Second)
	require.NoError(t, c.Close())
	s.linked(c)
	require.Nil(t, s.link)
	s.closing.Wait()
}
