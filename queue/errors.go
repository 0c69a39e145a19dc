package queue

import "errors"

// Sentinel errors. Compare with errors.Is: they arrive wrapped.
var (
	// ErrFull says that a queue with a Limit has no room for the items.
	ErrFull = errors.New("the queue is full")
	// ErrEmpty is returned by TryTake if there is nothing to take now.
	ErrEmpty = errors.New("the queue has nothing to take")
	// ErrExhausted is returned by Put if the directory of the items has used up
	// its sequence numbers.
	ErrExhausted = errors.New("the queue has used up its 2147483647 sequence numbers: " +
		"let it run empty, and delete the directory of its items")
	// ErrUnsupported says that the format of the queue cannot express a
	// priority or a delay.
	ErrUnsupported = errors.New("the queue's format does not have that")
)
