package core_test

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"sync"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/wire"
	"github.com/docent-go/docent/zktest"
)

// scripted is a server whose answers the test defines. It shakes hands, and
// answers pings and the end of a session honestly. For all other requests it
// calls its script.
type scripted struct {
	w *world

	mu     sync.Mutex
	script func(r asked, honest []byte) reaction // nil: honest
	zxid   int64
	// create2 has transactions answer a create as a create2, with the node's stat.
	create2 bool
}

// asked is a request that has arrived.
type asked struct {
	xid  int32
	op   zktest.Op
	path string // empty where the request names none at its beginning
	body []byte
}

// reaction is the server's reaction to a request.
type reaction struct {
	bytes  []byte // sent as they are
	hangUp bool   // after them
}

const scriptedSession = 0x1234_5678_9abc

// scripted starts such a server, and a Manager on it.
func (w *world) scripted(change ...func(*core.Config)) (*scripted, *core.Manager) {
	w.Helper()
	sc := &scripted{w: w}
	cfg := core.Config{Servers: []string{"zk1"}, Dialer: sc.dial}
	for _, f := range change {
		f(&cfg)
	}
	sm, err := core.Dial(w.Context(), cfg)
	require.NoError(w, err)
	w.Cleanup(func() { sm.Close() })
	return sc, sm
}

// answer sets the script.
func (sc *scripted) answer(script func(r asked, honest []byte) reaction) {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.script = script
}

func (sc *scripted) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	out := make(chan reaction, 1000) // a server does not wait for its clients to read
	go sc.serve(server, out)
	go func() {
		defer server.Close()
		for r := range out {
			if _, err := server.Write(r.bytes); err != nil || r.hangUp {
				return
			}
		}
	}()
	return client, nil
}

// serve reads requests until the connection ends.
func (sc *scripted) serve(conn net.Conn, out chan<- reaction) {
	defer close(out)
	r := bufio.NewReader(conn)
	for first := true; ; first = false {
		frame, err := wire.ReadFrame(r, wire.MaxReply)
		if err != nil {
			return
		}
		if first {
			out <- reaction{bytes: framed(bytes.Join([][]byte{be32(0), be32(10_000), be64(scriptedSession), be32(16), make([]byte, 16)}, nil))}
			continue
		}
		sent, ok := wire.ParseRequest(frame)
		if !ok {
			return
		}
		out <- sc.react(asked{xid: sent.Xid, op: zktest.Op(sent.Op), body: sent.Body})
	}
}

func (sc *scripted) react(r asked) reaction {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	if r.op != zktest.OpPing && r.op != zktest.OpMulti && r.op != zktest.OpSetWatches && r.op != zktest.OpSetWatches2 {
		r.path = wire.NewDecoder(r.body).String()
	}
	sc.zxid++
	honest := sc.honest(r)
	switch r.op {
	case zktest.OpPing, zktest.OpSetWatches, zktest.OpSetWatches2:
		return reaction{bytes: framed(honest)}
	case zktest.OpCloseSession:
		return reaction{bytes: framed(honest), hangUp: true}
	}
	if sc.script == nil {
		return reaction{bytes: framed(honest)}
	}
	return sc.script(r, honest)
}

// replyHead is the header of a reply: xid, zxid, error code.
const replyHead = 16

// honest is an honest server's reply, without the length prefix.
func (sc *scripted) honest(r asked) []byte {
	code := int32(0)
	var body []byte
	switch r.op {
	case zktest.OpPing, zktest.OpSetWatches, zktest.OpSetWatches2, zktest.OpCloseSession, zktest.OpDelete, zktest.OpRemoveWatches:
	case zktest.OpExists, zktest.OpSetData:
		body = scriptedStat()
	case zktest.OpGetData:
		body = append(text("data of "+r.path), scriptedStat()...)
	case zktest.OpGetChildren2:
		body = bytes.Join([][]byte{be32(2), text("a"), text("b"), scriptedStat()}, nil)
	case zktest.OpGetACL:
		body = bytes.Join([][]byte{be32(1), be32(31), text("world"), text("anyone"), scriptedStat()}, nil)
	case zktest.OpSync:
		body = text(r.path)
	case zktest.OpCreate:
		body = text(created(wire.NewDecoder(r.body)))
	case zktest.OpCreate2, zktest.OpCreateContainer:
		body = append(text(created(wire.NewDecoder(r.body))), scriptedStat()...)
	case zktest.OpMulti:
		body = sc.multi(r.body)
	default:
		code = int32(zktest.CodeUnimplemented)
	}
	return bytes.Join([][]byte{be32(r.xid), be64(sc.zxid), be32(code), body}, nil)
}

// created reads a create and returns the path of the new node.
func created(d *wire.Decoder) string {
	path := d.String()
	d.Buffer()
	d.ACL()
	if d.Int32()&2 != 0 { // sequential
		path += "0000000001"
	}
	return path
}

// multi does all operations of a transaction.
func (sc *scripted) multi(body []byte) []byte {
	var out []byte
	result := func(op zktest.Op, body ...[]byte) {
		out = append(out, bytes.Join([][]byte{be32(int32(op)), {0}, be32(0), bytes.Join(body, nil)}, nil)...)
	}
	d := wire.NewDecoder(body)
	for {
		op := zktest.Op(d.Int32())
		done := d.Bool()
		d.Int32()
		if done || d.Err() != nil {
			return append(out, bytes.Join([][]byte{be32(-1), {1}, be32(-1)}, nil)...)
		}
		switch op {
		case zktest.OpCreate, zktest.OpCreate2:
			path := created(d)
			if op == zktest.OpCreate2 || sc.create2 {
				result(zktest.OpCreate2, text(path), scriptedStat())
			} else {
				result(zktest.OpCreate, text(path))
			}
		case zktest.OpSetData:
			_, _, _ = d.String(), d.Buffer(), d.Int32()
			result(op, scriptedStat())
		default: // delete and check
			_, _ = d.String(), d.Int32()
			result(op)
		}
	}
}

// theStat is the stat of all nodes of a scripted server.
var theStat = core.Stat{Czxid: 2, Mzxid: 3, Ctime: 4, Mtime: 5, Version: 6, Cversion: 7, Aversion: 8, DataLength: 9, NumChildren: 2, Pzxid: 10}

// statWith is theStat as the session gets it along with data.
func statWith(data string) core.Stat {
	s := theStat
	s.DataLength = int32(len(data))
	return s
}

func scriptedStat() []byte {
	s := theStat
	return bytes.Join([][]byte{be64(s.Czxid), be64(s.Mzxid), be64(s.Ctime), be64(s.Mtime), be32(s.Version), be32(s.Cversion),
		be32(s.Aversion), be64(s.EphemeralOwner), be32(s.DataLength), be32(s.NumChildren), be64(s.Pzxid)}, nil)
}
