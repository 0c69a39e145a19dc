package naming_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/naming"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// Names are unique and grow, over lost answers, many processes, and a znode
// that is deleted and created again.
func TestNames(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const path = "/names/orders"
		n := 0
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpSetData {
				if n++; n%5 == 0 {
					return []zktest.Action{zktest.LoseReply, zktest.DropRequest, zktest.Delay(time.Second)}[n/5%3]
				}
			}
			return zktest.Pass
		})
		type result struct{ names []string }
		var calls []*testworld.Call[result]
		for range 4 {
			names := naming.NewNames(w.Process().Manager, path, "order-")
			calls = append(calls, testworld.Go(w, func(ctx context.Context) (result, error) {
				var all []string
				for range 50 {
					name, err := names.Next(ctx)
					if err != nil {
						return result{}, err
					}
					all = append(all, name)
				}
				return result{all}, nil
			}))
		}
		seen := make(map[string]bool)
		for _, c := range calls {
			all := c.Get().names
			require.True(w, slices.IsSorted(all))
			for _, name := range all {
				require.Regexp(w, `^order-\d{19}$`, name)
				require.False(w, seen[name], name)
				seen[name] = true
			}
		}
		require.Equal(w, []string{"/names", path}, w.Srv.Paths())

		names := naming.NewNames(w.Process().Manager, path, "")
		last, err := names.Next(w.Context())
		require.NoError(w, err)
		w.Remove(path)
		w.Remove("/names")
		again, err := names.Next(w.Context())
		require.NoError(w, err)
		require.Greater(w, again, last, "made anew")
		n = 0
		require.Equal(w, map[string]int{"setData": 1}, w.Count(func() { _, err = names.Next(w.Context()) }))
		require.NoError(w, err)
	})
}

func TestNamesRefuse(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		_, err := naming.NewNames(p.Manager, "names", "x").Next(w.Context())
		require.ErrorContains(w, err, "invalid path")
		_, err = naming.NewNames(p.Manager, "/n", "\xff").Next(w.Context())
		require.ErrorContains(w, err, "UTF-8")
		_, err = naming.NewNames(p.Manager, "/n", "x").Next(testworld.Cancelled())
		require.ErrorIs(w, err, context.Canceled)
		w.Put("/n", "")
		w.Fail(zktest.OpSetData, "/n", zktest.CodeNoAuth)
		_, err = naming.NewNames(p.Manager, "/n", "x").Next(w.Context())
		require.ErrorIs(w, err, session.ErrNoAuth)
		require.NoError(w, p.Close())
		_, err = naming.NewNames(p.Manager, "/m", "x").Next(w.Context())
		require.ErrorIs(w, err, session.ErrClosed)
	})
}

func TestWorkers(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const path = "/workers"
		take := func(p *testworld.Process, name string) *naming.WorkerID {
			w.Helper()
			id, err := naming.NewWorkers(p.Manager, path, 3).Acquire(w.Context(), name)
			require.NoError(w, err)
			return id
		}
		a, b := w.Process(), w.Process()
		w.Put(path+"/foreign", "")
		w.Put(path+"/01", "")
		x, y, z := take(a, "x"), take(a, "y"), take(b, "")
		require.Equal(w, []int{0, 1, 2}, []int{x.ID(), y.ID(), z.ID()})
		require.Equal(w, "x", w.Data(path+"/0"))
		require.Equal(w, "1", w.Data(path+"/names/y"))
		_, err := naming.NewWorkers(b.Manager, path, 3).Acquire(w.Context(), "q")
		require.ErrorIs(w, err, naming.ErrNoWorkerID)
		require.ErrorContains(w, err, "acquire worker id /workers: all worker ids are taken: 3 of 3")
		require.NoError(w, x.Release())
		require.NoError(w, y.Release())
		y2 := take(b, "y")
		require.Equal(w, 1, y2.ID(), "the number that it had, although a lower one is free")
		require.Greater(w, y2.Token(), y.Token())
		q := take(b, "q")
		require.Equal(w, 0, q.ID())
		require.NoError(w, z.Release())
		require.Equal(w, 2, take(b, "x").ID(), "its own is taken")
		require.Equal(w, "2", w.Data(path+"/names/x"))

		// The context ends before another process can have the number.
		b.Link.Cut(zktest.Both)
		c := w.Process()
		for {
			id, err := naming.NewWorkers(c.Manager, path, 3).Acquire(w.Context(), "c")
			if err == nil {
				require.Error(w, q.Context().Err())
				require.Greater(w, id.Token(), q.Token())
				break
			}
			require.ErrorIs(w, err, naming.ErrNoWorkerID)
			time.Sleep(100 * time.Millisecond)
		}
	})
}

func TestWorkersRefuse(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		for _, c := range []struct {
			path, name string
			max        int
			want       string
		}{{"workers", "", 3, "invalid path"}, {"/w", "", 0, "must be positive"}, {"/w", "a/b", 3, "a/b"}} {
			_, err := naming.NewWorkers(p.Manager, c.path, c.max).Acquire(w.Context(), c.name)
			require.ErrorContains(w, err, c.want)
		}
		_, err := naming.NewWorkers(p.Manager, "/w", 3).Acquire(testworld.Cancelled(), "")
		require.ErrorIs(w, err, context.Canceled)
		w.Put("/w/0", "by hand")
		id, err := naming.NewWorkers(p.Manager, "/w", 3).Acquire(w.Context(), "")
		require.NoError(w, err)
		require.Equal(w, 1, id.ID())

		// A number whose name cannot be remembered is given back.
		stop := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if strings.HasPrefix(r.Path, "/w/names") && r.Op != zktest.OpGetData {
				return zktest.Fail(zktest.CodeNoAuth)
			}
			return zktest.Pass
		})
		_, err = naming.NewWorkers(p.Manager, "/w", 3).Acquire(w.Context(), "name")
		require.ErrorIs(w, err, session.ErrNoAuth)
		stop()
		require.Equal(w, []string{"0", "1"}, w.Children("/w"))
	})
}

// With a thousand taken, one more costs as much as the first. A hundred who
// come at once all get one, and each another.
func TestWorkersCost(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const path = "/workers"
		p := w.Process()
		for n := range 1000 {
			if n != 700 {
				_, err := p.Create(w.Context(), fmt.Sprintf("%s/%d", path, n), nil, session.Ephemeral)
				if n == 0 {
					require.NoError(w, p.EnsureDir(w.Context(), path))
					_, err = p.Create(w.Context(), path+"/0", nil, session.Ephemeral)
				}
				require.NoError(w, err)
			}
		}
		var id *naming.WorkerID
		counts := w.Count(func() {
			var err error
			id, err = naming.NewWorkers(w.Process().Manager, path, 1001).Acquire(w.Context(), "")
			require.NoError(w, err)
		})
		require.Equal(w, 700, id.ID())
		require.Equal(w, 1, counts["getChildren2"])
		require.Equal(w, 1, counts["create"]+counts["create2"])
		require.Equal(w, 1, counts["getData"])

		var calls []*testworld.Call[*naming.WorkerID]
		for range 100 {
			crowd := naming.NewWorkers(w.Process().Manager, "/crowd", 128)
			calls = append(calls, testworld.Go(w, func(ctx context.Context) (*naming.WorkerID, error) { return crowd.Acquire(ctx, "") }))
		}
		seen := make(map[int]bool)
		for _, c := range calls {
			n := c.Get().ID()
			require.False(w, seen[n])
			require.Less(w, n, 128)
			seen[n] = true
		}
	})
}
