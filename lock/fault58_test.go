package lock_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
)

// releaser releases a lock from the hook of each request.
type releaser struct{ release atomic.Pointer[func()] }

func (r *releaser) OnOp(session.OpInfo) {
	if release := r.release.Load(); release != nil {
		(*release)()
	}
}

// A hook may release the lock of whose release it hears. In every kind, that
// delays the release by a second for each of its requests.
func TestFault58_HookReleasesTheLockWhoseReleaseRunsIt(t *testing.T) {
	type holding interface{ Release() error }
	for name, take := range map[string]func(w *testworld.World, p *testworld.Process) (holding, error){
		"Mutex": func(w *testworld.World, p *testworld.Process) (holding, error) {
			return lock.NewMutex(p.Manager, dir).Lock(w.Context())
		},
		"Handoff": func(w *testworld.World, p *testworld.Process) (holding, error) {
			return lock.NewMutex(p.Manager, dir, lock.Handoff(2)).Lock(w.Context())
		},
		"OneNode": func(w *testworld.World, p *testworld.Process) (holding, error) {
			return lock.NewOneNode(p.Manager, dir).Lock(w.Context())
		},
		"Semaphore": func(w *testworld.World, p *testworld.Process) (holding, error) {
			return semaphore(p, 3).Acquire(w.Context(), 3)
		},
		"Multi": func(w *testworld.World, p *testworld.Process) (holding, error) {
			return lock.NewMulti(lock.NewMutex(p.Manager, dir), lock.NewMutex(p.Manager, dir+"2")).Lock(w.Context())
		},
	} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				hook := new(releaser)
				h, err := take(w, w.Process(func(cfg *session.Config) { cfg.Hooks = []session.Hook{hook} }))
				require.NoError(w, err)
				inner := make(chan error, 10)
				release := func() { inner <- h.Release() }
				hook.release.Store(&release) // a watch of the hold may be on its way
				began := time.Now()
				require.NoError(w, h.Release())
				require.LessOrEqual(w, time.Since(began), 5*time.Second)
				require.NoError(w, <-inner)
			})
		})
	}
}
