package naming_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
)

func TestCostsOfAService(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(), w.Process()
		var g *naming.Registration
		var s *naming.Service
		settle := func() { time.Sleep(time.Second) }
		w.Costs([]testworld.Step{
			{Name: "the first Register makes the directories", Want: testworld.Counts{"create": 2, "createContainer": 3, "getData": 1}, Do: func() { g = register(p, at("o1", "h1")); settle() }},
			{Name: "Watch", Want: testworld.Counts{"addWatch": 1, "multiRead": 2}, Do: func() { s = watch(q); settle() }},
			{Name: "Load", Do: func() { require.Len(w, s.Load(), 1) }},
			{Name: "Register, and it is read", Want: testworld.Counts{"create": 1, "getData": 1, "multiRead": 1}, Do: func() { register(p, at("o2", "h2")); settle() }},
			{Name: "Update, and it is read", Want: testworld.Counts{"exists": 1, "getData": 1, "multiRead": 1, "setData": 1, "sync": 1}, Do: func() {
				in := at("o1", "other")
				require.NoError(w, g.Update(w.Context(), in))
				settle()
			}},
			{Name: "SetDraining, and it is read", Want: testworld.Counts{"getData": 2, "multiRead": 1, "setData": 1}, Do: func() {
				require.NoError(w, registry(q).SetDraining(w.Context(), "orders", "o2", true))
				settle()
			}},
			{Name: "Services", Want: testworld.Counts{"getChildren2": 1}, Do: func() {
				all, err := registry(q).Services(w.Context())
				require.NoError(w, err)
				require.Equal(w, []string{"orders"}, all)
			}},
			{Name: "Unregister, and it is seen", Want: testworld.Counts{"delete": 1, "exists": 1, "multiRead": 1, "sync": 1}, Do: func() { require.NoError(w, g.Unregister(w.Context())); settle() }},
			{Name: "an hour in which nothing changes, with a look at the instance each minute", Want: testworld.Counts{"exists": 56}, Do: func() { time.Sleep(time.Hour) }},
			{Name: "Close", Want: testworld.Counts{"exists": 1, "removeWatches": 1}, Do: func() { s.Close(); time.Sleep(time.Minute) }},
		})
		require.Equal(w, "o2=h2~", show(s.Load()))
	})
}

func TestCostsOfAWatchOfMany(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		for i := range 100 {
			w.Put(fmt.Sprintf("%s/i%02d", orders, i), fmt.Sprintf(`{"address":"h%d","port":80}`, i))
		}
		p := w.Process()
		w.Costs([]testworld.Step{
			{Name: "Watch of a hundred", Want: testworld.Counts{"addWatch": 1, "multiRead": 3}, Do: func() { watch(p); time.Sleep(time.Second) }},
			{Name: "one is written", Want: testworld.Counts{"multiRead": 1}, Do: func() { w.Put(orders+"/i07", `{"address":"other"}`); time.Sleep(time.Second) }},
			{Name: "one comes", Want: testworld.Counts{"multiRead": 1}, Do: func() { w.Put(orders+"/new", `{"address":"new"}`); time.Sleep(time.Second) }},
			{Name: "a reconnection", Want: testworld.Counts{"connect": 1, "multi": 1, "multiRead": 3, "setWatches2": 1}, Do: func() { p.Link.Disconnect(); time.Sleep(time.Second) }},
			{Name: "one goes", Want: testworld.Counts{"multiRead": 1}, Do: func() { w.Remove(orders + "/new"); time.Sleep(time.Second) }},
		})
	})
}
