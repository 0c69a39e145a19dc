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
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// Waiting through connected, suspended, connected: the change falls into the
// gap.
func TestHardCase42_ChangedWhileDisconnected(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.put("/a", "one")
		v := open(w, "/a", config.Text())
		s := w.session()
		for _, next := range []string{"two", "three", "four"} {
			w.link.Refuse(true)
			w.srv.Disconnect(s.ID())
			synctest.Wait()
			require.True(t, v.Stale())
			w.put("/a", next)
			w.link.Refuse(false)
			await(w, v, becomes(next))
		}
		require.Equal(t, s.ID(), w.session().ID())
	})
}

// A callback that does not return stops nothing but its own value.
func TestHardCase55_BlockingValidate(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.put("/a", "one")
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
		w.put("/a", "block")
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
		w.put("/a", "one")
		v := open(w, "/a", config.Text())
		last := v.Load().Zxid
		for i := range 5 {
			w.remove("/a")
			if i%2 == 0 { // and at once, with the absence unseen
				await(w, v, gone[string])
			}
			value := fmt.Sprint("again ", i)
			w.put("/a", value)
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
		w.put("/a", "one")
		v := open(w, "/a", config.Text())
		w.srv.Lag(w.session().ID())
		snap, err := v.Update(t.Context(), func(s string) (string, error) { return s + "+", nil })
		require.NoError(t, err)
		require.Equal(t, "one+", snap.Value)
		require.Equal(t, snap, v.Load())
		w.srv.Lag(w.session().ID())
		w.put("/a", "two")
		time.Sleep(time.Second) // until the next ping at the longest, with which the session makes it catch up
		synctest.Wait()
		require.Equal(t, "one+", v.Load().Value, "the server does not know better")
		snap, err = v.Update(t.Context(), func(s string) (string, error) { return s + "+", nil })
		require.NoError(t, err)
		require.Equal(t, "two+", snap.Value, "Update makes it catch up")
		w.srv.Lag(w.session().ID())
		w.put("/a", "three")
		w.srv.Disconnect(w.session().ID())
		await(w, v, becomes("three")) // the check of the new connection makes it catch up
	})
}

// A read that was under way while the value was written comes in late.
func TestHardCase58_OlderReadComesLate(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.put("/a", "0")
		v := open(w, "/a", config.JSON[int]())
		var seen []int64
		go func() {
			for s := range v.Changes(t.Context()) {
				seen = append(seen, s.Zxid)
			}
		}()
		remove := w.srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpGetData && r.Watch {
				return zktest.Delay(time.Second)
			}
			return zktest.Pass
		})
		for i := range 20 {
			w.put("/a", "100") // makes the mirror read, slowly
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
		w.put("/a", "one")
		v := open(w, "/a", config.Text())
		require.NoError(t, v.Close())
		w.srv.ResetCounts()
		w.put("/a", "two")
		w.srv.Disconnect(w.session().ID())
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Zero(t, w.srv.Count(zktest.OpGetData)+w.srv.Count(zktest.OpExists))
		require.Zero(t, w.srv.Count(zktest.OpSync)+w.srv.Count(zktest.OpMulti))
		require.Zero(t, w.srv.WatchesOf("/a"))
	})
}

func TestHardCase60_RefusedReadsPause(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.put("/a", "one")
		v := open(w, "/a", config.Text())
		remove := w.fail(zktest.OpGetData, "/a", zktest.CodeNoAuth)
		w.put("/a", "two")
		w.srv.ResetCounts()
		time.Sleep(time.Hour)
		synctest.Wait()
		require.ErrorIs(t, v.Err(), session.ErrNoAuth)
		require.Less(t, w.srv.Count(zktest.OpGetData), 1000)
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
			w.put(path, "one")
			values[i] = open(w, path, config.Text())
		}
		w.link.Refuse(true)
		w.srv.Disconnect(w.session().ID())
		synctest.Wait()
		w.put(values[0].Path(), "two")
		w.link.Refuse(false)
		await(w, values[0], becomes("two"))
		time.Sleep(timeout)
		synctest.Wait()
		for _, v := range values {
			require.Equal(t, 1, w.srv.WatchesOf(v.Path()))
			require.False(t, v.Stale())
			w.put(v.Path(), "three")
		}
		for _, v := range values {
			await(w, v, becomes("three"))
		}
	})
}

func TestHardCase65_OneWatchForAll(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.put("/a", "one")
		values := make([]*config.Value[string], 10)
		for i := range values {
			values[i] = open(w, "/a", config.Text())
		}
		require.Equal(t, 1, w.srv.WatchesOf("/a"))
		for _, next := range []string{"two", "three"} {
			w.put("/a", next)
			for _, v := range values {
				await(w, v, becomes(next))
			}
			synctest.Wait()
			require.Equal(t, 1, w.srv.WatchesOf("/a"))
		}
		w.remove("/a")
		for _, v := range values {
			await(w, v, gone[string])
		}
		synctest.Wait()
		require.Equal(t, 1, w.srv.WatchesOf("/a"), "for its creation")
	})
}

// The parents are containers, which the server removes while they are empty:
// here right before the node is created in them.
func TestHardCase67_ParentReapedBeforeItsUse(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var creates atomic.Int32
		w.srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpCreate && r.Path == "/x/y/key" {
				if creates.Add(1) < 5 { // sent once the parent has been seen
					require.NoError(t, w.srv.Remove("/x"))
				}
			}
			return zktest.Pass
		})
		store := config.NewStore(w.sm, "/x")
		require.NoError(t, errOf(store.Create(t.Context(), "y/key", []byte("v"))))
		require.EqualValues(t, 5, creates.Load())
		require.Equal(t, "v", w.data("/x/y/key"))

		w.remove("/x")
		creates.Store(0)
		v := open(w, "/x/y/key", config.Text(), config.Default("d"))
		_, err := v.Update(t.Context(), func(s string) (string, error) { return s + "!", nil })
		require.NoError(t, err)
		require.Equal(t, "d!", w.data("/x/y/key"))
	})
}

// Ancestors that exist are left alone, so that no right on them is needed.
func TestHardCase71_ForbiddenAncestors(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		owner, err := session.Dial(t.Context(), session.Config{
			Servers: []string{"zk1"}, Dialer: w.srv.DialContext,
			Auth: []session.Credential{session.Digest("owner", "pw")}, ACL: session.CreatorACL(),
		})
		require.NoError(t, err)
		defer owner.Close()
		_, err = owner.Create(t.Context(), "/mine", nil, session.Persistent)
		require.NoError(t, err)
		w.put("/mine/open", "")

		store := config.NewStore(w.sm, "/mine")
		require.NoError(t, errOf(store.Create(t.Context(), "open/a/b", []byte("v"))))
		_, err = store.Create(t.Context(), "shut/a", []byte("v"))
		require.ErrorIs(t, err, session.ErrNoAuth)
		require.ErrorContains(t, err, "/mine/shut")
		require.ErrorIs(t, store.Publish(t.Context(), config.CreateKey("shut/a", nil)), session.ErrNoAuth)
		require.Equal(t, []string{"/mine", "/mine/open", "/mine/open/a", "/mine/open/a/b"}, w.srv.Paths())

		// Many at once make the same parents.
		done := make(chan error)
		for i := range 20 {
			go func() { done <- errOf(store.Create(t.Context(), fmt.Sprintf("open/p/q/%d", i), nil)) }()
		}
		for range 20 {
			require.NoError(t, <-done)
		}
	})
}

// Retries do not multiply, and end with the ctx or with the manager.
func TestHardCase75_RetriesAreBounded(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.put("/a", "one")
		v := open(w, "/a", config.Text())
		add := func(s string) (string, error) { return s + "+", nil }
		remove := w.fail(zktest.OpSetData, "/a", zktest.CodeNoAuth)
		w.srv.ResetCounts()
		_, err := v.Update(t.Context(), add)
		require.ErrorIs(t, err, session.ErrNoAuth)
		require.Equal(t, 1, w.srv.Count(zktest.OpSetData), "an answer is not retried")
		remove()

		w.link.Cut(zktest.Both)
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
		w.link.Heal()
		w.srv.ResetCounts()
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Empty(t, w.srv.Counts(), "nothing is sent after Close")
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
				w.put("/n", "0")
				v := open(w, "/n", config.JSON[int]())
				w.link.Delay(10 * time.Millisecond)
				var next atomic.Int64 // to be written at the next read, if not 0
				w.srv.Intercept(func(r zktest.Request) zktest.Action {
					if r.Op == zktest.OpGetData {
						if n := next.Swap(0); n != 0 {
							at(func() { require.NoError(t, w.srv.Put("/n", fmt.Append(nil, n))) })
						}
					}
					return zktest.Pass
				})
				for n := 1; n < 40; n += 2 {
					next.Store(int64(n + 1))
					w.put("/n", fmt.Sprint(n))
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
			w.put("/a", fmt.Sprint(i))
		}
		v := open(w, "/a", config.Text())
		w.srv.Wipe()
		require.Equal(t, "9", await(w, v, gone[string]).Value)
		w.put("/a", "anew")
		snap := await(w, v, becomes("anew"))
		require.Less(t, snap.Zxid, int64(10), "which only happens to servers that lost their history")
		snap, err := v.Update(t.Context(), func(s string) (string, error) { return s + "!", nil })
		require.NoError(t, err)
		require.Equal(t, snap, v.Load())
	})
}
