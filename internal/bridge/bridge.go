// Package bridge leads from the package session, which users see, to its
// implementation in internal/core, and back. Recipes take a *session.Manager,
// work with its core, and return holds and operations of session.
package bridge

import (
	"github.com/docent-go/docent/internal/core"
	"github.com/docent-go/docent/session"
)

// Core returns the implementation of a Manager, or nil for a nil Manager.
func Core(sm *session.Manager) *core.Manager { return core.Facade.Manager(sm) }

// Hold returns the hold that users see.
func Hold(h *core.Hold) session.Hold { return core.Facade.Hold(h).(session.Hold) }

// CoreHold returns the implementation of a hold.
func CoreHold(h *session.Hold) *core.Hold { return core.Facade.HoldOf(h) }

// Ops returns operations for session.Manager.Txn.
func Ops(ops []core.Op) []session.Op {
	list := make([]session.Op, len(ops))
	for i, op := range ops {
		list[i] = core.Facade.Op(op).(session.Op)
	}
	return list
}
