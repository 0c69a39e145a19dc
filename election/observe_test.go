package election_test

import (
	"context"
	"errors"
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

// observer records what Changes yields: ids, "-" for a vacancy, "!" for an error.
type observer = testworld.Observer[election.Leader]

func (p *process) observe() *observer {
	return testworld.Observe(p.W, p.election("observer").Changes, func(leader election.Leader, err error) string {
		switch {
		case err != nil:
			return "!"
		case !leader.Exists:
			return "-"
		}
		return leader.ID
	})
}

func TestObserve(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		o := p.observe()
		require.Equal(t, "-", o.Take(), "no directory")
		a := w.process().lead("a")
		require.Equal(t, "a", o.Take())
		b := w.process().campaign("b")
		counts := w.Count(func() {
			c := w.process().campaign("c")
			require.ErrorIs(t, testworld.ErrOf(c.GiveUp()), context.Canceled)
		})
		require.Empty(t, o.Take())
		require.Equal(t, 1, counts["getData"], "of the one before it: what happens behind the leader wakes nobody")
		require.NoError(t, a.Resign())
		require.Equal(t, "b", o.Take())
		require.NoError(t, b.Get().Resign())
		require.Equal(t, "-", o.Take())
		require.NoError(t, w.Srv.Put(dir+"/stranger", nil))
		require.Empty(t, o.Take())
		require.NoError(t, w.Srv.Remove("/leaders"))
		require.Empty(t, o.Take(), "still vacant")
		c := w.process().lead("c")
		require.Equal(t, "c", o.Take())
		require.NoError(t, w.Srv.Put(c.Path(), []byte("c2")))
		require.Equal(t, "c2", o.Take())
		require.NoError(t, w.Srv.Remove("/leaders"))
		require.Equal(t, "-", o.Take())
		require.NoError(t, o.Cancel())
		require.Empty(t, o.Take(), "the end of ctx is no error of its own")
	})
}

// A leader in the newest line is told, one between two looks is not.
func TestObserveSlowly(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		pa, pb := w.process(), w.process()
		a := pa.lead("a")
		var seen []string
		for leader, err := range w.process().election("x").Changes(t.Context()) {
			require.NoError(t, err)
			seen = append(seen, leader.ID)
			if len(seen) == 2 {
				break
			}
			require.NoError(t, a.Resign())
			for range 3 {
				require.NoError(t, pb.lead("b").Resign())
			}
			pb.lead("last")
		}
		require.Equal(t, []string{"a", "last"}, seen)
	})
}

func TestObserveThroughSessions(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		a := w.process().lead("a")
		o := p.observe()
		require.Equal(t, "a", o.Take())
		p.Link.Disconnect() // a flicker
		time.Sleep(5 * time.Second)
		require.Empty(t, o.Take())
		w.Srv.Expire(p.Current().ID())
		time.Sleep(5 * time.Second)
		require.Equal(t, "! a", o.Take(), "not known, and then known again")
		require.ErrorIs(t, o.Errs()[0], session.ErrSessionEnded)

		p.Link.Cut(zktest.Both)
		time.Sleep(time.Hour)
		require.Equal(t, "!", o.Take(), "once for the whole outage")
		require.NoError(t, a.Resign())
		w.process().lead("b")
		p.Link.Heal()
		time.Sleep(20 * time.Second)
		require.Equal(t, "b", o.Take())

		require.NoError(t, p.Close())
		require.NoError(t, o.Wait())
		require.Contains(t, []string{"!", "! !"}, o.Take())
		require.ErrorIs(t, o.Errs()[len(o.Errs())-1], session.ErrClosed)
	})
}

func TestObserveWithoutRight(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		refused := true
		var mu sync.Mutex
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			mu.Lock()
			defer mu.Unlock()
			if refused && r.Op == zktest.OpGetChildren2 {
				return zktest.Fail(zktest.CodeNoAuth)
			}
			return zktest.Pass
		})
		o := w.process().observe()
		counts := w.Count(func() { time.Sleep(time.Hour) })
		require.Equal(t, "!", o.Take(), "an error that only repeats is yielded once")
		require.ErrorIs(t, o.Errs()[0], session.ErrNoAuth)
		require.ErrorContains(t, o.Errs()[0], dir)
		require.Less(t, counts["getChildren2"], 400)
		mu.Lock()
		refused = false
		mu.Unlock()
		time.Sleep(time.Minute)
		require.Equal(t, "-", o.Take(), "it may be granted later")
	})
}

// The leader's node goes, and comes again under another name, over and over:
// an observer does not go deaf.
func TestHardCase56_DeletedAndMadeAnew(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		o := w.process().observe()
		require.Equal(t, "-", o.Take())
		for range 5 {
			term := p.lead("a")
			require.Equal(t, "a", o.Take())
			require.NoError(t, term.Resign())
			require.Equal(t, "-", o.Take())
			require.NoError(t, w.Srv.Remove("/leaders"))
			require.Empty(t, o.Take())
		}
	})
}

// Several observers of one session each get every change, and cost one watch.
func TestHardCase65_SameWatchTwice(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		a := w.process().lead("a")
		synctest.Wait()
		before := w.Srv.Watches()
		var all []*observer
		for range 20 {
			all = append(all, p.observe())
		}
		for _, o := range all {
			require.Equal(t, "a", o.Take())
		}
		require.Equal(t, before+1, w.Srv.Watches())
		require.NoError(t, all[0].Cancel()) // takes nothing away from the others
		require.NoError(t, a.Resign())
		for _, o := range all[1:] {
			require.Equal(t, "-", o.Take())
		}
		require.Empty(t, all[0].Take())
	})
}

// A loop body that blocks does not stop what else runs on the session.
func TestHardCase55_BlockedObserver(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		release := make(chan struct{})
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range p.election("x").Changes(t.Context()) {
				<-release
				return
			}
		}()
		for range 3 {
			require.NoError(t, p.lead("a").Resign())
		}
		close(release)
		<-done
		require.Empty(t, w.nodes())
	})
}

func TestLeaderGivesUpWithItsContext(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		p.Link.Cut(zktest.Both)
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("too slow"))
		defer cancel()
		_, err := p.election("x").Leader(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "too slow")
		_, err = p.election("x").Participants(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}
