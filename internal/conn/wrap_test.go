package conn

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/wire"
)

// After two billion requests the numbers begin again. None is negative, as the
// numbers of events, pings and credentials are, or the client's own.
func TestNumbersOfRequestsWrap(t *testing.T) {
	inRig(t, func(g *rig) {
		g.open()
		g.c.mu.Lock()
		g.c.xid = math.MaxInt32 - 2
		g.c.mu.Unlock()
		for _, want := range []int32{math.MaxInt32 - 1, math.MaxInt32, firstXid, firstXid + 1} {
			call := g.deletes(1)[0]
			g.c.Send(call)
			r := g.request(wire.OpDelete)
			require.Equal(g, want, r.Xid)
			g.send(answer(r.Xid, wire.CodeOK))
			<-call.Done()
			require.Equal(g, Answered, call.Fate())
		}
	})
}
