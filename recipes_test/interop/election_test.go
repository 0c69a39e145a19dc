//go:build unix

package interop

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// ids lists the candidates, the leader first.
func ids(w *world, e *election.Election) []string {
	w.Helper()
	all, err := e.Participants(w.within(patience))
	require.NoError(w, err)
	names := []string{}
	for _, p := range all {
		names = append(names, p.ID)
	}
	return names
}

// stand waits until the election has n candidates.
func (w *world) stand(e *election.Election, n int) {
	w.Helper()
	w.settles("the election has its candidates", func() bool {
		all, err := e.Participants(w.Context())
		return err == nil && len(all) == n
	})
}

// An Election and Curator's LeaderLatch.
func TestLeaderLatch(t *testing.T) {
	w := inWorld(t)
	java, other := w.curator(), w.curator()
	campaign := func(w *world, sm *session.Manager, path, id string) *pending[*election.Term] {
		e := election.New(sm, path, election.ID(id))
		return later(func() (*election.Term, error) { return e.Campaign(w.within(patience)) })
	}

	// The candidates lead in the order of their arrival, and know each other's
	// ids.
	w.part("line", func(w *world) {
		const path = "/latch/line"
		a, b := java.As(w).Actor("a"), other.As(w).Actor("b")
		e := election.New(w.docent(), path, election.ID("docent 1"))
		first, err := e.Campaign(w.within(patience))
		require.NoError(w, err)
		a.Do("elect.latch", path, "java 1")
		w.stand(e, 2)
		second := campaign(w, w.docent(), path, "docent 2")
		w.stand(e, 3)
		b.Do("elect.latch", path, "zoë")
		w.stand(e, 4)
		require.Equal(w, []string{"docent 1", "java 1", "docent 2", "zoë"}, ids(w, e))
		require.Equal(w, "docent 1", a.Do("elect.leader", path))
		require.Equal(w, "4", b.Do("elect.participants", path))
		require.Equal(w, "false", a.Do("elect.leads", path))

		require.NoError(w, first.Resign())
		require.Equal(w, "true", a.Do("elect.await", path, ms(patience)))
		leader, err := e.Leader(w.within(patience))
		require.NoError(w, err)
		require.Equal(w, "java 1", leader.ID)
		require.True(w, second.waiting())
		a.Do("elect.unlatch", path)
		term, err := second.get()
		require.NoError(w, err)
		require.Greater(w, term.Token(), first.Token())
		require.Equal(w, "docent 2", b.Do("elect.leader", path))
		require.NoError(w, term.Resign())
		require.Equal(w, "true", b.Do("elect.await", path, ms(patience)))
		b.Do("elect.unlatch", path)
	})

	// Leaders and candidates of both kinds are killed.
	w.part("killed", func(w *world) {
		const path = "/latch/killed"
		e := election.New(w.docent(), path)
		doomed, candidate := w.curator(), w.curator()
		doomed.Actor("a").Do("elect.latch", path, "leader")
		w.stand(e, 1)
		candidate.Actor("a").Do("elect.latch", path, "candidate")
		w.stand(e, 2)
		sm, kill := w.doomed()
		ours := campaign(w, sm, path, "docent")
		w.stand(e, 3)
		java.As(w).Actor("a").Do("elect.latch", path, "java")
		w.stand(e, 4)
		candidate.Kill()
		doomed.Kill()
		term, err := ours.get()
		require.NoError(w, err)
		kill()
		require.Equal(w, "true", java.As(w).Actor("a").Do("elect.await", path, ms(patience)))
		<-term.Done()
		require.ErrorIs(w, term.Err(), session.ErrLost)
		java.As(w).Actor("a").Do("elect.unlatch", path)
	})

	// The leadership is transferred to a candidate in Java: Docent's candidates
	// let it pass.
	w.part("transfer to Java", func(w *world) {
		const path = "/latch/transfer"
		a := java.As(w).Actor("a")
		ctx, cancel := context.WithCancel(w.within(patience))
		e := election.New(w.docent(), path, election.ID("leader"))
		led := make(chan *election.Term)
		running := later(func() (struct{}, error) {
			return struct{}{}, e.Run(ctx, func(ctx context.Context, t *election.Term) error {
				select {
				case led <- t:
				case <-ctx.Done():
				}
				<-ctx.Done()
				return nil
			})
		})
		<-led
		passed := campaign(w, w.docent(), path, "passed by")
		w.stand(e, 2)
		a.Do("elect.latch", path, "java")
		w.stand(e, 3)
		require.NoError(w, e.Transfer(w.within(patience), "java"))
		require.Equal(w, "true", a.Do("elect.await", path, ms(patience)))
		w.stand(e, 3)
		require.Equal(w, "java", ids(w, e)[0])
		require.True(w, passed.waiting())
		a.Do("elect.unlatch", path)
		cancel()
		_, err := running.get()
		require.ErrorIs(w, err, context.Canceled)
		term, err := passed.get()
		require.NoError(w, err)
		require.NoError(w, term.Resign())
	})

	// A candidate in Java does not let another pass: the transfer waits for it.
	// In its list, the transfer request counts as a candidate.
	w.part("transfer past Java", func(w *world) {
		const path = "/latch/past"
		a, b := java.As(w).Actor("a"), other.As(w).Actor("b")
		e := election.New(w.docent(), path)
		a.Do("elect.latch", path, "java 1")
		w.stand(e, 1)
		require.Equal(w, "true", a.Do("elect.await", path, ms(patience)))
		b.Do("elect.latch", path, "java 2")
		w.stand(e, 2)
		named := campaign(w, w.docent(), path, "docent")
		w.stand(e, 3)
		ctx, cancel := context.WithCancel(w.within(patience))
		transfer := later(func() (struct{}, error) { return struct{}{}, e.Transfer(ctx, "docent") })
		w.settles("Curator shows one more", func() bool {
			got, err := a.Go("elect.participants", path).Result()
			return err == nil && got == "4"
		})
		require.Equal(w, []string{"java 1", "java 2", "docent"}, ids(w, e))
		a.Do("elect.unlatch", path)
		require.Equal(w, "true", b.Do("elect.await", path, ms(patience)), "the second in Java leads all the same")
		require.True(w, transfer.waiting())
		cancel()
		_, err := transfer.get()
		require.ErrorIs(w, err, election.ErrTransferTimeout)
		err = e.Transfer(w.within(time.Second), "docent") // this transfer begins when the first in Java has gone
		require.ErrorIs(w, err, election.ErrTransferTimeout)
		require.ErrorContains(w, err, "java 2")
		b.Do("elect.unlatch", path)
		term, err := named.get()
		require.NoError(w, err)
		require.NoError(w, term.Resign())
	})

	// Mixes that must not share the path. If one of these fails, the table in
	// docs/interop.md is out of date.

	w.part("never: both layouts", func(w *world) {
		const path = "/latch/layouts"
		a := java.As(w).Actor("a")
		term, err := election.New(w.docent(), path).Campaign(w.within(patience))
		require.NoError(w, err)
		a.Do("elect.select", path, "selector")
		require.Equal(w, "leads "+path, a.Event(patience), "a LeaderSelector respects a LeaderLatch's nodes now")
		other := election.New(w.docent(), path, election.Layout(election.LeaderSelector))
		w.settles("each layout has a leader", func() bool {
			second, err := other.Leader(w.within(patience))
			return err == nil && second.ID == "selector"
		})
		require.NoError(w, term.Err())
		a.Do("elect.resign", path)
		a.Do("elect.unselect", path)
		require.NoError(w, term.Resign())
	})

	w.part("never: kazoo", func(w *world) {
		k := w.kazoo()
		for path, option := range map[string]election.Option{
			"/latch/kazoo":    election.ID("latch"),
			"/selector/kazoo": election.Layout(election.LeaderSelector),
		} {
			term, err := election.New(w.docent(), path, option).Campaign(w.within(patience))
			require.NoError(w, err)
			require.Equal(w, "true", k.Actor("a").Do("elect.lead", path, "kazoo", ms(patience)), "kazoo's Election respects Curator's names now")
			require.NoError(w, term.Err())
			require.NoError(w, term.Resign())
		}
	})
}

// An Election in the layout of Curator's LeaderSelector, together with a
// LeaderSelector.
func TestLeaderSelector(t *testing.T) {
	w := inWorld(t)
	java, other := w.curator(), w.curator()

	w.part("line", func(w *world) {
		const path = "/selector/line"
		a, b := java.As(w).Actor("a"), other.As(w).Actor("b")
		e := election.New(w.docent(), path, election.ID("docent 1"), election.Layout(election.LeaderSelector))
		first, err := e.Campaign(w.within(patience))
		require.NoError(w, err)
		a.Do("elect.select", path, "java 1")
		w.stand(e, 2)
		next := election.New(w.docent(), path, election.ID("docent 2"), election.Layout(election.LeaderSelector))
		second := later(func() (*election.Term, error) { return next.Campaign(w.within(patience)) })
		w.stand(e, 3)
		b.Do("elect.select", path, "java 2")
		w.stand(e, 4)
		require.Equal(w, []string{"docent 1", "java 1", "docent 2", "java 2"}, ids(w, e))
		require.Equal(w, "docent 1", a.Do("elect.selected", path))
		require.Equal(w, "4", b.Do("elect.candidates", path))

		require.NoError(w, first.Resign())
		require.Equal(w, "leads "+path, a.Event(patience))
		leader, err := e.Leader(w.within(patience))
		require.NoError(w, err)
		require.Equal(w, "java 1", leader.ID)
		require.True(w, second.waiting())
		a.Do("elect.resign", path)
		term, err := second.get()
		require.NoError(w, err)
		require.Equal(w, "docent 2", b.Do("elect.selected", path))
		require.NoError(w, term.Resign())
		require.Equal(w, "leads "+path, b.Event(patience))
		b.Do("elect.resign", path)
		a.Do("elect.unselect", path)
		b.Do("elect.unselect", path)
	})

	w.part("killed", func(w *world) {
		const path = "/selector/killed"
		e := election.New(w.docent(), path, election.Layout(election.LeaderSelector))
		doomed := w.curator()
		doomed.Actor("a").Do("elect.select", path, "java 1")
		require.Equal(w, "leads "+path, doomed.Actor("a").Event(patience))
		sm, kill := w.doomed()
		ours := later(func() (*election.Term, error) {
			return election.New(sm, path, election.Layout(election.LeaderSelector)).Campaign(w.within(patience))
		})
		w.stand(e, 2)
		java.As(w).Actor("a").Do("elect.select", path, "java 2")
		w.stand(e, 3)
		doomed.Kill()
		term, err := ours.get()
		require.NoError(w, err)
		kill()
		require.Equal(w, "leads "+path, java.As(w).Actor("a").Event(patience))
		<-term.Done()
		java.As(w).Actor("a").Do("elect.resign", path)
		java.As(w).Actor("a").Do("elect.unselect", path)
	})

	w.part("transfer", func(w *world) {
		const path = "/selector/transfer"
		a := java.As(w).Actor("a")
		e := election.New(w.docent(), path, election.ID("docent"), election.Layout(election.LeaderSelector))
		term, err := e.Campaign(w.within(patience))
		require.NoError(w, err)
		a.Do("elect.select", path, "java")
		w.stand(e, 2)
		transfer := later(func() (struct{}, error) { return struct{}{}, e.Transfer(w.within(patience), "java") })
		<-term.Transferred()
		require.NoError(w, term.Resign())
		_, err = transfer.get()
		require.NoError(w, err)
		require.Equal(w, "leads "+path, a.Event(patience))
		a.Do("elect.resign", path)
		a.Do("elect.unselect", path)
	})

	// The layout equals a Mutex's. A Mutex on the path joins the same wait
	// queue, and its holder keeps all candidates from leading.
	w.part("never: a mutex", func(w *world) {
		const path = "/selector/mutex"
		h, err := lock.NewMutex(w.docent(), path).Lock(w.within(patience))
		require.NoError(w, err)
		java.As(w).Actor("a").Do("elect.select", path, "java")
		e := election.New(w.docent(), path, election.Layout(election.LeaderSelector))
		w.stand(e, 2)
		leader, err := e.Leader(w.within(patience))
		require.NoError(w, err)
		require.Equal(w, h.Path(), leader.Path)
		require.NoError(w, h.Release())
		require.Equal(w, "leads "+path, java.As(w).Actor("a").Event(patience))
		java.As(w).Actor("a").Do("elect.resign", path)
		java.As(w).Actor("a").Do("elect.unselect", path)
	})
}
