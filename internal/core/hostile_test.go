package core_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/testing/hostile"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// lie is a way in which a hostile server changes a frame.
type lie struct {
	name string
	tell func(f hostile.Frame) hostile.Reaction
	// credible says that the result may be a correct answer with another
	// meaning, which no client can find out.
	credible bool
	endless  bool // worth trying for ever on every kind of request
}

func (l lie) String() string { return l.name }

func sends(parts ...[]byte) hostile.Reaction {
	return hostile.Reaction{Bytes: bytes.Join(parts, nil)}
}

// cut returns the first n bytes of a frame's body as a frame.
func cut(f hostile.Frame, n int) []byte { return framed(f.Body()[:max(0, min(n, len(f.Body())))]) }

// withCode returns a reply with another code.
func withCode(f hostile.Frame, code int32) []byte {
	out := bytes.Clone(f.Bytes)
	if len(out) >= 20 {
		binary.BigEndian.PutUint32(out[16:], uint32(code))
	}
	return out
}

// anEvent is an event of a watch.
func anEvent(kind int32, path []byte) []byte {
	return framed(bytes.Join([][]byte{be32(-1), be64(-1), be32(0), be32(kind), be32(3), path}, nil))
}

// lies are the lies about any frame.
var lies = []lie{
	{name: "no answer", tell: func(hostile.Frame) hostile.Reaction { return hostile.Reaction{} }, endless: true},
	{name: "the end instead", tell: func(hostile.Frame) hostile.Reaction { return hostile.Reaction{HangUp: true} }},
	{name: "the end within", tell: func(f hostile.Frame) hostile.Reaction {
		return hostile.Reaction{Bytes: f.Bytes[:len(f.Bytes)-1], HangUp: true}
	}},
	{name: "the end after", tell: func(f hostile.Frame) hostile.Reaction { return hostile.Reaction{Bytes: f.Bytes, HangUp: true} }},
	{name: "byte by byte", tell: func(f hostile.Frame) hostile.Reaction { return hostile.Reaction{Bytes: f.Bytes, Slow: true} }},
	{name: "an empty frame", tell: func(hostile.Frame) hostile.Reaction { return sends(framed(nil)) }},
	{name: "half a header", tell: func(f hostile.Frame) hostile.Reaction { return sends(cut(f, 10)) }},
	{name: "no body", tell: func(f hostile.Frame) hostile.Reaction { return sends(cut(f, replyHead)) }, endless: true},
	{name: "half a body", tell: func(f hostile.Frame) hostile.Reaction { return sends(cut(f, (replyHead+len(f.Body()))/2)) }},
	{name: "a byte short", tell: func(f hostile.Frame) hostile.Reaction { return sends(cut(f, len(f.Body())-1)) }},
	{name: "a hundred bytes more", tell: func(f hostile.Frame) hostile.Reaction {
		return sends(framed(append(bytes.Clone(f.Body()), make([]byte, 100)...)))
	}},
	{name: "twice", tell: func(f hostile.Frame) hostile.Reaction { return sends(f.Bytes, f.Bytes) }},
	{name: "a frame of -16 bytes", tell: func(f hostile.Frame) hostile.Reaction { return sends(be32(-16), f.Body()) }},
	{name: "a frame of a gibibyte", tell: func(f hostile.Frame) hostile.Reaction { return sends(be32(1<<30), f.Body()) }},
	{name: "a frame of 60 MiB", tell: func(f hostile.Frame) hostile.Reaction { return sends(be32(60<<20), f.Body()) }},
	{name: "another xid", tell: func(f hostile.Frame) hostile.Reaction { return sends(framed(withXid(f.Body(), f.Xid+1000))) }},
	{name: "the xid of a credential", tell: func(f hostile.Frame) hostile.Reaction { return sends(framed(withXid(f.Body(), -4))) }},
	{name: "the xid of an event", tell: func(f hostile.Frame) hostile.Reaction { return sends(framed(withXid(f.Body(), -1))) }},
	{name: "the xid of a ping", tell: func(f hostile.Frame) hostile.Reaction { return sends(framed(withXid(f.Body(), -2))) }},
	{name: "a code that does not exist", tell: func(f hostile.Frame) hostile.Reaction { return sends(withCode(f, -9999)) }},
	{name: "a code above zero", tell: func(f hostile.Frame) hostile.Reaction { return sends(withCode(f, 7)) }},
	{name: "NoNode with a body", tell: func(f hostile.Frame) hostile.Reaction { return sends(withCode(f, -101)) }, credible: true, endless: true},
	{name: "NoAuth with a body", tell: func(f hostile.Frame) hostile.Reaction { return sends(withCode(f, -102)) }, credible: true},
	{name: "throttled with a body", tell: func(f hostile.Frame) hostile.Reaction { return sends(withCode(f, -127)) }, credible: true},
	{name: "an expired session", tell: func(f hostile.Frame) hostile.Reaction { return sends(withCode(f, -112)) }, credible: true, endless: true},
	{name: "a body of zeros", tell: filled(0), credible: true},
	{name: "a body of ones", tell: filled(0xff), credible: true},
	{name: "a body of text", tell: filled('a'), credible: true},
	{name: "a zxid of the far future", tell: func(f hostile.Frame) hostile.Reaction {
		out := bytes.Clone(f.Bytes)
		if f.Op != zktest.OpConnect && len(out) >= 20 {
			binary.BigEndian.PutUint64(out[8:], math.MaxInt64)
		}
		return sends(out)
	}},
	{name: "after unknown events", tell: func(f hostile.Frame) hostile.Reaction {
		return sends(anEvent(-1, text("")), anEvent(4711, text("/d")), anEvent(7, be32(-1)), f.Bytes)
	}},
	{name: "after an event without a path", tell: func(f hostile.Frame) hostile.Reaction { return sends(anEvent(3, nil), f.Bytes) }},
	{name: "after an event with a null path", tell: func(f hostile.Frame) hostile.Reaction { return sends(anEvent(3, be32(-1)), f.Bytes) }},
	{name: "after an event with a false path", tell: func(f hostile.Frame) hostile.Reaction {
		return sends(anEvent(2, text("/app/../d")), f.Bytes)
	}},
	{name: "after events of other paths", tell: func(f hostile.Frame) hostile.Reaction {
		return sends(anEvent(2, text("/elsewhere")), anEvent(1, text("/apple/d")), anEvent(2, text("/")), f.Bytes)
	}},
}

// filled replaces the body of a reply.
func filled(b byte) func(hostile.Frame) hostile.Reaction {
	return func(f hostile.Frame) hostile.Reaction {
		return sends(framed(append(bytes.Clone(f.Body()[:min(replyHead, len(f.Body()))]), bytes.Repeat([]byte{b}, 200)...)))
	}
}

// greeting changes the answer to the hello.
func greeting(timeout time.Duration, session int64, password ...[]byte) func(hostile.Frame) hostile.Reaction {
	return func(hostile.Frame) hostile.Reaction {
		return sends(framed(bytes.Join(append([][]byte{be32(0), be32(int32(timeout / time.Millisecond)), be64(session)}, password...), nil)))
	}
}

// granting is greeting with the server's own session.
func granting(timeout time.Duration) func(hostile.Frame) hostile.Reaction {
	return func(f hostile.Frame) hostile.Reaction {
		out := bytes.Clone(f.Bytes)
		binary.BigEndian.PutUint32(out[8:], uint32(timeout/time.Millisecond))
		return sends(out)
	}
}

var aPassword = [][]byte{be32(16), make([]byte, 16)}

// greetingLies are the lies about the answer to the hello.
var greetingLies = []lie{
	{name: "a timeout of a millisecond", tell: greeting(time.Millisecond, 7, aPassword...)},
	{name: "a timeout of zero", tell: greeting(0, 7, aPassword...)},
	{name: "a negative timeout", tell: greeting(-8*time.Second, 7, aPassword...)},
	{name: "a timeout of weeks", tell: greeting(math.MaxInt32*time.Millisecond, 7, aPassword...)},
	{name: "our session for 20ms", tell: granting(20 * time.Millisecond)},
	{name: "our session for a day", tell: granting(24 * time.Hour)},
	{name: "our session for weeks", tell: granting(math.MaxInt32 * time.Millisecond)},
	{name: "no session", tell: greeting(0, 0, be32(0))},
	{name: "another session", tell: greeting(8*time.Second, 7, aPassword...)},
	{name: "a negative session", tell: greeting(8*time.Second, -7, aPassword...)},
	{name: "no password", tell: greeting(8*time.Second, 7, be32(-1))},
	{name: "an empty password", tell: greeting(8*time.Second, 7, be32(0))},
	{name: "a password of 2 GiB", tell: greeting(8*time.Second, 7, be32(math.MaxInt32))},
	{name: "a password of a negative length", tell: greeting(8*time.Second, 7, be32(-16))},
	{name: "a password of 900 bytes", tell: greeting(8*time.Second, 7, be32(900), make([]byte, 900))},
}

// kinds are the requests of a session.
var kinds = []zktest.Op{
	zktest.OpConnect, zktest.OpPing, zktest.OpAuth, zktest.OpSASL, zktest.OpSetWatches, zktest.OpSetWatches2, zktest.OpCreate, zktest.OpCreate2,
	zktest.OpCreateContainer, zktest.OpCreateTTL, zktest.OpDelete, zktest.OpExists, zktest.OpGetData, zktest.OpSetData, zktest.OpGetACL,
	zktest.OpGetChildren2, zktest.OpSync, zktest.OpMulti, zktest.OpMultiRead, zktest.OpAddWatch, zktest.OpRemoveWatches,
	zktest.OpGetEphemerals, zktest.OpWhoAmI, zktest.OpCloseSession,
}

// Whatever the server answers to a request of any kind, once or twice: each call
// ends, with the truth or with an error; no write counts as done or as refused
// that was not; no hold outlives its node. No goroutine is left at the end.
func TestFault44_EveryAnswer(t *testing.T) {
	played := make(map[zktest.Op]bool)
	for k, kind := range kinds {
		all := lies
		if kind == zktest.OpConnect {
			all = append(greetingLies, lies...)
		}
		for i, l := range all {
			if (i+k)%testworld.Sized(4, 1) != 0 {
				continue
			}
			t.Run(fmt.Sprintf("%v/%v", kind, l), func(t *testing.T) {
				inWorld(t, func(w *world) {
					told := 0
					v := newVictim(w, func(f hostile.Frame) hostile.Reaction {
						if f.Op != kind || told == 1+i%2 {
							return hostile.Reaction{Bytes: f.Bytes}
						}
						told++
						played[kind] = true
						return l.tell(f)
					})
					v.live(l.credible)
				}, zktest.SASL(saslUsers), zktest.TTLNodes())
			})
		}
	}
	for _, kind := range kinds {
		require.True(t, played[kind], "%v is never answered", kind)
	}
}

// victim is a client of a hostile server.
type victim struct {
	*process
	w        *world
	patience time.Duration // of each call
}

func newVictim(w *world, react func(hostile.Frame) hostile.Reaction) *victim {
	w.Helper()
	require.NoError(w, w.Srv.Put("/app/d/old", []byte("old")))
	link := w.Srv.Link()
	cfg := core.Config{
		Servers: []string{"zk1"}, Dialer: hostile.Between(link.DialContext, hostile.Paced(w, react)), Root: "/app",
		Auth: []core.Credential{core.Digest("ann", "pw")},
	}
	asUser("ann")(&cfg)
	cfg.ACL = nil
	sm, err := core.Start(cfg)
	require.NoError(w, err)
	w.Cleanup(func() { sm.Close() })
	return &victim{&process{sm, w, link}, w, time.Minute}
}

// A server that never answers a kind of request correctly is asked again with
// pauses, if at all.
func TestFault44_EndlessLies(t *testing.T) {
	for k, kind := range kinds {
		all := lies
		if kind == zktest.OpConnect {
			all = append(greetingLies, lies...)
		}
		for i, l := range all {
			oneIn := testworld.Sized(9, 3) // each takes some milliseconds
			if kind == zktest.OpConnect || l.endless {
				oneIn = testworld.Sized(3, 1)
			}
			if (i+k)%oneIn != 0 {
				continue
			}
			t.Run(fmt.Sprintf("%v/%v", kind, l), func(t *testing.T) {
				inWorld(t, func(w *world) {
					v := newVictim(w, func(f hostile.Frame) hostile.Reaction {
						if f.Op != kind {
							return hostile.Reaction{Bytes: f.Bytes}
						}
						return l.tell(f)
					})
					v.patience = 3 * time.Second
					v.live(l.credible)
				}, zktest.SASL(saslUsers), zktest.TTLNodes())
			})
		}
	}
}

// live makes every kind of request.
func (v *victim) live(credible bool) {
	w := v.w
	end := time.Now().Add(time.Hour)
	v.reads(credible)
	v.writes(credible)
	hold := v.hold()
	v.watches()
	time.Sleep(3 * time.Second)
	v.link.Disconnect()
	for range 300 {
		time.Sleep(100 * time.Millisecond)
		if hold != nil && hold.Err() == nil && !credible {
			_, found := w.Srv.Node("/app" + hold.Path())
			require.True(w, found, "the hold outlives its node")
		}
	}
	v.reads(credible)
	released := make(chan error, 1)
	go func() { // it waits for an answer until the session ends
		if hold == nil {
			released <- nil
			return
		}
		released <- hold.Release()
	}()
	time.Sleep(time.Minute)
	require.NoError(w, v.Close())
	v.errs("release", <-released)
	require.True(w, time.Now().Before(end), "it takes too long")
}

// errs checks that an error has a reason.
func (v *victim) errs(what string, err error) {
	v.w.Helper()
	if err == nil {
		return
	}
	require.NotContains(v.w, err.Error(), "%!", what)
	require.NotEqual(v.w, core.ErrUnknownOutcome.Error(), err.Error(), what)
}

func (v *victim) ctx() context.Context { return v.w.Within(v.patience) }

func (v *victim) reads(credible bool) {
	w := v.w
	truth := func(what string, want, got any, err error) {
		w.Helper()
		v.errs(what, err)
		if err == nil && !credible {
			require.Equal(w, want, got, what)
		}
	}
	data, _, err := v.Get(v.ctx(), "/d/old")
	truth("get", "old", string(data), err)
	_, found, err := v.Exists(v.ctx(), "/d/old")
	truth("exists", true, found, err)
	names, _, err := v.Children(v.ctx(), "/d/old")
	truth("children", 0, len(names), err)
	acl, _, err := v.ACL(v.ctx(), "/d/old")
	truth("acl", 1, len(acl), err)
	v.errs("sync", v.Sync(v.ctx(), "/d/old"))
	v.errs("confirm", v.Confirm(v.ctx(), "/d/old"))
	many, err := v.ReadMany(v.ctx(), []core.ReadOp{{Path: "/d/old"}, {Path: "/none"}, {Path: "/d/old", Children: true}})
	truth("read many", 3, len(many), err)
	if err == nil && !credible {
		require.Equal(w, "old", string(many[0].Data))
		require.ErrorIs(w, many[1].Err, core.ErrNoNode)
	}
	_, err = v.WhoAmI(v.ctx())
	v.errs("who am I", err)
	if s, err := v.Session(v.ctx()); err == nil {
		owns, err := s.OwnsAt(v.ctx(), "/d/old")
		truth("owns", false, owns, err)
		owns, err = s.ListsOwn(v.ctx(), "/d/old")
		truth("lists as its own", false, owns, err)
	}
}

// outcome checks the result of a write against the server's own state.
func (v *victim) outcome(what string, done, credible bool, err error) {
	v.w.Helper()
	v.errs(what, err)
	switch {
	case credible, errors.Is(err, core.ErrUnknownOutcome):
	case err == nil:
		require.True(v.w, done, "%s was not done", what)
	default:
		require.False(v.w, done, "%s was done, but: %v", what, err)
	}
}

func (v *victim) writes(credible bool) {
	w := v.w
	exists := func(path string) bool { _, found := w.Srv.Node("/app" + path); return found }
	_, err := v.Create(v.ctx(), "/d/new", nil, core.Persistent)
	v.outcome("create", exists("/d/new"), credible, err)
	path, err := v.Create(v.ctx(), "/d/seq-", nil, core.Sequential)
	v.outcome("create sequential", exists("/d/seq-0000000002") || exists("/d/seq-0000000001"), credible, err)
	if err == nil {
		require.Regexp(w, `^/d/seq-\d{10}$`, path)
	}
	_, err = v.Create(v.ctx(), "/d/dir", nil, core.Container)
	v.outcome("create container", exists("/d/dir"), credible, err)
	_, err = v.CreateTTL(v.ctx(), "/d/ttl", nil, time.Hour, core.Persistent)
	v.outcome("create with a TTL", exists("/d/ttl"), credible, err)
	_, err = v.CreateWithParents(v.ctx(), "/deep/er/node", nil)
	v.outcome("create with parents", exists("/deep/er/node"), credible, err)
	require.NoError(w, w.Srv.Put("/app/w", []byte("before")))
	_, err = v.Set(v.ctx(), "/w", []byte("after"), core.AnyVersion)
	node, _ := w.Srv.Node("/app/w")
	v.outcome("set", string(node.Data) == "after", credible, err)
	_, err = v.Txn(v.ctx(), core.CheckOp("/w", core.AnyVersion), core.CreateOp("/d/txn", nil, core.Persistent), core.SetOp("/w", []byte("txn"), core.AnyVersion))
	v.outcome("txn", exists("/d/txn"), credible, err)
	_, err = v.Txn(v.ctx(), core.DeleteOp("/none", 0), core.CreateOp("/d/refused", nil, core.Persistent))
	v.outcome("txn to be refused", exists("/d/refused"), credible, err)
	err = v.Delete(v.ctx(), "/w", core.AnyVersion)
	v.outcome("delete", !exists("/w"), credible, err)
}

// hold enters a queue and holds, or returns nil.
func (v *victim) hold() *core.Hold {
	s, err := v.Session(v.ctx())
	if err != nil {
		return nil
	}
	_, err = s.Claim(v.ctx(), "/claimed", nil)
	v.errs("claim", err)
	e, err := s.Enter(v.ctx(), "/locks", "lock-", nil)
	v.errs("enter", err)
	if err != nil {
		return nil
	}
	h, err := e.Hold(v.ctx(), 1)
	v.errs("hold", err)
	return h
}

func (v *victim) watches() {
	w := v.w
	s, err := v.Session(v.ctx())
	if err != nil {
		return
	}
	_, _, watch, err := s.GetW(v.ctx(), "/d/old")
	v.errs("watch", err)
	if err == nil {
		watch.Stop()
	}
	_, _, _, err = s.ExistsW(v.ctx(), "/d/future")
	v.errs("watch", err)
	_, _, _, err = s.ChildrenW(v.ctx(), "/d/old")
	v.errs("watch", err)
	_, err = s.Follow(v.ctx(), "/d", true, func(e core.Followed) {
		if e.Path != "" && e.Path != "/d" && !bytes.HasPrefix([]byte(e.Path), []byte("/d/")) {
			w.Errorf("an event of %s for a follower of /d", e.Path)
		}
	})
	v.errs("follow", err)
}
