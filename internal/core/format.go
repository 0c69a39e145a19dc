package core

import (
	"fmt"
	"log/slog"
)

// With every verb, fmt prints only a name for the types here. Without these
// methods, fmt would print their fields, including the credentials that a
// Manager and a Session's client keep. It would also read, without their locks,
// fields that other goroutines change.

// Format writes the session's id.
func (s *Session) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "session %v", sessionID(s.ID())) }

// Format writes the root and the state.
func (m *Manager) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "session manager of %s, %v", m.Root(), m.State())
}

// Format writes the node's path.
func (n *Node) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "znode %s", n.path) }

// Format writes the path of the hold's node and the token.
func (h *Hold) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "hold on %s, token %d", h.Path(), h.token) }

// sessionID prints a session's id as ZooKeeper's own tools do.
type sessionID int64

func (id sessionID) String() string { return fmt.Sprintf("0x%x", uint64(id)) }

// LogValue implements slog.LogValuer.
func (id sessionID) LogValue() slog.Value { return slog.StringValue(id.String()) }
