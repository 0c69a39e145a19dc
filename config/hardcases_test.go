package config_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// Waiting through connected, suspended, connected: the change falls into the
// gap.
func TestHardCase42_ChangedWhileDisconnected(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/a", "one")
		v := open(w, "/a", config.Text())
		s := w.p.Current()
		for _, next := range []string{"two", "three", "four"} {
			w.p.Link.Refuse(true)
			w.Srv.Disconnect(s.ID())
			synctest.Wait()
			require.True(t, v.Stale())
			w.Put("/a", next)
			w.p.Link.Refuse(false)
			await(w, v, becomes(next))
		}
		require.Equal(t, s.ID(), w.p.Current().ID())
	})
}

// A callback that does not return stops nothing but its own value.
func TestHardCase55_BlockingValidate(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/a", "one")
		release := make(chan struct{})
		blocked := open(w, "/a", config.Text(), config.Validate(func(s string) error {
			if s == "block" {
				<-release
			}
			return nil
		}))
		other := open(w, "/a", config.Text())
		go func() {
			for range other.Changes(t.Context()) {
				<-release // neither does a loop body
			}
		}()
		w.Put("/a", "block")
		await(w, other, becomes("block"))
		require.Equal(t, "one", blocked.Load().Value)
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Equal(t, session.Connected, w.sm.State())
		_, err := config.NewStore(w.sm, "/").Set(t.Context(), "a", []byte("two"), session.AnyVersion)
		require.NoError(t, err)
		await(w, other, becomes("two"))
		close(release)
		await(w, blocked, becomes("two"))
	})
}

func TestHardCase56_DeletedAndRecreated(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/a", "one")
		v := open(w, "/a", config.Text())
		last := v.Load().Zxid
		for i := range 5 {
			w.Remove("/a")
			if i%2 == 0 { // and at once, with the absence unseen
				await(w, v, gone[string])
			}
			value := fmt.Sprint("again ", i)
			w.Put("/a", value)
			snap := await(w, v, becomes(value))
			require.Zero(t, snap.Version)
			require.Greater(t, snap.Zxid, last)
			last = snap.Zxid
		}
	})
}

// A value is never replaced by an older one. What a server that lags shows to
// the next session is tried in internal/recipe/views, on the same number.
func TestHardCase57_LaggingServer(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/a", "one")
		v := open(w, "/a", config.Text())
		w.Srv.Lag(w.p.Current().ID())
		snap, err := v.Update(t.Context(), func(s string) (string, error) { return s + "+", nil })
		require.NoError(t, err)
		require.Equal(t, "one+", snap.Value)
		require.Equal(t, snap, v.Load())
		w.Srv.Lag(w.p.Current().ID())
		w.Put("/a", "two")
		time.Sleep(time.Second) // until the next ping at the longest, with which the session makes it catch up
		synctest.Wait()
		require.Equal(t, "one+", v.Load().Value, "the server does not know better")
		snap, err = v.Update(t.Context(), func(s string) (string, error) { return s + "+", nil })
		require.NoError(t, err)
		require.Equal(t, "two+", snap.Value, "Update makes it catch up")
		w.Srv.Lag(w.p.Current().ID())
		w.Put("/a", "three")
		w.Srv.Disconnect(w.p.Current().ID())
		await(w, v, becomes("three")) // the check of the new connection makes it catch up
	})
}

// A read that was under way while the value was written comes in late.
func TestHardCase58_OlderReadComesLate(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/a", "0")
		v := open(w, "/a", config.JSON[int]())
		var seen []int64
		go func() {
			for s := range v.Changes(t.Context()) {
				seen = append(seen, s.Zxid)
			}
		}()
		remove := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpGetData && r.Watch {
				return zktest.Delay(time.Second)
			}
			return zktest.Pass
		})
		for i := range 20 {
			w.Put("/a", "100") // makes the mirror read, slowly
			snap, err := v.Update(t.Context(), func(int) (int, error) { return i, nil })
			require.NoError(t, err)
			require.GreaterOrEqual(t, v.Load().Zxid, snap.Zxid)
			require.Equal(t, i, v.Load().Value)
		}
		remove()
		synctest.Wait()
		require.True(t, slices.IsSorted(seen), "%v", seen)
	})
}

func TestHardCase60_NothingRunsAfterClose(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/a", "one")
		v := open(w, "/a", config.Text())
		require.NoError(t, v.Close())
		w.Srv.ResetCounts()
		w.Put("/a", "two")
		w.Srv.Disconnect(w.p.Current().ID())
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Zero(t, w.Srv.Count(zktest.OpGetData)+w.Srv.Count(zktest.OpExists))
		require.Zero(t, w.Srv.Count(zktest.OpSync)+w.Srv.Count(zktest.OpMulti))
		require.Zero(t, w.Srv.WatchesOf("/a"))
	})
}

func TestHardCase60_RefusedReadsPause(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/a", "one")
		v := open(w, "/a", config.Text())
		remove := w.Fail(zktest.OpGetData, "/a", zktest.CodeNoAuth)
		w.Put("/a", "two")
		w.Srv.ResetCounts()
		time.Sleep(time.Hour)
		synctest.Wait()
		require.ErrorIs(t, v.Err(), session.ErrNoAuth)
		require.Less(t, w.Srv.Count(zktest.OpGetData), 1000)
		remove()
		await(w, v, becomes("two"))
	})
}

// All watches are set again when the connection comes back, though there are
// more than fit into one request.
func TestHardCase64_ManyWatchesOverAReconnection(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		const n = 300
		long := fmt.Sprintf("/%0500d", 7)
		values := make([]*config.Value[string], n)
		for i := range values {
			path := fmt.Sprintf("%s-%d", long, i)
			w.Put(path, "one")
			values[i] = open(w, path, config.Text())
		}
		w.p.Link.Refuse(true)
		w.Srv.Disconnect(w.p.Current().ID())
		synctest.Wait()
		w.Put(values[0].Path(), "two")
		w.p.Link.Refuse(false)
		await(w, values[0], becomes("two"))
		time.Sleep(timeout)
		synctest.Wait()
		for _, v := range values {
			require.Equal(t, 1, w.Srv.WatchesOf(v.Path()))
			require.False(t, v.Stale())
			w.Put(v.Path(), "three")
		}
		for _, v := range values {
			await(w, v, becomes("three"))
		}
	})
}

func TestHardCase65_OneWatchForAll(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/a", "one")
		values := make([]*config.Value[string], 10)
		for i := range values {
			values[i] = open(w, "/a", config.Text())
		}
		require.Equal(t, 1, w.Srv.WatchesOf("/a"))
		for _, next := range []string{"two", "three"} {
			w.Put("/a", next)
			for _, v := range values {
				await(w, v, becomes(next))
			}
			synctest.Wait()
			require.Equal(t, 1, w.Srv.WatchesOf("/a"))
		}
		w.Remove("/a")
		for _, v := range values {
			await(w, v, gone[string])
		}
		synctest.Wait()
		require.Equal(t, 1, w.Srv.WatchesOf("/a"), "for its creation")
	})
}

// The parents are containers, which the server removes while they are empty:
// here right before the node is created in them.
func TestHardCase67_ParentReapedBeforeItsUse(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var creates atomic.Int32
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpCreate && r.Path == "/x/y/key" {
				if creates.Add(1) < 5 { // sent once the parent has been seen
					require.NoError(t, w.Srv.Remove("/x"))
				}
			}
			return zktest.Pass
		})
		store := config.NewStore(w.sm, "/x")
		require.NoError(t, testworld.ErrOf(store.Create(t.Context(), "y/key", []byte("v"))))
		require.EqualValues(t, 5, creates.Load())
		require.Equal(t, "v", w.Data("/x/y/key"))

		w.Remove("/x")
		creates.Store(0)
		v := open(w, "/x/y/key", config.Text(), config.Default("d"))
		_, err := v.Update(t.Context(), func(s string) (string, error) { return s + "!", nil })
		require.NoError(t, err)
		require.Equal(t, "d!", w.Data("/x/y/key"))
	})
}

// Ancestors that exist are left alone, so that no right on them is needed.
func TestHardCase71_ForbiddenAncestors(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		owner, err := session.Dial(t.Context(), session.Config{
			Servers: []string{"zk1"}, Dialer: w.Srv.DialContext,
			Auth: []session.Credential{session.Digest("owner", "pw")}, ACL: session.CreatorACL(),
		})
		require.NoError(t, err)
		defer owner.Close()
		_, err = owner.Create(t.Context(), "/mine", nil, session.Persistent)
		require.NoError(t, err)
		w.Put("/mine/open", "")

		store := config.NewStore(w.sm, "/mine")
		require.NoError(t, testworld.ErrOf(store.Create(t.Context(), "open/a/b", []byte("v"))))
		_, err = store.Create(t.Context(), "shut/a", []byte("v"))
		require.ErrorIs(t, err, session.ErrNoAuth)
		require.ErrorContains(t, err, "/mine/shut")
		require.ErrorIs(t, store.Publish(t.Context(), config.CreateKey("shut/a", nil)), session.ErrNoAuth)
		require.Equal(t, []string{"/mine", "/mine/open", "/mine/open/a", "/mine/open/a/b"}, w.Srv.Paths())

		// Many at once make the same parents.
		done := make(chan error)
		for i := range 20 {
			go func() { done <- testworld.ErrOf(store.Create(t.Context(), fmt.Sprintf("open/p/q/%d", i), nil)) }()
		}
		for range 20 {
			require.NoError(t, <-done)
		}
	})
}

// Retries do not multiply, and end with the ctx or with the manager.
func TestHardCase75_RetriesAreBounded(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.Put("/a", "one")
		v := open(w, "/a", config.Text())
		add := func(s string) (string, error) { return s + "+", nil }
		remove := w.Fail(zktest.OpSetData, "/a", zktest.CodeNoAuth)
		w.Srv.ResetCounts()
		_, err := v.Update(t.Context(), add)
		require.ErrorIs(t, err, session.ErrNoAuth)
		require.Equal(t, 1, w.Srv.Count(zktest.OpSetData), "an answer is not retried")
		remove()

		w.p.Link.Cut(zktest.Both)
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err = v.Update(ctx, add)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Hour, time.Since(start))

		ended := make(chan error)
		go func() {
			_, err := v.Update(t.Context(), add)
			ended <- err
		}()
		time.Sleep(time.Minute)
		synctest.Wait()
		require.NoError(t, w.sm.Close())
		require.ErrorIs(t, <-ended, session.ErrClosed)
		w.p.Link.Heal()
		w.Srv.ResetCounts()
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Empty(t, w.Srv.Counts(), "nothing is sent after Close")
	})
}

// The node changes again while the mirror is about to read it, or right after
// that, before the mirror can know.
func TestNoUpdateIsLostBetweenWatchAndRead(t *testing.T) {
	moments := map[string]func(change func()){
		"before the read":  func(change func()) { change() },
		"behind the read":  func(change func()) { time.AfterFunc(time.Nanosecond, change) },
		"while it travels": func(change func()) { time.AfterFunc(5*time.Millisecond, change) },
	}
	for name, at := range moments {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.Put("/n", "0")
				v := open(w, "/n", config.JSON[int]())
				w.p.Link.Delay(10 * time.Millisecond)
				var next atomic.Int64 // to be written at the next read, if not 0
				w.Srv.Intercept(func(r zktest.Request) zktest.Action {
					if r.Op == zktest.OpGetData {
						if n := next.Swap(0); n != 0 {
							at(func() { require.NoError(t, w.Srv.Put("/n", fmt.Append(nil, n))) })
						}
					}
					return zktest.Pass
				})
				for n := 1; n < 40; n += 2 {
					next.Store(int64(n + 1))
					w.Put("/n", fmt.Sprint(n))
					await(w, v, becomes(n+1))
				}
			})
		})
	}
}

// All servers lose their data.
func TestWipe(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for i := range 10 {
			w.Put("/a", fmt.Sprint(i))
		}
		v := open(w, "/a", config.Text())
		w.Srv.Wipe()
		require.Equal(t, "9", await(w, v, gone[string]).Value)
		w.Put("/a", "anew")
		snap := await(w, v, becomes("anew"))
		require.Less(t, snap.Zxid, int64(10), "which only happens to servers that lost their history")
		snap, err := v.Update(t.Context(), func(s string) (string, error) { return s + "!", nil })
		require.NoError(t, err)
		require.Equal(t, snap, v.Load())
	})
}
