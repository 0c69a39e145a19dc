package restored_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// long is a session timeout that no test waits for: what depends on the end of a
// session does not happen in time.
const long = time.Hour

func lasting(cfg *session.Config) { cfg.Timeout = long }

// sometime is long enough for all pings after which a session compares its
// nodes, and shorter than the timeout.
const sometime = 50 * time.Minute

var withLongSessions = zktest.SessionTimeouts(time.Second, 2*long)

// restored has f run, restores the backup that f makes, and waits.
func restored(w *testworld.World, f func(backup func())) {
	w.Helper()
	var b *zktest.Backup
	f(func() { b = w.Srv.Backup() })
	w.Srv.Restore(b)
	time.Sleep(sometime)
}

// free requires that another process can lock a path without a hold.
func free(w *testworld.World, p *testworld.Process, path string) {
	w.Helper()
	h, err := lock.NewMutex(p.Manager, path).Lock(w.Within(time.Minute))
	require.NoError(w, err, path)
	require.NoError(w, h.Release())
}

func TestLock(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(lasting), w.Process(lasting)
		held := func(path string) *lock.Hold {
			h, err := lock.NewMutex(p.Manager, path).Lock(w.Context())
			require.NoError(w, err)
			return h
		}
		var newer *lock.Hold
		restored(w, func(backup func()) {
			released := held("/released")
			backup()
			require.NoError(w, released.Release())
			newer = held("/newer")
		})
		require.ErrorIs(w, newer.Err(), session.ErrLost)
		free(w, q, "/released")
		free(w, q, "/newer")
		free(w, p, "/released")
	}, withLongSessions)
}

// A waiter whose predecessor comes back goes on waiting, and gets its turn.
func TestLockWaiter(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(lasting), w.Process(lasting)
		first, err := lock.NewMutex(p.Manager, "/lock").Lock(w.Context())
		require.NoError(w, err)
		waiting := w.Go(func(ctx context.Context) error {
			h, err := lock.NewMutex(q.Manager, "/lock").Lock(ctx)
			if err != nil {
				return err
			}
			return h.Release()
		})
		w.Eventually(func() bool { return len(w.Children("/lock")) == 2 }, "the waiter waits")
		backup := w.Srv.Backup()
		require.NoError(w, first.Release())
		require.NoError(w, waiting.Wait())
		again := w.Go(func(context.Context) error {
			time.Sleep(sometime)
			return nil
		})
		w.Srv.Restore(backup)
		require.NoError(w, again.Wait())
		free(w, p, "/lock")
	}, withLongSessions)
}

func TestElection(t *testing.T) {
	for name, format := range map[string]election.Format{"queue": election.LeaderLatch, "one node": election.OneNode} {
		t.Run(name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				p := w.Process(lasting)
				e := election.New(p.Manager, "/leader", election.Layout(format))
				campaign := func() *election.Term {
					term, err := e.Campaign(w.Within(time.Minute))
					require.NoError(w, err)
					return term
				}
				restored(w, func(backup func()) {
					term := campaign()
					backup()
					require.NoError(w, term.Resign())
					campaign()
				})
				require.NoError(w, campaign().Resign(), "the nodes of both terms are gone")
			}, withLongSessions)
		})
	}
}

func TestConfig(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process(lasting)
		store := config.NewStore(p.Manager, "/config")
		_, err := store.Create(w.Context(), "k", []byte("1"))
		require.NoError(w, err)
		value, err := config.Open(w.Context(), p.Manager, "/config/k", config.JSON[int]())
		require.NoError(w, err)
		defer value.Close()
		tree, err := config.OpenTree(w.Context(), p.Manager, "/config", config.JSON[int]())
		require.NoError(w, err)
		defer tree.Close()
		shows := func(n int) func() bool {
			return func() bool {
				return value.Load().Value == n && !value.Stale() && tree.Load().Lookup("k").Value == n
			}
		}
		restored(w, func(backup func()) {
			backup()
			_, err = store.Set(w.Context(), "k", []byte("2"), session.AnyVersion)
			require.NoError(w, err)
			_, err = store.Create(w.Context(), "lost", []byte("2"))
			require.NoError(w, err)
			w.Eventually(shows(2), "the views are up to date")
		})
		w.Eventually(shows(1), "the views have the older value")
		require.Equal(w, 1, tree.Load().Len())
		_, err = store.Set(w.Context(), "k", []byte("3"), session.AnyVersion)
		require.NoError(w, err)
		w.Eventually(shows(3), "the views follow the new history")
	}, withLongSessions)
}

// A member that has left is gone again, and the payloads of the others are the
// newest.
func TestGroup(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(lasting), w.Process(lasting)
		group := groupmembership.NewGroup(p.Manager, "/group")
		join := func(id, payload string) *groupmembership.Membership {
			m, err := group.Join(w.Context(), id, []byte(payload))
			require.NoError(w, err)
			return m
		}
		var seen atomic.Pointer[[]groupmembership.Member]
		ctx, cancel := context.WithCancel(w.Context())
		watch := w.Go(func(context.Context) error {
			for change := range groupmembership.NewGroup(q.Manager, "/group").Changes(ctx) {
				members := slices.Collect(change.Members())
				seen.Store(&members)
			}
			return nil
		})
		restored(w, func(backup func()) {
			left, again, told := join("left", ""), join("again", "1"), join("told", "1")
			backup()
			require.NoError(w, left.Leave(w.Context()))
			require.NoError(w, again.Leave(w.Context()))
			join("again", "2")
			require.NoError(w, told.UpdatePayload(w.Context(), []byte("2")))
			join("new", "2")
		})
		var all []string
		for _, m := range *seen.Load() {
			all = append(all, m.ID+" "+string(m.Payload))
		}
		slices.Sort(all)
		require.Equal(w, []string{"again 2", "new 2", "told 2"}, all)
		cancel()
		require.NoError(w, watch.Wait())
	}, withLongSessions)
}

// The znode of an instance comes back with the address of before. The list of the
// session's znodes does not show that.
func TestNaming(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p, q := w.Process(lasting), w.Process(lasting)
		register := func(id string, port int) *naming.Registration {
			g, err := naming.NewRegistry(p.Manager).Register(w.Context(), naming.Instance{Service: "s", ID: id, Address: "10.0.0.1", Port: port})
			require.NoError(w, err)
			return g
		}
		service, err := naming.NewRegistry(q.Manager).Open(w.Context(), "s")
		require.NoError(w, err)
		defer service.Close()
		restored(w, func(backup func()) {
			moved := register("moved", 1)
			backup()
			in := moved.Instance()
			in.Port = 2
			require.NoError(w, moved.Update(w.Context(), in))
			register("new", 2)
		})
		ports := make(map[string]int)
		for _, in := range service.Load() {
			ports[in.ID] = in.Port
		}
		require.Equal(w, map[string]int{"moved": 2, "new": 2}, ports)
		require.False(w, service.Stale())
	}, withLongSessions)
}

func TestPartitioner(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const partitions = 6
		var running [partitions]atomic.Int32
		ctx, cancel := context.WithCancel(w.Context())
		member := func(id string) (end func()) {
			p := w.Process(lasting)
			ctx, cancel := context.WithCancel(ctx)
			done := w.Go(func(context.Context) error {
				err := groupmembership.NewPartitioner(p.Manager, "/jobs", partitions).Run(ctx, id,
					func(ctx context.Context, part *groupmembership.Partition) error {
						running[part.Number].Add(1)
						defer running[part.Number].Add(-1)
						<-ctx.Done()
						return ctx.Err()
					})
				if ctx.Err() != nil {
					return nil
				}
				return err
			})
			return func() {
				cancel()
				require.NoError(w, done.Wait())
			}
		}
		settled := func() bool {
			for i := range running {
				if running[i].Load() != 1 {
					return false
				}
			}
			return true
		}
		endA, endB := member("a"), member("b")
		w.Eventually(settled, "each partition is worked on")
		var endC func()
		restored(w, func(backup func()) {
			backup()
			endB()
			endC = member("c")
			w.Eventually(settled, "each partition is worked on")
		})
		w.Eventually(settled, "each partition is worked on")
		cancel()
		endA()
		endC()
	}, withLongSessions)
}

func TestQueue(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process(lasting)
		mail := queue.New(p.Manager, "/mail")
		take := func() *queue.Item {
			item, err := mail.Take(w.Within(time.Minute))
			require.NoError(w, err)
			return item
		}
		for _, text := range []string{"a", "b"} {
			_, err := mail.Put(w.Context(), []byte(text))
			require.NoError(w, err)
		}
		restored(w, func(backup func()) {
			item := take()
			backup()
			require.NoError(w, item.Ack())
			require.NoError(w, take().Ack())
			_, err := mail.TryTake(w.Context())
			require.ErrorIs(w, err, queue.ErrEmpty)
		})
		for _, text := range []string{"a", "b"} {
			item := take()
			require.Equal(w, text, string(item.Data))
			require.NoError(w, item.Ack())
		}
		_, err := mail.Put(w.Context(), []byte("c"))
		require.NoError(w, err)
		require.NoError(w, take().Ack())
	}, withLongSessions)
}

func TestCounter(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process(lasting)
		total := counter.New(p.Manager, "/total")
		numbers := counter.NewSequence(p.Manager, "/numbers", counter.Block(10))
		defer numbers.Close()
		var last atomic.Int64
		ctx, cancel := context.WithCancel(w.Context())
		watch := w.Go(func(context.Context) error {
			for v := range total.Changes(ctx) {
				last.Store(v.N)
			}
			return nil
		})
		add := func(n int64) {
			_, err := total.Add(w.Context(), n)
			require.NoError(w, err)
		}
		restored(w, func(backup func()) {
			add(1)
			_, err := numbers.Next(w.Context())
			require.NoError(w, err)
			backup()
			add(1)
			for range 15 {
				_, err := numbers.Next(w.Context())
				require.NoError(w, err)
			}
		})
		add(10)
		w.Eventually(func() bool { return last.Load() == 11 }, "the changes follow the new history")
		var err error
		for range 20 {
			if _, err = numbers.Next(w.Context()); err != nil {
				break
			}
		}
		require.ErrorIs(w, err, counter.ErrSetBack)
		cancel()
		require.NoError(w, watch.Wait())
	}, withLongSessions)
}

func TestOnce(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process(lasting)
		once := lock.NewOnce(p.Manager, "/job", time.Minute)
		var runs int
		run := func() {
			require.NoError(w, once.Do(w.Within(time.Minute), func(context.Context, *lock.Run) error { runs++; return nil }))
		}
		restored(w, func(backup func()) {
			run()
			time.Sleep(2 * time.Minute)
			backup()
			run()
		})
		run()
		require.Equal(w, 3, runs, "a run, one that is forgotten, and one of the next interval")
	}, withLongSessions)
}

// A member of a rendezvous that has left is inside again, and leaves for good.
func TestBarrier(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process(lasting)
		round := func(f func()) {
			require.NoError(w, barrier.NewDouble(p.Manager, "/round", 1).Do(w.Within(time.Hour), func(context.Context, *barrier.Visit) error {
				f()
				return nil
			}))
		}
		restored(w, func(backup func()) { round(backup) })
		round(func() {})
		w.Eventually(func() bool {
			return !slices.ContainsFunc(w.Srv.Paths(), func(path string) bool { return strings.HasPrefix(path, "/round/") })
		}, "nothing is left")
	}, withLongSessions)
}
