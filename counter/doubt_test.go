package counter_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// The first number is written, its answer lost, and others delete the counter:
// nothing is added a second time, to a counter that was begun anew.
func TestFault04_FirstAddIsNotRepeated(t *testing.T) {
	for name, write := range map[string]func(w *testworld.World, c *counter.Counter) error{
		"add": func(w *testworld.World, c *counter.Counter) error { _, err := c.Add(w.Context(), 5); return err },
		"set": func(w *testworld.World, c *counter.Counter) error { return c.Set(w.Context(), 5) },
	} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				p := w.Process()
				w.Put("/counters/other", "")
				p.Meddle(testworld.Is(zktest.OpCreate, "/counters/c"), func() { w.Remove("/counters/c") })
				err := write(w, counter.New(p.Manager, "/counters/c"))
				require.ErrorIs(t, err, session.ErrUnknownOutcome)
				_, found := w.Srv.Node("/counters/c")
				require.False(t, found)
			})
		})
	}
	// What certainly was not done is done in the end.
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Put("/counters/other", "")
		w.Once(testworld.Is(zktest.OpCreate, "/counters/c"), func() zktest.Action { return zktest.DropRequest })
		now, err := counter.New(p.Manager, "/counters/c").Add(w.Context(), 5)
		require.NoError(t, err)
		require.Equal(t, int64(5), now)
	})
}

func TestFault09_CounterOnAThrottledServer(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		w.Throttle()
		c := counter.New(p.Manager, "/counters/c")
		for i := range 5 {
			now, err := c.Add(w.Context(), 1)
			require.NoError(t, err)
			require.Equal(t, int64(i+1), now)
		}
	})
}
