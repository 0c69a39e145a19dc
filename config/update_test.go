package config_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func increment(n int) (int, error) { return n + 1, nil }

func TestUpdateWritesAndShows(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/n", "1")
		v := open(w, "/n", config.JSON[int]())
		w.Srv.ResetCounts()
		snap, err := v.Update(t.Context(), increment)
		require.NoError(t, err)
		node, _ := w.Srv.Node("/n")
		require.Equal(t, "2", string(node.Data))
		require.Equal(t, config.Snapshot[int]{
			Value: 2, Exists: true, Version: 1, Zxid: node.Stat.Mzxid, ModTime: time.UnixMilli(node.Stat.Mtime),
		}, *snap)
		require.Equal(t, snap, v.Load())
		require.Equal(t, 1, w.Srv.Count(zktest.OpSync))
		require.Equal(t, 1, w.Srv.Count(zktest.OpSetData))
		require.LessOrEqual(t, w.Srv.Count(zktest.OpGetData), 3, "its own, the mirror's, and one that the wait may ask for")
	})
}

func TestUpdateCreates(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		def := Limits{QPS: 5, Tags: map[string]string{"a": "b"}}
		v := open(w, "/deep/down/limits", config.JSON[Limits](), config.Default(def))
		snap, err := v.Update(t.Context(), func(l Limits) (Limits, error) {
			l.QPS++
			l.Tags["c"] = "d" // of a copy: the default is shared
			return l, nil
		})
		require.NoError(t, err)
		require.Len(t, def.Tags, 1)
		require.Equal(t, Limits{QPS: 6, Tags: map[string]string{"a": "b", "c": "d"}}, v.Load().Value)
		node, found := w.Srv.Node("/deep/down/limits")
		require.True(t, found)
		require.Equal(t, node.Stat.Mzxid, snap.Zxid)
		require.Zero(t, node.Stat.EphemeralOwner)
		require.Equal(t, snap, v.Load())
	})
}

func TestUpdateThatChangesNothingWritesNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/a", "same")
		v := open(w, "/a", config.Text())
		snap, err := v.Update(t.Context(), func(s string) (string, error) { return s, nil })
		require.NoError(t, err)
		require.Equal(t, v.Load(), snap)
		require.Zero(t, w.Srv.Count(zktest.OpSetData))
	})
}

func TestUpdateRefusals(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/limits", `{"qps":1}`)
		v := open(w, "/limits", config.JSON[Limits](), config.Validate(positive))
		set := func(qps int) func(Limits) (Limits, error) {
			return func(l Limits) (Limits, error) { l.QPS = qps; return l, nil }
		}
		w.Srv.ResetCounts()

		mine := errors.New("mine")
		_, err := v.Update(t.Context(), func(l Limits) (Limits, error) { return l, mine })
		require.ErrorIs(t, err, mine)
		require.ErrorContains(t, err, "/limits")
		_, err = v.Update(t.Context(), set(-1))
		require.ErrorContains(t, err, "qps must be positive")
		_, err = v.Update(t.Context(), func(l Limits) (Limits, error) {
			l.Hosts = []string{strings.Repeat("x", 2<<20)}
			return l, nil
		})
		require.ErrorIs(t, err, session.ErrTooLarge)
		require.PanicsWithValue(t, "user's", func() {
			_, _ = v.Update(t.Context(), func(Limits) (Limits, error) { panic("user's") })
		})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = v.Update(ctx, set(2))
		require.ErrorIs(t, err, context.Canceled)
		require.Zero(t, w.Srv.Count(zktest.OpSetData))

		w.Put("/limits", `{"qps":0}`)
		_, err = v.Update(t.Context(), set(2)) // does not validate, but can be mended
		require.NoError(t, err)
		require.Equal(t, 2, v.Load().Value.QPS)
		w.Put("/limits", "{")
		var bad *config.BadValueError
		_, err = v.Update(t.Context(), set(3))
		require.ErrorAs(t, err, &bad)
		require.Equal(t, "{", w.Data("/limits"))
		_, err = config.NewStore(w.sm, "/").Put(t.Context(), "limits", []byte(`{"qps":4}`))
		require.NoError(t, err, "that is the way to replace it")
		_, err = v.Update(t.Context(), set(5))
		require.NoError(t, err)

		require.NoError(t, v.Close())
		_, err = v.Update(t.Context(), set(3))
		require.ErrorIs(t, err, session.ErrClosed)
	})
}

func TestUpdateNeedsACodecThatAgreesWithItself(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/a", "one")
		codec := config.Text()
		codec.Encode = nil
		_, err := open(w, "/a", codec).Update(t.Context(), func(s string) (string, error) { return "two", nil })
		require.ErrorContains(t, err, "no Encode")
		codec.Encode = func(string) ([]byte, error) { return []byte("unreadable"), nil }
		codec.Decode = func(data []byte) (string, error) {
			if string(data) == "unreadable" {
				return "", errors.New("cannot read that")
			}
			return string(data), nil
		}
		_, err = open(w, "/a", codec).Update(t.Context(), func(s string) (string, error) { return "two", nil })
		require.ErrorContains(t, err, "cannot read that")
		require.Equal(t, "one", w.Data("/a"))
	})
}

func TestUpdateUnderContention(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/n", "0")
		managers := []*session.Manager{w.sm, w.process().Manager, w.process().Manager}
		var wg sync.WaitGroup
		values := make([]*config.Value[int], 20)
		for i := range values {
			values[i] = openIn(w, managers[i%3], "/n", config.JSON[int]())
		}
		for _, v := range values {
			wg.Go(func() {
				for range 25 {
					snap, err := v.Update(t.Context(), increment)
					require.NoError(t, err)
					require.GreaterOrEqual(t, v.Load().Zxid, snap.Zxid)
				}
			})
		}
		wg.Wait()
		require.Equal(t, "500", w.Data("/n"))
		for _, v := range values {
			await(w, v, becomes(500))
		}
	})
}

// Deleted and made again between Update's read and its write.
func TestUpdateOfARecreatedNode(t *testing.T) {
	recreate := func(t *testing.T, w *world, versions int) {
		v := open(w, "/n", config.JSON[int]())
		w.Once(testworld.Is(zktest.OpSetData, "/n"), func() zktest.Action {
			require.NoError(t, w.Srv.Remove("/n"))
			for range versions + 1 {
				require.NoError(t, w.Srv.Put("/n", []byte("70")))
			}
			return zktest.Pass
		})
		_, err := v.Update(t.Context(), increment)
		if versions == 1 { // the version that the old node had
			require.ErrorIs(t, err, session.ErrRecreated)
			synctest.Wait()
			require.Equal(t, 3, v.Load().Value, "it is shown what the node holds")
			return
		}
		require.NoError(t, err)
		require.Equal(t, "71", w.Data("/n"))
	}
	for versions := range 3 {
		inWorld(t, func(t *testing.T, w *world) {
			w.Put("/n", "1")
			w.Put("/n", "2")
			recreate(t, w, versions)
		})
	}
	t.Run("before the read, by a server that lags", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			w.Put("/n", "1")
			v := open(w, "/n", config.JSON[int]())
			w.Srv.Lag(w.p.Current().ID())
			w.Remove("/n")
			w.Put("/n", "70") // version 0 again
			require.Equal(t, 1, v.Load().Value)
			snap, err := v.Update(t.Context(), increment)
			require.NoError(t, err)
			require.Equal(t, 71, snap.Value, "computed from what is there")
		})
	})
	t.Run("deleted for good", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			w.Put("/n", "1")
			v := open(w, "/n", config.JSON[int]())
			w.Once(testworld.Is(zktest.OpSetData, "/n"), func() zktest.Action {
				require.NoError(t, w.Srv.Remove("/n"))
				return zktest.Pass
			})
			_, err := v.Update(t.Context(), increment)
			require.NoError(t, err)
			require.Equal(t, "1", w.Data("/n"), "made from nothing")
		})
	})
	t.Run("by somebody else while it was missing", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			v := open(w, "/n", config.JSON[int](), config.Default(0))
			w.Once(testworld.Is(zktest.OpCreate, "/n"), func() zktest.Action {
				require.NoError(t, w.Srv.Put("/n", []byte("5")))
				return zktest.Pass
			})
			_, err := v.Update(t.Context(), increment)
			require.NoError(t, err)
			require.Equal(t, "6", w.Data("/n"))
		})
	})
}

func TestUpdatesOfOneValueWaitForEachOther(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/n", "0")
		v := open(w, "/n", config.JSON[int]())
		w.Srv.ResetCounts()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				_, err := v.Update(t.Context(), increment)
				require.NoError(t, err)
			})
		}
		wg.Wait()
		require.Equal(t, 50, w.Srv.Count(zktest.OpSetData), "no attempt was in vain")
		w.Srv.Freeze()
		wg.Go(func() {
			_, err := v.Update(t.Context(), increment)
			require.NoError(t, err)
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := v.Update(ctx, increment)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		stopping := errors.New("the program stops")
		cancelled, cancelCause := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancelCause(stopping) })
		_, err = v.Update(cancelled, increment)
		require.ErrorIs(t, err, stopping)
		require.ErrorIs(t, err, context.Canceled)
		w.Srv.Thaw()
		wg.Wait()
		await(w, v, becomes(51))

		w.Srv.Freeze()
		wg.Go(func() { _, _ = v.Update(t.Context(), increment) })
		synctest.Wait()
		time.AfterFunc(time.Second, func() { _ = v.Close() })
		start := time.Now()
		_, err = v.Update(t.Context(), increment)
		require.ErrorIs(t, err, session.ErrClosed, "the end of the value ends the wait")
		require.Equal(t, time.Second, time.Since(start))
		w.Srv.Thaw()
		wg.Wait()
	})
}

func TestUpdateForbidden(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/n", "0")
		v := open(w, "/n", config.JSON[int]())
		w.Fail(zktest.OpSetData, "/n", zktest.CodeNoAuth)
		_, err := v.Update(t.Context(), increment)
		require.ErrorIs(t, err, session.ErrNoAuth)
		require.ErrorContains(t, err, "/n")
	})
}
