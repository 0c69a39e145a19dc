package election_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// A leader whose node may not be read leads, and is followed.
func TestFault38_HiddenLeader(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
		w.Put("/election", "")
		p := w.Process()
		e := election.New(p.Manager, "/election", election.ID("open"))
		term, err := election.New(owner.Manager, "/election", election.ID("secret")).Campaign(w.Context())
		require.NoError(w, err)
		leader, err := e.Leader(w.Context())
		require.NoError(w, err)
		require.True(w, leader.Hidden)
		require.True(w, leader.Exists)
		require.Equal(w, term.Path(), leader.Path)
		require.Empty(w, leader.ID)
		waiting := testworld.Go(w, e.Campaign)
		all, err := e.Participants(w.Context())
		require.NoError(w, err)
		require.Len(w, all, 2)
		require.True(w, all[0].Hidden)
		require.Equal(w, "open", all[1].ID)

		time.AfterFunc(time.Hour, func() { term.Resign() })
		var seen []election.Leader
		for leader, err := range e.Changes(w.Context()) {
			require.NoError(w, err)
			seen = append(seen, leader)
			if !leader.Hidden {
				break
			}
		}
		require.Len(w, seen, 2)
		require.Equal(w, "open", seen[1].ID)
		require.NoError(w, waiting.Get().Resign())
	})
}

// An observer at a fixed node that is made anew hidden while the observer is
// cut off sees a hidden leader; and so it does where the node's ACL changes
// under it.
func TestFault39_LeaderIsHiddenUnderTheObserver(t *testing.T) {
	for name, hide := range map[string]func(w *testworld.World, p, owner *testworld.Process, term *election.Term){
		"made anew while cut off": func(w *testworld.World, p, owner *testworld.Process, term *election.Term) {
			p.Link.Cut(zktest.Both)
			p.Link.Disconnect()
			require.NoError(w, term.Resign())
			_, err := election.New(owner.Manager, "/election", election.Layout(election.OneNode)).Campaign(w.Context())
			require.NoError(w, err)
			time.Sleep(time.Second)
			p.Link.Heal()
		},
		"its ACL changes": func(w *testworld.World, _, _ *testworld.Process, _ *election.Term) { w.Shut("/election") },
	} {
		t.Run(name, func(t *testing.T) {
			testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
				term, err := election.New(w.Process().Manager, "/election", election.Layout(election.OneNode), election.ID("open")).Campaign(w.Context())
				require.NoError(w, err)
				p := w.Process(testworld.Guest)
				var seen []election.Leader
				for leader, err := range election.New(p.Manager, "/election", election.Layout(election.OneNode)).Changes(w.Within(time.Hour)) {
					require.NoError(w, err)
					seen = append(seen, leader)
					if leader.Hidden {
						break
					}
					if leader.ID == "open" {
						hide(w, p, owner, term)
					}
				}
				require.Equal(w, "open", seen[0].ID)
				require.True(w, seen[len(seen)-1].Hidden)
			})
		})
	}
}

// Two leaders under one path and with one name are told apart, also by an
// observer that was cut off between them.
func TestFault13_LeaderThatComesBack(t *testing.T) {
	for name, opts := range map[string][]election.Option{"latch": nil, "one node": {election.Layout(election.OneNode)}} {
		for _, away := range []time.Duration{2 * time.Second, time.Minute} {
			t.Run(name+" "+away.String(), func(t *testing.T) {
				testworld.Run(t, func(w *testworld.World) {
					p, a, b := w.Process(), w.Process(), w.Process()
					lead := func(p *testworld.Process, id string) *election.Term {
						term, err := election.New(p.Manager, "/election", append(opts, election.ID(id))...).Campaign(w.Context())
						require.NoError(w, err)
						return term
					}
					first := lead(a, "a")
					told := make(chan election.Leader, 10)
					watching := testworld.Go(w, func(ctx context.Context) (bool, error) {
						for leader, err := range election.New(p.Manager, "/election", opts...).Changes(ctx) {
							if err == nil {
								told <- leader
							}
						}
						return true, nil
					})
					require.Equal(w, first.Token(), (<-told).Token)
					p.Link.Cut(zktest.Both)
					p.Link.Disconnect()
					time.Sleep(time.Second)
					require.NoError(w, first.Resign())
					require.NoError(w, lead(b, "b").Resign())
					again := lead(a, "a")
					time.Sleep(away)
					p.Link.Heal()
					leader := <-told
					require.Equal(w, again.Token(), leader.Token)
					_, _ = watching.GiveUp()
					require.NoError(w, again.Resign())
				})
			})
		}
	}
}

// Transfer does not delete a persistent node in the place of its request.
func TestFault25_TransferOfAStranger(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		term, err := election.New(a.Manager, "/election", election.ID("a")).Campaign(w.Context())
		require.NoError(w, err)
		e := election.New(b.Manager, "/election", election.ID("b"))
		testworld.Go(w, e.Campaign)
		w.Put("/election/transfer", "a config key")
		err = e.Transfer(w.Context(), "b")
		require.ErrorContains(w, err, "is not ephemeral")
		require.Equal(w, "a config key", w.Data("/election/transfer"))
		require.NoError(w, term.Resign())
	})
}
