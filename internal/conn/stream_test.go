package conn

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/docent-go/docent/internal/wire"
)

// chunks is a network that delivers a fixed stream in random portions, and
// accepts all writes.
type chunks struct {
	net.Conn
	t    *rapid.T
	rest []byte
}

func (c *chunks) Write(p []byte) (int, error)      { return len(p), nil }
func (c *chunks) Close() error                     { return nil }
func (c *chunks) SetDeadline(time.Time) error      { return nil }
func (c *chunks) SetReadDeadline(time.Time) error  { return nil }
func (c *chunks) SetWriteDeadline(time.Time) error { return nil }

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	n := min(len(p), len(c.rest), rapid.SampledFrom([]int{1, 3, 20, 5000}).Draw(c.t, "chunk"))
	copy(p, c.rest[:n])
	c.rest = c.rest[n:]
	return n, nil
}

func atOnce(f func()) { f() }

// In whatever portions the stream arrives and is read, the client reads exactly
// the handshake and the answer to its goodbye. The owner gets all other frames
// in their order.
func TestConnReadIsTheStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := &chunks{t: t, rest: bytes.Clone(theGrant)}
		o := new(owner)
		c := New(in, Config{Owner: o, Patience: patience, Go: atOnce, Closing: atOnce})
		hello, goodbye := bytes.Clone(theHello), bytes.Clone(theGoodbye)
		write := func(frame []byte) {
			if n, err := c.Write(frame); err != nil || n != len(frame) {
				t.Fatal(n, err)
			}
		}
		write(hello)
		first := read(t, c, len(theGrant))
		if !bytes.Equal(theGrant, first) {
			t.Fatalf("the handshake is %x", first)
		}
		o.told()

		var want []string
		xid := int32(firstXid)
		var bye []byte
		for range rapid.IntRange(0, 20).Draw(t, "frames") {
			body := bytes.Repeat(rapid.SliceOfN(rapid.Byte(), 0, 6).Draw(t, "body"), rapid.SampledFrom([]int{1, 10, 1000}).Draw(t, "times"))
			switch rapid.SampledFrom([]string{"answer", "event", "ping", "goodbye"}).Draw(t, "kind") {
			case "answer":
				xid++
				c.Send(NewCall(wire.Read(wire.OpGetData, "/a", false), func(call *Call) {
					o.note("%x", call.Reply().Body)
				}))
				data := join(str(string(body)), make([]byte, 68)) // with a stat
				in.rest = append(in.rest, answer(xid, 0, data)...)
				want = append(want, "answered getData", fmt.Sprintf("%x", data))
			case "event":
				kind := rapid.Int32Range(-1, 7).Draw(t, "event")
				path := fmt.Sprintf("/%x", body)
				in.rest = append(in.rest, event(wire.Event(kind), path)...)
				want = append(want, fmt.Sprintf("event %d %s", kind, path))
			case "ping":
				write(bytes.Clone(thePing))
				in.rest = append(in.rest, answer(wire.XidPing, 0)...)
				want = append(want, "pinged")
			case "goodbye":
				if bye == nil {
					write(goodbye)
					bye = answer(1, 0, body)
					in.rest = append(in.rest, bye...)
				}
			}
		}
		want = append(want, "ended")
		if got := read(t, c, -1); !bytes.Equal(bye, got) {
			t.Fatalf("%x became %x", bye, got)
		}
		if got := o.told(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("told %q, not %q", got, want)
		}
	})
}

// read reads n bytes in portions, or everything.
func read(t *rapid.T, c *Conn, n int) (got []byte) {
	for len(got) != n {
		p := make([]byte, rapid.SampledFrom([]int{1, 7, 40, 9000}).Draw(t, "portion"))
		if n >= 0 {
			p = p[:min(len(p), n-len(got))]
		}
		k, err := c.Read(p)
		got = append(got, p[:k]...)
		if err == io.EOF && n < 0 {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return got
}

// A frame that no correct server sends ends the connection with a reason, and
// no call waits on.
func TestFramesThatEndTheConnection(t *testing.T) {
	const first, second = firstXid + 1, firstXid + 2
	for name, c := range map[string]struct {
		frame  []byte
		reason string
	}{
		"empty":                        {frame(), "the server sent a reply of 4 bytes"},
		"short":                        {frame(i32(first)), "the server sent a reply of 8 bytes"},
		"a byte short":                 {frame(i32(first), i64(1), []byte{0, 0, 0}), "the server sent a reply of 19 bytes"},
		"an event without type":        {frame(i32(wire.XidEvent), i64(1), i32(0)), "watch event without its type"},
		"an event without path":        {frame(i32(wire.XidEvent), i64(1), i32(0), i32(1), i32(3)), "watch event without its type or its path"},
		"an event with a cut path":     {frame(i32(wire.XidEvent), i64(1), i32(0), i32(1), i32(3), i32(9), []byte("/a")), "watch event"},
		"a length beyond reason":       {[]byte{0xff, 0xff, 0xff, 0xff}, "not a ZooKeeper server"},
		"nobody's answer":              {answer(4711, 0), "the server answered request 4711, which does not wait for an answer"},
		"an answer to a client's xid":  {answer(1, 0), "request 1, which does not wait for an answer"},
		"an answer with the old marks": {answer(-8, 0), "request -8, which does not wait for an answer"},
		"an event with a false path":   {event(wire.EventDeleted, "/a/../b"), `watch event with the path "/a/../b", which no znode can have`},
		"a frame that is too large":    {join(i32(wire.MaxReply+1), i32(second), i64(1), i32(0)), "a frame of 67108865 bytes, and at most 67108864 are accepted"},
		"an event that is too large":   {join(i32(wire.MaxReply+1), i32(wire.XidEvent), i64(1), i32(0)), "a frame of 67108865 bytes"},
		"an answer out of order":       {answer(second, 0), fmt.Sprintf("request %d before request %d", second, first)},
		"a refusal out of order":       {answer(second, wire.CodeNoNode), "before request"},
	} {
		t.Run(name, func(t *testing.T) {
			inRig(t, func(g *rig) {
				g.open()
				a, b := g.noted(wire.OpExists, wire.Read(wire.OpExists, "/a", false)), g.noted(wire.OpDelete, wire.Delete("/b", 1))
				g.c.Send(a, b)
				g.request(wire.OpExists)
				g.request(wire.OpDelete)
				synctest.Wait()
				_, _ = g.server.Write(c.frame) // of which the connection may read the length alone
				g.over()
				require.ErrorContains(g, g.err, c.reason)
				require.ErrorContains(g, g.ended, c.reason)
				require.Equal(g, []string{"ended", "exists ends: lost", "delete ends: lost"}, g.told())
				require.Equal(g, theGrant, g.got, "the client has seen none of it")
			})
		})
	}
}

// An answer without a part of its body ends the connection, and the call gets
// the reason. The owner is not told of it: it proves nothing. The call is told
// after the connection has ended.
func TestAnswersThatCannotBeRead(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(xid int32) []byte
		reason string
	}{
		"without a body": {func(xid int32) []byte { return answer(xid, 0, []byte{}) }, "the server's answer to setData ends early"},
		"a byte short":   {func(xid int32) []byte { return answer(xid, 0, make([]byte, 67)) }, "the server's answer to setData ends early"},
		"too large":      {func(xid int32) []byte { return join(i32(1<<30), i32(xid), i64(1), i32(0)) }, "the answer is too large"},
	} {
		t.Run(name, func(t *testing.T) {
			inRig(t, func(g *rig) {
				g.open()
				a, b := g.noted(wire.OpSetData, wire.SetData("/a", nil, 1)), g.noted(wire.OpExists, wire.Read(wire.OpExists, "/b", false))
				g.c.Send(a, b)
				r := g.request(wire.OpSetData)
				g.request(wire.OpExists)
				_, _ = g.server.Write(c.answer(r.Xid)) // of which the connection may read the header alone
				g.over()
				require.ErrorContains(g, g.err, c.reason)
				require.ErrorContains(g, g.ended, c.reason)
				require.ErrorContains(g, a.Err(), c.reason)
				require.Equal(g, Unreadable, a.Fate())
				require.False(g, a.Proves())
				require.Equal(g, Unreadable, a.Await(t.Context(), nil))
				told := g.told()
				require.Equal(g, "ended", told[0])
				require.ElementsMatch(g, []string{"exists ends: lost", "setData ends: unreadable"}, told[1:])
				require.NoError(g, b.Err())
			})
		})
	}
}

// An error has no body, and a body that it has is not read.
func TestErrorsWithABody(t *testing.T) {
	inRig(t, func(g *rig) {
		g.open()
		call := g.noted(wire.OpSetData, wire.SetData("/a", nil, 1))
		g.c.Send(call)
		g.send(answer(g.request(wire.OpSetData).Xid, wire.CodeNoNode, anyBody))
		require.Equal(g, []string{"answered setData", "setData ends: answered"}, g.told())
		require.Equal(g, wire.CodeNoNode, call.Reply().Code)
	})
}

// Until a server has answered the hello, a frame of a kilobyte is too large.
func TestFault44_FirstFramesThatLie(t *testing.T) {
	for name, c := range map[string]struct {
		frame  []byte
		reason string
	}{
		"too large":                       {i32(wire.MaxHandshake + 1), "a frame of 1025 bytes, and at most 1024 are accepted"},
		"a gibibyte":                      {i32(1 << 30), "not a ZooKeeper server"},
		"a negative length":               {i32(-16), "a frame of -16 bytes: it is not a ZooKeeper server"},
		"short":                           {frame(i32(0), i32(8000)), "not a ZooKeeper server"},
		"a password of 2 GiB":             {frame(i32(0), i32(8000), i64(1), i32(1<<31-1)), "a password whose length is beyond"},
		"a password of a negative length": {frame(i32(0), i32(8000), i64(1), i32(-16)), "a password whose length is beyond"},
		"a long password":                 {frame(i32(0), i32(8000), i64(1), str(string(make([]byte, 300)))), "a password of 300 bytes"},
		"a timeout of zero":               {frame(i32(0), i32(0), i64(1), i32(0)), "session timeout of 0s"},
		"a negative timeout":              {frame(i32(0), i32(-8000), i64(1), i32(0)), "session timeout of -8s"},
		"a password for no session":       {frame(i32(0), i32(0), i64(0), i32(1<<30)), "a password whose length is beyond"},
	} {
		t.Run(name, func(t *testing.T) {
			inRig(t, func(g *rig) {
				g.read()
				_, _ = g.server.Write(c.frame)
				g.over()
				require.ErrorContains(g, g.ended, c.reason)
				require.Empty(g, g.got, "the client has seen none of it")
				require.Equal(g, []string{"ended"}, g.told())
			})
		})
	}
}

// A server answers a request of an unknown kind at once, before earlier
// requests that it still processes.
func TestUnimplementedOutOfOrder(t *testing.T) {
	inRig(t, func(g *rig) {
		g.open()
		var calls []*Call
		for _, op := range []wire.Op{wire.OpExists, wire.OpAddWatch, wire.OpDelete} {
			calls = append(calls, g.noted(op, wire.OnPath(op, "/a")))
		}
		g.c.Send(calls...)
		a, b, c := g.request(wire.OpExists), g.request(wire.OpAddWatch), g.request(wire.OpDelete)
		g.send(answer(b.Xid, wire.CodeUnimplemented))
		require.Equal(g, []string{"answered addWatch", "addWatch ends: answered"}, g.told())
		require.Equal(g, wire.CodeUnimplemented, calls[1].Reply().Code)
		g.send(answer(a.Xid, 0), answer(c.Xid, 0))
		require.Equal(g, []string{"answered exists", "exists ends: answered", "answered delete", "delete ends: answered"}, g.told())
		require.Equal(g, a.Xid, calls[0].Reply().Xid)
		require.Equal(g, c.Xid, calls[2].Reply().Xid)
	})
}

// A server with enableEagerACLCheck refuses a write without a right, or with an
// invalid ACL, before earlier requests that it still processes.
func TestEagerRefusalsOutOfOrder(t *testing.T) {
	for _, code := range []wire.Code{wire.CodeNoAuth, wire.CodeInvalidACL} {
		t.Run(code.Name(), func(t *testing.T) {
			inRig(t, func(g *rig) {
				g.open()
				var calls []*Call
				for _, op := range []wire.Op{wire.OpSetData, wire.OpCreate, wire.OpExists} {
					calls = append(calls, g.noted(op, wire.OnPath(op, "/a")))
				}
				g.c.Send(calls...)
				a, b, c := g.request(wire.OpSetData), g.request(wire.OpCreate), g.request(wire.OpExists)
				g.send(answer(b.Xid, code))
				require.Equal(g, []string{"answered create", "create ends: answered"}, g.told())
				require.Equal(g, code, calls[1].Reply().Code)
				require.False(g, calls[1].Proves())
				g.send(answer(a.Xid, 0))
				require.Equal(g, []string{"answered setData", "setData ends: answered"}, g.told())
				require.True(g, calls[0].Proves())
				g.send(answer(c.Xid, 0))
				require.Equal(g, []string{"answered exists", "exists ends: answered"}, g.told())
			})
		})
	}
}

// Events before an answer are reported before the answer, and later events
// after it.
func TestEventsKeepTheirPlace(t *testing.T) {
	inRig(t, func(g *rig) {
		g.open()
		g.c.Send(g.noted(wire.OpExists, wire.OnPath(wire.OpExists, "/a")), g.noted(wire.OpDelete, wire.OnPath(wire.OpDelete, "/a")))
		a, b := g.request(wire.OpExists), g.request(wire.OpDelete)
		g.send(join(event(wire.EventCreated, "/x"), answer(a.Xid, 0), event(wire.EventDeleted, "/y"), answer(b.Xid, 0), event(wire.EventChildrenChanged, "/")))
		require.Equal(g, []string{
			"event 1 /x", "answered exists", "exists ends: answered",
			"event 2 /y", "answered delete", "delete ends: answered", "event 4 /",
		}, g.told())
	})
}

// The answer to a ping that was not sent is ignored.
func TestPings(t *testing.T) {
	inRig(t, func(g *rig) {
		g.open()
		g.send(answer(wire.XidPing, 0))
		require.Empty(g, g.told())
		done := make(chan error, 1)
		go func() { _, err := g.c.Write(bytes.Clone(thePing)); done <- err }()
		require.Equal(g, thePing, g.read(), "the client's frames are left as they are")
		require.NoError(g, <-done)
		g.send(answer(wire.XidPing, 0), answer(wire.XidPing, 0))
		require.Equal(g, []string{"pinged"}, g.told())
	})
}

// A server that answers a ping has answered every request before it. Otherwise
// it never will: the connection ends with the reason. A request after the ping
// may still be unanswered.
func TestFault44_PingsKeepTheirPlace(t *testing.T) {
	ping := func(g *rig) {
		g.Helper()
		done := make(chan error, 1)
		go func() { _, err := g.c.Write(bytes.Clone(thePing)); done <- err }()
		require.Equal(g, thePing, g.read())
		require.NoError(g, <-done)
	}
	inRig(t, func(g *rig) {
		g.open()
		first := g.noted(wire.OpDelete, wire.Delete("/a", 1))
		g.c.Send(first)
		xid := g.request(wire.OpDelete).Xid
		ping(g)
		g.send(answer(xid, 0))
		second := g.noted(wire.OpDelete, wire.Delete("/b", 1))
		g.c.Send(second)
		xid = g.request(wire.OpDelete).Xid
		g.send(answer(wire.XidPing, 0))
		require.Equal(g, []string{"answered delete", "delete ends: answered", "pinged"}, g.told())
		ping(g)
		g.send(answer(wire.XidPing, 0))
		g.over()
		require.ErrorContains(g, g.ended, fmt.Sprintf("the server answered a ping before request %d, which was sent earlier", xid))
		require.Equal(g, []string{"ended", "delete ends: lost"}, g.told())
		require.Equal(g, Lost, second.Fate())
	})
}
