package core_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/zktest"
)

// batches notes how many reads each request of ReadMany carries.
func (w *world) batches() func() []int {
	var mu sync.Mutex
	var sizes []int
	w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
		if r.Op == zktest.OpMultiRead {
			mu.Lock()
			defer mu.Unlock()
			sizes = append(sizes, len(r.Ops))
		}
		return zktest.Pass
	}))
	return func() []int {
		mu.Lock()
		defer mu.Unlock()
		list := sizes
		sizes = nil
		return list
	}
}

// Each read has its own result, in one request and without one.
func TestReadMany(t *testing.T) {
	for name, opts := range map[string][]zktest.Option{
		"at once":    nil,
		"one by one": {zktest.NoOps(zktest.OpMultiRead)},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				require.NoError(w, w.Srv.Put("/root/a/b", []byte("x")))
				require.NoError(w, w.Srv.Put("/root/a/c", nil))
				owner := w.process(inRoot, func(cfg *core.Config) {
					cfg.Auth = []core.Credential{core.Digest("a", "b")}
					cfg.ACL = core.AuthACL(core.PermAll)
				})
				_, err := owner.Create(w.Context(), "/hidden", []byte("y"), core.Persistent)
				require.NoError(w, err)
				p := w.process(inRoot)
				_, stat, err := p.Get(w.Context(), "/a/b")
				require.NoError(w, err)
				for range 2 {
					results, err := p.ReadMany(w.Context(), []core.ReadOp{
						{Path: "/a/b"}, {Path: "/missing"}, {Path: "/a", Children: true}, {Path: "/hidden"},
						{Path: "/hidden", Children: true}, {Path: "/missing", Children: true}, {Path: "/a/c", Children: true},
					})
					require.NoError(w, err)
					require.Len(w, results, 7)
					require.Equal(w, core.ReadResult{Data: []byte("x"), Stat: stat}, results[0])
					require.ErrorIs(w, results[1].Err, core.ErrNoNode)
					require.ErrorContains(w, results[1].Err, "get /missing")
					require.ElementsMatch(w, []string{"b", "c"}, results[2].Children)
					require.ErrorIs(w, results[3].Err, core.ErrNoAuth)
					require.ErrorIs(w, results[4].Err, core.ErrNoAuth)
					require.ErrorContains(w, results[4].Err, "list children /hidden")
					require.ErrorIs(w, results[5].Err, core.ErrNoNode)
					require.NoError(w, results[6].Err)
					require.Empty(w, results[6].Children)
				}
				if opts == nil {
					require.Equal(w, 2, w.Srv.Count(zktest.OpMultiRead))
				} else {
					require.Equal(w, 1, w.Srv.Count(zktest.OpMultiRead), "it is asked once")
				}
				none, err := p.ReadMany(w.Context(), nil)
				require.NoError(w, err)
				require.Empty(w, none)
			}, opts...)
		})
	}
}

// Small nodes are read in few requests, large nodes in small answers. No
// request is larger than the server accepts.
func TestReadManySizes(t *testing.T) {
	for name, c := range map[string]struct {
		nodes, bytes, limit int
		requests, reads     int // at most, and in the largest request
	}{
		"small nodes":    {10_000, 20, core.DefaultMaxRequest, 20, 2000},
		"large nodes":    {40, 200_000, core.DefaultMaxRequest, 30, 16},
		"small requests": {1000, 20, 1024, 200, 30},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				ops := make([]core.ReadOp, c.nodes)
				for i := range ops {
					ops[i].Path = fmt.Sprintf("/t/%020d", i)
					require.NoError(w, w.Srv.Put(ops[i].Path, bytes.Repeat([]byte{byte(i)}, c.bytes)))
				}
				s := w.process(func(cfg *core.Config) { cfg.MaxRequest = c.limit }).session()
				sizes := w.batches()
				results, err := s.ReadMany(w.Context(), ops)
				require.NoError(w, err)
				for i, r := range results {
					require.NoError(w, r.Err)
					require.True(w, bytes.Equal(bytes.Repeat([]byte{byte(i)}, c.bytes), r.Data), "node %d", i)
				}
				all := sizes()
				require.LessOrEqual(w, len(all), c.requests, "%v", all)
				for _, n := range all {
					require.LessOrEqual(w, n, c.reads, "%v", all)
				}
			}, zktest.MaxFrame(c.limit))
		})
	}
}

// A batch whose answer is lost is read again in smaller parts.
func TestReadManyThroughLoss(t *testing.T) {
	inWorld(t, func(w *world) {
		ops := make([]core.ReadOp, 100)
		for i := range ops {
			ops[i].Path = fmt.Sprintf("/t/%d", i)
			require.NoError(w, w.Srv.Put(ops[i].Path, []byte{byte(i)}))
		}
		s := w.process().session()
		sizes := w.batches()
		lost := 0
		w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpMultiRead && len(r.Ops) > 4 && lost < 100 {
				lost++
				return zktest.LoseReply
			}
			return zktest.Pass
		}))
		results, err := s.ReadMany(w.Context(), ops)
		require.NoError(w, err)
		for i, r := range results {
			require.Equal(w, []byte{byte(i)}, r.Data)
		}
		require.Equal(w, []int{16, 8, 4}, sizes()[:3])
	})
}

// The end of ctx or of the session ends the call without results.
func TestReadManyEnds(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.process()
		s := p.session()
		ops := []core.ReadOp{{Path: "/a"}}
		p.link.Cut(zktest.Both)
		results, err := s.ReadMany(w.Within(time.Second), ops)
		require.ErrorIs(w, err, context.DeadlineExceeded)
		require.Nil(w, results)
		done := make(chan error)
		go func() { _, err := s.ReadMany(w.Context(), ops); done <- err }()
		synctest.Wait()
		require.ErrorIs(w, <-done, core.ErrSessionEnded)
		p.link.Heal()

		s = p.session()
		_, err = s.ReadMany(w.Context(), []core.ReadOp{{Path: "/a"}, {Path: "b"}})
		require.ErrorContains(w, err, "read many b")
		_, err = s.ReadMany(w.Context(), []core.ReadOp{{Path: "/" + strings.Repeat("x", core.DefaultMaxRequest)}})
		require.ErrorIs(w, err, core.ErrTooLarge)
	})
}

// ReadManyFunc passes on the results of each request as they arrive, and also
// the results from before a failure. Once the first answer was measured, one
// more request is outstanding.
func TestReadManyFunc(t *testing.T) {
	inWorld(t, func(w *world) {
		ops := make([]core.ReadOp, 1000)
		for i := range ops {
			ops[i].Path = fmt.Sprintf("/t/%04d", i)
			require.NoError(w, w.Srv.Put(ops[i].Path, fmt.Append(nil, i)))
		}
		s := w.process().session()
		sizes := w.batches()
		var taken, asked, ahead []int
		next := 0
		take := func(results []core.ReadResult) bool {
			synctest.Wait()
			taken = append(taken, len(results))
			asked = append(asked, sizes()...)
			ahead = append(ahead, len(asked)-len(taken))
			for _, r := range results {
				require.NoError(w, r.Err)
				require.Equal(w, fmt.Sprint(next), string(r.Data))
				next++
			}
			return true
		}
		require.NoError(w, s.ReadManyFunc(w.Context(), ops, take))
		require.Equal(w, asked, taken)
		require.Equal(w, len(ops), next)
		require.Equal(w, []int{16, 128, 128, 728}, taken)
		require.Equal(w, []int{0, 1, 1, 0}, ahead)

		next = 0
		var lost bool
		require.NoError(w, s.ReadManyFunc(w.Context(), ops, func(results []core.ReadResult) bool {
			take(results)
			if next > 16 && !lost { // with a request under way
				lost = true
				w.Srv.Disconnect(s.ID())
			}
			return true
		}))
		require.Equal(w, len(ops), next, "each once, in the order of ops")

		ctx, cancel := context.WithCancel(w.Context())
		next = 0
		err := s.ReadManyFunc(ctx, ops, func(results []core.ReadResult) bool {
			take(results)
			cancel()
			return true
		})
		require.ErrorIs(w, err, context.Canceled)
		require.Equal(w, taken[0], next, "the results of the first request")
	})
}
