package session

import "fmt"

// Format writes the session's id, whatever the verb. Without it, a verb that
// does not fit would have fmt write out what the session consists of, and with
// it the credentials that its client keeps.
func (s *Session) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "session %#x", s.ID()) }
