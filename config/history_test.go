package config_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// past prints a history, newest first: "!" is the present value, "?" one that
// was written past it.
func past(w *testworld.World, h *config.History) string {
	w.Helper()
	list, err := h.List(w.Context(), "k")
	require.NoError(w, err)
	var b strings.Builder
	for _, p := range list {
		fmt.Fprintf(&b, "%s", p.Data)
		if p.Present {
			b.WriteByte('!')
		}
		if p.External {
			b.WriteByte('?')
		}
		b.WriteByte(' ')
	}
	return strings.TrimSpace(b.String())
}

func TestHistory(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		h := config.NewStore(p.Manager, "/c").History(3)
		_, err := h.Set(w.Context(), "k", []byte("1"), session.AnyVersion)
		require.ErrorIs(t, err, session.ErrNoNode)
		require.Empty(t, past(w, h))
		for i := range 5 {
			e, err := h.Put(w.Context(), "k", fmt.Append(nil, i))
			require.NoError(t, err)
			info, _ := w.Srv.Node("/c/k")
			require.EqualValues(t, i, e.Version)
			require.Equal(t, info.Stat.Mzxid, e.Zxid)
		}
		require.Equal(t, "4! 3 2", past(w, h))
		_, err = h.Set(w.Context(), "k", []byte("x"), 3)
		require.ErrorIs(t, err, session.ErrBadVersion)
		e, err := h.Set(w.Context(), "k", []byte("5"), 4)
		require.NoError(t, err)
		require.EqualValues(t, 5, e.Version)
		require.Equal(t, "5! 4 3", past(w, h))

		list, err := h.List(w.Context(), "k")
		require.NoError(t, err)
		e, err = h.Rollback(w.Context(), "k", list[2].ID)
		require.NoError(t, err)
		require.EqualValues(t, 6, e.Version)
		require.Equal(t, "3", w.Data("/c/k"))
		require.Equal(t, "3! 5 4", past(w, h))
		_, err = h.Rollback(w.Context(), "k", list[2].ID)
		require.ErrorIs(t, err, config.ErrNoRevision, "it has been trimmed")

		require.NoError(t, config.NewStore(p.Manager, "/c").Delete(w.Context(), "k", session.AnyVersion))
		require.Equal(t, "3 5 4", past(w, h), "a deleted key keeps its history")
		list, err = h.List(w.Context(), "k")
		require.NoError(t, err)
		_, err = h.Rollback(w.Context(), "k", list[1].ID)
		require.NoError(t, err)
		require.Equal(t, "5! 3 5", past(w, h), "and is made again")

		one := config.NewStore(p.Manager, "/c").History(1)
		_, err = one.Put(w.Context(), "k", []byte("6"))
		require.NoError(t, err)
		require.Equal(t, "6!", past(w, one))
		require.Len(t, w.Children("/c/.history/k"), 1)
	})
}

// A write without the history is kept by the next write, and marked.
func TestHistoryForeignWrites(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		h := config.NewStore(w.Process().Manager, "/c").History(4)
		w.Put("/c/k", "before")
		w.Put("/c/.history/k/not-ours", "")
		w.Put("/c/.history/k/set-short-0000000001", "")
		_, err := h.Put(w.Context(), "k", []byte("1"))
		require.NoError(t, err)
		require.Equal(t, "1! before?", past(w, h))
		w.Put("/c/k", "lost")
		w.Put("/c/k", "foreign")
		require.Equal(t, "1 before?", past(w, h), "none of them is present")
		_, err = h.Put(w.Context(), "k", []byte("2"))
		require.NoError(t, err)
		require.Equal(t, "2! foreign? 1 before?", past(w, h))
		_, err = h.Put(w.Context(), "k", []byte("3"))
		require.NoError(t, err)
		require.Equal(t, "3! 2 foreign? 1", past(w, h))
		w.Put("/c/k", "foreign too")
		_, err = h.Put(w.Context(), "k", []byte("4"))
		require.NoError(t, err)
		require.Equal(t, "4! foreign too? 3 2", past(w, h))
		require.Len(t, w.Children("/c/.history/k"), 6, "strangers are left alone")
	})
}

// A lost answer neither doubles an entry nor loses the write.
func TestHistoryLostReply(t *testing.T) {
	for _, c := range []struct {
		name   string
		action zktest.Action
		then   func(w *testworld.World) // right after the request, before it is looked into
		want   string
	}{
		{"done", zktest.LoseReply, nil, "new! old"},
		{"not done", zktest.DropRequest, nil, "new! old"},
		{"done, and written over", zktest.LoseReply, func(w *testworld.World) { w.Put("/c/k", "foreign") }, "new old"},
		{"not done, and written over", zktest.DropRequest, func(w *testworld.World) { w.Put("/c/k", "foreign") }, "new! foreign? old"},
		{"done, and deleted", zktest.LoseReply, func(w *testworld.World) { w.Remove("/c/k") }, "new old"},
	} {
		t.Run(c.name, func(t *testing.T) {
			testworld.Run(t, func(w *testworld.World) {
				h := config.NewStore(w.Process().Manager, "/c").History(5)
				_, err := h.Put(w.Context(), "k", []byte("old"))
				require.NoError(t, err)
				multis := 0
				w.Srv.Intercept(func(r zktest.Request) zktest.Action {
					switch {
					case r.Op == zktest.OpMulti:
						if multis++; multis == 1 {
							return c.action
						}
					case r.Op == zktest.OpSync && multis == 1 && c.then != nil:
						c.then(w)
						c.then = nil
					}
					return zktest.Pass
				})
				_, err = h.Put(w.Context(), "k", []byte("new"))
				require.NoError(t, err)
				require.Equal(t, c.want, past(w, h))
			})
		})
	}
	t.Run("of a creation", func(t *testing.T) {
		testworld.Run(t, func(w *testworld.World) {
			h := config.NewStore(w.Process().Manager, "/c").History(5)
			w.Put("/c/.history/k", "")
			w.Once(func(r zktest.Request) bool { return r.Op == zktest.OpMulti }, func() zktest.Action { return zktest.LoseReply })
			e, err := h.Put(w.Context(), "k", []byte("new"))
			require.NoError(t, err)
			require.Zero(t, e.Version)
			require.Equal(t, "new!", past(w, h))
		})
	})
	t.Run("and trimmed since", func(t *testing.T) {
		testworld.Run(t, func(w *testworld.World) {
			p, q := w.Process(), w.Process()
			h, other := config.NewStore(p.Manager, "/c").History(2), config.NewStore(q.Manager, "/c").History(2)
			_, err := h.Put(w.Context(), "k", []byte("old"))
			require.NoError(t, err)
			w.Once(func(r zktest.Request) bool { return r.Op == zktest.OpMulti }, func() zktest.Action {
				p.Link.Refuse(true)
				return zktest.LoseReply
			})
			call := testworld.Go(w, func(ctx context.Context) (config.Entry, error) { return h.Put(ctx, "k", []byte("new")) })
			require.True(t, call.Waiting())
			for i := range 3 {
				_, err := other.Put(w.Context(), "k", fmt.Append(nil, i))
				require.NoError(t, err)
			}
			p.Link.Refuse(false)
			_, err = call.Result()
			require.ErrorIs(t, err, session.ErrUnknownOutcome, "nothing can tell any more")
			require.Equal(t, "2! 1", past(w, other))
		})
	})
}

// Many writers at once, under faults: every write that succeeded is in the
// history, once, and the newest is what the key holds.
func TestHistoryConcurrentWriters(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		const writers, writes = 4, 15
		var wg sync.WaitGroup
		n := 0
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op != zktest.OpMulti {
				return zktest.Pass
			}
			switch n++; {
			case n%7 == 3:
				return zktest.LoseReply
			case n%7 == 5:
				return zktest.DropRequest
			}
			return zktest.Pass
		})
		for i := range writers {
			h := config.NewStore(w.Process().Manager, "/c").History(config.MaxHistory)
			wg.Go(func() {
				for j := range writes {
					_, err := h.Put(w.Context(), "k", fmt.Appendf(nil, "%d.%d", i, j))
					require.NoError(t, err)
				}
			})
		}
		wg.Wait()
		h := config.NewStore(w.Process().Manager, "/c").History(config.MaxHistory)
		list, err := h.List(w.Context(), "k")
		require.NoError(t, err)
		seen := make(map[string]bool)
		for i, p := range list {
			require.False(t, seen[string(p.Data)], "%s is there twice", p.Data)
			seen[string(p.Data)] = true
			require.Equal(t, i == 0, p.Present)
			require.False(t, p.External)
		}
		require.Len(t, seen, writers*writes)
		require.Equal(t, string(list[0].Data), w.Data("/c/k"))
	})
}

func TestHistoryRefusesBadInput(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		store := config.NewStore(w.Process().Manager, "/c")
		for _, n := range []int{-1, 0, config.MaxHistory + 1} {
			_, err := store.History(n).Put(w.Context(), "k", nil)
			require.ErrorContains(t, err, "a history keeps 1 to 1000 values")
		}
		h := store.History(2)
		_, err := h.Put(w.Context(), "a//b", nil)
		require.ErrorContains(t, err, "invalid path")
		_, err = h.List(w.Context(), "")
		require.ErrorContains(t, err, "invalid path")
		_, err = h.Rollback(w.Context(), "k", 7)
		require.ErrorIs(t, err, config.ErrNoRevision)
		_, err = h.Put(w.Context(), "k", make([]byte, 600<<10))
		require.ErrorIs(t, err, session.ErrTooLarge)
		require.Empty(t, w.Children("/c"), "nothing was sent")
		_, err = h.Put(testworld.Cancelled(), "k", nil)
		require.ErrorIs(t, err, context.Canceled)
	})
}

// A tree does not show what a history keeps.
func TestTreeWithoutHistories(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		h := config.NewStore(p.Manager, "/c").History(3)
		tree := openTree(p, config.Text())
		for _, key := range []string{"k", "db/k"} {
			_, err := h.Put(w.Context(), key, []byte("1"))
			require.NoError(t, err)
		}
		settle()
		require.Equal(t, map[string]string{"k": "1", "db/k": "1"}, show(tree.Load()))
		time.Sleep(time.Second)
	})
}
