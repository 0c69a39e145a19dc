package queue

import "errors"

// Sentinel errors. Compare with errors.Is: they arrive wrapped.
var (
	// ErrFull says that a queue with a Limit has no room.
	ErrFull = errors.New("the queue is full")
	// ErrEmpty is returned by TryTake when there is nothing to take now.
	ErrEmpty = errors.New("the queue has nothing to take")
	// ErrExhausted is returned by Put when the directory has no sequence
	// number left.
	ErrExhausted = errors.New("the queue has used up its 2147483647 sequence numbers: " +
		"let it run empty, and delete the directory of its items")
	// ErrUnsupported says that the format of the queue cannot express what was
	// asked for.
	ErrUnsupported = errors.New("the queue's format does not have that")
)
