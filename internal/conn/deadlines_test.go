package conn

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/wire"
)

// The connection has its own deadlines, because the client does not see most
// answers.
func TestReadDeadline(t *testing.T) {
	for name, c := range map[string]struct {
		shaken bool
		limit  time.Duration
	}{"in the handshake": {false, patience}, "later": {true, granted / 2}} {
		t.Run(name, func(t *testing.T) {
			inRig(t, func(g *rig) {
				start := time.Now()
				if c.shaken {
					g.open()
					require.NoError(g, g.c.SetReadDeadline(start.Add(1)))
					time.Sleep(c.limit - 1)
					g.send(event(wire.EventCreated, "/a")) // which the client never sees
					start = time.Now()
				} else {
					g.read()
				}
				g.over()
				require.ErrorContains(g, g.ended, "timeout")
				require.Equal(g, c.limit, time.Since(start))
			})
		})
	}
}

func TestWriteDeadline(t *testing.T) {
	inRig(t, func(g *rig) {
		g.open()
		time.Sleep(time.Second)
		g.send(event(wire.EventCreated, "/a"))
		require.NoError(g, g.c.SetWriteDeadline(time.Now().Add(-1)), "the client's is not for this write")
		start := time.Now()
		call := g.noted(wire.OpDelete, wire.Delete("/a", 1))
		g.c.Send(call)
		time.Sleep(time.Second)
		g.send(event(wire.EventCreated, "/b")) // so that reading goes on for longer
		<-call.Done()
		require.Equal(g, granted/2, time.Since(start))
		require.Equal(g, Unsent, call.Fate(), "not a byte has left")
		g.over()
		require.ErrorContains(g, g.ended, "timeout")
	})
}

// A hello that is not read is given up too.
func TestWriteDeadlineOfTheHello(t *testing.T) {
	inRig(t, func(g *rig) {
		start := time.Now()
		g.over()
		require.Equal(g, patience, time.Since(start))
	})
}
