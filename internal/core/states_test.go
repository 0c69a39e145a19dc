package core_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// follow collects the states that a slow subscriber sees.
func follow(ctx context.Context, p *process, pause time.Duration) (states func() []core.State, done <-chan struct{}) {
	var seen []core.State
	end := make(chan struct{})
	go func() {
		defer close(end)
		for change := range p.States(ctx) {
			seen = append(seen, change.State)
			time.Sleep(pause)
		}
	}()
	return func() []core.State { <-end; return seen }, end
}

// Every transition reaches every subscriber, in order, even a slow one.
func TestStatesReachEverySubscriber(t *testing.T) {
	inWorld(t, func(w *world) {
		rec := new(record)
		p := w.process(rec.hook)
		fast, _ := follow(w.Context(), p, 0)
		slow, _ := follow(w.Context(), p, time.Hour)
		synctest.Wait()

		var want []core.State
		expect := func(states ...core.State) {
			want = append(want, states...)
			w.eventually("the last state", func() bool { return p.State() == states[len(states)-1] })
		}
		expect(core.Connected)
		for range 50 {
			p.link.Refuse(true)
			p.link.Disconnect()
			expect(core.Suspended)
			p.link.Refuse(false)
			expect(core.Connected)
		}
		s := p.session()
		p.link.Cut(zktest.Both)
		<-s.Done()
		expect(core.Suspended, core.Lost)
		p.link.Heal()
		expect(core.Connected)
		require.NoError(w, p.Close())
		want = append(want, core.Closed)
		require.Equal(w, want, fast())
		require.Equal(w, want, slow())
		require.Equal(w, want, rec.stateList())
		require.Equal(w, core.Closed, p.State())
		for change := range p.States(w.Context()) {
			require.Equal(w, core.Closed, change.State)
			require.ErrorIs(w, change.Cause, core.ErrClosed)
		}
	})
}

func TestStatesEnd(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		for change := range p.States(w.Context()) {
			require.Equal(w, core.Connected, change.State)
			require.Equal(w, p.session().ID(), change.Session)
			break // leaves nothing behind
		}
		ctx, cancel := context.WithCancel(w.Context())
		states, done := follow(ctx, p, 0)
		synctest.Wait()
		cancel()
		<-done
		require.Equal(w, []core.State{core.Connected}, states())
	})
}

// The change of a lost session has its cause, and the next session is another
// one.
func TestStatesTellTheCause(t *testing.T) {
	inWorld(t, func(w *world) {
		rec := new(record)
		p := w.process(rec.hook)
		old := p.session()
		p.link.Cut(zktest.ToServer)
		<-old.Done()
		p.link.Heal()
		next := p.next(old)
		synctest.Wait()
		rec.mu.Lock()
		defer rec.mu.Unlock()
		for _, c := range rec.states {
			if c.State == core.Lost {
				require.ErrorIs(w, c.Cause, core.ErrTrustElapsed)
				require.Equal(w, old.ID(), c.Session)
			}
		}
		last := rec.states[len(rec.states)-1]
		require.Equal(w, core.Connected, last.State)
		require.Equal(w, next.ID(), last.Session)
	})
}

// HookOp gets each operation once, with its outcome.
func TestHookOp(t *testing.T) {
	inWorld(t, func(w *world) {
		rec := new(record)
		p := w.process(rec.hook, func(cfg *core.Config) { cfg.Root = "/root" })
		ctx := w.Context()
		require.NoError(w, p.EnsureDir(ctx, "/"))
		rec.mu.Lock()
		rec.ops = nil
		rec.mu.Unlock()
		_, err := p.Create(ctx, "/a", nil, core.Persistent)
		require.NoError(w, err)
		_, _, err = p.Get(ctx, "/none")
		require.Error(w, err)
		rec.mu.Lock()
		defer rec.mu.Unlock()
		require.Len(w, rec.ops, 2)
		require.Equal(w, "create", rec.ops[0].Op)
		require.Equal(w, "/a", rec.ops[0].Path)
		require.NoError(w, rec.ops[0].Err)
		require.Equal(w, "get", rec.ops[1].Op)
		require.Error(w, rec.ops[1].Err)
	})
}

// The ids of earlier sessions remain known. The ids of other clients' sessions
// are not known.
func TestOpened(t *testing.T) {
	inWorld(t, func(w *world) {
		p, other := w.process(), w.process()
		old := p.session()
		w.Srv.Expire(old.ID())
		next := p.next(old)
		require.True(w, p.Opened(old.ID()))
		require.True(w, p.Opened(next.ID()))
		require.False(w, p.Opened(other.session().ID()))
		require.False(w, p.Opened(0))
	})
}
