package core

// Facade has the functions through which package session, the facade that users
// see, gives the recipes access to this package. session sets them at its init.
// This package cannot name the types of session, because session imports it.
// internal/bridge gives the functions their types.
var Facade struct {
	Manager func(sm any) *Manager // of a *session.Manager; nil of a nil one
	Hold    func(h *Hold) any     // a session.Hold
	HoldOf  func(h any) *Hold     // of a *session.Hold
	Op      func(op Op) any       // a session.Op

	// AsOpError and AsCodeError set a target of errors.As that has the error's
	// type in session.
	AsOpError   func(err *OpError, target any) bool
	AsCodeError func(err *CodeError, target any) bool
}

// As finds a *session.OpError for errors.As.
func (e *OpError) As(target any) bool {
	return Facade.AsOpError != nil && Facade.AsOpError(e, target)
}

// As finds a *session.CodeError for errors.As.
func (e *CodeError) As(target any) bool {
	return Facade.AsCodeError != nil && Facade.AsCodeError(e, target)
}
