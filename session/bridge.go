package session

import "github.com/docent-go/docent/internal/core"

// The recipes take and return the types of this package, and work with the
// implementation. internal/bridge has the typed functions that lead from one to
// the other; users cannot call them.
func init() {
	core.Facade.Manager = func(sm any) *core.Manager {
		if m := sm.(*Manager); m != nil {
			return m.core
		}
		return nil
	}
	core.Facade.Hold = func(h *core.Hold) any { return Hold{h} }
	core.Facade.HoldOf = func(h any) *core.Hold { return h.(*Hold).of() }
	core.Facade.Op = func(op core.Op) any { return Op{op} }
	core.Facade.AsOpError = func(err *core.OpError, target any) bool {
		found, ok := target.(**OpError)
		if ok {
			*found = &OpError{err.Op, err.Path, ID(err.Session), err.Err}
		}
		return ok
	}
	core.Facade.AsCodeError = func(err *core.CodeError, target any) bool {
		found, ok := target.(**CodeError)
		if ok {
			*found = (*CodeError)(err)
		}
		return ok
	}
}
