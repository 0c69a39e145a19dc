package lock_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// unseen is what a kind of lock gives to its holder.
type unseen interface {
	Context() context.Context
	Err() error
	Release() error
}

// unseenKinds acquire locks that admit one holder at a time.
var unseenKinds = map[string]func(ctx context.Context, p *testworld.Process) (unseen, error){
	"mutex": func(ctx context.Context, p *testworld.Process) (unseen, error) {
		return lock.NewMutex(p.Manager, dir).Lock(ctx)
	},
	"writer": func(ctx context.Context, p *testworld.Process) (unseen, error) {
		return lock.NewRWMutex(p.Manager, dir).Lock(ctx)
	},
	"semaphore": func(ctx context.Context, p *testworld.Process) (unseen, error) {
		return lock.NewSemaphore(p.Manager, dir, lock.Permits(1)).Acquire(ctx, 1)
	},
	"one-node": func(ctx context.Context, p *testworld.Process) (unseen, error) {
		return lock.NewOneNode(p.Manager, dir).Lock(ctx)
	},
}

// An administrator takes the right to read a holder's node from its session,
// and deletes the node. No server tells the session. The next contender holds,
// and the hold ends soon.
func TestUnseenDeletionOfAHolder(t *testing.T) {
	for name, acquire := range unseenKinds {
		t.Run(name, func(t *testing.T) {
			testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
				p, next := w.Process(), w.Process(testworld.Reader)
				for i := range 12 {
					h, err := acquire(w.Context(), p)
					require.NoError(w, err)
					time.Sleep(time.Duration(i) * 1417 * time.Millisecond)
					require.NoError(w, h.Err())
					p.RemoveHidden()
					other, err := acquire(w.Within(time.Minute), next)
					require.NoError(w, err)
					w.EndsUnseen(h.Context(), fmt.Sprint(i))
					require.NoError(w, other.Err())
					require.ErrorIs(w, h.Release(), session.ErrLost)
					require.NoError(w, other.Release())
				}
			})
		})
	}
}

// A reader's node goes in the same way, and a writer comes in.
func TestUnseenDeletionOfAReader(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		p, next := w.Process(), w.Process(testworld.Reader)
		h, err := lock.NewRWMutex(p.Manager, dir).RLock(w.Context())
		require.NoError(w, err)
		time.Sleep(time.Second)
		p.RemoveHidden()
		_, err = lock.NewRWMutex(next.Manager, dir).Lock(w.Within(time.Minute))
		require.NoError(w, err)
		w.EndsUnseen(h.Context(), "")
	})
}

// The same happens to a waiter whose turn is prepared. Its predecessor's end
// makes it a holder together with the next contender, at most for as long as
// with a holder.
func TestUnseenDeletionOfAWaiter(t *testing.T) {
	for name, acquire := range unseenKinds {
		if name == "one-node" { // whose waiters have no nodes
			continue
		}
		for _, waited := range []time.Duration{time.Second, time.Minute} {
			t.Run(fmt.Sprint(name, " waits for ", waited), func(t *testing.T) {
				testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
					lockOf := func(p *testworld.Process) func(ctx context.Context) (unseen, error) {
						return func(ctx context.Context) (unseen, error) { return acquire(ctx, p) }
					}
					first, p, next := w.Process(testworld.Reader), w.Process(), w.Process(testworld.Reader)
					held, err := acquire(w.Context(), first)
					require.NoError(w, err)
					subject := testworld.Go(w, lockOf(p))
					last := testworld.Go(w, lockOf(next))
					time.Sleep(waited)
					require.True(w, subject.Waiting() && last.Waiting())
					p.RemoveHidden()
					require.NoError(w, held.Release())
					end := time.Now()
					after := last.Get()
					require.Less(w, time.Since(end), time.Minute, "the next contender waits")
					if !subject.Waiting() {
						h := subject.Get()
						if h.Err() == nil {
							w.EndsUnseen(h.Context(), "")
						}
						require.NoError(w, after.Err())
						return
					}
					time.Sleep(time.Minute)
					require.True(w, subject.Waiting(), "it lines up again, behind the next")
					require.NoError(w, after.Release())
					require.NoError(w, subject.Get().Release())
				})
			})
		}
	}
}

// A session loses the right to read its own znode. Its hold lasts as long as
// the znode exists, and ends when the znode is deleted. So do the other holds
// of the session.
func TestUnseenNodeThatStands(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		p := w.Process()
		var holds []*lock.Hold
		for i := range 3 {
			h, err := lock.NewMutex(p.Manager, fmt.Sprintf("%s-%d", dir, i)).Lock(w.Context())
			require.NoError(w, err)
			holds = append(holds, h)
		}
		oneNode, err := lock.NewOneNode(p.Manager, dir).Lock(w.Context())
		require.NoError(w, err)
		w.Shut(holds[0].Path())
		w.Shut(oneNode.Path())
		time.Sleep(time.Hour)
		for _, h := range append(holds, oneNode) {
			require.NoError(w, h.Err())
		}
		w.Shut(holds[1].Path())
		w.Remove(holds[1].Path())
		w.EndsUnseen(holds[1].Context(), "beside a hidden node")
		w.Remove(holds[0].Path())
		w.EndsUnseen(holds[0].Context(), "hidden for long")
		w.Remove(oneNode.Path())
		w.EndsUnseen(oneNode.Context(), "hidden for long, at a fixed path")
		require.NoError(w, holds[2].Err())
		require.NoError(w, holds[2].Release())
	})
}

// A lock that a process hands on from one to the next keeps its node: no hold
// on it lasts for long, and the deletion is noticed in time.
func TestUnseenDeletionWhileHandedOn(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		p, next := w.Process(), w.Process(testworld.Reader)
		m := lock.NewMutex(p.Manager, dir, lock.Handoff(1<<20))
		lost := make(chan time.Time, 2)
		take := func(ctx context.Context) (*lock.Hold, error) {
			for {
				h, err := m.Lock(ctx)
				if err != nil {
					return nil, err
				}
				time.Sleep(100 * time.Millisecond)
				if err := h.Release(); err != nil {
					lost <- time.Now()
					return nil, err
				}
			}
		}
		testworld.Go(w, take)
		testworld.Go(w, take)
		p.KeepWriting()
		time.Sleep(time.Minute)
		p.RemoveHidden()
		removed := time.Now()
		testworld.Go(w, lock.NewMutex(next.Manager, dir).Lock).Get()
		select {
		case at := <-lost:
			require.LessOrEqual(w, at.Sub(removed), testworld.HeldUnseen+100*time.Millisecond)
		case <-time.After(time.Minute):
			require.FailNow(w, "no holder has noticed")
		}
	})
}

// The run of a job that is due once: another caller starts it again.
func TestUnseenDeletionOfARun(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		p, next := w.Process(), w.Process(testworld.Reader)
		run, err := lock.NewOnce(p.Manager, dir, time.Hour).Start(w.Context())
		require.NoError(w, err)
		time.Sleep(time.Hour)
		p.RemoveHidden()
		again, err := lock.NewOnce(next.Manager, dir, time.Hour).Start(w.Within(time.Minute))
		require.NoError(w, err)
		w.EndsUnseen(run.Context(), "")
		require.NoError(w, again.Err())
	})
}
