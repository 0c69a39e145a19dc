package barrier_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
)

func TestFault58_ConcurrentEndsOfAVisit(t *testing.T) {
	leave := func(w *testworld.World, v *barrier.Visit) error { return v.Leave(w.Within(time.Minute)) }
	release := func(_ *testworld.World, v *barrier.Visit) error { return v.Release() }
	for name, how := range map[string]func(w *testworld.World, v *barrier.Visit) error{"Leave": leave, "Release": release} {
		t.Run(name, func(t *testing.T) {
			testworld.EachEnd(t, func(w *testworld.World, p *testworld.Process, end func()) {
				v, err := barrier.NewDouble(p.Manager, dir, 1).Enter(w.Context())
				require.NoError(w, err)
				other := make(chan error, 1)
				for _, err := range w.Twice(func() error { return how(w, v) }, end, func() { other <- leave(w, v) }) {
					ended(w, err)
				}
				ended(w, <-other)
				require.Error(w, v.Err())
				time.Sleep(time.Minute) // a server that is cut off ends the session later
				if children := w.Children(dir); len(children) > 0 {
					require.Equal(w, []string{"ready"}, children)
				}
			})
		})
	}
}

// ended checks that an end has done what it should, or says what kept it.
func ended(w *testworld.World, err error) {
	w.Helper()
	if err != nil && !errors.Is(err, session.ErrLost) && !errors.Is(err, session.ErrClosed) && !errors.Is(err, context.DeadlineExceeded) {
		require.NoError(w, err)
	}
}

func TestFault58_ConcurrentLiftsOfABarrier(t *testing.T) {
	testworld.EachEnd(t, func(w *testworld.World, p *testworld.Process, end func()) {
		b := barrier.New(p.Manager, "/gate")
		require.NoError(w, b.Set(w.Context()))
		for _, err := range w.Twice(func() error { return b.Lift(w.Within(time.Minute)) }, end) {
			ended(w, err)
		}
	})
}
