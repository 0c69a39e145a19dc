package core_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// One node takes the place of another in one transaction, below the root too.
func TestReplace(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process(func(c *core.Config) { c.Root = "/prod" })
		old := p.enter("/dir")
		next, err := old.Replace(w.Context(), "/dir/next", []byte("data"))
		require.NoError(w, err)
		require.Equal(w, "/dir/next", next.Path())
		require.Equal(w, old.Token(), next.Token())
		require.ErrorIs(w, old.Err(), core.ErrReleased)
		require.NoError(w, old.Release())
		node, found := w.Srv.Node("/prod/dir/next")
		require.True(w, found)
		require.Equal(w, "data", string(node.Data))
		require.Equal(w, next.Session().ID(), node.Stat.EphemeralOwner)
		dir, _ := w.Srv.Node("/prod/dir")
		require.Len(w, dir.Children, 1)

		// It is watched like any other.
		synctest.Wait()
		require.NoError(w, w.Srv.Remove("/prod/dir/next"))
		<-next.Done()
		require.ErrorIs(w, next.Err(), core.ErrDeleted)
	})
}

// An invalid Replace leaves the hold as it is.
func TestReplaceRefused(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		h := p.enter("/dir")
		cancelled, cancel := context.WithCancel(w.Context())
		cancel()
		_, err := h.Replace(cancelled, "/dir/next", nil)
		require.ErrorIs(w, err, context.Canceled)
		_, err = h.Replace(w.Context(), "dir", nil)
		require.ErrorContains(w, err, "relative")
		_, err = h.Replace(w.Context(), "/dir/next", []byte(strings.Repeat("x", 1<<20)))
		require.ErrorIs(w, err, core.ErrTooLarge)
		require.NoError(w, h.Err())
		require.NoError(w, h.Release())
		_, err = h.Replace(w.Context(), "/dir/next", nil)
		require.ErrorIs(w, err, core.ErrReleased)
		require.NotErrorIs(w, err, core.ErrLost)
	})
}

// The connection is lost when the new hold begins, under OnDisconnect, which
// ends all holds: the new node is deleted too.
func TestReplaceUnderTheStrictPolicy(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process(func(c *core.Config) { c.LossPolicy = core.OnDisconnect })
		h := p.enter("/dir")
		done := false
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpMulti && !done {
				done = true
				return zktest.LoseReply
			}
			return zktest.Pass
		})
		next, err := h.Replace(w.Context(), "/dir/next", nil)
		require.NoError(w, err, "it began after the disconnection")
		require.NoError(w, next.Err())
		require.NoError(w, next.Release())
		w.eventually("nothing is left", func() bool {
			dir, _ := w.Srv.Node("/dir")
			return len(dir.Children) == 0
		})
	})
}

// OnWrite reports writes before and after its call, and nothing else.
func TestOnWrite(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		h := p.enter("/dir")
		time.Sleep(time.Second) // it is watched by now
		var seen []string
		listen := func(data []byte) { seen = append(seen, string(data)) }
		h.Node().OnWrite(listen)
		synctest.Wait()
		require.Empty(w, seen, "what we made it with is no write")
		for _, data := range []string{"a", "", "b"} {
			require.NoError(w, w.Srv.Put(h.Path(), []byte(data)))
			synctest.Wait()
		}
		require.Equal(w, []string{"a", "", "b"}, seen)
		h.Node().OnWrite(listen)
		require.Equal(w, []string{"a", "", "b", "b"}, seen, "what had been written before")
		require.NoError(w, h.Release())
	})
}
