package simulation_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/internal/testing/simulation"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// calm is a program without faults.
func calm(setup func(w *simulation.World)) simulation.Program {
	return simulation.Program{Lasts: 1, Keeps: []string{"/x"}, Setup: func(w *simulation.World) {
		w.Put("/x", "1")
		setup(w)
	}}
}

// A paused process neither acts nor hears, and the others do not notice.
func TestPause(t *testing.T) {
	var acted, heard, other time.Duration
	simulation.Once(t, 1, calm(func(w *simulation.World) {
		first, second := w.Procs()[0], w.Procs()[1]
		began := time.Now()
		first.Pause(2 * time.Second)
		first.Pause(time.Second) // ends before the first pause
		w.Go(first, "acts", func(a *simulation.Actor) {
			acted = time.Since(began)
		})
		w.Go(second, "goes on", func(a *simulation.Actor) {
			_, _, err := second.Get(a.World.Context(), "/x")
			require.NoError(t, err)
			other = time.Since(began)
		})
		_, _, err := first.Get(w.Context(), "/x")
		require.NoError(t, err)
		heard = time.Since(began)
	}))
	require.GreaterOrEqual(t, acted, 2*time.Second)
	require.GreaterOrEqual(t, heard, 2*time.Second)
	require.Less(t, heard, 3*time.Second)
	require.Less(t, other, time.Second)
}

// The numbers of one actor do not depend on the other actors.
func TestDiceOfEachTheirOwn(t *testing.T) {
	draw := func(busy bool) (drawn []int) {
		simulation.Once(t, 3, calm(func(w *simulation.World) {
			if busy {
				w.Go(w.Procs()[1], "busy", func(a *simulation.Actor) { a.N(100) })
			}
			w.Go(w.Procs()[0], "draws", func(a *simulation.Actor) {
				for range 10 {
					drawn = append(drawn, a.N(1000))
				}
			})
		}))
		return drawn
	}
	require.Equal(t, draw(false), draw(true))
}
