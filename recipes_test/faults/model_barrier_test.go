package faults

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// gateOp is an operation on a gate. A Set or a Lift with an unknown outcome
// never returns.
type gateOp string

const (
	gateSet    gateOp = "set"
	gateLift   gateOp = "lift"
	gateWait   gateOp = "wait" // returned without an error
	gateClosed gateOp = "is set"
	gateOpen   gateOp = "is not set"
)

// gates is a gate: closed or not. A Wait has seen it open.
var gates = porcupine.Model{
	Init: func() any { return false },
	Step: func(state, in, _ any) (bool, any) {
		closed := state.(bool)
		switch in.(gateOp) {
		case gateSet:
			return true, true
		case gateLift:
			return true, false
		case gateWait, gateOpen:
			return !closed, closed
		case gateClosed:
			return closed, closed
		}
		return false, closed
	},
	DescribeOperation: func(in, _ any) string { return string(in.(gateOp)) },
	DescribeState: func(state any) string {
		if state.(bool) {
			return "closed"
		}
		return "open"
	},
}

// The operations on a rendezvous. An Enter that returned a visit is a meetCome
// and a meetIn with the times of the call. A Leave is a meetGo, and also a
// meetOut if it returned nil. A lost visit is a meetGo that begins at the end of
// its context and never returns.
type (
	meetCome struct{ token int64 }
	meetIn   struct{ token int64 }
	meetGo   struct{ token int64 }
	meetOut  struct{ token int64 }
	// meetMaybe is a member that a failed Enter, or an Enter in a session that
	// ended, may bring into a round from its call on. It leaves by itself, or it
	// is never counted.
	meetMaybe struct{}
)

// meetState is a round: its token, the members that have come, and the members
// that have left.
type meetState struct {
	token      int64 // 0: no round yet
	come, gone int
	maybe      int // members that may still be counted in this round or a later one
}

// meetings is a rendezvous of count members. A member is in when all have come.
// A Leave returns when all have left. The next round begins after that.
func meetings(count int) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return meetState{} },
		Step: func(state, in, _ any) (bool, any) {
			s := state.(meetState)
			switch op := in.(type) {
			case meetCome:
				if op.token == s.token {
					s.come++
					return s.come <= count, s
				}
				return op.token > s.token && (s.token == 0 || s.gone == count), meetState{token: op.token, come: 1, maybe: s.maybe}
			case meetIn:
				if missing := count - s.come; missing <= s.maybe {
					s = meetState{token: s.token, come: count, gone: s.gone + missing, maybe: s.maybe - missing}
				}
				return op.token == s.token && s.come == count, s
			case meetGo:
				ok := op.token == s.token && s.come == count && s.gone < count
				s.gone++
				return ok, s
			case meetOut:
				return op.token < s.token || op.token == s.token && s.gone == count, s
			case meetMaybe:
				s.maybe++
				return true, s
			}
			return false, s
		},
		DescribeOperation: func(in, _ any) string { return fmt.Sprintf("%T %+v", in, in)[len("faults."):] },
		DescribeState:     func(state any) string { return fmt.Sprintf("%+v", state) },
	}
}
