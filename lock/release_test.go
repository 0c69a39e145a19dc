package lock_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

func TestFault58_ConcurrentReleases(t *testing.T) {
	type holding interface {
		Err() error
		Release() error
	}
	kinds := map[string]func(w *testworld.World, p *testworld.Process) (holding, error){
		"Mutex": func(w *testworld.World, p *testworld.Process) (holding, error) {
			return lock.NewMutex(p.Manager, dir).Lock(w.Context())
		},
		"RWMutex": func(w *testworld.World, p *testworld.Process) (holding, error) {
			return lock.NewRWMutex(p.Manager, dir).Lock(w.Context())
		},
		"OneNode": func(w *testworld.World, p *testworld.Process) (holding, error) {
			return lock.NewOneNode(p.Manager, dir).Lock(w.Context())
		},
		"Handoff": func(w *testworld.World, p *testworld.Process) (holding, error) {
			return lock.NewMutex(p.Manager, dir, lock.Handoff(2)).Lock(w.Context())
		},
		"Semaphore": func(w *testworld.World, p *testworld.Process) (holding, error) {
			return semaphore(p, 3).Acquire(w.Context(), 3)
		},
		"Multi": func(w *testworld.World, p *testworld.Process) (holding, error) {
			return lock.NewMulti(lock.NewMutex(p.Manager, dir), lock.NewMutex(p.Manager, dir+"2")).Lock(w.Context())
		},
		"Downgrade": func(w *testworld.World, p *testworld.Process) (holding, error) {
			h, err := lock.NewRWMutex(p.Manager, dir).Lock(w.Context())
			if err != nil {
				return nil, err
			}
			return downgrading{h, w}, nil
		},
	}
	for name, take := range kinds {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				h, err := take(w, w.Process())
				require.NoError(t, err)
				began := time.Now()
				for _, err := range w.Twice(h.Release) {
					require.NoError(t, err)
				}
				require.GreaterOrEqual(t, time.Since(began), time.Second, "the server took its time")
				require.ErrorIs(t, h.Err(), session.ErrReleased)
			})
		})
	}
}

// downgrading is a hold that one goroutine downgrades while another releases
// it.
type downgrading struct {
	*lock.WriteHold
	w *testworld.World
}

func (d downgrading) Release() error {
	h, err := d.Downgrade(d.w.Context())
	if errors.Is(err, session.ErrReleased) {
		return d.WriteHold.Release()
	}
	if err != nil {
		return err
	}
	return h.Release()
}
