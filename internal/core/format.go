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
func (s *Session) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "session %v", SessionID(s.ID())) }

// Format writes the root and the state.
func (m *Manager) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "session manager of %s, %v", m.Root(), m.State())
}

// Format writes the node's path.
func (n *Node) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "znode %s", n.path) }

// Format writes the path of the hold's node and the token.
func (h *Hold) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "hold on %s, token %d", h.Path(), h.token) }

// SessionID prints a session's id as ZooKeeper's own tools do: in hexadecimal,
// without a sign. A server whose number is 128 or above opens sessions whose
// ids are negative as an int64.
type SessionID int64

// String returns the hexadecimal form, such as 0x1000a2f4c8e0003.
func (id SessionID) String() string { return fmt.Sprintf("0x%x", uint64(id)) }

// LogValue implements slog.LogValuer.
func (id SessionID) LogValue() slog.Value { return slog.StringValue(id.String()) }
