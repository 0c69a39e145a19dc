package core

import (
	"sync/atomic"

	"github.com/docent-go/docent/internal/conn"
	"github.com/docent-go/docent/internal/wire"
)

// Stats is documented in package session.
type Stats struct {
	Done, Refused, NotExecuted, Unknown, Unanswered uint64
	Probes, ProbesFailed                            uint64
}

// Stats returns what the Manager has counted since Dial or Start.
func (m *Manager) Stats() Stats {
	m.made()
	c := &m.counts
	return Stats{
		Done: c.done.Load(), Refused: c.refused.Load(), NotExecuted: c.notExecuted.Load(),
		Unknown: c.unknown.Load(), Unanswered: c.unanswered.Load(),
		Probes: c.probes.Load(), ProbesFailed: c.probesFailed.Load(),
	}
}

// counts are the counters of Stats.
type counts struct {
	done, refused, notExecuted, unknown, unanswered atomic.Uint64
	probes, probesFailed                            atomic.Uint64
}

// answer counts an answer by its class.
func (c *counts) answer(class wire.Class) {
	switch class {
	case wire.Done:
		c.done.Add(1)
	case wire.Refused:
		c.refused.Add(1)
	case wire.NotExecuted:
		c.notExecuted.Add(1)
	default:
		c.unknown.Add(1)
	}
}

// probe counts a probe that has ended. It has failed if no quorum has committed
// it.
func (c *counts) probe(call *conn.Call) {
	c.probes.Add(1)
	if !call.Proves() {
		c.probesFailed.Add(1)
	}
}
