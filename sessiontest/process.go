package sessiontest

import (
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// Process is a session.Manager with a network path of its own.
type Process struct {
	*session.Manager
	// Link is the network path. A test can cut it, slow it down or break it.
	Link *zktest.Link

	world *World
}

// Expire ends the session of the process on the server, as if it had expired.
// It waits for a session if need be.
func (p *Process) Expire() {
	p.world.Helper()
	s, err := p.Session(p.world.Context())
	if err != nil {
		p.world.Fatalf("sessiontest: %v", err)
	}
	p.world.Server.Expire(int64(s.ID))
}

// Kill does to the network what kill -9 does: the connection breaks, and there
// is never another one. The server keeps the session until it expires. The code
// of the process goes on, and loses its holds by then.
func (p *Process) Kill() {
	p.Link.Refuse(true)
	p.Link.Disconnect()
}
