package election_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/session"
)

// A request that its operator has left behind has no effect once its candidate
// has gone.
func TestOldTransferRequest(t *testing.T) {
	for _, data := range []string{`{"id":"b","node":"_c_00000000-0000-4000-8000-000000000000-latch-0000000001"}`,
		"", "b", `{"id":"b"}`, `{"node":"../x"}`, `{"node":"."}`} {
		inWorld(t, func(t *testing.T, w *world) {
			old := w.process()
			require.NoError(t, old.EnsureDir(t.Context(), dir))
			_, err := old.Create(t.Context(), dir+"/transfer", []byte(data), session.Ephemeral)
			require.NoError(t, err)
			a, b := w.process().run("a"), w.process().run("b")
			require.True(t, a.leads())
			require.NoError(t, w.process().transfer("b").result(), "it takes the place of the old one")
			require.True(t, b.leads())
			require.ErrorIs(t, a.Cancel(), context.Canceled)
		})
	}
}

// TestFault25_TransferLeavesALastingNode: a persistent node is not a transfer
// request of any session.
func TestFault25_TransferLeavesALastingNode(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		require.NoError(t, w.Srv.Put(dir+"/transfer", []byte("a config key")))
		require.True(t, w.process().run("a").leads())
		b := w.process().run("b")
		require.False(t, b.leads())
		err := w.process().transfer("b").result()
		require.ErrorContains(t, err, "is not a transfer request")
		require.False(t, b.leads())
	})
}

// A request for a candidate that sorts after all others, which no Transfer
// makes: every candidate lets it pass once, and then leads, for a while at
// least.
func TestTransferRequestThatCannotBeFulfilled(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		const far = "_c_00000000-0000-4000-8000-000000000000-latch-1000000000"
		require.NoError(t, w.Srv.Put(dir+"/"+far, nil))
		require.NoError(t, w.Srv.Put(dir+"/transfer", []byte(`{"node":"`+far+`"}`)))
		p := w.process()
		counts := w.Count(func() { <-p.lead("a").Transferred() })
		delete(counts, "getData") // of a node that goes at once, which may go first
		require.Equal(t, map[string]int{"create": 2, "delete": 1, "exists": 4, "getChildren2": 2}, counts)
	})
}

// Of two operators the last one wins, whether they share a session or not.
func TestTransferSuperseded(t *testing.T) {
	for _, same := range []bool{false, true} {
		inWorld(t, func(t *testing.T, w *world) {
			op1, op2 := w.process(), w.process()
			if same {
				op2 = op1
			}
			term := w.process().lead("a")
			b, c := w.process().campaign("b"), w.process().campaign("c")
			first := op1.transfer("b")
			second := op2.transfer("c")
			require.ErrorIs(t, first.result(), election.ErrTransferSuperseded)
			time.Sleep(time.Second) // in one session the second request may exist a moment after the first has gone
			require.True(t, second.Waiting())
			require.NoError(t, term.Resign())
			require.NoError(t, second.result())
			c.Get()
			require.True(t, b.Waiting())
			require.False(t, w.requested())
		})
	}
}
