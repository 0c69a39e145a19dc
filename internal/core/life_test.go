package core_test

import (
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// Lasts is false after every possible end of a life.
func TestLife(t *testing.T) {
	for name, end := range map[string]func(w *world, p *process){
		"deleted": func(w *world, p *process) { require.NoError(w, w.Srv.Remove("/dir")) },
		"written to": func(w *world, p *process) {
			require.NoError(w, w.Srv.Put("/dir", []byte("x")))
		},
		"made anew": func(w *world, p *process) {
			require.NoError(w, w.Srv.Remove("/dir"))
			require.NoError(w, w.Srv.Put("/dir", nil))
		},
		"made anew while we were away": func(w *world, p *process) {
			p.link.Cut(zktest.Both)
			require.NoError(w, w.Srv.Remove("/dir"))
			require.NoError(w, w.Srv.Put("/dir", nil))
			p.link.Heal()
		},
		"the session": func(w *world, p *process) { w.Srv.Expire(p.session().ID()) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				p := w.process()
				s := p.session()
				_, err := s.Life(w.Context(), "/dir")
				require.ErrorIs(w, err, zk.ErrNoNode)
				require.NoError(w, w.Srv.Put("/dir", nil))
				life, err := s.Life(w.Context(), "/dir")
				require.NoError(w, err)
				n, _ := w.Srv.Node("/dir")
				require.Equal(w, n.Stat.Czxid, life.Czxid())

				require.NoError(w, w.Srv.Put("/dir/child", nil))
				require.NoError(w, w.Srv.Remove("/dir/child"))
				p.link.Disconnect()
				_, _, err = s.Get(w.Context(), "/dir")
				require.NoError(w, err)
				require.True(w, life.Lasts(), "through what its children do, and lost connections")

				end(w, p)
				if name != "the session" { // whoever has had a later answer has heard of it
					_, err = s.Create(w.Context(), "/later", nil, core.Persistent)
					require.NoError(w, err)
				} else {
					<-s.Done()
					time.Sleep(time.Second)
				}
				require.False(w, life.Lasts())
			})
		})
	}
}

// An entry has the zxid of its node, with and without a list of the directory.
func TestEnterUnlisted(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		s := p.session()
		w.Srv.ResetCounts()
		e, err := s.EnterUnlisted(w.Context(), "/locks/a", "lock-", []byte("me"))
		require.NoError(w, err)
		require.Nil(w, e.Children)
		require.Zero(w, w.Srv.Count(zktest.OpGetChildren2))
		n, _ := w.Srv.Node(e.Path())
		require.Equal(w, n.Stat.Czxid, e.Czxid)
		require.Equal(w, "me", string(n.Data))

		other, err := s.Enter(w.Context(), "/locks/a", "lock-", nil)
		require.NoError(w, err)
		n, _ = w.Srv.Node(other.Path())
		require.Equal(w, n.Stat.Czxid, other.Czxid)

		require.NoError(w, e.List(w.Context()))
		require.ElementsMatch(w, []string{e.Name, other.Name}, e.Children)
		dir, _ := w.Srv.Node("/locks/a")
		require.Equal(w, dir.Stat.Pzxid, e.Dir.Pzxid)

		require.NoError(w, w.Srv.Remove(other.Path()))
		require.ErrorIs(w, other.List(w.Context()), core.ErrDeleted)

		require.False(w, e.HasGone())
		require.NoError(w, e.Remove(w.Context()))
		require.True(w, e.HasGone())
	})
}

// The answer to the create is lost: the node is found by a list, and its zxid
// read.
func TestEnterUnlistedLostAnswer(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w, w.Srv.Put("/locks/a", nil))
		p := w.process()
		w.onCreate(func(n int, r zktest.Request) zktest.Action {
			if n == 1 {
				return zktest.LoseReply
			}
			return zktest.Pass
		})
		e, err := p.session().EnterUnlisted(w.Context(), "/locks/a", "lock-", nil)
		require.NoError(w, err)
		require.Equal(w, []string{e.Name}, e.Children)
		n, _ := w.Srv.Node(e.Path())
		require.Equal(w, n.Stat.Czxid, e.Czxid)
	})
}

// A server that cannot return a node's zxid with its create closes the
// connection. It is asked once.
func TestEnterOnOldServers(t *testing.T) {
	inWorld(t, func(w *world) {
		require.NoError(w, w.Srv.Put("/locks/a", nil))
		p := w.process()
		for range 3 {
			e, err := p.session().Enter(w.Context(), "/locks/a", "lock-", nil)
			require.NoError(w, err)
			require.Zero(w, e.Czxid)
			require.Contains(w, e.Children, e.Name)
		}
		// The second may go out on the connection that is being closed over the
		// first, and then again.
		require.Contains(w, []int{4, 5}, w.Srv.Count(zktest.OpCreate))
		require.Len(w, w.standing("/locks/a"), 3)
	}, zktest.NoContainers())
}
