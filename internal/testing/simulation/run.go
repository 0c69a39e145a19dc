package simulation

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/base/chance"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// Program is a kind of random program.
type Program struct {
	// Setup starts the actors with World.Go. It runs before any fault.
	Setup func(w *World)
	// Forced says that the run ends sessions and deletes nodes by force.
	Forced bool
	// Restores says that the run is forced, and restores backups of the servers
	// while sessions live.
	Restores bool
	// Release is the version of the servers; zktest.V38 unless set.
	Release zktest.Release
	// Lasts is the duration of the faults; a minute unless set.
	Lasts time.Duration
	// Keeps are the nodes that may outlive the processes, subtrees included.
	Keeps []string
	// Watches is how many watches each process may keep while it idles in the
	// end. It does not count watches that were set during the work and that no
	// client can remove. -1 means any number.
	Watches int
}

// Environment variables that choose the seeds: one seed to repeat, with the
// maximum number of tries until it fails; or the number of seeds to run, from
// 0.
const (
	seedVar  = "DOCENT_SEED"
	triesVar = "DOCENT_TRIES"
	seedsVar = "DOCENT_SEEDS"
)

// tries is how often a seed is repeated. Events at one instant have no order,
// so not every run of a seed is the same.
func tries(t *testing.T) int {
	t.Helper()
	if os.Getenv(seedVar) == "" {
		return 1
	}
	if text := os.Getenv(triesVar); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(t, err, triesVar)
		return n
	}
	return 10
}

// Seeds returns the seeds to run: those set in the environment, or 0 to n-1.
func Seeds(t *testing.T, n int) []uint64 {
	t.Helper()
	if text := os.Getenv(seedVar); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		require.NoError(t, err, seedVar)
		return []uint64{seed}
	}
	if text := os.Getenv(seedsVar); text != "" {
		var err error
		n, err = strconv.Atoi(text)
		require.NoError(t, err, seedsVar)
	}
	seeds := make([]uint64, n)
	for i := range seeds {
		seeds[i] = uint64(i)
	}
	return seeds
}

// Run runs the program once for each of n seeds, or for the seeds set in the
// environment. A run that breaks a promise fails with a line that says which
// promise, when, and how to repeat the run.
func Run(t *testing.T, n int, p Program) {
	t.Helper()
	for _, seed := range Seeds(t, n) {
		for range tries(t) {
			if !t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) { Once(t, seed, p) }) {
				break
			}
		}
	}
}

// Once runs the program with one seed and returns its trace.
func Once(t *testing.T, seed uint64, p Program) *Trace {
	t.Helper()
	// One processor and no garbage collection: otherwise goroutines woken at
	// one instant run in different orders more often.
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer chance.Seed(seed)()
	trace := newTrace()
	opts := []zktest.Option{zktest.Tick(time.Second)}
	if p.Release != "" {
		opts = append(opts, zktest.Version(p.Release))
	}
	testworld.Run(t, func(tw *testworld.World) {
		w := &World{World: tw, Program: p, Seed: seed, Trace: trace, dice: roll(seed, "director"), began: time.Now(),
			robbed: make(map[int64]bool)}
		w.actors, w.stop = context.WithCancel(tw.Context())
		w.run()
	}, opts...)
	return trace
}

// World is one run.
type World struct {
	*testworld.World
	Program
	Seed  uint64
	Trace *Trace

	dice    *Dice
	deposed *zktest.Deposed // the deposed leader, or nil
	backup  *zktest.Backup  // the newest, or nil
	began   time.Time
	procs   []*Process
	calms   []func()             // checks after the faults, while the actors work
	ends    []func()             // checks after the actors have ended
	enders  []context.CancelFunc // one for each actor
	actors  context.Context
	stop    context.CancelFunc
	work    sync.WaitGroup

	mu     sync.Mutex
	calm   bool
	broken bool
	// throttled says that the servers throttle every third request.
	throttled bool
	robbed    map[int64]bool // the nodes that other clients have removed, by the zxids of their creates
}

// Dice returns the source of randomness of a name.
func (w *World) Dice(name string) *Dice { return roll(w.Seed, name) }

// Broken reports whether a promise was broken: later checks would mislead.
func (w *World) Broken() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.broken
}

// Break reports a broken promise. Only the first of a run counts: it ends the
// run.
func (w *World) Break(promise, format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken {
		return
	}
	w.broken = true
	what := fmt.Sprintf(format, args...)
	at := time.Since(w.began)
	w.Trace.add(at, "broken: "+promise+": "+what)
	name, _, _ := strings.Cut(w.Name(), "/")
	w.Errorf("promise broken: %s: %s (seed %d, at %v; repeat with %s=%d go test -count=1 -run '^%s$' ./internal/testing/simulation/suite)",
		promise, what, w.Seed, at, seedVar, w.Seed, name)
	w.stop()
}

// Log writes a line into the trace.
func (w *World) Log(format string, args ...any) {
	w.Trace.add(time.Since(w.began), fmt.Sprintf(format, args...))
}

// BeforeEnd has f called after the faults while the actors still work: for what
// must have happened by then.
func (w *World) BeforeEnd(f func()) { w.calms = append(w.calms, f) }

// AtEnd has f called after the faults and the actors have ended: for what must
// have happened by then.
func (w *World) AtEnd(f func()) { w.ends = append(w.ends, f) }

func (w *World) run() {
	w.Srv.OnChange(func(c zktest.Change) { w.Log("%v %s", c.Kind, plain(c.Path)) })
	for i := range 2 + w.dice.N(w.dice.N(8)+1) {
		w.procs = append(w.procs, w.process(i))
	}
	w.Setup(w)
	w.Srv.Intercept(w.request)
	lasts := w.Lasts
	if lasts == 0 {
		lasts = time.Minute
	}
	for end := time.Now().Add(lasts); time.Now().Before(end) && !w.Broken(); {
		time.Sleep(w.dice.UpTo(2 * time.Second))
		w.disturb()
	}
	w.quiet()
	w.await(w.dice.UpTo(20*time.Second), w.actors.Done())
	w.each(w.calms)
	for _, end := range w.enders { // one after the other: else all would act at one instant
		end()
		time.Sleep(w.dice.UpTo(10 * time.Millisecond))
	}
	w.stop()
	w.Wait()
	w.each(w.ends)
	w.leave()
}

func (w *World) each(checks []func()) {
	for _, check := range checks {
		if !w.Broken() {
			check()
		}
	}
}

// Wait waits for the actors that were started last.
func (w *World) Wait() {
	ended := make(chan struct{})
	go func() {
		w.work.Wait()
		close(ended)
	}()
	if !w.await(testworld.Patience, ended) {
		w.Break("ends", "an actor whose context has ended does not return")
		<-ended // the test's deadline prints where the actor hangs
	}
}

// await reports whether done is closed within d.
func (w *World) await(d time.Duration, done <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// leave checks that nothing is left behind: by actors that have released
// everything, and by processes that have ended.
func (w *World) leave() {
	if !w.Broken() {
		time.Sleep(time.Minute) // for what is removed in the background
		synctest.Wait()
		for _, s := range w.Srv.Sessions() {
			if len(s.Ephemerals) > 0 {
				w.Break("nothing is left", "session %v keeps %v after everything was released", session.ID(s.ID), s.Ephemerals)
			}
			if n := w.Srv.SessionWatches(s.ID); w.Watches >= 0 && n > w.Watches {
				w.Break("nothing is left", "session %v keeps %d watches after everything was released", session.ID(s.ID), n)
			}
		}
	}
	for _, p := range w.procs {
		require.NoError(w, p.Close())
	}
	if w.Broken() {
		return
	}
	time.Sleep(5 * time.Minute) // for abandoned sessions and empty containers
	if n := len(w.Srv.Sessions()); n > 0 {
		w.Break("nothing is left", "%d sessions outlive their processes", n)
	}
	if n := w.Srv.Watches(); n > 0 {
		w.Break("nothing is left", "%d watches outlive their processes", n)
	}
	paths := w.Srv.Paths()
	for _, path := range paths {
		if w.unused(path) {
			w.Keeps = append(slices.Clip(w.Keeps), path)
		}
	}
	for _, path := range paths {
		if !w.keeps(path) {
			w.Break("nothing is left", "%s outlives the processes", path)
		}
	}
}

// unused reports whether the node at path is a container that has had no child.
// ZooKeeper removes a container only once it has lost a child. So a container
// stays if a call has made it and ended before it could make the child.
func (w *World) unused(path string) bool {
	node, found := w.Srv.Node(path)
	return found && node.Container && node.Stat.Cversion == 0
}

func (w *World) keeps(path string) bool {
	for _, kept := range w.Keeps {
		if path == kept || strings.HasPrefix(path, kept+"/") || strings.HasPrefix(kept, path+"/") {
			return true
		}
	}
	return false
}

// Procs returns the processes.
func (w *World) Procs() []*Process { return w.procs }

func (w *World) process(i int) *Process {
	d := w.Dice(fmt.Sprint("process ", i))
	link := w.Srv.Link()
	link.Jitter(time.Millisecond, w.Seed<<8+uint64(i))
	timeout := 2*time.Second + d.UpTo(6*time.Second)
	p := &Process{w: w, Index: i, timeout: timeout}
	p.Process = w.World.Process(func(cfg *session.Config) {
		cfg.Dialer = link.DialContext
		cfg.Timeout = timeout
		if d.One(4) {
			cfg.LossPolicy = session.OnDisconnect
		}
	})
	p.Link = link
	return p
}
