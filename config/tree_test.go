package config_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func openTree[T any](p *testworld.Process, codec config.Codec[T], opts ...config.Option[T]) *config.Tree[T] {
	p.W.Helper()
	tree, err := config.OpenTree(p.W.Context(), p.Manager, "/c", codec, opts...)
	require.NoError(p.W, err)
	p.W.Cleanup(func() { require.NoError(p.W, tree.Close()) })
	return tree
}

func show[T any](s *config.TreeSnapshot[T]) map[string]T {
	m := make(map[string]T)
	for k := range s.All() {
		m[k.Key] = k.Value
	}
	return m
}

// settle lets everything happen that is under way, pauses included.
func settle() {
	time.Sleep(200 * time.Millisecond)
	synctest.Wait()
}

func TestTree(t *testing.T) {
	testworld.EachRelease(t, func(w *testworld.World, _ zktest.Release) {
		p := w.Process()
		tree := openTree(p, config.JSON[int](), config.Default(-1))
		require.False(t, tree.Load().Exists)
		require.Equal(t, -1, tree.Load().Value("db/pool"))
		store := config.NewStore(p.Manager, "/c")
		require.NoError(t, testworld.ErrOf(store.Create(w.Context(), "db/pool", []byte("5"))))
		require.NoError(t, testworld.ErrOf(store.Create(w.Context(), "qps", []byte("100"))))
		settle()
		require.Equal(t, map[string]int{"db/pool": 5, "qps": 100}, show(tree.Load()), "db is a directory and no key")
		require.NoError(t, tree.Err())
		require.NoError(t, store.Delete(w.Context(), "db/pool", session.AnyVersion))
		settle()
		require.Equal(t, map[string]int{"qps": 100}, show(tree.Load()), "an empty directory is no key either")
		require.NoError(t, tree.Err())
		w.Remove("/c/qps")
		w.Put("/c/qps", "bad")
		settle()
		require.Empty(t, show(tree.Load()), "a value of the deleted key is not the last good one of the new")
		require.Error(t, tree.Err())
		w.Remove("/c/qps")
		w.Put("/c/qps", "100")
		_, err := store.Set(w.Context(), "qps", []byte("101"), session.AnyVersion)
		require.NoError(t, err)
		settle()
		k := tree.Load().Lookup("qps")
		info, _ := w.Srv.Node("/c/qps")
		require.Equal(t, config.Key[int]{
			Key: "qps", Value: 101, Version: 1, Zxid: info.Stat.Mzxid, ModTime: time.UnixMilli(info.Stat.Mtime),
		}, *k)
		require.Nil(t, tree.Load().Lookup("db"))
	})
}

// A key with a value and with keys below it is both.
func TestTreeKeyThatIsADirectoryToo(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put("/c/db", "1")
		w.Put("/c/db/pool", "2")
		w.Put("/c/db/pool/max", "3")
		tree := openTree(w.Process(), config.JSON[int]())
		require.Equal(t, map[string]int{"db": 1, "db/pool": 2, "db/pool/max": 3}, show(tree.Load()))
		w.Put("/c/db", "")
		settle()
		require.Equal(t, map[string]int{"db/pool": 2, "db/pool/max": 3}, show(tree.Load()), "a directory now")
		require.NoError(t, tree.Err())
		w.Remove("/c/db/pool/max")
		settle()
		require.Equal(t, map[string]int{"db/pool": 2}, show(tree.Load()))
	})
}

func TestTreeBadKeyAmongGoodOnes(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put("/c/a", `{"qps":1}`)
		w.Put("/c/b", `{"qps":1}`)
		w.Put("/c/never", `{"qps":-1}`)
		p := w.Process()
		tree := openTree(p, config.JSON[Limits](), config.Validate(positive))
		var bad *config.BadValueError
		require.ErrorAs(t, tree.Err(), &bad)
		require.Equal(t, "/c/never", bad.Path)
		require.Nil(t, tree.Load().Lookup("never"), "it has never had a good value")

		type news struct {
			qps int
			err string
		}
		var heard []news
		ctx, cancel := context.WithCancel(w.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			for snap, err := range tree.Changes(ctx) {
				n := news{qps: snap.Lookup("a").Value.QPS}
				if errors.As(err, &bad) {
					n.err = bad.Path
				}
				heard = append(heard, n)
			}
		}()
		for _, data := range []string{`{"qps":`, `{"qps":2}`} {
			settle()
			w.Put("/c/a", data)
			settle()
			w.Put("/c/b", fmt.Sprintf(`{"qps":%d}`, len(data)))
			settle()
			require.EqualValues(t, len(data), tree.Load().Lookup("b").Value.QPS, "the others are served")
			a := tree.Load().Lookup("a")
			if data == `{"qps":` {
				require.Equal(t, 1, a.Value.QPS, "the last good one")
				require.Zero(t, a.Version)
				require.ErrorAs(t, a.Err, &bad)
				require.Len(t, tree.Load().Bad, 2)
			} else {
				require.Equal(t, 2, a.Value.QPS)
				require.NoError(t, a.Err)
				require.Len(t, tree.Load().Bad, 1)
			}
		}
		cancel()
		<-done
		require.Equal(t, []news{{1, ""}, {1, "/c/never"}, {1, ""}, {1, "/c/a"}, {1, ""}, {2, ""}, {2, ""}}, heard,
			"each bad value is told of once")
		require.NotContains(t, fmt.Sprint(tree.Err()), "-1", "no payload in an error")
	})
}

// What Publish writes at once is never seen in part.
func TestTreeSeesPublishWhole(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put("/c/a", "0")
		w.Put("/c/b/c", "0")
		p, q := w.Process(), w.Process()
		p.Link.Delay(2 * time.Millisecond)
		tree := openTree(p, config.JSON[int]())
		store := config.NewStore(q.Manager, "/c")
		done := make(chan struct{})
		ctx, cancel := context.WithCancel(w.Context())
		seen := 0
		go func() {
			defer close(done)
			for snap, err := range tree.Changes(ctx) {
				require.NoError(t, err)
				require.False(t, snap.Torn)
				require.Equal(t, snap.Value("a"), snap.Value("b/c"))
				seen++
			}
		}()
		for i := range 100 {
			n := fmt.Append(nil, i)
			require.NoError(t, store.Publish(w.Context(), config.SetKey("a", n, -1), config.SetKey("b/c", n, -1)))
			time.Sleep(time.Duration(i%70) * time.Millisecond)
		}
		settle()
		cancel()
		<-done
		require.Equal(t, 99, tree.Load().Value("b/c"))
		require.Greater(t, seen, 30)
	})
}

func TestTreeManyKeys(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		for i := range 5000 {
			w.Put(fmt.Sprintf("/c/k%04d", i), fmt.Sprint(i))
		}
		decoded := 0
		codec := config.JSON[int]()
		decode := codec.Decode
		codec.Decode = func(data []byte) (int, error) { decoded++; return decode(data) }
		tree := openTree(w.Process(), codec)
		require.Equal(t, 5000, tree.Load().Len())
		require.Equal(t, 4711, tree.Load().Value("k4711"))
		require.Zero(t, testing.AllocsPerRun(1000, func() { _ = tree.Load().Lookup("k4711").Value }))
		decoded = 0
		w.Put("/c/k0007", "-7")
		settle()
		require.Equal(t, -7, tree.Load().Value("k0007"))
		require.Equal(t, 1, decoded, "what has not changed is not decoded again")
	})
}

func TestOpenTreeRefusesBadInput(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		_, err := config.OpenTree(w.Context(), p.Manager, "c", config.Text())
		require.ErrorContains(t, err, "invalid path")
		_, err = config.OpenTree(w.Context(), p.Manager, "/c", config.Codec[int]{})
		require.ErrorContains(t, err, "no Decode")
		_, err = config.OpenTree(w.Context(), p.Manager, "/c", config.Text(), config.Default("x"), config.Wait[string]())
		require.ErrorContains(t, err, "Default and Wait exclude each other")
		_, err = config.OpenTree(w.Within(time.Second), p.Manager, "/c", config.Text(), config.Wait[string]())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, config.ErrNoValue)
		call := testworld.Go(w, func(ctx context.Context) (*config.Tree[string], error) {
			return config.OpenTree(ctx, p.Manager, "/c", config.Text(), config.Wait[string]())
		})
		require.True(t, call.Waiting())
		w.Put("/c/a", "x")
		tree := call.Get()
		require.True(t, tree.Load().Exists)
		require.NoError(t, tree.Close())
		require.ErrorIs(t, tree.Err(), session.ErrClosed)
		for _, err := range tree.Changes(w.Context()) {
			require.NoError(t, err, "the caller ended it")
		}
		restore := w.Fail(zktest.OpGetData, "/c/a", zktest.CodeNoAuth)
		_, err = config.OpenTree(w.Context(), p.Manager, "/c", config.Text())
		require.ErrorIs(t, err, session.ErrNoAuth)
		lenient := openTree(p, config.Text(), config.Default(""))
		require.ErrorIs(t, lenient.Err(), session.ErrNoAuth)
		restore()
		w.Eventually(func() bool { return lenient.Load().Value("a") == "x" && lenient.Err() == nil }, "readable")
		require.NoError(t, p.Close())
		var last error
		for _, err := range lenient.Changes(w.Context()) {
			last = err
		}
		require.ErrorIs(t, last, session.ErrClosed)
		_, err = config.OpenTree(w.Context(), p.Manager, "/c", config.Text())
		require.ErrorIs(t, err, session.ErrClosed)
	})
}

func TestTreeStale(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put("/c/a", "1")
		p := w.Process()
		tree := openTree(p, config.Text())
		require.False(t, tree.Stale())
		p.Link.Refuse(true)
		p.Expire()
		w.Put("/c/a", "2")
		synctest.Wait()
		require.True(t, tree.Stale())
		require.Equal(t, "1", tree.Load().Value("a"))
		p.Link.Refuse(false)
		w.Eventually(func() bool { return !tree.Stale() && tree.Load().Value("a") == "2" }, "it has caught up")
	})
}

// A codec that blocks holds up its own tree, and no other.
func TestHardCase55_TreeBlockingDecode(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put("/c/a", "1")
		p := w.Process()
		gate := make(chan struct{})
		slow := openTree(p, config.Text(), config.Validate(func(s string) error {
			if s == "2" {
				<-gate
			}
			return nil
		}))
		other := openTree(p, config.Text())
		w.Put("/c/a", "2")
		settle()
		require.Equal(t, "2", other.Load().Value("a"))
		require.Equal(t, "1", slow.Load().Value("a"))
		close(gate)
		settle()
		require.Equal(t, "2", slow.Load().Value("a"))
	})
}
