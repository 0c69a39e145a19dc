package core_test

import (
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// meddle drops the answer to the first request of the kind, and runs a function
// of another client before the session reconnects.
func (w *world) meddle(p *process, op zktest.Op, f func()) {
	done := false
	w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
		if r.Op != op || done {
			return zktest.Pass
		}
		done = true
		p.link.Refuse(true)
		time.AfterFunc(time.Second, func() {
			f()
			p.link.Refuse(false)
		})
		return zktest.LoseReply
	}))
}

// The first attempt is executed and its answer is lost. Then another client
// creates the node again, with the same version. The session does not change
// that node.
func TestFault04_LostWritesDoNotHitTheNextNode(t *testing.T) {
	for _, c := range []struct {
		name   string
		op     zktest.Op
		write  func(w *world, s *core.Session) error
		meddle func(w *world)
		want   string // what stands in the end; "-": nothing
	}{
		{"delete", zktest.OpDelete, func(w *world, s *core.Session) error { return s.Delete(w.Context(), "/d/x", 0) },
			func(w *world) { require.NoError(w, w.Srv.Put("/d/x", []byte("theirs"))) }, "theirs"},
		{"set", zktest.OpSetData, func(w *world, s *core.Session) error {
			return second(s.Set(w.Context(), "/d/x", []byte("ours"), 0))
		}, func(w *world) {
			require.NoError(w, w.Srv.Remove("/d/x"))
			require.NoError(w, w.Srv.Put("/d/x", []byte("theirs")))
		}, "theirs"},
		{"create", zktest.OpCreate, func(w *world, s *core.Session) error {
			return second(s.Create(w.Context(), "/d/new", []byte("ours"), core.Persistent))
		}, func(w *world) { require.NoError(w, w.Srv.Remove("/d/new")) }, "-"},
		{"create ephemeral", zktest.OpCreate, func(w *world, s *core.Session) error {
			return second(s.Create(w.Context(), "/d/new", []byte("ours"), core.Ephemeral))
		}, func(w *world) { require.NoError(w, w.Srv.Remove("/d/new")) }, "-"},
		{"transaction", zktest.OpMulti, func(w *world, s *core.Session) error {
			return second(s.Txn(w.Context(), core.DeleteOp("/d/x", 0)))
		}, func(w *world) { require.NoError(w, w.Srv.Put("/d/x", []byte("theirs"))) }, "theirs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				require.NoError(w, w.Srv.Put("/d/x", []byte("old")))
				p := w.process()
				w.meddle(p, c.op, func() { c.meddle(w) })
				err := c.write(w, p.session())
				require.ErrorIs(w, err, core.ErrUnknownOutcome)
				require.True(w, core.InDoubt(err))
				require.NoError(w, p.Sync(w.Context(), "/"), "the connection is back")
				path := "/d/x"
				if c.want == "-" {
					path = "/d/new"
				}
				n, found := w.Srv.Node(path)
				if c.want == "-" {
					require.False(w, found, "it was deleted by another, and stays so")
					return
				}
				require.True(w, found)
				require.Equal(w, c.want, string(n.Data))
			})
		})
	}
}

// DeleteExact deletes the node of the given transaction, and no other node at
// its path.
func TestFault04_DeleteExact(t *testing.T) {
	for name, c := range map[string]struct {
		act    zktest.Action
		theirs bool // another makes the node anew meanwhile
		found  bool
	}{
		"done":                      {zktest.Pass, false, true},
		"request lost":              {zktest.DropRequest, false, true},
		"answer lost":               {zktest.LoseReply, false, true},
		"answer lost and made anew": {zktest.LoseReply, true, true},
		"throttled":                 {zktest.Fail(zktest.CodeThrottledOp), false, true},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				require.NoError(w, w.Srv.Put("/x", nil))
				n, _ := w.Srv.Node("/x")
				p := w.process()
				if c.theirs {
					w.meddle(p, zktest.OpDelete, func() { require.NoError(w, w.Srv.Put("/x", []byte("theirs"))) })
				} else {
					w.firstOf(zktest.OpDelete, c.act)
				}
				found, err := p.session().DeleteExact(w.Context(), "/x", n.Stat.Czxid)
				require.NoError(w, err)
				require.Equal(w, c.found, found)
				now, stands := w.Srv.Node("/x")
				require.Equal(w, c.theirs, stands)
				require.NotEqual(w, n.Stat.Czxid, now.Stat.Czxid)

				require.NoError(w, w.Srv.Put("/x", []byte("theirs")))
				found, err = p.session().DeleteExact(w.Context(), "/x", n.Stat.Czxid)
				require.NoError(w, err)
				require.False(w, found)
				_, stands = w.Srv.Node("/x")
				require.True(w, stands, "that is another node")
			})
		})
	}
	inWorld(t, func(w *world) { // an answer that leaves it open, and a look that tells that it was not done
		require.NoError(w, w.Srv.Put("/x", nil))
		n, _ := w.Srv.Node("/x")
		w.firstOf(zktest.OpDelete, zktest.Fail(zktest.CodeSystemError))
		_, err := w.process().session().DeleteExact(w.Context(), "/x", n.Stat.Czxid)
		var answer *core.CodeError
		require.ErrorAs(w, err, &answer)
		require.NotErrorIs(w, err, core.ErrUnknownOutcome)
		_, stands := w.Srv.Node("/x")
		require.True(w, stands)
	})
	inWorld(t, func(w *world) { // others write into it in between: it still is the node that is meant
		require.NoError(w, w.Srv.Put("/x", nil))
		n, _ := w.Srv.Node("/x")
		w.firstOf(zktest.OpDelete, zktest.Delay(time.Second))
		time.AfterFunc(500*time.Millisecond, func() { require.NoError(w, w.Srv.Put("/x", []byte("more"))) })
		found, err := w.process().session().DeleteExact(w.Context(), "/x", n.Stat.Czxid)
		require.NoError(w, err)
		require.True(w, found)
		require.NoError(w, w.Srv.Put("/x/child", nil))
		n, _ = w.Srv.Node("/x")
		_, err = w.process().session().DeleteExact(w.Context(), "/x", n.Stat.Czxid)
		require.ErrorIs(w, err, zk.ErrNotEmpty)
	})
}

// SetOver writes over the node that was read, and finds out the outcome of a
// lost answer as far as possible.
func TestFault04_SetOver(t *testing.T) {
	for name, c := range map[string]struct {
		meddle func(w *world)
		want   error
		data   string
	}{
		"done": {func(*world) {}, nil, "ours"},
		"made anew": {func(w *world) {
			require.NoError(w, w.Srv.Remove("/x"))
			require.NoError(w, w.Srv.Put("/x", []byte("theirs")))
		}, core.ErrUnknownOutcome, "theirs"},
		"deleted":      {func(w *world) { require.NoError(w, w.Srv.Remove("/x")) }, core.ErrUnknownOutcome, ""},
		"written over": {func(w *world) { require.NoError(w, w.Srv.Put("/x", []byte("theirs"))) }, core.ErrUnknownOutcome, "theirs"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				require.NoError(w, w.Srv.Put("/x", []byte("old")))
				p := w.process()
				s := p.session()
				_, seen, err := s.Get(w.Context(), "/x")
				require.NoError(w, err)
				w.meddle(p, zktest.OpSetData, func() { c.meddle(w) })
				stat, err := s.SetOver(w.Context(), "/x", []byte("ours"), seen)
				n, _ := w.Srv.Node("/x")
				require.Equal(w, c.data, string(n.Data))
				if c.want != nil {
					require.ErrorIs(w, err, c.want)
					return
				}
				require.NoError(w, err)
				require.Equal(w, n.Stat.Mzxid, stat.Mzxid)
			})
		})
	}
	inWorld(t, func(w *world) { // not done: then it is sent again, or proves to have lost against another
		require.NoError(w, w.Srv.Put("/x", []byte("old")))
		s := w.process().session()
		_, seen, err := s.Get(w.Context(), "/x")
		require.NoError(w, err)
		w.firstOf(zktest.OpSetData, zktest.DropRequest)
		_, err = s.SetOver(w.Context(), "/x", []byte("ours"), seen)
		require.NoError(w, err)

		_, seen, err = s.Get(w.Context(), "/x")
		require.NoError(w, err)
		w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpSetData {
				require.NoError(w, w.Srv.Put("/x", []byte("theirs")))
				return zktest.DropRequest
			}
			return zktest.Pass
		}))
		_, err = s.SetOver(w.Context(), "/x", []byte("ours"), seen)
		require.ErrorIs(w, err, zk.ErrBadVersion)
		require.NotErrorIs(w, err, core.ErrUnknownOutcome)
	})
}

// If a stranger's node exists at the new path, Replace is refused and leaves
// that node alone.
func TestFault04_ReplaceLeavesStrangersAlone(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		h := p.enter("/dir")
		require.NoError(w, w.Srv.Put("/dir/next", []byte("theirs")))
		_, err := h.Replace(w.Context(), "/dir/next", nil)
		require.ErrorIs(w, err, zk.ErrNodeExists)
		time.Sleep(time.Minute)
		require.Equal(w, []string{"next"}, w.standing("/dir"), "our node has gone, theirs has not")
	})
	inWorld(t, func(w *world) { // a stranger takes the place of the new node, while the answer is lost
		p := w.process()
		h := p.enter("/dir")
		w.meddle(p, zktest.OpMulti, func() {
			require.NoError(w, w.Srv.Remove("/dir/next"))
			require.NoError(w, w.Srv.Put("/dir/next", []byte("theirs")))
		})
		_, err := h.Replace(w.Context(), "/dir/next", nil)
		require.ErrorIs(w, err, core.ErrLost)
		time.Sleep(time.Minute)
		require.Equal(w, []string{"next"}, w.standing("/dir"))
	})
}
