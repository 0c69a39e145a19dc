package conn

import (
	"context"
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/wire"
)

func (g *rig) deletes(n int) (calls []*Call) {
	for i := range n {
		calls = append(calls, g.noted(wire.OpDelete, wire.Delete(fmt.Sprintf("/%d", i), 1)))
	}
	return calls
}

func fates(calls []*Call) (all []Fate) {
	for _, c := range calls {
		all = append(all, c.Fate())
	}
	return all
}

// Calls that are sent together are written together. So are calls that are sent
// during another write. A large request is written alone.
func TestSeveralCallsLeaveInOneWrite(t *testing.T) {
	inRig(t, func(g *rig) {
		g.open()
		calls := g.deletes(5)
		g.c.Send(calls[:3]...)
		synctest.Wait() // the write is under way: the server does not read
		g.c.Send(calls[3])
		g.c.Send(calls[4])
		for range calls {
			g.request(wire.OpDelete)
		}
		writes := g.written()
		require.Len(g, writes, 2)
		require.Len(g, writes[0], 3*len(wire.Delete("/0", 1)))
		require.Len(g, writes[1], 2*len(wire.Delete("/0", 1)))

		large := func() *Call { return g.noted(wire.OpSetData, wire.SetData("/a", make([]byte, maxBatch), 1)) }
		g.c.Send(g.deletes(1)[0], large(), large(), g.deletes(1)[0])
		for _, op := range []wire.Op{wire.OpDelete, wire.OpSetData, wire.OpSetData, wire.OpDelete} {
			g.request(op)
		}
		require.Len(g, g.written(), 4)
	})
}

// A server executes no part of a request. A request that was not written as a
// whole is Unsent, and so are the requests after it. A request that was written
// as a whole is Lost.
func TestWriteThatIsCut(t *testing.T) {
	size := len(wire.Delete("/0", 1))
	for n := range 3*size + 1 {
		inRig(t, func(g *rig) {
			g.open()
			calls := g.deletes(5)
			g.c.Send(calls[:3]...)
			synctest.Wait()
			g.c.Send(calls[3:]...)
			_, err := io.ReadFull(g.server, make([]byte, n)) // past the buffer, which would take more
			require.NoError(g, err)
			g.server.Close()
			g.over()
			want := []Fate{Unsent, Unsent, Unsent, Unsent, Unsent}
			for i := range n / size {
				want[i] = Lost
			}
			require.Equal(g, want, fates(calls))
		})
	}
}

// A caller that gives up withdraws its unwritten request. A written request
// cannot be withdrawn, and its answer is still processed.
func TestWithdraw(t *testing.T) {
	inRig(t, func(g *rig) {
		g.open()
		calls := g.deletes(3)
		g.c.Send(calls[0])
		synctest.Wait()
		g.c.Send(calls[1:]...)
		require.Equal(g, Lost, calls[0].Await(ctxOver(), nil), "it is being written")
		require.Equal(g, Unsent, calls[1].Await(ctxOver(), nil))
		over := make(chan struct{})
		close(over)
		require.Equal(g, []string{"delete ends: unsent"}, g.told())
		require.Equal(g, Pending, calls[0].Fate(), "it is under way")

		first := g.request(wire.OpDelete)
		require.Equal(g, wire.Delete("/0", 1)[12:], first.Body)
		third := g.request(wire.OpDelete)
		require.Equal(g, wire.Delete("/2", 1)[12:], third.Body)
		require.Equal(g, Lost, calls[2].Await(context.Background(), over))
		g.send(answer(first.Xid, 0), answer(third.Xid, wire.CodeNoNode))
		require.Equal(g, []Fate{Answered, Unsent, Answered}, fates(calls))
		require.Equal(g, wire.CodeNoNode, calls[2].Reply().Code)
		require.True(g, calls[2].Proves())
		require.False(g, calls[1].Proves())
	})
}

// A queue is shrunk when most of its calls were withdrawn.
func TestWithdrawnCallsLeaveTheQueue(t *testing.T) {
	inRig(t, func(g *rig) {
		g.open()
		g.c.Send(g.deletes(1)...)
		synctest.Wait()
		for range 1000 {
			call := NewCall(wire.OnPath(wire.OpExists, "/a"), nil)
			g.c.Send(call)
			require.Equal(g, Unsent, call.Await(ctxOver(), nil))
		}
		g.c.mu.Lock()
		require.Less(g, len(g.c.queue), 100)
		g.c.mu.Unlock()
		last := g.noted(wire.OpSync, wire.OnPath(wire.OpSync, "/a"))
		g.c.Send(last)
		g.request(wire.OpDelete)
		g.request(wire.OpSync)
	})
}

// An answer that has arrived is returned, even if ctx has ended.
func TestAwaitPrefersTheAnswer(t *testing.T) {
	inRig(t, func(g *rig) {
		g.open()
		over := make(chan struct{})
		close(over)
		for range 50 {
			calls := g.deletes(1)
			g.c.Send(calls...)
			g.send(answer(g.request(wire.OpDelete).Xid, 0))
			require.Equal(g, Answered, calls[0].Await(ctxOver(), over))
		}
	})
}

// WrittenAt is read before the write.
func TestWrittenAt(t *testing.T) {
	inRig(t, func(g *rig) {
		g.open()
		calls := g.deletes(2)
		g.c.Send(calls[0])
		synctest.Wait()
		g.c.Send(calls[1])
		g.send(answer(g.request(wire.OpDelete).Xid, 0))
		g.request(wire.OpDelete)
		require.False(g, calls[0].WrittenAt().IsZero())
		require.False(g, calls[1].WrittenAt().Before(calls[0].WrittenAt()))
		require.Same(g, g.c, calls[0].Conn())
	})
}

// Whatever a call's then does, it ends no other call twice and blocks nothing.
func TestThenMayCloseAndSend(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(g *rig, xid int32)
		fate Fate
	}{
		"an answer":  {func(g *rig, xid int32) { g.send(answer(xid, 0)) }, Answered},
		"Close":      {func(g *rig, _ int32) { g.c.Close() }, Lost},
		"the server": {func(g *rig, _ int32) { g.server.Close() }, Lost},
		"a frame":    {func(g *rig, _ int32) { _, _ = g.server.Write(frame()) }, Lost},
		"several Closes": {func(g *rig, _ int32) {
			for range 4 {
				g.background.Go(func() { g.c.Close() })
			}
		}, Lost},
	} {
		t.Run(name, func(t *testing.T) {
			inRig(t, func(g *rig) {
				g.open()
				ends := make(map[int]int)
				var again []*Call
				var calls []*Call
				for i := range 4 {
					calls = append(calls, NewCall(wire.Delete("/a", 1), func(call *Call) {
						ends[i]++
						require.ErrorIs(g, firstOr(g.c.Close()), net.ErrClosed)
						late := g.noted(wire.OpSync, wire.OnPath(wire.OpSync, "/a"))
						call.Conn().Send(late)
						again = append(again, late)
					}))
				}
				g.c.Send(calls...)
				first := g.request(wire.OpDelete)
				for range 3 {
					g.request(wire.OpDelete)
				}
				c.end(g, first.Xid)
				g.over()
				g.background.Wait()
				require.Equal(g, map[int]int{0: 1, 1: 1, 2: 1, 3: 1}, ends)
				require.Equal(g, []Fate{c.fate, Lost, Lost, Lost}, fates(calls))
				require.Equal(g, []Fate{Unsent, Unsent, Unsent, Unsent}, fates(again))
			})
		})
	}
}

// firstOr ignores the error of a Close that was not the first.
func firstOr(err error) error {
	if err == nil {
		return net.ErrClosed
	}
	return err
}

// Traffic distinguishes answered and unanswered requests by their size.
func TestTraffic(t *testing.T) {
	inRig(t, func(g *rig) {
		g.open()
		require.Equal(g, Traffic{}, g.c.Traffic())
		small, large := wire.Delete("/a", 1), wire.SetData("/a", make([]byte, 500), 1)
		sizes := Traffic{Answered: true, Taken: wire.Size(small), Lost: wire.Size(large), Unanswered: 1}
		g.c.Send(NewCall(small, nil), NewCall(large, nil))
		g.send(answer(g.request(wire.OpDelete).Xid, 0))
		g.request(wire.OpSetData)
		g.c.Close()
		g.over()
		require.Equal(g, sizes, g.c.Traffic())
	})
}
