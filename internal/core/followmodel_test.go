package core_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
)

// Random sequences of following, reading with watches, stopping, changes and
// lost connections. A change wakes each waiter for one event. Each follower
// gets every change. The server keeps no watch without a waiter or a follower.
func TestFollowSimulation(t *testing.T) {
	eachSeed(t, 36, func(w *watchRun) {
		r := &followRun{watchRun: w}
		for i := range 300 {
			if r.IntN(3) == 0 {
				r.followStep()
			} else {
				r.step()
			}
			if i%20 == 19 {
				r.calm()
				r.checkTold()
			}
		}
		r.end()
	})
}

// followRun is one random sequence.
type followRun struct {
	*watchRun
	follows []*followed
}

// followed is a follower and the state that it knows. Guarded by watchRun.mu.
type followed struct {
	path      string
	recursive bool
	follower  *core.Follower
	stopped   bool
	told      bool // since the last check
	known     map[string]watchedState
}

func (r *followRun) followStep() {
	if r.IntN(2) == 0 {
		r.stopFollowing()
		return
	}
	f := &followed{path: r.path(), recursive: r.IntN(2) == 0, told: true}
	if r.IntN(4) == 0 {
		f.path += "/c"
	}
	r.sets.Go(func() {
		follower, err := r.s.Follow(r.w.Context(), f.path, f.recursive, func(core.Followed) {
			r.mu.Lock()
			defer r.mu.Unlock()
			f.told = true
			if f.stopped {
				r.errs = append(r.errs, fmt.Errorf("%s: a call after Stop", f.path))
			}
		})
		r.mu.Lock()
		defer r.mu.Unlock()
		if err != nil {
			r.errs = append(r.errs, err)
			return
		}
		f.follower = follower
		r.follows = append(r.follows, f)
	})
	if r.IntN(2) == 0 {
		synctest.Wait()
	}
}

func (r *followRun) stopFollowing() {
	synctest.Wait() // no call is under way
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.follows) == 0 {
		return
	}
	i := r.IntN(len(r.follows))
	r.follows[i].follower.Stop()
	r.follows[i].stopped = true
	r.follows = append(r.follows[:i], r.follows[i+1:]...)
}

// state is the observable state of a followed node.
func (r *followRun) state(f *followed) map[string]watchedState {
	state := make(map[string]watchedState)
	for _, path := range r.w.Srv.Paths() {
		if path != f.path && !(f.recursive && strings.HasPrefix(path, f.path+"/")) {
			continue
		}
		n, _ := r.w.Srv.Node(path)
		state[path] = stateOf(core.Stat(n.Stat), true, false)
		if !f.recursive {
			state["children of "+path] = stateOf(core.Stat(n.Stat), true, true)
		}
	}
	return state
}

// checkTold requires that each follower was told of a change.
func (r *followRun) checkTold() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.follows {
		now := r.state(f)
		if !f.told && !maps.Equal(now, f.known) {
			require.Fail(r.w, "a follower was not told", "%s, recursive %v: %v is now %v", f.path, f.recursive, f.known, now)
		}
		f.told, f.known = false, now
	}
}

func (r *followRun) end() {
	r.calm()
	r.checkTold()
	require.NoError(r.w, r.s.Err())
	r.mu.Lock()
	for _, f := range r.follows {
		f.follower.Stop()
		f.stopped = true
	}
	for _, wait := range r.waits {
		wait.watch.Stop()
	}
	r.mu.Unlock()
	time.Sleep(settleTime)
	require.Zero(r.w, r.w.Srv.Watches(), "nobody waits")
}
