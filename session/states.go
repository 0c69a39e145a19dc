package session

import (
	"context"
	"iter"
	"time"

	"github.com/docent-go/docent/internal/core"
)

// State is the state of a Manager's connection to the ensemble.
type State int

const (
	// Connected: there is a session, and a server is connected to it.
	Connected State = iota + 1
	// Suspended: there is a session but no connection. Holds last until the
	// trust deadline of the session, or end at once under OnDisconnect.
	Suspended
	// Lost: the session has ended, and with it every hold and every ephemeral
	// znode. The Manager opens a new session.
	Lost
	// Closed: Close was called. Closed is the last state.
	Closed
)

// String returns the name of the state in lower case.
func (s State) String() string { return core.State(s).String() }

// StateChange is one transition of a Manager.
type StateChange struct {
	State   State
	Session ID // the session, 0 if there was none
	At      time.Time
	Cause   error // the reason, with Lost and Closed
}

func stateChange(c core.StateChange) StateChange {
	return StateChange{State(c.State), ID(c.Session), c.At, c.Cause}
}

// State returns the present state.
func (m *Manager) State() State { return State(m.of().State()) }

// States yields the present state and then every change, in order. It drops no
// change, however slow the loop body is. It ends after Closed, or when ctx
// ends. It is safe for concurrent use.
func (m *Manager) States(ctx context.Context) iter.Seq[StateChange] {
	return stateChanges(m.of().States(ctx))
}

// ConfirmedStates is States with a stronger Connected: a quorum has answered on
// the present connection. A leader that has lost its quorum may take a session
// back and answer its reads for a while. ConfirmedStates yields Suspended
// during that time, and Connected once a quorum has committed a request of the
// present connection. A read after that shows every write that was committed
// before the connection was made.
//
// The connection on which the session was opened counts as confirmed. While a
// loop over ConfirmedStates runs, each later connection costs the servers one
// check, an entry in their logs. The loops of a Manager share the check.
// ConfirmedStates ends after Closed, or when ctx ends. It is safe for
// concurrent use.
func (m *Manager) ConfirmedStates(ctx context.Context) iter.Seq[StateChange] {
	return stateChanges(m.of().ConfirmedStates(ctx))
}

func stateChanges(changes iter.Seq[core.StateChange]) iter.Seq[StateChange] {
	return func(yield func(StateChange) bool) {
		for change := range changes {
			if !yield(stateChange(change)) {
				return
			}
		}
	}
}
