package lock_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// A process that continues after a pause may release before the timer of the
// deadline fires. Here both are due at the same instant, in either order.
func TestReleaseAtTheDeadline(t *testing.T) {
	type bounded interface {
		Deadline() time.Time
		Release() error
		Err() error
	}
	for name, acquire := range map[string]func(w *testworld.World, p *testworld.Process) (bounded, error){
		"Mutex": func(w *testworld.World, p *testworld.Process) (bounded, error) {
			return lock.NewMutex(p.Manager, "/a").Lock(w.Context())
		},
		"Handoff": func(w *testworld.World, p *testworld.Process) (bounded, error) {
			return lock.NewMutex(p.Manager, "/a", lock.Handoff(2)).Lock(w.Context())
		},
		"Semaphore": func(w *testworld.World, p *testworld.Process) (bounded, error) {
			return lock.NewSemaphore(p.Manager, "/a", lock.Permits(2)).Acquire(w.Context(), 2)
		},
		"Multi": func(w *testworld.World, p *testworld.Process) (bounded, error) {
			return lock.NewMulti(lock.NewMutex(p.Manager, "/a"), lock.NewMutex(p.Manager, "/b")).Lock(w.Context())
		},
	} {
		for round := range 20 {
			t.Run(fmt.Sprint(name, round), func(t *testing.T) {
				testworld.Run(t, func(w *testworld.World) {
					p := w.Process()
					h, err := acquire(w, p)
					require.NoError(w, err)
					p.Link.Cut(zktest.Both)
					time.Sleep(time.Until(h.Deadline()))
					require.ErrorIs(w, h.Release(), session.ErrTrustElapsed)
					require.ErrorIs(w, h.Err(), session.ErrTrustElapsed)
				})
			})
		}
	}
}
