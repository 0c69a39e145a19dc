package faults

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// The operations on a lock for readers and writers. A lost hold is given as
// described at give.
type (
	readTake  struct{ token int64 }
	readGive  struct{ token int64 }
	writeTake struct{ token int64 }
	writeGive struct{ token int64 }
	downgrade struct{ token int64 } // from writing to reading, with the same token
)

// sharedState is the writer's token, the number of readers, and the greatest
// tokens so far.
type sharedState struct {
	writer     int64 // 0: none
	readers    int
	lastWriter int64
	lastOfAll  int64
}

// shared is a lock that has any number of readers or one writer. A writer's
// token is greater than all earlier tokens, a reader's than all of earlier
// writers.
var shared = porcupine.Model{
	Init: func() any { return sharedState{} },
	Step: func(state, in, _ any) (bool, any) {
		s := state.(sharedState)
		switch op := in.(type) {
		case readTake:
			ok := s.writer == 0 && op.token > s.lastWriter
			s.readers++
			s.lastOfAll = max(s.lastOfAll, op.token)
			return ok, s
		case readGive:
			ok := s.readers > 0
			s.readers--
			return ok, s
		case writeTake:
			ok := s.writer == 0 && s.readers == 0 && op.token > s.lastOfAll
			return ok, sharedState{writer: op.token, lastWriter: op.token, lastOfAll: op.token}
		case writeGive:
			ok := s.writer == op.token
			s.writer = 0
			return ok, s
		case downgrade:
			ok := s.writer == op.token
			s.writer, s.readers = 0, 1
			return ok, s
		}
		return false, s
	},
	DescribeOperation: func(in, _ any) string {
		switch op := in.(type) {
		case readTake:
			return fmt.Sprintf("read under token %d", op.token)
		case readGive:
			return fmt.Sprintf("end of reading under %d", op.token)
		case writeTake:
			return fmt.Sprintf("write under token %d", op.token)
		case writeGive:
			return fmt.Sprintf("end of writing under %d", op.token)
		case downgrade:
			return fmt.Sprintf("downgrade of %d", op.token)
		}
		return fmt.Sprintf("%#v", in)
	},
	DescribeState: func(state any) string { return fmt.Sprintf("%+v", state) },
}
