package main

import (
	"bufio"
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// inLab runs f in virtual time, in a lab whose only server is embedded.
func inLab(t *testing.T, f func(t *testing.T, e env)) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		l := newLab(ctx)
		defer func() {
			l.close()
			require.Empty(t, l.bed.problems)
		}()
		s, err := l.at(inMemory)
		require.NoError(t, err)
		l.sites[standalone] = s
		delete(l.sites, inMemory)
		f(t, env{ctx, l, s, l.dir()})
	})
}

// A view is opened in its own session, which leaves nothing behind.
func TestViewsAreOpened(t *testing.T) {
	for _, v := range []view{tree, service} {
		inLab(t, func(t *testing.T, e env) {
			var got opened
			ours := v.subjects(func(o opened) sample { got = o; return sample{ops: 1} })[0]
			require.Equal(t, docent, ours.name)
			for range 2 {
				s, err := ours.run(e)
				require.NoError(t, err)
				require.Equal(t, 1, s.ops)
				require.EqualValues(t, recursiveWatch, got.watches)
			}
			synctest.Wait()
			require.Zero(t, e.site.embedded.Watches())
		})
	}
}

// A reader sees each change of a tree, and a watcher the end of a churn. The
// resources that they spend depend on the machine, and are not checked.
func TestChangesAreSeen(t *testing.T) {
	inLab(t, func(t *testing.T, e env) {
		s, err := docentTreeChange(10)(e)
		require.NoError(t, err)
		require.Len(t, s.each, 10)
		k, err := newKeyChanger(e)
		require.NoError(t, err)
		sms, err := e.site.sm(1)
		require.NoError(t, err)
		out, in := io.Pipe()
		go func() { in.CloseWithError(readTree(e, sms[0], k.dir, treeChanges, in)) }()
		got, err := whileChanging(e, k, bufio.NewReader(out))
		require.NoError(t, err)
		require.Positive(t, got.Allocated)
		rest, err := io.ReadAll(out) // until the reader has closed the tree
		require.NoError(t, err)
		require.Empty(t, rest)

		k, err = newKeyChanger(e)
		require.NoError(t, err)
		raws, err := e.site.raw(1)
		require.NoError(t, err)
		out, in = io.Pipe()
		go func() { in.CloseWithError(readKeys(e, raws[0], k.dir, treeChanges, in)) }()
		_, err = whileChanging(e, k, bufio.NewReader(out))
		require.NoError(t, err)

		_, err = serviceProcessor(e)
		require.NoError(t, err)
		synctest.Wait() // watches are removed in the background
		require.Zero(t, e.site.embedded.Watches())
	})
}

// The consumers' work is the decrease of the items on the server. The queue is
// filled up again at the next start.
func TestWaiting(t *testing.T) {
	inLab(t, func(t *testing.T, e env) {
		s := docentStock
		s.size = 20_000
		filled, end := 0, 0
		s.put = func(e env, dir string, n int) error {
			filled += n
			return docentStock.put(e, dir, n)
		}
		s.start = func(e env, dir string, consumers int) (func() error, error) {
			e.site.embedded.SlowQuorum(10 * time.Millisecond) // else the consumers finish before time advances
			stop, err := docentStock.start(e, dir, consumers)
			return func() error {
				e.site.embedded.SlowQuorum(0)
				err := stop()
				info, _ := e.site.embedded.Node(dir + s.items)
				end = len(info.Children)
				return err
			}, err
		}
		for range 2 {
			left := end
			got, err := waitingFor(s, 2)(e)
			require.NoError(t, err)
			require.Equal(t, consumersWindow, got.elapsed)
			require.Positive(t, got.ops)
			require.LessOrEqual(t, got.ops, s.size-end)
			require.Equal(t, s.size-left, filled)
			filled = 0
		}
		s.start = func(env, string, int) (func() error, error) { return func() error { return nil }, nil }
		_, err := waitingFor(s, 2)(e)
		require.ErrorContains(t, err, "20000 of 20000 items are left")
	})
}

// Partitions are divided once each member has its share, and not before.
func TestDivided(t *testing.T) {
	inLab(t, func(t *testing.T, e env) {
		s, err := divided(12, 3, func(_ time.Duration, reads int) float64 { return float64(reads) })(e)
		require.NoError(t, err)
		require.Positive(t, s.value)
	})
	s := newShares(4, 2)
	for _, step := range []struct{ member, by int }{{0, 1}, {0, 1}, {0, 1}, {1, 1}, {0, -1}} {
		s.change(step.member, step.by)
		require.NotPanics(t, func() {
			select {
			case <-s.even:
				t.Fatal("one member does not have two")
			default:
			}
		})
	}
	s.change(1, 1)
	<-s.even
}

func TestWatchCount(t *testing.T) {
	n, err := watchCount("zk_version\t3.8.0\nzk_watch_count\t17\nzk_ephemerals_count\t2\n")
	require.NoError(t, err)
	require.Equal(t, 17.0, n)
	_, err = watchCount("This ZooKeeper instance is not currently serving requests\n")
	require.Error(t, err)
}
