package session

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

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

func TestReadFrame(t *testing.T) {
	big := frame(bytes.Repeat([]byte("abcdefg"), 500_000)) // several steps of the growing buffer
	stream := bytes.Join([][]byte{frame([]byte("one")), frame(), big, frame([]byte("x"))}, nil)
	for name, r := range map[string]io.Reader{
		"whole":      bytes.NewReader(stream),
		"dripping":   iotest.HalfReader(bytes.NewReader(stream)),
		"end early":  iotest.DataErrReader(bytes.NewReader(stream)),
		"one by one": io.MultiReader(iotest.OneByteReader(bytes.NewReader(stream[:100])), bytes.NewReader(stream[100:])),
	} {
		t.Run(name, func(t *testing.T) {
			br := bufio.NewReader(r)
			var buf, got []byte
			for range 4 {
				f, err := readFrame(br, buf)
				require.NoError(t, err)
				got, buf = append(got, f...), f
			}
			require.True(t, bytes.Equal(stream, got))
			_, err := readFrame(br, buf)
			require.Equal(t, io.EOF, err)
		})
	}
}

func TestReadFrameTruncated(t *testing.T) {
	whole := frame([]byte("hello"))
	for n := 1; n < len(whole); n++ {
		_, err := readFrame(bufio.NewReader(bytes.NewReader(whole[:n])), nil)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, "after %d bytes", n)
	}
	broken := errors.New("broken")
	_, err := readFrame(bufio.NewReader(iotest.ErrReader(broken)), nil)
	require.ErrorIs(t, err, broken)
}

// What is no ZooKeeper sends lengths that make no sense: a TLS alert, HTTP.
func TestReadFrameHostileLengths(t *testing.T) {
	for _, head := range []string{"\xff\xff\xff\xff", "\x80\x00\x00\x00", "HTTP/1.1 400 Bad Request\r\n", "\x15\x03\x01\x00\x02\x02\x28", "\x10\x00\x00\x01"} {
		_, err := readFrame(bufio.NewReader(strings.NewReader(head+strings.Repeat("x", 100))), nil)
		require.ErrorContains(t, err, "no ZooKeeper", "%q", head)
	}
}

// A length within the limit is believed only as far as bytes have arrived.
func TestReadFrameAllocatesWhatArrives(t *testing.T) {
	claim := append(i32(maxReply), make([]byte, 100<<10)...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := readFrame(bufio.NewReader(bytes.NewReader(claim)), nil)
	runtime.ReadMemStats(&after)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8<<20), "for a claim of %d MiB", maxReply>>20)
}

func FuzzReadFrame(f *testing.F) {
	f.Add(frame([]byte("hello")), 3)
	f.Add([]byte{0, 0}, 0)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1, 2, 3}, 7)
	f.Add(append(i32(maxReply), 1, 2, 3), 0)
	f.Add(bytes.Join([][]byte{frame(), frame([]byte("a")), {0, 0, 0, 9, 1}}, nil), 1)
	f.Fuzz(func(t *testing.T, stream []byte, capacity int) {
		r := bufio.NewReader(bytes.NewReader(stream))
		buf := make([]byte, 0, max(capacity, 0)%4096)
		taken := 0
		for {
			got, err := readFrame(r, buf)
			if err != nil {
				rest := stream[taken:]
				whole := len(rest) >= 4 && uint64(binary.BigEndian.Uint32(rest)) <= uint64(len(rest)-4)
				if whole || (errors.Is(err, io.EOF) != (len(rest) == 0)) {
					t.Fatalf("%v with %d bytes left", err, len(rest))
				}
				return
			}
			if !bytes.Equal(got, stream[taken:taken+len(got)]) || len(got) != 4+int(binary.BigEndian.Uint32(got)) {
				t.Fatal("the frame is not what the stream holds")
			}
			taken, buf = taken+len(got), got
		}
	})
}

func TestParseRequest(t *testing.T) {
	acl := bytes.Join([][]byte{i32(1), i32(31), str("world"), str("anyone"), i32(3)}, nil)
	for name, c := range map[string]struct {
		frame []byte
		want  request
	}{
		"ping":             {frame(i32(xidPing), i32(11)), request{xid: xidPing, op: 11}},
		"create":           {frame(i32(7), i32(opCreate), str("/a/b"), str("data"), acl), request{xid: 7, op: opCreate, path: "/a/b"}},
		"get":              {frame(i32(8), i32(opGetData), str("/a"), []byte{0}), request{xid: 8, op: opGetData}},
		"get with a watch": {frame(i32(8), i32(opGetData), str("/a"+watchMark), []byte{0}), request{xid: 8, op: opGetData, path: "/a", watch: true}},
		"exists":           {frame(i32(9), i32(opExists), str("/ä"+watchMark), []byte{0}), request{xid: 9, op: opExists, path: "/ä", watch: true}},
		"children":         {frame(i32(9), i32(opGetChildren2), str("/"+watchMark), []byte{0}), request{xid: 9, op: opGetChildren2, path: "/", watch: true}},
		"set":              {frame(i32(3), i32(5), str("/a"), str("x"), i32(-1)), request{xid: 3, op: 5}},
		"path beyond end":  {frame(i32(3), i32(opCreate), i32(100), []byte("/a")), request{xid: 3, op: opCreate}},
		"negative length":  {frame(i32(3), i32(opGetData), i32(-1), []byte{1}), request{xid: 3, op: opGetData}},
	} {
		got, ok := parseRequest(c.frame)
		require.True(t, ok, name)
		require.Equal(t, c.want, got, name)
	}
	_, ok := parseRequest(frame(i32(1), []byte{0, 0, 0}))
	require.False(t, ok)
}

func FuzzParseRequest(f *testing.F) {
	f.Add(frame(i32(7), i32(opCreate), str("/a/b"), str("data")))
	f.Add(frame(i32(8), i32(opGetData), str("/a"), []byte{1}))
	f.Add(frame(i32(8), i32(opExists), i32(-5), []byte{1}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, ok := parseRequest(b)
		switch {
		case ok != (len(b) >= 12):
			t.Fatal("only the header decides")
		case r.watch && r.op != opExists && r.op != opGetData && r.op != opGetChildren2:
			t.Fatalf("operation %d leaves no watch", r.op)
		case r.path != "" && !r.watch && r.op != opCreate:
			t.Fatal("a path that nobody asked for")
		case !bytes.Contains(b, []byte(r.path)):
			t.Fatal("a path that is not in the frame")
		}
	})
}

func TestParseReply(t *testing.T) {
	r, err := parseReply(frame(i32(5), i64(1<<40), i32(codeNoNode)))
	require.NoError(t, err)
	require.Equal(t, reply{xid: 5, zxid: 1 << 40, code: codeNoNode}, r)

	event := bytes.Join([][]byte{i32(xidEvent), i64(-1), i32(0), i32(eventDeleted), i32(3), str("/a")}, nil)
	r, err = parseReply(frame(event))
	require.NoError(t, err)
	require.Equal(t, reply{xid: xidEvent, zxid: -1, event: eventDeleted, path: "/a"}, r)

	for n := range len(event) {
		_, err := parseReply(frame(event[:n]))
		require.ErrorContains(t, err, "the server sent", "%d of %d bytes", n, len(event))
	}
}

func FuzzParseReply(f *testing.F) {
	f.Add(frame(i32(5), i64(9), i32(0), []byte("body")))
	f.Add(frame(i32(xidEvent), i64(-1), i32(0), i32(eventData), i32(3), str("/a")))
	f.Add(frame(i32(xidEvent), i64(-1), i32(0), i32(eventData), i32(3), i32(-1)))
	f.Add(frame(i32(xidEvent), i64(-1), i32(0), i32(eventData), i32(3), i32(1<<30)))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseReply(b)
		if err != nil {
			if len(b) >= 20 && int32(binary.BigEndian.Uint32(b[4:])) != xidEvent {
				t.Fatalf("a whole header is enough: %v", err)
			}
			return
		}
		if len(b) < 20 || r.xid != int32(binary.BigEndian.Uint32(b[4:])) || r.xid != xidEvent && (r.path != "" || r.event != 0) {
			t.Fatalf("%+v out of %x", r, b)
		}
		if !bytes.Contains(b, []byte(r.path)) {
			t.Fatal("a path that is not in the frame")
		}
	})
}

func TestParseHandshake(t *testing.T) {
	h, err := parseHandshake(frame(i32(0), i32(8000), i64(0x1_0000_0001), str(string(make([]byte, 16)))))
	require.NoError(t, err)
	require.Equal(t, handshake{timeout: 8 * time.Second, session: 0x1_0000_0001}, h)
	h, err = parseHandshake(frame(i32(0), i32(0), i64(0), i32(0)))
	require.NoError(t, err)
	require.Zero(t, h.session)
	_, err = parseHandshake(frame(i32(0), i32(8000), i64(1)))
	require.ErrorContains(t, err, "no ZooKeeper")
}

func FuzzParseHandshake(f *testing.F) {
	f.Add(frame(i32(0), i32(8000), i64(1), str(string(make([]byte, 16)))))
	f.Add(frame(i32(0), i32(-1), i64(-1), i32(-1)))
	f.Add([]byte("HTTP/1.1 400"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := parseHandshake(b)
		if (err == nil) != (len(b) >= 24) {
			t.Fatalf("%d bytes: %v", len(b), err)
		}
		if err == nil && (h.timeout%time.Millisecond != 0 || h.session != int64(binary.BigEndian.Uint64(b[12:]))) {
			t.Fatalf("%+v out of %x", h, b)
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
	for _, bad := range [][]byte{frame(), frame(i32(1)), frame(i32(1), i64(1), []byte{0, 0, 0}), frame(i32(xidEvent), i64(1), i32(0))} {
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

func (m serverModel) answered(op int32, path string, code int32) {
	if code == 0 || code == codeNoNode && op == opExists {
		m[modelKey{path, op == opGetChildren2}] = true
	}
}

func (m serverModel) fire(event int32, path string) {
	switch event {
	case eventCreated, eventData:
		delete(m, modelKey{path, false})
	case eventChildren:
		delete(m, modelKey{path, true})
	case eventDeleted:
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
					op:    rapid.SampledFrom([]int32{opExists, opGetData, opGetChildren2}).Draw(t, "op"),
					path:  path.Draw(t, "path"),
					watch: true,
				}
				code := rapid.SampledFrom([]int32{0, codeNoNode, -102, -4}).Draw(t, "code")
				armed.set(req, code)
				model.answered(req.op, req.path, code)
			} else {
				event := rapid.SampledFrom([]int32{-1, 1, 2, 3, 4, 5}).Draw(t, "event")
				p := path.Draw(t, "path")
				armed.fired(event, p)
				model.fire(event, p)
			}
			kept := make(serverModel)
			for w := range armed.kept {
				kept[modelKey{w.path, w.kind == opGetChildren2}] = true
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
		w := armedWatch{fmt.Sprintf("/locks/%040d", i), []int32{opExists, opGetData, opGetChildren2}[i%3]}
		code := int32(0)
		if w.kind == opExists {
			code = codeNoNode
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
	const one = rewatchHeader + 4 + len("/locks/") + 40
	require.Greater(t, len(frames), 1)
	got := make(map[armedWatch]bool)
	for _, f := range frames {
		require.LessOrEqual(t, len(f)-4, max(limit, one))
		require.Equal(t, len(f)-4, int(binary.BigEndian.Uint32(f)))
		req, ok := parseRequest(f)
		require.True(t, ok)
		require.Equal(t, request{xid: xidRewatch, op: opSetWatches}, req)
		require.Equal(t, uint64(77), binary.BigEndian.Uint64(f[12:]))
		rest := f[20:]
		for _, kind := range []int32{opGetData, opExists, opGetChildren2} {
			n := binary.BigEndian.Uint32(rest)
			rest = rest[4:]
			for range n {
				path, tail, ok := cutString(rest)
				require.True(t, ok)
				rest = tail
				w := armedWatch{string(path), kind}
				require.False(t, got[w], "twice")
				got[w] = true
			}
		}
		require.Empty(t, rest)
	}
	require.Equal(t, want, got)
	if per := (limit - rewatchHeader) / (one - rewatchHeader); per > 0 {
		require.Len(t, frames, (len(want)+per-1)/per, "no more requests than needed")
	} else {
		require.Len(t, frames, len(want))
	}
}

// What leaves for a create of ours is what the client sends, but for the
// operation, and what comes back begins as the client expects it.
func TestWithStat(t *testing.T) {
	sent := frame(i32(8), i32(opCreate), str("/a"), str("data"), i32(0), i32(3))
	require.Equal(t, frame(i32(8), i32(opCreate2), str("/a"), str("data"), i32(0), i32(3)), withStat(sent))
	require.Equal(t, frame(i32(8), i32(opCreate), str("/a"), str("data"), i32(0), i32(3)), sent, "the client's own is left alone")

	header := []byte{0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0}
	stat := make([]byte, 68)
	stat[7] = 42
	zxid, ok := createdZxid(frame(header, str("/a0000000001"), stat))
	require.True(t, ok)
	require.EqualValues(t, 42, zxid)
	for _, short := range [][]byte{nil, i32(-1), i32(100), str("/a"), append(str("/a"), stat[:7]...)} {
		_, ok := createdZxid(frame(header, short))
		require.False(t, ok)
	}
}

// What leaves for a marked read is what the client itself would send for a
// read with a watch.
func TestTakeMark(t *testing.T) {
	for _, op := range []int32{opExists, opGetData, opGetChildren2} {
		marked := frame(i32(8), i32(op), str("/a"+watchMark), []byte{0})
		req, ok := parseRequest(marked)
		require.True(t, ok)
		require.Equal(t, request{xid: 8, op: op, path: "/a", watch: true}, req)
		require.Equal(t, frame(i32(8), i32(op), str("/a"), []byte{1}), takeMark(marked, req))
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
