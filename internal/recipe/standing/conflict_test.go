package standing_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/recipe/standing"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// The previous process crashed. Its node goes with its session, and ours is
// made.
func TestWaitForThePredecessor(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		before := w.Process()
		open(before)
		before.Link.Cut(zktest.Both)
		p := w.Process()
		began := time.Now()
		k := open(p, data("v2"))
		require.LessOrEqual(w, time.Since(began), 12*time.Second)
		require.Equal(w, "v2", w.Data(path))
		require.Equal(w, p.Current().ID(), owner(w, path))
		require.Equal(w, []string{"stands"}, k.take())
		before.Link.Heal()
	})
}

// The owner is alive. Open fails once no crash can explain the node, and has
// not touched it.
func TestDuplicate(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		k := open(a)
		p := w.Process()
		for _, c := range []struct {
			policy standing.Conflict
			takes  time.Duration
		}{{standing.Wait, 15 * time.Second}, {standing.Refuse, 0}} {
			began := time.Now()
			_, err := tryOpen(w.Context(), p, policy(c.policy), data("mine"))
			require.ErrorIs(w, err, session.ErrIDTaken)
			require.EqualError(w, err, fmt.Sprintf("the id is in use: session 0x%x holds it; choose another id, or end the process that holds it", uint64(a.Current().ID())))
			require.Equal(w, c.takes, time.Since(began))
		}
		require.Equal(w, "v1", w.Data(path))
		require.Zero(w, deletions(w, path))
		require.Equal(w, []string{"stands"}, k.take(), "undisturbed")
	})
}

// The wait starts again for another node.
func TestWaitCountsPerNode(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b, p := w.Process(), w.Process(), w.Process()
		ka := open(a)
		call := testworld.Go(w, func(ctx context.Context) (*kept, error) { return tryOpen(ctx, p) })
		time.Sleep(14 * time.Second)
		// b's node is made in the moment in which a's is deleted.
		s := b.Current()
		_, err := s.Txn(w.Context(), core.DeleteOp(path, 0), core.CreateOp(path, nil, core.Ephemeral))
		require.NoError(w, err)
		require.ErrorIs(w, ka.awayFor(session.ErrReplaced).Err, session.ErrReplaced)
		time.Sleep(14 * time.Second)
		require.True(w, call.Waiting())
		require.NoError(w, b.Close())
		synctest.Wait()
		require.True(w, exists(w, path))
		_, _ = call.Result()
	})
}

func TestReplace(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		ka := open(a, policy(standing.Replace))
		kb := open(b, policy(standing.Replace), data("v2"))
		require.Equal(w, "v2", w.Data(path))
		ka.awayFor(session.ErrReplaced)
		require.NotErrorIs(w, ka.State().Err, session.ErrIDTaken)
		require.ErrorContains(w, ka.State().Err, fmt.Sprintf(": session 0x%x holds it; give each process an id of its own, or end one of the two", uint64(b.Current().ID())))
		require.ErrorIs(w, ka.Set(w.Context(), []byte("late")), session.ErrReplaced)

		// Neither takes the path from the other again, not even after an
		// expiry.
		time.Sleep(time.Hour)
		require.Equal(w, 1, deletions(w, path))
		a.Expire()
		time.Sleep(time.Hour)
		require.Equal(w, 1, deletions(w, path))
		require.Equal(w, b.Current().ID(), owner(w, path))
		require.Equal(w, []string{"stands"}, kb.take())

		// A node that was replaced comes back when the path is free.
		require.NoError(w, kb.Close(w.Context()))
		ka.stands()
		require.Equal(w, "v1", w.Data(path), "the refused data is forgotten")
	})
}

// Closing a node that was replaced leaves the other alone.
func TestCloseAfterReplacement(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		ka := open(a)
		a.Link.Delay(time.Second) // a learns of it late
		kb := open(b, policy(standing.Replace), data("v2"))
		require.NoError(w, ka.Close(w.Context()))
		require.Equal(w, []string{"stands"}, kb.take())
		require.Equal(w, 1, deletions(w, path))
		require.Equal(w, b.Current().ID(), owner(w, path))
	})
}

// An update is under way when the node is replaced. It does not reach the other
// process's node.
func TestUpdateMeetsReplacement(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		ka := open(a)
		a.Link.Delay(time.Second)
		set := testworld.Go(w, func(ctx context.Context) (struct{}, error) {
			return struct{}{}, ka.Set(ctx, []byte("mine"))
		})
		open(b, policy(standing.Replace), data("v2"))
		_, err := set.Result()
		require.ErrorIs(w, err, session.ErrReplaced)
		require.Equal(w, "v2", w.Data(path))
	})
}

// The policy holds for the life of the node. A duplicate was made while our
// session was lost: ours reports it, waits for it, and is made after it.
func TestDuplicateAfterTheSession(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		ka := open(a)
		a.Sever()
		kb := open(b, data("v2"))
		a.Link.Heal()
		ka.awayFor(session.ErrIDTaken)
		require.ErrorIs(w, ka.Set(w.Context(), []byte("v3")), session.ErrIDTaken)
		require.Equal(w, "v2", w.Data(path))
		require.NoError(w, kb.Close(w.Context()))
		ka.stands()
		require.Equal(w, "v1", w.Data(path), "the refused data is forgotten")
	})
}

// A node made by hand blocks the path, and is not deleted.
func TestNotEphemeral(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Put(path, "by hand")
		for _, c := range []standing.Conflict{standing.Wait, standing.Refuse, standing.Replace} {
			_, err := tryOpen(w.Context(), p, policy(c))
			require.ErrorIs(w, err, session.ErrNotEphemeral)
		}
		require.Equal(w, "by hand", w.Data(path))

		w.Remove(path)
		k := open(p)
		p.Sever()
		w.Put(path, "by hand")
		p.Link.Heal()
		k.awayFor(session.ErrNotEphemeral)
		time.Sleep(time.Hour)
		require.Equal(w, "by hand", w.Data(path))
		w.Remove(path)
		k.stands()
	})
}

// The answer to the transaction that replaces is lost, whether the transaction
// is done or not.
func TestReplaceReplyLost(t *testing.T) {
	for name, what := range map[string]zktest.Action{"done": zktest.LoseReply, "not done": zktest.DropRequest} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				a, b := w.Process(), w.Process()
				ka := open(a)
				require.NoError(w, ka.Set(w.Context(), []byte("so that the version is not 0")))
				w.Once(is(zktest.OpDelete), func() zktest.Action { return what })
				kb := open(b, policy(standing.Replace), data("v2"))
				require.Equal(w, "v2", w.Data(path))
				require.Equal(w, 1, deletions(w, path))
				require.Equal(w, []string{"stands"}, kb.take())
				require.NoError(w, kb.Close(w.Context()))
				ka.stands()
			})
		})
	}
}
