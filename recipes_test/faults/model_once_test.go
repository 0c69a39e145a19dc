package faults

import (
	"fmt"
	"time"

	"github.com/anishathalye/porcupine"
)

// The operations on a job that runs once per interval. Times are milliseconds of
// the leader's clock. A lost run is an onceEnd that begins at the end of its
// context and never returns.
type (
	onceRun    struct{ token, called int64 }
	onceEnd    struct{ token int64 }
	onceNotDue struct{ called int64 } // the newest run is the run that was called then
	// onceMaybe is a run that a failed call, or a call in a session that ended,
	// may begin from its call on. It is lost, or taken back.
	onceMaybe struct{}
)

// onceState is the run under way, and the newest run.
type onceState struct {
	running, last, called int64
	maybe                 int   // runs that may still begin without a caller who knows
	unseen                int64 // when the newest of these was called
}

// jobs is a job whose runs do not overlap. The calls that begin two runs, one
// after the other, are at least apart from each other, by the leader's clock.
func jobs(apart time.Duration) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return onceState{} },
		Step: func(state, in, _ any) (bool, any) {
			s := state.(onceState)
			switch op := in.(type) {
			case onceRun:
				between := time.Duration(max(op.called-s.called, s.called-op.called)) * time.Millisecond
				ok := s.running == 0 && op.token > s.last && (s.last == 0 || between >= apart)
				return ok, onceState{running: op.token, last: op.token, called: op.called, maybe: s.maybe}
			case onceEnd:
				ok := s.running == op.token
				s.running = 0
				return ok, s
			case onceNotDue:
				if s.last != 0 && op.called == s.called || s.unseen != 0 && op.called == s.unseen {
					return true, s
				}
				ok := s.maybe > 0 && s.running == 0
				s.maybe--
				s.unseen = op.called
				return ok, s
			case onceMaybe:
				s.maybe++
				return true, s
			}
			return false, s
		},
		DescribeOperation: func(in, _ any) string { return fmt.Sprintf("%T %+v", in, in)[len("faults."):] },
		DescribeState:     func(state any) string { return fmt.Sprintf("%+v", state) },
	}
}
