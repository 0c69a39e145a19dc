package faults

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// handTake and handGive are the operations on a lock that a process hands on
// among its goroutines. A lost hold is given as described at give.
type (
	handTake struct {
		process int
		token   int64
		turn    int // how often the lock was handed on before
	}
	handGive handTake
)

// handState is the present hold, and the last one.
type handState struct {
	held bool
	last handTake
}

// handed is a lock with Handoff(most): one holder at a time. A hold from
// ZooKeeper has a greater token than all before. A hold that was handed on has
// the token of the one before, a greater turn, and the same process.
func handed(most int) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return handState{} },
		Step: func(state, in, _ any) (bool, any) {
			s := state.(handState)
			switch op := in.(type) {
			case handTake:
				fresh := op.turn == 0 && op.token > s.last.token
				on := op.turn > s.last.turn && op.turn <= most && op.token == s.last.token && op.process == s.last.process
				return !s.held && (fresh || on), handState{true, op}
			case handGive:
				return s.held && s.last == handTake(op), handState{false, s.last}
			}
			return false, s
		},
		DescribeOperation: func(in, _ any) string {
			switch op := in.(type) {
			case handTake:
				return fmt.Sprintf("process %d: take of token %d, turn %d", op.process, op.token, op.turn)
			case handGive:
				return fmt.Sprintf("process %d: give of token %d, turn %d", op.process, op.token, op.turn)
			}
			return fmt.Sprintf("%#v", in)
		},
		DescribeState: func(state any) string { return fmt.Sprintf("%+v", state) },
	}
}
