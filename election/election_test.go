package election_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func TestCampaignInOrder(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		none, err := p.election("x").Leader(t.Context())
		require.NoError(t, err)
		require.Equal(t, election.Leader{}, none)
		all, err := p.election("x").Participants(t.Context())
		require.NoError(t, err)
		require.Empty(t, all)

		term := w.process().lead("a")
		b, c := w.process().campaign("b"), p.campaign("c")
		all, err = p.election("x").Participants(t.Context())
		require.NoError(t, err)
		var ids []string
		for _, c := range all {
			ids = append(ids, c.ID)
		}
		require.Equal(t, []string{"a", "b", "c"}, ids)
		leader, err := p.election("x").Leader(t.Context())
		require.NoError(t, err)
		require.Equal(t, election.Leader{Exists: true, Participant: all[0]}, leader)
		require.Equal(t, term.Path(), leader.Path)
		require.Equal(t, term.SessionID(), leader.Session)
		require.LessOrEqual(t, leader.Token, term.Token())
		require.True(t, leader.Exists)

		require.NoError(t, term.Resign())
		require.NoError(t, term.Resign())
		require.ErrorIs(t, term.Err(), session.ErrReleased)
		second := b.Get()
		require.True(t, c.Waiting())
		require.NoError(t, second.Resign())
		require.Greater(t, c.Get().Token(), second.Token())
	})
}

// Curator's LeaderLatch writes such names, and its id as plain text.
func TestLayout(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		term := w.process().lead("höst-7")
		require.Regexp(t, `^/leaders/a/_c_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-latch-0000000000$`, term.Path())
		info, _ := w.Srv.Node(term.Path())
		require.Equal(t, "höst-7", string(info.Data))

		// A later candidate waits for a candidate of Curator, whose id may be
		// empty.
		require.NoError(t, term.Resign())
		theirs := dir + "/_c_00000000-0000-4000-8000-000000000000-latch-0000000001"
		require.NoError(t, w.Srv.Put(theirs, nil))
		require.NoError(t, w.Srv.SetSequence(dir, 2))
		c := w.process().campaign("b")
		require.True(t, c.Waiting())
		leader, err := w.process().election("x").Leader(t.Context())
		require.NoError(t, err)
		require.Empty(t, leader.ID)
		require.True(t, leader.Exists)
		require.NoError(t, w.Srv.Remove(theirs))
		c.Get()
	})
}

func TestDefaultID(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		e := election.New(w.process().Manager, dir)
		require.Regexp(t, `.-\d+$`, e.ID())
		require.Equal(t, dir, e.Path())
	})
}

func TestCost(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		require.NoError(t, w.process().lead("x").Resign())
		pa, pb := w.process(), w.process()
		synctest.Wait()
		var a *election.Term
		var b *candidate
		ea, eb := pa.election("a"), pb.election("b")
		for round := range 3 {
			lead := map[string]int{"create": 1, "getChildren2": 1, "getData": 1}
			wait := map[string]int{"create": 1, "getChildren2": 1, "getData": 2}
			if round == 0 { // a session asks once whether there is a transfer, and is told from then on
				lead["exists"], wait["exists"] = 1, 1
			}
			require.Equal(t, lead, w.Count(func() { a = start(w.World, ea).Get() }))
			a.Transferred()
			require.Equal(t, wait, w.Count(func() { b = start(w.World, eb) }))
			require.Equal(t, map[string]int{"delete": 1},
				w.Count(func() { require.NoError(t, a.Resign()); b.Get() }))
			require.NoError(t, b.Get().Resign())
		}
	})
}

func TestHardCase01_ReplyLost(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		require.NoError(t, p.lead("a").Resign())
		lost := false
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpCreate && !lost {
				lost = true
				return zktest.LoseReply
			}
			return zktest.Pass
		})
		term := p.lead("a")
		require.Len(t, w.nodes(), 1)
		require.True(t, strings.HasSuffix(term.Path(), w.nodes()[0]))
	})
}

// Closed while the create is under way: the node does not stay.
func TestHardCase11_ClosedDuringCreate(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		require.NoError(t, p.lead("a").Resign())
		answer := make(chan struct{})
		remove := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpCreate {
				return zktest.Hold(answer)
			}
			return zktest.Pass
		})
		c := p.campaign("a")
		remove()
		require.ErrorIs(t, testworld.ErrOf(c.GiveUp()), context.Canceled)
		close(answer)
		synctest.Wait()
		require.Empty(t, w.nodes())
		require.NoError(t, p.Close())
		_, err := p.election("a").Campaign(t.Context())
		require.ErrorIs(t, err, session.ErrClosed)
		_, err = p.election("a").Leader(t.Context())
		require.ErrorIs(t, err, session.ErrClosed)
		_, err = p.election("a").Participants(t.Context())
		require.ErrorIs(t, err, session.ErrClosed)
		require.ErrorIs(t, p.election("a").Run(t.Context(), neverLeads), session.ErrClosed)
	})
}

// After an expiry the old node may still be listed when the client is back. It
// does not make the client the leader.
func TestHardCase15_TwoLeadersAfterExpiry(t *testing.T) {
	for _, layout := range layouts {
		inWorld(t, func(t *testing.T, w *world) {
			pa, pb := w.process(), w.process()
			a, b := pa.run("a", layout), pb.run("b", layout)
			pa.Link.Cut(zktest.ToServer)
			<-a.terms()[0].Done() // its trust is over; at the server its node still stands
			ended := time.Now()
			pa.Link.Disconnect()
			pa.Link.Heal()
			time.Sleep(500 * time.Millisecond)
			require.Len(t, w.nodes(), 3, "the old node, b's, and a's new one")
			require.False(t, a.leads())
			require.False(t, b.leads())
			time.Sleep(10 * time.Second)
			require.True(t, b.leads(), "as the server expired the old one")
			require.False(t, a.leads())
			require.Greater(t, b.terms()[0].Token(), a.terms()[0].Token())
			require.Greater(t, time.Since(ended), time.Second)
			b.stop <- nil
			require.True(t, a.leads())
			require.NotEqual(t, a.terms()[0].SessionID(), a.terms()[1].SessionID())
		})
	}
}

// The failures of LeaderLatch: its node or its directory vanishes, two
// candidates chase each other, the election stays vacant after an outage.
func TestHardCase53_NodesVanish(t *testing.T) {
	for _, layout := range layouts {
		inWorld(t, func(t *testing.T, w *world) {
			pa, pb := w.process(), w.process()
			a, b := pa.run("a", layout), pb.run("b", layout)
			leaders := func() (n int) {
				for _, r := range []*running{a, b} {
					if r.leads() {
						n++
					}
				}
				return n
			}
			for range 5 {
				for _, name := range w.nodes() { // each in turn: leader and candidate
					require.NoError(t, w.Srv.Remove(dir+"/"+name))
					time.Sleep(20 * time.Second)
					require.Equal(t, 1, leaders())
					require.Len(t, w.nodes(), 2)
				}
				require.NoError(t, w.Srv.Remove("/leaders"))
				time.Sleep(20 * time.Second)
				require.Equal(t, 1, leaders())
				require.Len(t, w.nodes(), 2)
			}
			requests := w.Count(func() { time.Sleep(time.Hour) })
			delete(requests, zktest.OpMulti.String()) // the probes of sessions that hold
			require.Empty(t, requests, "all is quiet")
			w.Srv.Restart()
			time.Sleep(20 * time.Second)
			require.Equal(t, 1, leaders())
			w.Srv.Wipe()
			time.Sleep(time.Minute)
			require.Equal(t, 1, leaders())
			require.Len(t, w.nodes(), 2)
		})
	}
}

// A term's Path, Token and session do not change while its function runs.
func TestHardCase54_TokenStaysThroughTheTerm(t *testing.T) {
	for _, layout := range layouts {
		inWorld(t, func(t *testing.T, w *world) {
			p := w.process()
			r := p.run("a", layout)
			path, token := r.terms()[0].Path(), r.terms()[0].Token()
			require.NoError(t, w.Srv.Remove("/leaders"))
			time.Sleep(time.Minute)
			require.Len(t, r.terms(), 2)
			require.Equal(t, path, r.terms()[0].Path())
			require.Equal(t, token, r.terms()[0].Token())
			require.Greater(t, r.terms()[1].Token(), token, "although its number is the same")
			require.Equal(t, path[len(path)-10:], r.terms()[1].Path()[len(path)-10:])
		})
	}
}

// Many elections stand on one session, and one that blocks disturbs no other.
func TestHardCase55_ManyElectionsOnOneSession(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p, other := w.process(), w.process()
		release := make(chan struct{})
		var work sync.WaitGroup
		for _, name := range strings.Fields("a b c d e f g h i j") {
			path := "/leaders/" + name
			first, err := election.New(p.Manager, path).Campaign(t.Context())
			require.NoError(t, err)
			work.Go(func() {
				if name == "a" {
					<-release // blocked for good
				}
				if err := first.Resign(); err != nil {
					t.Error(err)
				}
			})
			if name == "a" {
				continue
			}
			second, err := election.New(other.Manager, path).Campaign(t.Context())
			require.NoError(t, err)
			require.Greater(t, second.Token(), first.Token())
		}
		close(release)
		work.Wait()
		require.Equal(t, 2, w.Srv.Count(zktest.OpConnect))
	})
}

func TestInvalidPath(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		e := election.New(w.process().Manager, "leaders")
		_, err := e.Campaign(t.Context())
		require.ErrorContains(t, err, "relative")
		require.ErrorContains(t, e.Run(t.Context(), neverLeads), "relative")
		_, err = e.Leader(t.Context())
		require.ErrorContains(t, err, "relative")
		_, err = e.Participants(t.Context())
		require.ErrorContains(t, err, "relative")
		n := 0
		for _, err := range e.Changes(t.Context()) {
			n++
			require.ErrorContains(t, err, "relative")
		}
		require.Equal(t, 1, n)
	})
}
