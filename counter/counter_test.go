package counter_test

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

const path = "/counters/n"

func TestCounter(t *testing.T) {
	testworld.EachRelease(t, func(w *testworld.World, _ zktest.Release) {
		c := counter.New(w.Process().Manager, path)
		require.Equal(t, path, c.Path())
		v, err := c.Get(w.Context())
		require.NoError(t, err)
		require.Zero(t, v, "there is none yet")
		n, err := c.Add(w.Context(), 258)
		require.NoError(t, err)
		require.EqualValues(t, 258, n)
		require.Equal(t, "\x00\x00\x00\x00\x00\x00\x01\x02", w.Data(path), "Curator's layout")
		n, err = c.Add(w.Context(), -300)
		require.NoError(t, err)
		require.EqualValues(t, -42, n)
		require.Equal(t, "\xff\xff\xff\xff\xff\xff\xff\xd6", w.Data(path))
		require.NoError(t, c.Set(w.Context(), 7))
		info, _ := w.Srv.Node(path)
		v, err = c.Get(w.Context())
		require.NoError(t, err)
		require.Equal(t, counter.Value{N: 7, Exists: true, Zxid: info.Stat.Mzxid, ModTime: time.UnixMilli(info.Stat.Mtime)}, v)

		ok, err := c.CompareAndSet(w.Context(), 8, 9)
		require.NoError(t, err)
		require.False(t, ok)
		ok, err = c.CompareAndSet(w.Context(), 7, 9)
		require.NoError(t, err)
		require.True(t, ok)
		w.Remove(path)
		ok, err = c.CompareAndSet(w.Context(), 0, 5)
		require.NoError(t, err)
		require.True(t, ok, "a counter that does not exist is zero")
		w.Remove(path)
		require.NoError(t, c.Set(w.Context(), 3))
		v, err = c.Get(w.Context())
		require.NoError(t, err)
		require.EqualValues(t, 3, v.N)
	})
}

// A number that does not change keeps its text, which another library wrote.
func TestFault24_SameNumberKeepsItsText(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		c := counter.New(w.Process().Manager, path, counter.Layout(counter.Decimal))
		w.Put(path, "+007")
		n, err := c.Add(w.Context(), 0)
		require.NoError(t, err)
		require.EqualValues(t, 7, n)
		ok, err := c.CompareAndSet(w.Context(), 7, 7)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, "+007", w.Data(path))
		_, err = c.Add(w.Context(), 1)
		require.NoError(t, err)
		require.Equal(t, "8", w.Data(path))
	})
}

func TestLayouts(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		sm := w.Process().Manager
		for _, c := range []struct {
			c     *counter.Counter
			bytes string
		}{
			{counter.New(sm, path, counter.Layout(counter.Int32)), "\x00\x00\x01\x02"},
			{counter.New(sm, path, counter.Layout(counter.Decimal)), "258"},
		} {
			require.NoError(t, c.c.Set(w.Context(), 258))
			require.Equal(t, c.bytes, w.Data(path))
			n, err := c.c.Add(w.Context(), -259)
			require.NoError(t, err)
			require.EqualValues(t, -1, n)
			v, err := c.c.Get(w.Context())
			require.NoError(t, err)
			require.EqualValues(t, -1, v.N)
			w.Remove(path)
		}
	})
}

// An empty znode is zero for Curator's atomics. kazoo makes one by reading a
// counter, in both of its layouts.
func TestFault28_EmptyCounter(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		sm := w.Process().Manager
		for _, f := range []counter.Format{counter.Int64, counter.Int32, counter.Decimal} {
			w.Put(path, "")
			c := counter.New(sm, path, counter.Layout(f))
			v, err := c.Get(w.Context())
			require.NoError(t, err)
			require.True(t, v.Exists)
			require.Zero(t, v.N)
			require.Empty(t, w.Data(path), "a read writes nothing")
			n, err := c.Add(w.Context(), 2)
			require.NoError(t, err)
			require.EqualValues(t, 2, n)
			w.Remove(path)
		}
	})
}

// kazoo reads the digits with Python's int.
func TestFault28_DecimalsAsPython(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		c := counter.New(w.Process().Manager, path, counter.Layout(counter.Decimal))
		for text, want := range map[string]int64{" 5\n": 5, "\t-7\f": -7, "1_000": 1000, "+0_1": 1, "-0": 0} {
			w.Put(path, text)
			v, err := c.Get(w.Context())
			require.NoError(t, err, "%q", text)
			require.Equal(t, want, v.N, "%q", text)
			w.Remove(path)
		}
		for _, text := range []string{"_5", "5_", "1__0", "-_5", "- 5", "5\x00", " ", "0x10", "\u00a05", "\x1c5"} {
			w.Put(path, text)
			_, err := c.Get(w.Context())
			var format *counter.FormatError
			require.ErrorAs(t, err, &format, "%q", text)
			w.Remove(path)
		}
	})
}

// For a node without a number of the layout, the error has the length of the
// data, and the node is unchanged.
func TestWrongFormat(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		sm := w.Process().Manager
		for _, c := range []struct {
			c            *counter.Counter
			data, reason string
		}{
			{counter.New(sm, path), "1234", "it has 4 bytes, and should have 8"},
			{counter.New(sm, path, counter.Layout(counter.Int32)), "12345678", "it has 8 bytes, and should have 4"},
			{counter.New(sm, path, counter.Layout(counter.Decimal)), "3.5", "its 3 bytes are not a decimal integer"},
			{counter.New(sm, path, counter.Layout(counter.Decimal)), "99999999999999999999", "its 20 bytes are not a decimal integer"},
		} {
			w.Put(path, c.data)
			var format *counter.FormatError
			_, err := c.c.Get(w.Context())
			require.ErrorAs(t, err, &format)
			require.Equal(t, path, format.Path)
			require.ErrorContains(t, err, c.reason)
			_, err = c.c.Add(w.Context(), 1)
			require.ErrorContains(t, err, c.reason)
			_, err = c.c.CompareAndSet(w.Context(), 0, 1)
			require.ErrorContains(t, err, c.reason)
			require.Equal(t, c.data, w.Data(path))
			if c.data != "" {
				require.ErrorContains(t, c.c.Set(w.Context(), 1), c.reason)
				require.Equal(t, c.data, w.Data(path))
				w.Put(path, "")
			}
			require.NoError(t, c.c.Set(w.Context(), 1), "an empty node is a new counter")
			w.Remove(path)
		}
	})
}

func TestOverflow(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		sm := w.Process().Manager
		c64, c32 := counter.New(sm, path), counter.New(sm, path, counter.Layout(counter.Int32))
		for _, c := range []struct {
			c       *counter.Counter
			from, n int64
		}{
			{c64, math.MaxInt64, 1}, {c64, math.MaxInt64 - 5, 6}, {c64, math.MinInt64, -1}, {c64, -2, math.MinInt64},
			{c32, math.MaxInt32, 1}, {c32, math.MinInt32, -1}, {c32, 1, math.MaxInt64},
		} {
			if c.c == c32 && len(w.Data(path)) == 8 {
				w.Remove(path)
			}
			require.NoError(t, c.c.Set(w.Context(), c.from))
			before := w.Data(path)
			_, err := c.c.Add(w.Context(), c.n)
			require.ErrorIs(t, err, counter.ErrOverflow)
			require.ErrorContains(t, err, path)
			require.Equal(t, before, w.Data(path))
		}
		require.ErrorIs(t, c32.Set(w.Context(), math.MaxInt32+1), counter.ErrOverflow)
		_, err := c32.CompareAndSet(w.Context(), 1, math.MinInt32-1)
		require.ErrorIs(t, err, counter.ErrOverflow)
		w.Remove(path)
		require.NoError(t, c64.Set(w.Context(), math.MaxInt64-5))
		n, err := c64.Add(w.Context(), 5)
		require.NoError(t, err)
		require.EqualValues(t, math.MaxInt64, n)
	})
}

func TestBadPathAndContext(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		c := counter.New(p.Manager, "n")
		_, err := c.Get(w.Context())
		require.ErrorContains(t, err, "relative")
		require.ErrorContains(t, c.Set(w.Context(), 1), "relative")
		_, err = c.Add(w.Context(), 1)
		require.ErrorContains(t, err, "relative")
		_, err = c.CompareAndSet(w.Context(), 0, 1)
		require.ErrorContains(t, err, "relative")
		for _, err := range c.Changes(w.Context()) {
			require.ErrorContains(t, err, "relative")
		}

		c = counter.New(p.Manager, path)
		done := testworld.Cancelled()
		_, err = c.Get(done)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, c.Set(done, 1), context.Canceled)
		_, err = c.Add(done, 1)
		require.ErrorIs(t, err, context.Canceled)
		require.Empty(t, w.Srv.Paths())
		remove := w.Fail(zktest.OpGetData, path, zktest.CodeNoAuth)
		_, err = c.Add(w.Context(), 1)
		require.ErrorIs(t, err, session.ErrNoAuth)
		_, err = c.Get(w.Context())
		require.ErrorIs(t, err, session.ErrNoAuth)
		remove()
		p.Link.Cut(zktest.Both)
		first := testworld.Go(w, func(ctx context.Context) (int64, error) { return c.Add(ctx, 1) })
		_, err = c.Add(w.Within(time.Second), 1)
		require.ErrorIs(t, err, context.DeadlineExceeded, "it waits for another goroutine no longer than for a server")
		require.NoError(t, p.Close())
		_, err = first.Result()
		require.ErrorIs(t, err, session.ErrClosed)
	})
}

// Fifty processes add at the same time: all is counted, once.
func TestContention(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const processes, adds = 50, 10
		done := make(chan error, processes)
		for range processes {
			p := w.Process()
			p.Link.Delay(time.Millisecond)
			c := counter.New(p.Manager, path)
			go func() {
				var last int64
				for range adds {
					n, err := c.Add(w.Context(), 1)
					if err == nil && n <= last {
						w.Errorf("%d after %d", n, last)
					}
					if err != nil {
						done <- err
						return
					}
					last = n
				}
				done <- nil
			}()
		}
		start := time.Now()
		counts := w.Count(func() {
			for range processes {
				require.NoError(t, <-done)
			}
		})
		v, err := counter.New(w.Process().Manager, path).Get(w.Context())
		require.NoError(t, err)
		require.EqualValues(t, processes*adds, v.N)
		t.Logf("%v for %d adds: %v", time.Since(start), v.N, counts)
		require.Less(t, counts["setData"], 12*processes*adds, "they keep out of each other's way")
	})
}

// Goroutines of one process wait for each other, and never conflict.
func TestContentionWithinAProcess(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		c := counter.New(w.Process().Manager, path)
		require.NoError(t, c.Set(w.Context(), 0))
		counts := w.Count(func() {
			for range 100 {
				go func() {
					_, err := c.Add(w.Context(), 1)
					if err != nil {
						w.Error(err)
					}
				}()
			}
			synctest.Wait()
		})
		require.Equal(t, map[string]int{"getData": 100, "setData": 100}, counts)
	})
}

// meet calls do before the next request of the kind op for the counter.
func meet(w *testworld.World, op zktest.Op, do func()) {
	w.Once(func(r zktest.Request) bool { return r.Op == op && r.Path == path }, func() zktest.Action {
		do()
		return zktest.Pass
	})
}

func TestConflicts(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		c := counter.New(w.Process().Manager, path)
		ten, twenty := "\x00\x00\x00\x00\x00\x00\x00\x0a", "\x00\x00\x00\x00\x00\x00\x00\x14"
		w.Put("/counters", "")
		meet(w, zktest.OpCreate, func() { w.Put(path, ten) })
		n, err := c.Add(w.Context(), 1)
		require.NoError(t, err)
		require.EqualValues(t, 11, n, "another was first to make it")
		meet(w, zktest.OpSetData, func() { w.Put(path, twenty) })
		n, err = c.Add(w.Context(), 1)
		require.NoError(t, err)
		require.EqualValues(t, 21, n)
		meet(w, zktest.OpSetData, func() { w.Remove(path) })
		n, err = c.Add(w.Context(), 1)
		require.NoError(t, err)
		require.EqualValues(t, 1, n)

		w.Put(path, ten)
		meet(w, zktest.OpSetData, func() { w.Put(path, twenty) })
		ok, err := c.CompareAndSet(w.Context(), 10, 11)
		require.NoError(t, err)
		require.False(t, ok)

		w.Remove(path)
		w.Put(path, ten)
		meet(w, zktest.OpSetData, func() { w.Remove(path); w.Put(path, twenty) })
		_, err = c.Add(w.Context(), 1)
		require.ErrorIs(t, err, session.ErrRecreated, "the version is the same, the node is not")
		meet(w, zktest.OpSetData, func() { w.Remove(path) })
		require.NoError(t, c.Set(w.Context(), 5))
		require.Equal(t, "\x00\x00\x00\x00\x00\x00\x00\x05", w.Data(path))
	})
}
