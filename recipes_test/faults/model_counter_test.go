package faults

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// The operations on a counter.
type (
	addOp struct{ n int64 }
	casOp struct{ from, to int64 }
	getOp struct{}
)

// number is the answer to an operation on a counter.
type number struct {
	n       int64 // the number read, or after an addition
	swapped bool
	unknown bool
}

// counting is a counter. A write with an unknown outcome takes effect at some
// time after its call, possibly after everything else.
var counting = porcupine.Model{
	Init: func() any { return int64(0) },
	Step: func(state, in, out any) (bool, any) {
		s, o := state.(int64), out.(number)
		switch op := in.(type) {
		case addOp:
			return o.unknown || o.n == s+op.n, s + op.n
		case casOp:
			next := s
			if s == op.from {
				next = op.to
			}
			return o.unknown || o.swapped == (s == op.from), next
		case getOp:
			return o.n == s, s
		}
		return false, s
	},
	DescribeOperation: func(in, out any) string {
		o := out.(number)
		answer := fmt.Sprint(o.n)
		switch op := in.(type) {
		case addOp:
			if o.unknown {
				answer = "unknown"
			}
			return fmt.Sprintf("add %d: %s", op.n, answer)
		case casOp:
			answer = fmt.Sprint(o.swapped)
			if o.unknown {
				answer = "unknown"
			}
			return fmt.Sprintf("set %d to %d: %s", op.from, op.to, answer)
		}
		return "get: " + answer
	},
	DescribeState: func(state any) string { return fmt.Sprint(state) },
}
