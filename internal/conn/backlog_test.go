package conn

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/wire"
)

// Only as much of a backlog is written as the server can answer soon. The rest
// can be withdrawn, and urgent requests overtake it.
func TestBacklog(t *testing.T) {
	inRig(t, func(g *rig) {
		g.open()
		var calls []*Call
		for range 10 {
			calls = append(calls, g.noted(wire.OpSetData, wire.SetData("/a", make([]byte, maxUnanswered/4), 1)))
		}
		g.c.Send(calls...)
		var xids []int32
		for range 3 { // a fourth needs a little more than is left
			xids = append(xids, g.request(wire.OpSetData).Xid)
		}
		g.written()
		g.quiet()
		require.Equal(g, Unsent, g.c.withdraw(calls[9]))

		probe := g.noted(wire.OpMulti, wire.Check("/"))
		g.c.SendFirst(probe)
		proof := g.request(wire.OpMulti).Xid
		xids = append(xids, proof)
		g.written()
		g.quiet()
		for len(xids) > 0 {
			if xids[0] == proof {
				g.send(answer(proof, 0, checked))
			} else {
				g.send(answer(xids[0], 0))
			}
			xids = xids[1:]
			synctest.Wait()
			for g.from.Buffered() > 0 || len(g.c.sent) > len(xids) {
				xids = append(xids, g.request(wire.OpSetData).Xid)
			}
		}
		require.Equal(g, Answered, probe.Fate())
		for _, call := range calls[:9] {
			require.Equal(g, Answered, call.Fate())
		}
		require.Zero(g, g.c.unanswered)
	})
}

// A request that is larger than maxUnanswered is written alone.
func TestBacklogOfOne(t *testing.T) {
	inRig(t, func(g *rig) {
		g.open()
		small, large := g.deletes(1)[0], g.noted(wire.OpSetData, wire.SetData("/a", make([]byte, 2*maxUnanswered), 1))
		g.c.Send(small, large)
		xid := g.request(wire.OpDelete).Xid
		g.written()
		g.quiet()
		g.send(answer(xid, 0))
		g.send(answer(g.request(wire.OpSetData).Xid, 0))
		synctest.Wait()
		require.Equal(g, Answered, large.Fate())
	})
}

// A call that overtakes a backlog does not overtake the watches: its answer
// would count as if all earlier changes had been reported.
func TestWatchesLeaveFirst(t *testing.T) {
	inRig(t, func(g *rig) {
		g.read()
		g.send(theGrant)
		g.request(wire.OpSetWatches)
		g.request(wire.OpMulti)
		g.request(wire.OpDelete)
	}, withUser, func(_ *Config, o *owner) {
		user := o.onOpened
		o.onOpened = func(c *Conn) {
			user(c)
			c.SendFirst(o.noted(wire.OpMulti, wire.Check("/")))
		}
	})
}
