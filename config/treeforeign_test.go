package config_test

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

const (
	deadContender = "_c_0123456789abcdef0123456789abcdef-lock-0000000000"
	gateData      = `{"host":"db","pid":7}`
)

// The znodes of other recipes among the keys are no keys, and no bad values.
func TestTree_Foreign(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		other := w.Process().Manager
		term, err := election.New(other, "/c/leaders").Campaign(w.Context())
		require.NoError(w, err)
		member, err := groupmembership.NewGroup(other, "/c/group").Join(w.Context(), "m", []byte("1"))
		require.NoError(w, err)
		w.Put("/c/locks/"+deadContender, "1")
		w.Put("/c/q/items/qn-0000000007", "1")
		w.Put("/c/gate", gateData)
		w.Put("/c/qps", "100")

		tree := openTree(p, config.JSON[int]())
		require.NoError(t, tree.Err())
		require.Equal(t, map[string]int{"qps": 100}, show(tree.Load()))
		foreign := maps.Collect(tree.Load().Foreign())
		require.Len(t, foreign, 5)
		require.Equal(t, "it is a contender of a lock", foreign["locks/"+deadContender])
		require.Equal(t, "it is an item of a queue, or the claim on one", foreign["q/items/qn-0000000007"])
		require.Contains(t, foreign["gate"], "it is a gate")
		require.Contains(t, foreign["group/m"], "it belongs to the session")

		require.NoError(t, term.Resign())
		require.NoError(t, member.Leave(w.Context()))
		w.Remove("/c/gate")
		w.Put("/c/gate", "5")
		settle()
		require.Equal(t, map[string]int{"qps": 100, "gate": 5}, show(tree.Load()))
		require.Len(t, maps.Collect(tree.Load().Foreign()), 2)
	})
}

// No call makes a znode whose name only another recipe gives.
func TestCreate_NamesOfRecipes(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		sm := w.Process().Manager
		s := config.NewStore(sm, "/")
		for _, name := range []string{
			deadContender, "_c_0123456789abcdef0123456789abcdef-latch-0000000003", "qn-0000000007",
			"_c_0123456789abcdef0123456789abcdef-lease-0000000003",
		} {
			key := "/c/" + name
			v := open(&world{w, nil, sm}, key, config.Text(), config.Default(""))
			for how, create := range map[string]func() error{
				"create":      func() error { return testworld.ErrOf(s.Create(w.Context(), key, nil)) },
				"put":         func() error { return testworld.ErrOf(s.Put(w.Context(), key, nil)) },
				"history put": func() error { return testworld.ErrOf(s.History(2).Put(w.Context(), key, nil)) },
				"publish":     func() error { return s.Publish(w.Context(), config.CreateKey(key, nil)) },
				"update": func() error {
					return testworld.ErrOf(v.Update(w.Context(), func(string) (string, error) { return "x", nil }))
				},
			} {
				require.ErrorIs(t, create(), session.ErrForeign, "%s %s", how, name)
			}
		}
		_, found, err := sm.Exists(w.Context(), "/c")
		require.NoError(t, err)
		require.False(t, found)
		require.NoError(t, testworld.ErrOf(s.Create(w.Context(), "/c/lock-1", nil)))
	})
}
