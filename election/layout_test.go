package election_test

import (
	"context"
	"iter"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// Curator's LeaderSelector uses the node names of a mutex, and writes its id as
// plain text.
func TestLeaderSelectorLayout(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		theirs := dir + "/_c_00000000-0000-4000-8000-000000000000-lock-0000000000"
		require.NoError(t, w.Srv.Put(theirs, []byte("java")))
		require.NoError(t, w.Srv.Put(dir+"/_c_00000000-0000-4000-8000-000000000001-latch-0000000000", nil)) // a stranger here
		require.NoError(t, w.Srv.SetSequence(dir, 1))
		a := w.process().campaign("höst-7", election.Layout(election.LeaderSelector))
		b := w.process().campaign("b", election.Layout(election.LeaderSelector))
		e := w.process().election("x", election.Layout(election.LeaderSelector))
		leader, err := e.Leader(t.Context())
		require.NoError(t, err)
		require.Equal(t, "java", leader.ID)
		require.True(t, a.Waiting())
		require.NoError(t, w.Srv.Remove(theirs))
		term := a.Get()
		require.Regexp(t, `^/leaders/a/_c_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-lock-0000000001$`, term.Path())
		info, _ := w.Srv.Node(term.Path())
		require.Equal(t, "höst-7", string(info.Data))

		go func() {
			<-term.Transferred()
			_ = term.Resign()
		}()
		require.NoError(t, e.Transfer(t.Context(), "b"))
		b.Get()
	})
}

// A payload is refused in layouts in which Java expects the id.
func TestPayloadNeedsOneNode(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		for _, opt := range []election.Option{func(*election.Election) {}, election.Layout(election.LeaderSelector)} {
			e := election.New(p.Manager, dir, election.Payload([]byte("10.0.0.7:80")), opt)
			_, err := e.Campaign(t.Context())
			require.ErrorContains(t, err, "OneNode")
			_, err = e.Leader(t.Context())
			require.ErrorContains(t, err, "OneNode")
			_, err = e.Participants(t.Context())
			require.ErrorContains(t, err, "OneNode")
			require.ErrorContains(t, e.Transfer(t.Context(), "b"), "OneNode")
			for _, err := range e.Changes(t.Context()) {
				require.ErrorContains(t, err, "OneNode")
			}
		}
		err := p.lead("a").UpdatePayload(t.Context(), []byte("b"))
		require.ErrorContains(t, err, "OneNode")
		require.Len(t, w.nodes(), 1)
	})
}

const master = "/hbase/master"

func (p *process) master(opts ...election.Option) *election.Election {
	return election.New(p.Manager, master, append(opts, election.Layout(election.OneNode))...)
}

func TestOneNode(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		pa, pb, client := w.process(), w.process(), w.process()
		none, err := client.master().Leader(t.Context())
		require.NoError(t, err)
		require.False(t, none.Exists)
		all, err := client.master().Participants(t.Context())
		require.NoError(t, err)
		require.Empty(t, all)

		var seen []string
		watching, stop := context.WithCancel(t.Context())
		defer stop()
		go func() {
			for leader, err := range client.master().Changes(watching) {
				if err == nil {
					seen = append(seen, string(leader.Payload))
				}
			}
		}()
		synctest.Wait() // an observer that is slow may leave out what has passed
		a := start(w.World, pa.master(election.Payload([]byte("a:1")))).Get()
		require.Equal(t, master, a.Path())
		b := start(w.World, pb.master(election.Payload([]byte("b:1"))))
		again := start(w.World, pa.master(election.Payload([]byte("a:2")))) // in the session of the leader
		require.True(t, b.Waiting())
		require.True(t, again.Waiting())
		leader, err := client.master().Leader(t.Context())
		require.NoError(t, err)
		require.Equal(t, election.Leader{Exists: true, Participant: election.Participant{
			Owner:   session.Owner{ID: "a:1", Since: leader.Since, Token: a.Token(), Session: a.SessionID(), Path: master},
			Payload: []byte("a:1"),
		}}, leader)

		require.NoError(t, a.UpdatePayload(t.Context(), []byte("\xff")))
		synctest.Wait()
		leader, err = client.master().Leader(t.Context())
		require.NoError(t, err)
		require.Equal(t, "\xff", string(leader.Payload))
		require.Empty(t, leader.ID, "it is no text")
		require.Equal(t, a.Token(), leader.Token)
		require.NoError(t, a.Err())

		require.NoError(t, a.Resign())
		require.ErrorIs(t, a.UpdatePayload(t.Context(), []byte("late")), session.ErrReleased)
		w.awaitOne(b, again)
		next, last := b, again
		if b.Waiting() {
			next, last = again, b
		}
		require.Greater(t, next.Get().Token(), a.Token())
		require.NoError(t, next.Get().Resign())
		require.NoError(t, last.Get().Resign())
		synctest.Wait()
		require.Equal(t, "a:1", seen[1])
		require.Equal(t, "\xff", seen[2])
		require.Empty(t, seen[len(seen)-1], "vacant")
		_, found := w.Srv.Node(master)
		require.False(t, found)
	})
}

// awaitOne waits until one of the campaigns has been won.
func (w *world) awaitOne(all ...*candidate) {
	w.Helper()
	for range 1000 {
		for _, c := range all {
			if !c.Waiting() {
				return
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	require.FailNow(w, "nobody leads")
}

func TestOneNodeCost(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p, q := w.process(), w.process()
		require.NoError(t, start(w.World, p.master()).Get().Resign())
		var a *election.Term
		var b *candidate
		require.Equal(t, map[string]int{"create": 1, "getData": 1}, w.Count(func() { a = start(w.World, p.master()).Get() }))
		require.Equal(t, map[string]int{"create": 1, "getData": 1}, w.Count(func() { b = start(w.World, q.master()) }))
		require.Equal(t, map[string]int{"create": 1, "getData": 1, "sync": 1, "exists": 1, "delete": 1},
			w.Count(func() { require.NoError(t, a.Resign()); b.Get() }))
	})
}

// A node without a session never goes away.
func TestOneNodePersistent(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		require.NoError(t, w.Srv.Put(master, nil))
		p := w.process()
		_, err := p.master().Campaign(t.Context())
		require.ErrorIs(t, err, session.ErrNotEphemeral)
		leader, err := p.master().Leader(t.Context())
		require.ErrorIs(t, err, session.ErrNotEphemeral)
		require.False(t, leader.Exists)
		all, err := p.master().Participants(t.Context())
		require.ErrorIs(t, err, session.ErrNotEphemeral)
		require.Empty(t, all)
	})
}

// A znode that belongs to no session is not a leader. Changes yields the error
// once, and goes on at once when the znode has gone.
func TestOneNodePersistent_changes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for path, children := range map[string]bool{master: false, master + "/x-latch-0000000000": true} {
			require.NoError(t, w.Srv.Put(path, []byte("data")))
			next, stop := iter.Pull2(w.process().master().Changes(w.Context()))
			leader, err, _ := next()
			require.ErrorIs(t, err, session.ErrNotEphemeral)
			require.Equal(t, children, strings.Contains(err.Error(), "the directory of an election"), err)
			require.False(t, leader.Exists)
			time.AfterFunc(time.Second, func() {
				for _, p := range []string{path, master} {
					if _, found := w.Srv.Node(p); found {
						assert.NoError(t, w.Srv.Remove(p))
					}
				}
			})
			began := time.Now()
			leader, err, _ = next()
			require.NoError(t, err)
			require.False(t, leader.Exists)
			require.Equal(t, time.Second, time.Since(began).Truncate(time.Second/10))
			stop()
		}
	})
}

// The old master's node stands until its session has expired: the backup waits
// for that, and the old one leads no more long before.
func TestHardCase15_OneNode(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		pa, pb := w.process(), w.process()
		a := start(w.World, pa.master(election.ID("a"))).Get()
		b := start(w.World, pb.master(election.ID("b")))
		pa.Link.Cut(zktest.ToServer)
		<-a.Done()
		ended := time.Now()
		pa.Link.Disconnect()
		pa.Link.Heal()
		again := start(w.World, pa.master(election.ID("a")))
		require.True(t, again.Waiting(), "its own old node stands in the way")
		require.True(t, b.Waiting())
		w.awaitOne(b, again)
		require.Greater(t, time.Since(ended), time.Second)
		require.NotEqual(t, b.Waiting(), again.Waiting())
		for _, c := range []*candidate{b, again} {
			if !c.Waiting() {
				require.Greater(t, c.Get().Token(), a.Token())
			}
		}
	})
}

func TestHardCase29_LossPolicies(t *testing.T) {
	for _, opt := range []election.Option{func(*election.Election) {}, election.Layout(election.LeaderSelector), election.Layout(election.OneNode)} {
		inWorld(t, func(t *testing.T, w *world) {
			patient := w.process()
			nervous := w.process(func(c *session.Config) { c.LossPolicy = session.OnDisconnect })
			kept, err := election.New(patient.Manager, "/leaders/kept", opt).Campaign(t.Context())
			require.NoError(t, err)
			terms := make(chan *election.Term, 10)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() {
				done <- election.New(nervous.Manager, "/leaders/flaps", opt).Run(ctx, func(ctx context.Context, t *election.Term) error {
					terms <- t
					<-ctx.Done()
					return nil
				})
			}()
			for range 3 {
				term := <-terms
				patient.Link.Disconnect()
				nervous.Link.Disconnect()
				<-term.Done()
				require.ErrorIs(t, term.Err(), session.ErrDisconnected)
				time.Sleep(5 * time.Second)
				require.NoError(t, kept.Err())
			}
			<-terms
			cancel()
			require.ErrorIs(t, <-done, context.Canceled)
			require.NoError(t, kept.Resign())
		})
	}
}

// A candidate keeps the payload that it was given, whatever becomes of the
// caller's bytes. An empty payload is a payload.
func TestPayloadIsCopied(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		data := []byte("a:1")
		e := p.master(election.Payload(data))
		data[0] = 'x'
		term := start(w.World, e).Get()
		info, _ := w.Srv.Node(master)
		require.Equal(t, "a:1", string(info.Data))
		require.NoError(t, term.UpdatePayload(t.Context(), nil))
		info, _ = w.Srv.Node(master)
		require.Empty(t, info.Data)
		require.NoError(t, term.Resign())
		start(w.World, p.master(election.Payload(nil), election.ID("a"))).Get()
		info, _ = w.Srv.Node(master)
		require.Empty(t, info.Data, "it is not the id")
	})
}
