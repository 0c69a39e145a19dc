package config_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/testing/testworld"
)

// reconnect drops the connection of a process and lets it dial again.
func reconnect(p *testworld.Process) {
	p.Link.Disconnect()
	settle()
}

func TestCostsOfAValue(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put("/c/key", "1")
		p := w.Process()
		var v *config.Value[int]
		w.Costs([]testworld.Step{
			{Name: "Open", Want: testworld.Counts{"getData": 1}, Do: func() {
				var err error
				v, err = config.Open(w.Context(), p.Manager, "/c/key", config.JSON[int]())
				require.NoError(w, err)
			}},
			{Name: "Load", Do: func() { require.Equal(w, 1, v.Load().Value) }},
			{Name: "another program writes", Want: testworld.Counts{"getData": 1}, Do: func() { w.Put("/c/key", "2"); settle() }},
			{Name: "Update", Want: testworld.Counts{"getData": 2, "setData": 1, "sync": 1}, Do: func() {
				_, err := v.Update(w.Context(), func(n int) (int, error) { return n + 1, nil })
				require.NoError(w, err)
				settle()
			}},
			{Name: "a reconnection", Want: testworld.Counts{"connect": 1, "getData": 1, "multi": 1, "setWatches": 1}, Do: func() { reconnect(p) }},
			{Name: "the node is deleted", Want: testworld.Counts{"exists": 1, "getData": 1}, Do: func() { w.Remove("/c/key"); settle() }},
			{Name: "the node is made", Want: testworld.Counts{"getData": 1}, Do: func() { w.Put("/c/key", "1"); settle() }},
			{Name: "an hour in which nothing changes", Do: func() { time.Sleep(time.Hour) }},
			{Name: "Close", Want: testworld.Counts{"removeWatches": 1}, Do: func() { require.NoError(w, v.Close()); time.Sleep(time.Minute) }},
		})
		require.Zero(w, w.Srv.Watches())
	})
}

func TestCostsOfAStore(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		s := config.NewStore(w.Process().Manager, "/c")
		h := s.History(3)
		w.Costs([]testworld.Step{
			{Name: "the first Put makes the node and those above", Want: testworld.Counts{"create": 1, "createContainer": 3, "exists": 2, "getData": 1}, Do: func() { must(s.Put(w.Context(), "app/key", []byte("1"))) }},
			{Name: "Put", Want: testworld.Counts{"getData": 1, "setData": 1}, Do: func() { must(s.Put(w.Context(), "app/key", []byte("2"))) }},
			{Name: "Get", Want: testworld.Counts{"getData": 1, "sync": 1}, Do: func() { must(s.Get(w.Context(), "app/key")) }},
			{Name: "Set", Want: testworld.Counts{"getData": 1, "setData": 1}, Do: func() { must(s.Set(w.Context(), "app/key", []byte("3"), 1)) }},
			{Name: "Create", Want: testworld.Counts{"create": 1, "exists": 1}, Do: func() { must(s.Create(w.Context(), "app/other", []byte("1"))) }},
			{Name: "Publish of four steps", Want: testworld.Counts{"getData": 2, "multi": 1}, Do: func() {
				require.NoError(w, s.Publish(w.Context(), config.SetKey("app/key", []byte("4"), 2), config.CheckKey("app/other", 0),
					config.CreateKey("app/new", []byte("1")), config.DeleteKey("app/other", 0)))
			}},
			{Name: "Delete", Want: testworld.Counts{"delete": 1, "getData": 1}, Do: func() { require.NoError(w, s.Delete(w.Context(), "app/new", 0)) }},
			{Name: "the first Put with a history makes its directories", Want: testworld.Counts{"createContainer": 3, "getChildren2": 2, "getData": 2, "multi": 2, "sync": 2}, Do: func() { must(h.Put(w.Context(), "app/key", []byte("5"))) }},
			{Name: "Put with a history", Want: testworld.Counts{"exists": 1, "getChildren2": 1, "getData": 1, "multi": 1, "sync": 1}, Do: func() { must(h.Put(w.Context(), "app/key", []byte("6"))) }},
			{Name: "List", Want: testworld.Counts{"exists": 1, "getChildren2": 1, "multiRead": 1, "sync": 1}, Do: func() { must(h.List(w.Context(), "app/key")) }},
		})
	})
}

func TestCostsOfATree(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const keys = 100
		for i := range keys {
			w.Put(fmt.Sprintf("/c/k%02d", i), fmt.Sprint(i))
		}
		p := w.Process()
		var tree *config.Tree[int]
		w.Costs([]testworld.Step{
			{Name: "OpenTree", Want: testworld.Counts{"addWatch": 1, "multiRead": 3}, Do: func() {
				tree = openTree(p, config.JSON[int]())
				settle()
			}},
			{Name: "one key is written", Want: testworld.Counts{"multiRead": 1}, Do: func() { w.Put("/c/k07", "-1"); settle() }},
			{Name: "one key is made", Want: testworld.Counts{"multiRead": 1}, Do: func() { w.Put("/c/new", "1"); settle() }},
			{Name: "one key is deleted", Want: testworld.Counts{"multiRead": 1}, Do: func() { w.Remove("/c/new"); settle() }},
			{Name: "a reconnection", Want: testworld.Counts{"connect": 1, "multi": 1, "multiRead": 3, "setWatches2": 1}, Do: func() { reconnect(p) }},
			{Name: "an hour in which nothing changes", Do: func() { time.Sleep(time.Hour) }},
			{Name: "Close", Want: testworld.Counts{"removeWatches": 1}, Do: func() { require.NoError(w, tree.Close()); time.Sleep(time.Minute) }},
		})
		require.Zero(w, w.Srv.Watches())
	})
}
