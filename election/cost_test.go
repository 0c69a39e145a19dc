package election_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/internal/testing/testworld"
)

// campaigning starts a Campaign of a candidate with the id.
func campaigning(w *testworld.World, p *testworld.Process, id string, opts ...election.Option) *testworld.Call[*election.Term] {
	return testworld.Go(w, election.New(p.Manager, dir, append(opts, election.ID(id))...).Campaign)
}

// watching ranges over Changes until the test ends.
func watching(w *testworld.World, p *testworld.Process, opts ...election.Option) *testworld.Call[string] {
	return testworld.Go(w, func(ctx context.Context) (last string, err error) {
		for leader, err := range election.New(p.Manager, dir, opts...).Changes(ctx) {
			if err != nil {
				return last, err
			}
			last = leader.ID
		}
		return last, nil
	})
}

func TestCostsOfAnElection(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b, c, o := w.Process(), w.Process(), w.Process(), w.Process()
		var term *election.Term
		var second, third *testworld.Call[*election.Term]
		var observer *testworld.Call[string]
		reader := election.New(o.Manager, dir)
		w.Costs([]testworld.Step{
			{Name: "the first Campaign makes the directory", Want: testworld.Counts{"create": 2, "createContainer": 3, "exists": 1, "getChildren2": 2, "getData": 1}, Do: func() {
				term = campaigning(w, a, "a").Get()
				time.Sleep(time.Second) // the node is watched by now
			}},
			{Name: "Leader", Want: testworld.Counts{"getChildren2": 1, "getData": 1}, Do: func() {
				_, err := reader.Leader(w.Context())
				require.NoError(w, err)
			}},
			{Name: "Changes", Want: testworld.Counts{"getChildren2": 1, "getData": 1}, Do: func() { observer = watching(w, o) }},
			{Name: "a second candidate", Want: testworld.Counts{"create": 1, "exists": 1, "getChildren2": 1, "getData": 2}, Do: func() { second = campaigning(w, b, "b") }},
			{Name: "a third candidate", Want: testworld.Counts{"create": 1, "exists": 1, "getChildren2": 1, "getData": 1}, Do: func() { third = campaigning(w, c, "c") }},
			{Name: "Participants", Want: testworld.Counts{"getChildren2": 1, "multiRead": 1}, Do: func() {
				all, err := reader.Participants(w.Context())
				require.NoError(w, err)
				require.Len(w, all, 3)
			}},
			{Name: "Resign hands on, and the observer looks", Want: testworld.Counts{"delete": 1, "getChildren2": 2, "getData": 3}, Do: func() {
				require.NoError(w, term.Resign())
				term = second.Get()
			}},
			{Name: "Resign to the last candidate", Want: testworld.Counts{"delete": 1, "getChildren2": 1, "getData": 1}, Do: func() {
				require.NoError(w, term.Resign())
				term = third.Get()
			}},
			{Name: "the last Resign", Want: testworld.Counts{"delete": 1, "getChildren2": 2}, Do: func() { require.NoError(w, term.Resign()) }},
			{Name: "Campaign and Resign without other candidates", Want: testworld.Counts{"create": 1, "delete": 1, "exists": 1, "getChildren2": 4, "getData": 2}, Do: func() {
				term = campaigning(w, a, "a").Get()
				time.Sleep(time.Second)
				require.NoError(w, term.Resign())
			}},
			{Name: "the observer leaves", Want: testworld.Counts{"removeWatches": 1}, Do: func() {
				_, err := observer.GiveUp()
				require.NoError(w, err)
				time.Sleep(time.Minute) // its watch is taken back by now
			}},
		})
	})
}

// An observer leaves one watch, on the leader's node, and has no watch to take
// back. An empty queue costs a second list for that: see line.Line.FirstW.
func TestCostsOfObservingHandovers(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b, o := w.Process(), w.Process(), w.Process()
		terms := []*election.Term{campaigning(w, a, "a").Get()}
		time.Sleep(time.Second)
		watching(w, o)
		next := campaigning(w, b, "b") // which the observer does not see
		w.Costs([]testworld.Step{
			{Name: "a handover", Want: testworld.Counts{"delete": 1, "getChildren2": 1, "getData": 1}, Do: func() {
				require.NoError(w, terms[0].Resign())
				terms = append(terms, next.Get())
				time.Sleep(2 * time.Second) // what has to be taken back is taken back
				require.Equal(w, 1, w.Srv.SessionWatches(o.Current().ID()))
			}},
			{Name: "the queue is empty", Want: testworld.Counts{"delete": 1, "getChildren2": 2}, Do: func() {
				require.NoError(w, terms[1].Resign())
				time.Sleep(2 * time.Second)
				require.Equal(w, 1, w.Srv.SessionWatches(o.Current().ID()))
			}},
		})
	})
}

func TestCostsOfATransfer(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b, operator := w.Process(), w.Process(), w.Process()
		e := election.New(operator.Manager, dir)
		first := campaigning(w, a, "a").Get()
		next := campaigning(w, b, "b")
		time.Sleep(time.Second)
		var transfer *testworld.Call[bool]
		w.Costs([]testworld.Step{
			{Name: "Transfer, which the leader does not look at", Want: testworld.Counts{"exists": 1, "getChildren2": 2, "getData": 4, "multi": 1, "multiRead": 1, "sync": 1}, Do: func() {
				transfer = testworld.Go(w, func(ctx context.Context) (bool, error) {
					err := e.Transfer(ctx, "b")
					return err == nil, err
				})
			}},
			{Name: "Resign, and the transfer is fulfilled", Want: testworld.Counts{"delete": 1, "exists": 2, "getChildren2": 1, "getData": 2, "multi": 1, "removeWatches": 1},
				May: testworld.Counts{"getData": 1}, // the new leader may see the request before it is withdrawn
				Do: func() {
					require.NoError(w, first.Resign())
					next.Get()
					transfer.Get()
					time.Sleep(time.Second)
				}},
			{Name: "Transfer to the leader", Want: testworld.Counts{"exists": 1, "getChildren2": 1, "getData": 1, "multi": 1, "multiRead": 1, "sync": 1}, Do: func() { require.NoError(w, e.Transfer(w.Context(), "b")) }},
		})
	})
}

func TestCostsOfAOneNodeElection(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b, o := w.Process(), w.Process(), w.Process()
		var term *election.Term
		var second *testworld.Call[*election.Term]
		var observer *testworld.Call[string]
		reader := election.New(o.Manager, dir, election.Layout(election.OneNode))
		w.Costs([]testworld.Step{
			{Name: "the first Campaign makes the node above", Want: testworld.Counts{"create": 2, "createContainer": 1, "getData": 1}, Do: func() { term = campaigning(w, a, "a", election.Layout(election.OneNode)).Get() }},
			{Name: "Leader", Want: testworld.Counts{"getData": 1}, Do: func() {
				_, err := reader.Leader(w.Context())
				require.NoError(w, err)
			}},
			{Name: "Changes", Want: testworld.Counts{"getData": 1}, Do: func() { observer = watching(w, o, election.Layout(election.OneNode)) }},
			{Name: "a second candidate", Want: testworld.Counts{"create": 1, "getData": 1}, Do: func() { second = campaigning(w, b, "b", election.Layout(election.OneNode)) }},
			{Name: "UpdatePayload, and all who watch the node look", Want: testworld.Counts{"exists": 1, "getData": 3, "setData": 1, "sync": 1}, Do: func() { require.NoError(w, term.UpdatePayload(w.Context(), []byte("ready"))) }},
			{Name: "the observer leaves", Do: func() {
				_, err := observer.GiveUp()
				require.NoError(w, err)
			}},
			{Name: "Resign hands on", Want: testworld.Counts{"create": 1, "delete": 1, "exists": 1, "getData": 1, "sync": 1}, Do: func() {
				require.NoError(w, term.Resign())
				term = second.Get()
			}},
			{Name: "the last Resign", Want: testworld.Counts{"delete": 1, "exists": 1, "sync": 1}, Do: func() { require.NoError(w, term.Resign()) }},
		})
		time.Sleep(time.Minute)
		require.Zero(w, w.Srv.Watches())
	})
}
