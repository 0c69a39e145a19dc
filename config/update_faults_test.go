package config_test

import (
	"context"
	"errors"
	"math/rand"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// Replies and requests are lost, connections close, sessions end: what is
// reported as done is done once, and what is not known is said to be unknown.
func TestUpdateWithLostReplies(t *testing.T) {
	for seed := range int64(12) {
		inWorld(t, func(t *testing.T, w *world) {
			w.Put("/n", "0")
			rng := rand.New(rand.NewSource(seed))
			healed := false
			heal := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
				if healed || r.Op != zktest.OpSetData && r.Op != zktest.OpGetData {
					return zktest.Pass
				}
				switch rng.Intn(12) {
				case 0:
					return zktest.LoseReply
				case 1:
					return zktest.DropRequest
				case 2:
					return zktest.Delay(time.Duration(rng.Intn(3000)) * time.Millisecond)
				case 3:
					if rng.Intn(5) == 0 {
						time.AfterFunc(time.Millisecond, func() { w.Srv.Expire(r.Session) })
					}
				}
				return zktest.Pass
			})
			var mu sync.Mutex
			var done, unknown, failed int
			var wg sync.WaitGroup
			for i := range 6 {
				sm := w.sm
				if i%2 == 1 {
					sm = w.process().Manager
				}
				v := openIn(w, sm, "/n", config.JSON[int]())
				wg.Go(func() {
					for range 15 {
						_, err := v.Update(t.Context(), increment)
						mu.Lock()
						switch {
						case err == nil:
							done++
						case errors.Is(err, session.ErrUnknownOutcome):
							unknown++
						default:
							failed++
							t.Errorf("seed %d: %v", seed, err)
						}
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			heal()
			v := openIn(w, w.sm, "/n", config.JSON[int]())
			n := v.Load().Value
			require.GreaterOrEqual(t, n, done, "seed %d: a write that was reported is missing", seed)
			require.LessOrEqual(t, n, done+unknown, "seed %d: written twice", seed)
			require.Positive(t, done)
		})
	}
}

func TestUpdateSettlesALostReply(t *testing.T) {
	set := func(to string) func(string) (string, error) {
		return func(string) (string, error) { return to, nil }
	}
	t.Run("not done", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			w.Put("/n", "1")
			v := open(w, "/n", config.JSON[int]())
			w.Once(testworld.Is(zktest.OpSetData, "/n"), func() zktest.Action { return zktest.DropRequest })
			_, err := v.Update(t.Context(), increment)
			require.NoError(t, err)
			require.Equal(t, "2", w.Data("/n"))
		})
	})
	t.Run("done, and the function has nothing left to do", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			w.Put("/a", "one")
			v := open(w, "/a", config.Text())
			w.Once(testworld.Is(zktest.OpSetData, "/a"), func() zktest.Action { return zktest.LoseReply })
			snap, err := v.Update(t.Context(), set("two"))
			require.NoError(t, err)
			require.EqualValues(t, 1, snap.Version)
			require.Equal(t, "two", v.Load().Value)
		})
	})
	t.Run("done, and the function would go on", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			w.Put("/n", "1")
			v := open(w, "/n", config.JSON[int]())
			w.Once(testworld.Is(zktest.OpSetData, "/n"), func() zktest.Action { return zktest.LoseReply })
			_, err := v.Update(t.Context(), increment)
			require.ErrorIs(t, err, session.ErrUnknownOutcome)
			require.ErrorContains(t, err, "/n")
			require.Equal(t, "2", w.Data("/n"), "not written twice")
		})
	})
	t.Run("another writer was first", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			w.Put("/n", "1")
			v := open(w, "/n", config.JSON[int]())
			w.Once(testworld.Is(zktest.OpSetData, "/n"), func() zktest.Action {
				require.NoError(t, w.Srv.Put("/n", []byte("10")))
				return zktest.DropRequest
			})
			_, err := v.Update(t.Context(), increment)
			require.NoError(t, err, "the node shows that it was not done")
			require.Equal(t, "11", w.Data("/n"))
		})
	})
	t.Run("created", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			v := open(w, "/a", config.Text(), config.Default(""))
			w.Once(testworld.Is(zktest.OpCreate, "/a"), func() zktest.Action { return zktest.LoseReply })
			_, err := v.Update(t.Context(), set("made"))
			require.NoError(t, err)
			require.Equal(t, "made", w.Data("/a"))
		})
	})
	t.Run("the session ends with the request under way", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			w.Put("/n", "1")
			v := open(w, "/n", config.JSON[int]())
			w.Once(testworld.Is(zktest.OpSetData, "/n"), func() zktest.Action { return zktest.Delay(time.Hour) })
			old := w.p.Current()
			go func() {
				time.Sleep(time.Second)
				w.Srv.Expire(old.ID())
			}()
			_, err := v.Update(t.Context(), increment)
			require.NoError(t, err, "the same write is made in the next session")
			time.Sleep(2 * time.Hour)
			require.Equal(t, "2", w.Data("/n"), "once")
		})
	})
	t.Run("ctx ends", func(t *testing.T) {
		inWorld(t, func(t *testing.T, w *world) {
			w.Put("/n", "1")
			v := open(w, "/n", config.JSON[int]())
			w.Once(testworld.Is(zktest.OpSetData, "/n"), func() zktest.Action { return zktest.Delay(time.Minute) })
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := v.Update(ctx, increment)
			require.ErrorIs(t, err, session.ErrUnknownOutcome)
			require.ErrorIs(t, err, context.DeadlineExceeded)
		})
	})
}

// The session ends at each step of an Update; what was not sent is sent in the
// next.
func TestUpdateGoesOnInTheNextSession(t *testing.T) {
	for _, op := range []zktest.Op{zktest.OpSync, zktest.OpGetData} {
		inWorld(t, func(t *testing.T, w *world) {
			w.Put("/n", "1")
			v := open(w, "/n", config.JSON[int]())
			old := w.p.Current().ID()
			w.Once(testworld.Is(op, "/n"), func() zktest.Action {
				w.Srv.Expire(old)
				return zktest.Pass
			})
			snap, err := v.Update(t.Context(), increment)
			require.NoError(t, err, op)
			require.Equal(t, 2, snap.Value)
			require.Equal(t, "2", w.Data("/n"))
			require.NotEqual(t, old, w.p.Current().ID())
		})
	}
}
