package scale

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func TestMain(m *testing.M) { ensemble.Main(m) }

// patience is the maximum wait for an event that must happen.
const patience = 5 * time.Minute

// sized returns the full size, or a tenth of it.
func sized(full int) int {
	if os.Getenv("DOCENT_SCALE") != "" {
		return full
	}
	return full / 10
}

func dial(t *testing.T, cfg session.Config) *session.Manager {
	t.Helper()
	cfg.Timeout = 40 * time.Second
	return ensemble.Dial(t, patience, cfg)
}

func embedded(srv *zktest.Server) session.Config {
	return session.Config{Servers: []string{"zk1"}, Dialer: srv.DialContext}
}

func within(t *testing.T) context.Context { return ensemble.Within(t, patience) }

// each calls f for 0 to n-1, several at a time, and waits.
func each(n int, f func(i int)) {
	const workers = 32
	var work sync.WaitGroup
	for w := range workers {
		work.Go(func() {
			for i := w; i < n; i += workers {
				f(i)
			}
		})
	}
	work.Wait()
}

// state is a process's use of resources.
type state struct {
	heap       uint64
	goroutines int
}

func now() state {
	// Two runs: the first does not free values that have a finalizer.
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return state{m.HeapAlloc + m.StackInuse, runtime.NumGoroutine()}
}

// grown returns the growth in bytes for each of n.
func (s state) grown(before state, n int) int64 {
	return (int64(s.heap) - int64(before.heap)) / int64(n)
}

// kinds are the things of which a single session has very many.
var kinds = []struct {
	name string
	n    int
	make func(ctx context.Context, sm *session.Manager, i int) (undo func() error, err error)
	// The cost of each. A leadership also watches for a transfer request.
	creates, reads, lists, watches, goroutines int
}{
	{"holds of locks", 10_000, func(ctx context.Context, sm *session.Manager, i int) (func() error, error) {
		h, err := lock.NewMutex(sm, fmt.Sprintf("/locks/%d", i)).Lock(ctx)
		if err != nil {
			return nil, err
		}
		return h.Release, nil
	}, 1, 1, 1, 1, 0},
	{"leaderships", 1_000, func(ctx context.Context, sm *session.Manager, i int) (func() error, error) {
		term, err := election.New(sm, fmt.Sprintf("/elections/%d", i), election.ID("a")).Campaign(ctx)
		if err != nil {
			return nil, err
		}
		return term.Resign, nil
	}, 1, 1, 1, 2, 0},
	{"watched keys", 5_000, func(ctx context.Context, sm *session.Manager, i int) (func() error, error) {
		v, err := config.Open(ctx, sm, fmt.Sprintf("/keys/%d", i), config.Text())
		if err != nil {
			return nil, err
		}
		return v.Close, nil
	}, 0, 1, 0, 1, 2},
}

// The cost of each of many on one session, in requests, watches and goroutines.
// The directories exist already, so their creates do not count. They hold no
// data: data costs each recipe one read, to see that it is not of another one.
func TestManyOnOneSession(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			srv := zktest.New(t)
			n := sized(kind.n)
			for i := range n {
				for _, dir := range []string{"/locks", "/elections"} {
					require.NoError(t, srv.Put(fmt.Sprintf("%s/%d", dir, i), nil))
				}
				require.NoError(t, srv.Put(fmt.Sprintf("/keys/%d", i), []byte("x")))
			}
			sm := dial(t, embedded(srv))
			require.NoError(t, sm.Sync(within(t), "/"))
			srv.ResetCounts()
			before := now()
			undo := make([]func() error, n)
			errs := make([]error, n)
			ctx := within(t)
			each(n, func(i int) { undo[i], errs[i] = kind.make(ctx, sm, i) })
			for _, err := range errs {
				require.NoError(t, err)
			}
			// The watch of a hold is set after the hold begins.
			ensemble.Eventually(t, patience, "all watches are set", func() bool { return srv.Watches() == n*kind.watches })
			var after state
			ensemble.Eventually(t, patience, "no unexpected goroutine", func() bool {
				after = now()
				return after.goroutines-before.goroutines <= n*kind.goroutines+8
			})
			c := srv.Counts()
			lists := c[zktest.OpGetChildren] + c[zktest.OpGetChildren2]
			creates := c[zktest.OpCreate] + c[zktest.OpCreate2] + c[zktest.OpCreateContainer]
			t.Logf("%d %s: %d creates, %d reads, %d lists, %d watches, %d goroutines more; %d bytes each, the embedded server's part included",
				n, kind.name, creates, c[zktest.OpGetData], lists, srv.Watches(), after.goroutines-before.goroutines, after.grown(before, n))
			require.Equal(t, n*kind.creates, creates)
			require.Equal(t, n*kind.lists, lists)
			require.LessOrEqual(t, c[zktest.OpGetData], n*kind.reads)
			each(n, func(i int) { errs[i] = undo[i]() })
			for _, err := range errs {
				require.NoError(t, err)
			}
			ensemble.Eventually(t, patience, "no goroutine is left", func() bool { return now().goroutines <= before.goroutines+8 })
		})
	}
}

// The memory cost of a hold in this process: the server is a real one, in
// another process.
func TestMemoryOfHolds(t *testing.T) {
	e := ensemble.Start(t, 1)
	sm := dial(t, session.Config{Servers: e.Addrs()})
	n := sized(10_000)
	holds := make([]*lock.Hold, n)
	errs := make([]error, n)
	ctx := within(t)
	take := func(from, to int) {
		each(to-from, func(i int) {
			holds[from+i], errs[from+i] = lock.NewMutex(sm, fmt.Sprintf("/locks/%d", from+i)).Lock(ctx)
		})
	}
	take(0, n/10) // costs that occur once do not count
	before := now()
	take(n/10, n)
	for _, err := range errs {
		require.NoError(t, err)
	}
	var after state
	ensemble.Eventually(t, patience, "the goroutines that set watches have ended", func() bool {
		after = now()
		return after.goroutines <= before.goroutines+8
	})
	t.Logf("%d holds on one session: %d bytes each, %d goroutines more", n-n/10, after.grown(before, n-n/10), after.goroutines-before.goroutines)
	require.LessOrEqual(t, after.grown(before, n-n/10), int64(4<<10), "the budget of a hold")
	each(n, func(i int) { errs[i] = holds[i].Release() })
	for _, err := range errs {
		require.NoError(t, err)
	}
}

// Many sessions queue for one lock: each release wakes a single waiter.
func TestManySessionsInOneLine(t *testing.T) {
	srv := zktest.New(t)
	n := sized(300)
	managers := make([]*session.Manager, n)
	for i := range managers {
		managers[i] = dial(t, embedded(srv))
	}
	srv.ResetCounts()
	ctx := within(t)
	var inside, most, served int
	var mu sync.Mutex
	errs := make([]error, n)
	var work sync.WaitGroup
	gate, err := lock.NewMutex(managers[0], "/line").Lock(ctx)
	require.NoError(t, err)
	for i := range n {
		work.Go(func() {
			errs[i] = lock.NewMutex(managers[i], "/line").Do(ctx, func(context.Context, *lock.Hold) error {
				mu.Lock()
				inside++
				most = max(most, inside)
				served++
				mu.Unlock()
				runtime.Gosched()
				mu.Lock()
				inside--
				mu.Unlock()
				return nil
			})
		})
	}
	ensemble.Eventually(t, patience, "all are in the wait queue", func() bool {
		info, found := srv.Node("/line")
		return found && len(info.Children) == n+1 && srv.Watches() >= n
	})
	require.NoError(t, gate.Release())
	work.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Equal(t, 1, most)
	require.Equal(t, n, served)
	c := srv.Counts()
	lists := c[zktest.OpGetChildren] + c[zktest.OpGetChildren2]
	t.Logf("%d sessions in one wait queue: %d lists, %d reads, %d exists", n, lists, c[zktest.OpGetData], c[zktest.OpExists])
	require.LessOrEqual(t, lists, 2*(n+1), "no session lists repeatedly")
}

// A large group under churn, with many watchers.
func TestLargeGroupUnderChurn(t *testing.T) {
	srv := zktest.New(t)
	members, watchers := sized(2_000), sized(500)/10
	managers := make([]*session.Manager, 10)
	for i := range managers {
		managers[i] = dial(t, embedded(srv))
	}
	ctx := within(t)
	group := func(i int) *groupmembership.Group {
		return groupmembership.NewGroup(managers[i%len(managers)], "/group")
	}
	joined := make([]*groupmembership.Membership, members)
	errs := make([]error, members)
	each(members, func(i int) { joined[i], errs[i] = group(i).Join(ctx, fmt.Sprintf("m%04d", i), nil) })
	for _, err := range errs {
		require.NoError(t, err)
	}
	before := now()
	watching, stop := context.WithCancel(ctx)
	defer stop()
	sizes := make([]int, watchers)
	var mu sync.Mutex
	var work sync.WaitGroup
	for i := range watchers {
		work.Go(func() {
			for change, err := range group(i).Changes(watching) {
				if err != nil {
					continue
				}
				mu.Lock()
				sizes[i] = change.Len()
				mu.Unlock()
			}
		})
	}
	all := func(n int) func() bool {
		return func() bool {
			mu.Lock()
			defer mu.Unlock()
			for _, size := range sizes {
				if size != n {
					return false
				}
			}
			return true
		}
	}
	ensemble.Eventually(t, patience, "all see all", all(members))
	after := now()
	srv.ResetCounts()
	left := members / 2
	each(left, func(i int) { errs[i] = joined[i].Leave(context.Background()) })
	ensemble.Eventually(t, patience, "all see that the members have left", all(members-left))
	each(left, func(i int) { joined[i], errs[i] = group(i).Join(ctx, fmt.Sprintf("m%04d", i), nil) })
	ensemble.Eventually(t, patience, "all see the new members", all(members))
	for _, err := range errs {
		require.NoError(t, err)
	}
	c := srv.Counts()
	lists := c[zktest.OpGetChildren] + c[zktest.OpGetChildren2]
	t.Logf("%d members, %d watchers, %d changes: %d lists, %d reads; %d bytes a watcher, the embedded server's part included",
		members, watchers, 2*left, lists, c[zktest.OpGetData], after.grown(before, watchers))
	require.LessOrEqual(t, lists, 2*left*watchers/4, "bursts are coalesced")
	stop()
	work.Wait()
	each(members, func(i int) { errs[i] = joined[i].Leave(context.Background()) })
	for _, err := range errs {
		require.NoError(t, err)
	}
}
