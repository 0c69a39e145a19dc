package core_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// restore restores a backup while every server is down for a while, which no
// session survives without a new connection.
func (w *world) restore(b *zktest.Backup) {
	w.Helper()
	w.Srv.Restore(b)
	time.Sleep(noticed)
	synctest.Wait()
}

// noticed is the time in which a session notices a restored ensemble: it dials
// again, and asks once. Its goodbye follows.
const noticed = 2 * time.Second

// released makes a hold on a contender's node, has f run, and releases the hold.
func (p *process) released(dir string, f func()) (path string) {
	p.w.Helper()
	h := p.enter(dir)
	f()
	require.NoError(p.w, h.Release())
	return h.Path()
}

// A restored ensemble brings back what the session has deleted. The session
// closes itself: its holds end, and everything that came back is removed.
func TestRestoredReleasedNode(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		s := p.session()
		kept := p.enter("/kept")
		var backup *zktest.Backup
		back := p.released("/released", func() { backup = w.Srv.Backup() })
		newer := p.enter("/newer")

		w.restore(backup)
		require.ErrorIs(w, s.Err(), core.ErrRestored)
		require.ErrorContains(w, s.Err(), back)
		for _, h := range []*core.Hold{kept, newer} {
			require.ErrorIs(w, h.Err(), core.ErrLost)
		}
		for _, path := range []string{back, kept.Path(), newer.Path()} {
			_, found := w.Srv.Node(path)
			require.False(w, found, path)
		}
		require.NotEqual(w, s.ID(), p.session().ID())
		require.NoError(w, p.enter("/released").Err())
	})
}

// All that comes back is what the session still has: it goes on, and so do the
// holds whose nodes exist. Others end at once.
func TestRestoredWithoutReleases(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		s := p.session()
		kept := p.enter("/kept")
		backup := w.Srv.Backup()
		newer := p.enter("/newer")

		w.restore(backup)
		require.NoError(w, s.Err())
		require.NoError(w, kept.Err())
		require.ErrorIs(w, newer.Err(), core.ErrDeleted)
		require.NoError(w, kept.Release())
		_, found := w.Srv.Node(kept.Path())
		require.False(w, found)
	})
}

// A claim is made again at the same path. The node of the earlier claim comes
// back: it has the path and the owner of the hold's node, and is not its node.
func TestRestoredEarlierClaim(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		s := p.session()
		claim := func() *core.Node {
			n, err := s.Claim(w.Context(), "/leader", nil)
			require.NoError(w, err)
			return n
		}
		first := claim()
		backup := w.Srv.Backup()
		require.NoError(w, first.Remove(w.Context()))
		second := claim()
		stat, err := second.Watch(w.Context())
		require.NoError(w, err)
		h, err := second.Hold(w.Context(), stat.Czxid)
		require.NoError(w, err)

		w.restore(backup)
		time.Sleep(s.Timeout() / 2)
		require.ErrorIs(w, h.Err(), core.ErrRestored)
		_, found := w.Srv.Node("/leader")
		require.False(w, found)
	})
}

// Whatever call has created and deleted a node of the session: if the node comes
// back, the session ends.
func TestRestoredByEveryCall(t *testing.T) {
	for name, run := range map[string]func(w *world, s *core.Session, between func()){
		"create, delete": func(w *world, s *core.Session, between func()) {
			path, err := s.Create(w.Context(), "/a", nil, core.Ephemeral)
			require.NoError(w, err)
			between()
			require.NoError(w, s.Delete(w.Context(), path, core.AnyVersion))
		},
		"create sequential, delete": func(w *world, s *core.Session, between func()) {
			path, err := s.Create(w.Context(), "/a-", nil, core.EphemeralSequential)
			require.NoError(w, err)
			_, err = s.Create(w.Context(), "/a-", nil, core.EphemeralSequential)
			require.NoError(w, err)
			between()
			require.NoError(w, s.Delete(w.Context(), path, core.AnyVersion))
		},
		"transactions": func(w *world, s *core.Session, between func()) {
			_, err := s.Txn(w.Context(), core.CreateOp("/a", nil, core.Ephemeral))
			require.NoError(w, err)
			between()
			_, err = s.Txn(w.Context(), core.DeleteOp("/a", core.AnyVersion))
			require.NoError(w, err)
		},
		"a transaction that moves the node": func(w *world, s *core.Session, between func()) {
			_, err := s.Create(w.Context(), "/a", nil, core.Ephemeral)
			require.NoError(w, err)
			between()
			_, err = s.Txn(w.Context(), core.DeleteOp("/a", core.AnyVersion), core.CreateOp("/b", nil, core.Ephemeral))
			require.NoError(w, err)
		},
		"replace": func(w *world, s *core.Session, between func()) {
			e, err := s.Enter(w.Context(), "/dir", "x-", nil)
			require.NoError(w, err)
			h, err := e.Hold(w.Context(), 1)
			require.NoError(w, err)
			between()
			_, err = h.Replace(w.Context(), "/dir/other", nil)
			require.NoError(w, err)
		},
		"a node that another client deletes": func(w *world, s *core.Session, between func()) {
			_, err := s.Create(w.Context(), "/a", nil, core.Ephemeral)
			require.NoError(w, err)
			between()
			require.NoError(w, w.Srv.Remove("/a"))
			w.Srv.Disconnect(s.ID()) // the list on the next connection lacks the node
			time.Sleep(noticed)
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				s := w.process().session()
				var backup *zktest.Backup
				run(w, s, func() { backup = w.Srv.Backup() })
				w.Srv.Disconnect(s.ID())
				time.Sleep(noticed)
				require.NoError(w, s.Err(), "a new connection alone")
				w.restore(backup)
				require.ErrorIs(w, s.Err(), core.ErrRestored)
			})
		})
	}
}

// A session that never had an ephemeral node asks nothing, and another asks once
// on each new connection.
func TestRestoredCostsOneRequest(t *testing.T) {
	inWorld(t, func(w *world) {
		idle, owner := w.process(), w.process()
		_, err := idle.session().Create(w.Context(), "/p", nil, core.Persistent)
		require.NoError(w, err)
		owner.released("/dir", func() {})
		before := w.Srv.Count(zktest.OpGetEphemerals)
		for i := range 3 {
			for _, p := range []*process{idle, owner} {
				w.Srv.Disconnect(p.session().ID())
			}
			time.Sleep(time.Minute)
			require.Equal(w, i+1, w.Srv.Count(zktest.OpGetEphemerals)-before)
		}
		require.NoError(w, owner.session().Err())
	})
}

// A create without an answer may be executed, so its node is not a reason to end
// the session. Once it was found and deleted, it is.
func TestRestoredUnansweredCreate(t *testing.T) {
	inWorld(t, func(w *world) {
		s := w.process().session()
		w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpCreate {
				return zktest.LoseReply
			}
			return zktest.Pass
		}))
		_, err := s.Create(w.Context(), "/a", nil, core.Ephemeral)
		require.ErrorIs(w, err, core.ErrUnknownOutcome)
		_, found := w.Srv.Node("/a")
		require.True(w, found)
		w.restore(w.Srv.Backup())
		require.NoError(w, s.Err(), "the node may be this session's")
		backup := w.Srv.Backup()
		require.NoError(w, s.Delete(w.Context(), "/a", core.AnyVersion))
		w.restore(backup)
		require.ErrorIs(w, s.Err(), core.ErrRestored)
	})
}

// A server that does not answer the list is asked again after a ping.
func TestRestoredThrottledList(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		s := p.session()
		var backup *zktest.Backup
		p.released("/dir", func() { backup = w.Srv.Backup() })
		stop := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpGetEphemerals {
				return zktest.Fail(zktest.CodeThrottledOp)
			}
			return zktest.Pass
		})
		w.restore(backup)
		require.NoError(w, s.Err())
		stop()
		time.Sleep(s.Timeout())
		require.ErrorIs(w, s.Err(), core.ErrRestored)
	})
}

// A server that hangs up at each list does not keep the session from its other
// requests, and is asked again.
func TestRestoredListIsLost(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		s := p.session()
		p.released("/dir", func() {})
		w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpGetEphemerals {
				return zktest.LoseReply
			}
			return zktest.Pass
		}))
		before := w.Srv.Count(zktest.OpGetEphemerals)
		w.Srv.Disconnect(s.ID())
		time.Sleep(time.Hour)
		require.NoError(w, s.Err())
		require.Greater(w, w.Srv.Count(zktest.OpGetEphemerals)-before, 10)
		require.LessOrEqual(w, w.Srv.Count(zktest.OpGetEphemerals)-before, 3+int(time.Hour/(s.Timeout()/3)), "a connection lasts until its first ping")
	})
}

// Servers before 3.6 do not know the request. They are asked once.
func TestRestoredOlderServer(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		s := p.session()
		var backup *zktest.Backup
		p.released("/dir", func() { backup = w.Srv.Backup() })
		for range 3 {
			w.restore(backup)
			require.NoError(w, s.Err(), "the session cannot know")
		}
		require.Equal(w, 1, w.Srv.Count(zktest.OpGetEphemerals))
	}, zktest.Version("3.5"))
}

// The servers get the goodbye of a session that ends itself. Without it, what
// came back would remain for a session timeout.
func TestRestoredGoodbye(t *testing.T) {
	inWorld(t, func(w *world) {
		var log record
		p := w.process(log.hook)
		s := p.session()
		var backup *zktest.Backup
		p.released("/dir", func() { backup = w.Srv.Backup() })
		closed := w.Srv.Count(zktest.OpCloseSession)
		w.restore(backup)
		require.Equal(w, closed+1, w.Srv.Count(zktest.OpCloseSession))
		var causes []error
		log.mu.Lock()
		for _, change := range log.states {
			if change.Session == s.ID() && change.State == core.Lost {
				causes = append(causes, change.Cause)
			}
		}
		log.mu.Unlock()
		require.Len(w, causes, 1)
		require.True(w, errors.Is(causes[0], core.ErrRestored) && errors.Is(causes[0], core.ErrLost))
	})
}

// A watched node of the session has its earlier data, which the session has
// overwritten since.
func TestRestoredEarlierData(t *testing.T) {
	inWorld(t, func(w *world) {
		s := w.process().session()
		path, err := s.Create(w.Context(), "/member", []byte("1"), core.Ephemeral)
		require.NoError(w, err)
		backup := w.Srv.Backup()
		_, err = s.Set(w.Context(), path, []byte("2"), core.AnyVersion)
		require.NoError(w, err)
		_, _, watch, err := s.GetW(w.Context(), path)
		require.NoError(w, err)
		defer watch.Stop()

		w.restore(backup)
		time.Sleep(s.Timeout())
		require.ErrorIs(w, s.Err(), core.ErrRestored)
		require.ErrorContains(w, s.Err(), path)
	})
}

// The first create of a contender is lost before the server executes it, and the
// second one has the same prefix. It is no doubt about the node of the second.
func TestRestoredLostCreate(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		s := p.session()
		lost := false
		w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpCreate && strings.HasPrefix(r.Path, "/dir/") && !lost {
				lost = true
				return zktest.DropRequest
			}
			return zktest.Pass
		}))
		var backup *zktest.Backup
		p.released("/dir", func() { backup = w.Srv.Backup() })
		require.True(w, lost)
		w.restore(backup)
		require.ErrorIs(w, s.Err(), core.ErrRestored)
	})
}
