package queue_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// told are the items that a queue has told of.
type told struct {
	mu  sync.Mutex
	all []queue.Skipped
}

func (t *told) add(s queue.Skipped) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, s)
}

func (t *told) get() []queue.Skipped {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.all)
}

var formats = map[string]queue.Format{
	"curator": queue.Curator, "simple": queue.SimpleQueue, "kazoo": queue.KazooQueue, "kazoo-locking": queue.KazooLockingQueue,
}

// hiddenFirst puts an item for each name, and hides the first one. It returns
// its path.
func hiddenFirst(w *testworld.World, q *queue.Queue, dir string, items ...string) string {
	w.Helper()
	for _, data := range items {
		_, err := q.Put(w.Context(), []byte(data))
		require.NoError(w, err)
	}
	var first string
	for _, name := range w.Children(dir) {
		if path := dir + "/" + name; w.Data(path) != "" && (first == "" || path < first) && name != "claims" && name != "taken" {
			first = path
		}
	}
	w.Shut(first)
	return first
}

// An item that may not be read does not keep Take from the items after it. It
// is reported once, and taken when its ACL lets it.
func TestFault19_TakePassesOverAHiddenItem(t *testing.T) {
	dirs := map[string]string{"curator": "/q/items", "simple": "/q", "kazoo": "/q", "kazoo-locking": "/q/entries"}
	for name, format := range formats {
		t.Run(name, func(t *testing.T) {
			testworld.EachServer(t, func(w *testworld.World, _ *testworld.Process) {
				var told told
				q := queue.New(w.Process().Manager, "/q", queue.Layout(format), queue.OnSkipped(told.add))
				hidden := hiddenFirst(w, q, dirs[name], "a", "b")
				item, err := q.Take(w.Within(time.Second))
				require.NoError(w, err)
				require.Equal(w, "b", string(item.Data))
				require.NoError(w, item.Ack())
				require.Len(w, told.get(), 1)
				require.Equal(w, hidden, told.get()[0].Path)
				require.ErrorIs(w, told.get()[0].Err, session.ErrNoAuth)
				require.Equal(w, queue.ID("0000000000"), told.get()[0].ID)
				require.Equal(w, told.get(), q.Skipped())

				_, err = q.TryTake(w.Context())
				require.ErrorIs(w, err, queue.ErrEmpty)
				require.ErrorContains(w, err, "item 0000000000 is passed over")
				taking := testworld.Go(w, q.Take)
				time.Sleep(time.Minute)
				synctest.Wait()
				require.True(w, taking.Waiting(), "it waits as for an empty queue")
				require.Len(w, told.get(), 1)
				w.Open(hidden)
				time.Sleep(15 * time.Second)
				item, err = taking.Result()
				require.NoError(w, err)
				require.Equal(w, "a", string(item.Data))
				require.Empty(w, q.Skipped())
				require.NoError(w, item.Ack())
			})
		})
	}
}

// A wait while items may not be read costs a few reads, however many items and
// waiters there are.
func TestFault19_HiddenItemsAreTriedAtIntervals(t *testing.T) {
	for _, n := range []int{1, 1000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
				w.Put("/q/items", "")
				msgs := make([]queue.Msg, n)
				_, err := queue.New(owner.Manager, "/q").PutBatch(w.Context(), msgs...)
				require.NoError(w, err)
				q := queue.New(w.Process().Manager, "/q")
				ctx := w.Within(10 * time.Minute)
				for range 3 {
					testworld.Go(w, func(context.Context) (*queue.Item, error) { return q.Take(ctx) })
				}
				time.Sleep(5 * time.Minute) // the pauses have grown
				synctest.Wait()
				require.Len(w, q.Skipped(), n)
				counts := w.Count(func() { time.Sleep(time.Minute) })
				reads := counts[zktest.OpMultiRead.String()]
				require.LessOrEqual(w, reads, 60*30, "%v", counts)
				if n == 1 {
					require.LessOrEqual(w, reads, 10, "%v", counts)
				}
				require.Positive(w, reads)
				require.Zero(w, counts[zktest.OpMulti.String()]+counts[zktest.OpGetChildren2.String()], "%v", counts)
			})
		})
	}
}

// Every waiting Take wakes for the next try, although another caller has set
// the item aside and gone.
func TestFault19_EveryWaiterTriesAgain(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, _ *testworld.Process) {
		q := queue.New(w.Process().Manager, "/q")
		waiting := testworld.Go(w, q.Take)
		synctest.Wait()
		hidden := hiddenFirst(w, queue.New(w.Process().Manager, "/other", queue.Items("/q/items")), "/q/items", "a")
		_, err := q.TryTake(w.Context())
		require.ErrorIs(w, err, queue.ErrEmpty)
		w.Open(hidden)
		time.Sleep(5 * time.Second)
		item, err := waiting.Result()
		require.NoError(w, err)
		require.Equal(w, "a", string(item.Data))
	})
}

// A new session tries at once: its servers may know of other rights.
func TestFault19_NewSessionTriesAtOnce(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, _ *testworld.Process) {
		var told told
		p := w.Process()
		q := queue.New(p.Manager, "/q", queue.OnSkipped(told.add))
		hidden := hiddenFirst(w, q, "/q/items", "a")
		_, err := q.Take(w.Within(time.Minute))
		require.ErrorIs(w, err, context.DeadlineExceeded)
		require.ErrorContains(w, err, "item 0000000000 is passed over")
		p.Expire()
		_, err = q.Take(w.Within(time.Minute))
		require.ErrorIs(w, err, context.DeadlineExceeded)
		require.Len(w, told.get(), 1, "it is told once")
		p.Expire()
		w.Open(hidden)
		item, err := q.Take(w.Within(time.Minute))
		require.NoError(w, err)
		require.Equal(w, "a", string(item.Data))
		require.NoError(w, item.Ack())
	})
}

// Consume goes on with what it may read.
func TestFault19_ConsumePassesOverHiddenItems(t *testing.T) {
	testworld.EachServer(t, func(w *testworld.World, _ *testworld.Process) {
		q := queue.New(w.Process().Manager, "/q")
		hiddenFirst(w, q, "/q/items", "a", "b", "c", "d")
		ctx, cancel := context.WithCancel(w.Context())
		var mu sync.Mutex
		var got []string
		err := q.Consume(ctx, func(_ context.Context, item *queue.Item) error {
			mu.Lock()
			defer mu.Unlock()
			if got = append(got, string(item.Data)); len(got) == 3 {
				cancel()
			}
			return nil
		}, queue.Workers(2))
		require.ErrorIs(w, err, context.Canceled)
		slices.Sort(got)
		require.Equal(w, []string{"b", "c", "d"}, got)
	})
}

// An item that may be read and not written to cannot be claimed.
func TestFault19_TakePassesOverAnItemThatMayNotBeClaimed(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		putter := w.Process(func(cfg *session.Config) { cfg.ACL = session.WorldACL(session.PermRead) })
		w.Put("/q/items", "")
		_, err := queue.New(putter.Manager, "/q").Put(w.Context(), []byte("a"))
		require.NoError(w, err)
		var told told
		q := queue.New(w.Process().Manager, "/q", queue.OnSkipped(told.add))
		_, err = q.Put(w.Context(), []byte("b"))
		require.NoError(w, err)
		item, err := q.Take(w.Within(time.Second))
		require.NoError(w, err)
		require.Equal(w, "b", string(item.Data))
		require.NoError(w, item.Ack())
		require.Len(w, told.get(), 1)
		require.ErrorIs(w, told.get()[0].Err, session.ErrNoAuth)
		counts := w.Count(func() {
			_, err = q.Take(w.Within(time.Minute))
			require.ErrorIs(w, err, context.DeadlineExceeded)
		})
		require.LessOrEqual(w, counts[zktest.OpMulti.String()], 10, "%v", counts)
		require.Len(w, told.get(), 1)
	})
}

// Without the right to make claims nothing can be taken, which Take says at
// once.
func TestFault19_NoRightToClaimAnything(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		q := queue.New(w.Process().Manager, "/q")
		w.Put("/q/claims", "")
		require.NoError(w, w.Srv.SetACL("/q/claims", zktest.ACL{Perms: session.PermRead, Scheme: "world", ID: "anyone"}))
		_, err := q.Put(w.Context(), []byte("a"))
		require.NoError(w, err)
		_, err = q.Take(w.Within(time.Hour))
		require.ErrorIs(w, err, session.ErrNoAuth)
		require.ErrorContains(w, err, "/q/claims")
	})
}

// An item that may not be deleted is not delivered again at once: it would keep
// Consume from the items after it, and be worked on without end.
func TestFault19_ConsumeBesideAnItemThatMayNotBeDeleted(t *testing.T) {
	for what, result := range map[string]error{"acknowledged": nil, "released": errors.New("no")} {
		t.Run(what, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				var told told
				q := queue.New(w.Process().Manager, "/q", queue.OnSkipped(told.add))
				for _, data := range []string{"a", "b"} {
					_, err := q.Put(w.Context(), []byte(data))
					require.NoError(w, err)
				}
				const stuck = "/q/items/queue-0000000000"
				w.Srv.Intercept(func(r zktest.Request) zktest.Action {
					for _, op := range r.Ops {
						if op.Op == zktest.OpDelete && op.Path == stuck {
							return zktest.Fail(zktest.CodeNoAuth)
						}
					}
					return zktest.Pass
				})
				times := make(map[string]int)
				err := q.Consume(w.Within(time.Minute), func(_ context.Context, item *queue.Item) error {
					times[string(item.Data)]++
					if string(item.Data) == "b" {
						return nil
					}
					return result
				})
				require.ErrorIs(w, err, context.DeadlineExceeded)
				require.Equal(w, 1, times["b"])
				require.LessOrEqual(w, times["a"], 12)
				require.Greater(w, times["a"], 3)
				require.Len(w, told.get(), 1)
				require.Equal(w, stuck, told.get()[0].Path)
			})
		})
	}
}
