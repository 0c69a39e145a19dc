package queue

import "errors"

// Errors of a queue, besides the errors of package session. They arrive in a
// *session.OpError: compare with errors.Is.
var (
	// ErrFull says that a queue with a Limit has no room for the items.
	ErrFull = errors.New("the queue is full")
	// ErrEmpty is returned by TryTake if there is nothing to take now.
	ErrEmpty = errors.New("the queue has nothing to take")
	// ErrUnsupported says that the Layout of the queue cannot express a priority
	// or a delay.
	ErrUnsupported = errors.New("not possible in the queue's layout")
	// ErrNoLetter says that an ID cannot be the ID of a dead letter: Dead yields
	// the IDs.
	ErrNoLetter = errors.New("not the ID of a dead letter")
)
