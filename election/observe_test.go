package election_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// observer collects what Changes yields: ids, "-" for a vacancy, "!" for an
// error.
type observer struct {
	mu     sync.Mutex
	seen   []string
	errs   []error
	done   chan struct{}
	cancel context.CancelFunc
}

func (p *process) observe() *observer {
	ctx, cancel := context.WithCancel(p.W.Context())
	o := &observer{done: make(chan struct{}), cancel: cancel}
	p.W.Cleanup(func() {
		cancel()
		<-o.done
	})
	go func() {
		defer close(o.done)
		for leader, err := range p.election("observer").Changes(ctx) {
			o.mu.Lock()
			switch {
			case err != nil:
				o.seen, o.errs = append(o.seen, "!"), append(o.errs, err)
			case leader.Vacant():
				o.seen = append(o.seen, "-")
			default:
				o.seen = append(o.seen, leader.ID)
			}
			o.mu.Unlock()
		}
	}()
	return o
}

// take returns what was yielded since it was last called.
func (o *observer) take() string {
	synctest.Wait()
	o.mu.Lock()
	defer o.mu.Unlock()
	seen := strings.Join(o.seen, " ")
	o.seen = nil
	return seen
}

func TestObserve(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		o := p.observe()
		require.Equal(t, "-", o.take(), "no directory")
		a := w.process().lead("a")
		require.Equal(t, "a", o.take())
		b := w.process().campaign("b")
		counts := w.Count(func() {
			c := w.process().campaign("c")
			c.cancel()
			<-c.done
		})
		require.Empty(t, o.take())
		require.Equal(t, 1, counts["getData"], "of the one before it: what happens behind the leader wakes nobody")
		require.NoError(t, a.Resign())
		require.Equal(t, "b", o.take())
		require.NoError(t, b.Get().Resign())
		require.Equal(t, "-", o.take())
		require.NoError(t, w.Srv.Put(dir+"/stranger", nil))
		require.Empty(t, o.take())
		require.NoError(t, w.Srv.Remove("/leaders"))
		require.Empty(t, o.take(), "still vacant")
		c := w.process().lead("c")
		require.Equal(t, "c", o.take())
		require.NoError(t, w.Srv.Put(c.Path(), []byte("c2")))
		require.Equal(t, "c2", o.take())
		require.NoError(t, w.Srv.Remove("/leaders"))
		require.Equal(t, "-", o.take())
		o.cancel()
		<-o.done
		require.Empty(t, o.take(), "the end of ctx is no error of its own")
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
		require.Equal(t, "a", o.take())
		p.Link.Disconnect() // a flicker
		time.Sleep(5 * time.Second)
		require.Empty(t, o.take())
		w.Srv.Expire(p.Current().ID())
		time.Sleep(5 * time.Second)
		require.Equal(t, "! a", o.take(), "not known, and then known again")
		require.ErrorIs(t, o.errs[0], session.ErrSessionEnded)

		p.Link.Cut(zktest.Both)
		time.Sleep(time.Hour)
		require.Equal(t, "!", o.take(), "once for the whole outage")
		require.NoError(t, a.Resign())
		w.process().lead("b")
		p.Link.Heal()
		time.Sleep(20 * time.Second)
		require.Equal(t, "b", o.take())

		require.NoError(t, p.Close())
		<-o.done
		require.Contains(t, []string{"!", "! !"}, o.take())
		require.ErrorIs(t, o.errs[len(o.errs)-1], session.ErrClosed)
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
		require.Equal(t, "!", o.take(), "an error that only repeats is yielded once")
		require.ErrorIs(t, o.errs[0], session.ErrNoAuth)
		require.ErrorContains(t, o.errs[0], dir)
		require.Less(t, counts["getChildren2"], 400)
		mu.Lock()
		refused = false
		mu.Unlock()
		time.Sleep(time.Minute)
		require.Equal(t, "-", o.take(), "it may be granted later")
	})
}

// The leader's node goes, and comes again under another name, over and over:
// an observer does not go deaf.
func TestHardCase56_DeletedAndMadeAnew(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		o := w.process().observe()
		require.Equal(t, "-", o.take())
		for range 5 {
			term := p.lead("a")
			require.Equal(t, "a", o.take())
			require.NoError(t, term.Resign())
			require.Equal(t, "-", o.take())
			require.NoError(t, w.Srv.Remove("/leaders"))
			require.Empty(t, o.take())
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
			require.Equal(t, "a", o.take())
		}
		require.Equal(t, before+1, w.Srv.Watches())
		all[0].cancel() // takes nothing away from the others
		<-all[0].done
		require.NoError(t, a.Resign())
		for _, o := range all[1:] {
			require.Equal(t, "-", o.take())
		}
		require.Empty(t, all[0].take())
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
		require.NotErrorIs(t, err, election.ErrNoLeader)
	})
}
