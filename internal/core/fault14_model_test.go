package core_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/zktest"
)

// Random sequences of setting and stopping watches, of changes and of lost
// connections. A waiter whose node has changed is woken once. The server has a
// watch for each waiter, and no other watches.
func TestFault14_WatchesSimulation(t *testing.T) {
	eachSeed(t, 14, func(r *watchRun) {
		for i := range 300 {
			r.step()
			if i%20 == 19 {
				r.calm()
			}
		}
		r.finish()
	})
}

// eachSeed calls f with a run of its own for each of DOCENT_SEEDS seeds, 60 by
// default and 20 under the race detector. The answers of the server jitter. It
// ends at the first seed that fails.
func eachSeed(t *testing.T, stream uint64, f func(r *watchRun)) {
	seeds := testworld.Sized(20, 60)
	if text := os.Getenv("DOCENT_SEEDS"); text != "" {
		var err error
		seeds, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	for seed := range uint64(seeds) {
		if !t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			inWorld(t, func(w *world) {
				p := w.process()
				p.link.Jitter(3*time.Millisecond, seed)
				p.link.Disconnect() // the next connection has the jitter
				f(&watchRun{w: w, p: p, s: p.session(), Rand: rand.New(rand.NewPCG(seed, stream))})
			})
		}) {
			return
		}
	}
}

// watchRun is one random sequence.
type watchRun struct {
	*rand.Rand
	w     *world
	p     *process
	s     *core.Session
	whole time.Time // when the network is whole again
	sets  sync.WaitGroup
	mu    sync.Mutex
	waits []*waiter
	errs  []error // of reads that have set no watch
}

// waiter waits for a change of the state that it has read.
type waiter struct {
	name, path string
	child      bool
	seen       watchedState
	watch      *core.Watch
	fired      int // guarded by watchRun.mu
	stopped    bool
}

// watchedState is the state whose change a watch waits for.
type watchedState struct {
	found         bool
	czxid, change int64
}

func stateOf(stat core.Stat, found, child bool) watchedState {
	if !found {
		return watchedState{}
	}
	if child {
		return watchedState{true, stat.Czxid, stat.Pzxid}
	}
	return watchedState{true, stat.Czxid, stat.Mzxid}
}

func (r *watchRun) path() string { return "/n" + strconv.Itoa(r.IntN(4)) }

func (r *watchRun) step() {
	switch n := r.IntN(20); {
	case n < 7:
		r.set(r.IntN(3), r.path())
	case n < 13:
		r.stop()
	case n < 17:
		r.change(r.path())
	case n == 17 && r.IntN(3) == 0:
		r.cut()
	case n == 18:
		time.Sleep(time.Duration(r.IntN(1000)) * time.Millisecond)
	default:
		time.Sleep(time.Duration(r.IntN(5000)) * time.Microsecond)
	}
}

// calm waits until the connection is open and events have arrived. It requires
// that each waiter whose node has changed was woken soon: a look of the session
// is too late to count as an event. It returns the other waiters, by path and
// kind of watch.
func (r *watchRun) calm() map[string]map[bool]bool {
	time.Sleep(time.Until(r.whole))
	require.NoError(r.w, r.s.Sync(r.w.Context(), "/"))
	r.sets.Wait()
	time.Sleep(20 * time.Millisecond)
	return r.checkWoken()
}

// set begins a wait. Its read may take until the reconnection.
func (r *watchRun) set(kind int, path string) {
	wait := &waiter{name: [...]string{"get", "exists", "children"}[kind], path: path, child: kind == 2}
	call := func(core.EventType) { r.mu.Lock(); defer r.mu.Unlock(); wait.fired++ }
	r.sets.Go(func() {
		var stat core.Stat
		var err error
		found := true
		switch ctx := r.w.Context(); kind {
		case 0:
			_, stat, wait.watch, err = r.s.GetFunc(ctx, path, call)
		case 1:
			stat, found, wait.watch, err = r.s.ExistsFunc(ctx, path, call)
		case 2:
			_, stat, wait.watch, err = r.s.ChildrenFunc(ctx, path, call)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if err != nil {
			r.errs = append(r.errs, err)
			return
		}
		wait.seen = stateOf(stat, found, wait.child)
		r.waits = append(r.waits, wait)
	})
	if r.IntN(2) == 0 {
		synctest.Wait()
	}
}

// stop stops one of the waiters.
func (r *watchRun) stop() {
	synctest.Wait() // no call is under way: what has not fired does not fire any more
	r.mu.Lock()
	defer r.mu.Unlock()
	var live []*waiter
	for _, wait := range r.waits {
		if wait.fired == 0 && !wait.stopped {
			live = append(live, wait)
		}
	}
	if len(live) > 0 {
		wait := live[r.IntN(len(live))]
		wait.stopped = true
		wait.watch.Stop()
	}
}

func (r *watchRun) change(path string) {
	_, found := r.w.Srv.Node(path)
	_, child := r.w.Srv.Node(path + "/c")
	switch n := r.IntN(4); {
	case !found || n == 0:
		require.NoError(r.w, r.w.Srv.Put(path, []byte{byte(n)}))
	case child:
		require.NoError(r.w, r.w.Srv.Remove(path+"/c"))
	case n == 1:
		require.NoError(r.w, r.w.Srv.Put(path+"/c", nil))
	default:
		require.NoError(r.w, r.w.Srv.Remove(path))
	}
}

// cut ends the connection and drops everything on its way, or delays it for a
// while.
func (r *watchRun) cut() {
	pause := time.Duration(r.Int64N(int64(3 * time.Second)))
	if whole := time.Now().Add(pause + time.Nanosecond); whole.After(r.whole) {
		r.whole = whole
	}
	switch r.IntN(4) {
	case 0:
		r.p.link.Disconnect()
	case 1:
		r.p.link.Refuse(true)
		r.p.link.Disconnect()
		time.AfterFunc(pause, func() { r.p.link.Refuse(false) })
	case 2:
		r.p.link.Cut(zktest.ToClient)
		time.AfterFunc(pause, r.p.link.Heal)
	case 3:
		r.p.link.Cut(zktest.Both)
		time.AfterFunc(pause, r.p.link.Heal)
	}
}

// finish compares the waiters and the server's watches at the end.
func (r *watchRun) finish() {
	wanted := r.calm()
	time.Sleep(settleTime)
	require.NoError(r.w, r.s.Err())
	for i := range 4 {
		path := "/n" + strconv.Itoa(i)
		require.Equal(r.w, len(wanted[path]), r.w.Srv.WatchesOf(path), "watches of %s that the server has", path)
	}
	r.mu.Lock()
	for _, wait := range r.waits {
		wait.watch.Stop()
	}
	r.mu.Unlock()
	time.Sleep(settleTime)
	require.Zero(r.w, r.w.Srv.Watches(), "nobody waits")
}

// checkWoken requires that each waiter whose node has changed was woken. It
// returns the other waiters, by path and kind of watch.
func (r *watchRun) checkWoken() map[string]map[bool]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, err := range r.errs {
		require.ErrorIs(r.w, err, zk.ErrNoNode)
	}
	wanted := make(map[string]map[bool]bool)
	for _, wait := range r.waits {
		require.LessOrEqual(r.w, wait.fired, 1, "%s %s", wait.name, wait.path)
		if wait.stopped {
			require.Zero(r.w, wait.fired, "%s %s was stopped before", wait.name, wait.path)
			continue
		}
		if wait.fired == 1 {
			continue
		}
		n, found := r.w.Srv.Node(wait.path)
		require.Equal(r.w, stateOf(core.Stat(n.Stat), found, wait.child), wait.seen, "%s %s was not woken", wait.name, wait.path)
		if wanted[wait.path] == nil {
			wanted[wait.path] = make(map[bool]bool)
		}
		wanted[wait.path][wait.child] = true
	}
	return wanted
}
