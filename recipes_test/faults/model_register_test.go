package faults

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// The operations on a config key. No value is written twice.
type (
	setOp    struct{ version, value int32 } // only if the key has the version
	putOp    struct{ value int32 }          // whatever its version
	readOp   struct{}
	updateOp struct{ old, value int32 } // from the old value to the value that the function returned
)

// register is a key's state, and the answer to an operation.
type register struct {
	version, value int32
	zxid           int64
	refused        bool // with session.ErrBadVersion
	unknown        bool
}

func (r register) written(value int32, zxid int64) register {
	return register{version: r.version + 1, value: value, zxid: max(r.zxid, zxid)}
}

// registers is a key of a Store that exists from the beginning, with version 0
// and value 0. A zxid in the state is the minimum zxid of the value.
var registers = porcupine.Model{
	Init: func() any { return register{} },
	Step: func(state, in, out any) (bool, any) {
		s, o := state.(register), out.(register)
		switch op := in.(type) {
		case setOp:
			switch {
			case o.refused:
				return s.version != op.version, s
			case s.version != op.version:
				return o.unknown, s
			case o.unknown:
				return true, s.written(op.value, s.zxid+1)
			}
			return o.version == s.version+1 && o.zxid > s.zxid, s.written(op.value, o.zxid)
		case putOp:
			return true, s.written(op.value, s.zxid+1)
		case updateOp:
			if o.unknown {
				return true, s.written(op.value, s.zxid+1)
			}
			return s.value == op.old && o.version == s.version+1 && o.zxid > s.zxid, s.written(op.value, o.zxid)
		case readOp:
			return o.version == s.version && o.value == s.value && o.zxid >= s.zxid, register{version: s.version, value: s.value, zxid: o.zxid}
		}
		return false, s
	},
	DescribeOperation: func(in, out any) string {
		o := out.(register)
		answer := fmt.Sprintf("version %d, value %d, zxid %#x", o.version, o.value, o.zxid)
		if o.refused {
			answer = "bad version"
		}
		if o.unknown {
			answer = "unknown"
		}
		switch op := in.(type) {
		case setOp:
			return fmt.Sprintf("set %d if version %d: %s", op.value, op.version, answer)
		case putOp:
			return fmt.Sprintf("put %d", op.value)
		case updateOp:
			return fmt.Sprintf("update %d to %d: %s", op.old, op.value, answer)
		}
		return "read: " + answer
	},
	DescribeState: func(state any) string {
		s := state.(register)
		return fmt.Sprintf("version %d, value %d", s.version, s.value)
	},
}
