package faults

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// take and give are the operations on a lock, an election or a semaphore. A
// lost hold is a give that begins at the end of its context and never returns.
// Another process may have taken the lock since then, and not before.
type take struct {
	token int64
	n     int // permits
}

type give struct {
	token int64
	n     int
}

// exclusiveState is the token of the holder, and the greatest token so far.
type exclusiveState struct{ holder, last int64 }

// exclusive is a lock: one holder at a time, with tokens that grow.
var exclusive = porcupine.Model{
	Init: func() any { return exclusiveState{} },
	Step: func(state, in, _ any) (bool, any) {
		s := state.(exclusiveState)
		switch op := in.(type) {
		case take:
			return s.holder == 0 && op.token > s.last, exclusiveState{op.token, op.token}
		case give:
			return s.holder == op.token, exclusiveState{0, s.last}
		}
		return false, s
	},
	DescribeOperation: describeHold,
	DescribeState: func(state any) string {
		return fmt.Sprintf("held by %d", state.(exclusiveState).holder)
	},
}

// permits is a semaphore.
func permits(limit int) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return 0 },
		Step: func(state, in, _ any) (bool, any) {
			taken := state.(int)
			switch op := in.(type) {
			case take:
				return taken+op.n <= limit, taken + op.n
			case give:
				return taken >= op.n, taken - op.n
			}
			return false, taken
		},
		DescribeOperation: describeHold,
		DescribeState:     func(state any) string { return fmt.Sprintf("%d taken", state.(int)) },
	}
}

func describeHold(in, _ any) string {
	switch op := in.(type) {
	case take:
		return fmt.Sprintf("take %d of token %d", op.n, op.token)
	case give:
		return fmt.Sprintf("give %d of token %d", op.n, op.token)
	}
	return fmt.Sprintf("%#v", in)
}
