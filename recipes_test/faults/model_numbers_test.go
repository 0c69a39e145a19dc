package faults

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// numbered is a take or a give of a number: a partition or a worker id.
type numbered struct {
	number int
	op     any
}

// numbers are places with one holder each, as exclusive describes it.
var numbers = porcupine.Model{
	Partition: func(ops []porcupine.Operation) [][]porcupine.Operation {
		place := map[int]int{}
		var parts [][]porcupine.Operation
		for _, op := range ops {
			number := op.Input.(numbered).number
			i, ok := place[number]
			if !ok {
				i = len(parts)
				place[number] = i
				parts = append(parts, nil)
			}
			parts[i] = append(parts[i], op)
		}
		return parts
	},
	Init: exclusive.Init,
	Step: func(state, in, out any) (bool, any) { return exclusive.Step(state, in.(numbered).op, out) },
	DescribeOperation: func(in, out any) string {
		n := in.(numbered)
		return fmt.Sprintf("number %d: %s", n.number, describeHold(n.op, out))
	},
	DescribeState: exclusive.DescribeState,
}

// nextName is a call of Names.Next that returned the name.
type nextName struct{ name string }

// ascending are names: each is greater than all before.
var ascending = porcupine.Model{
	Init: func() any { return "" },
	Step: func(state, in, _ any) (bool, any) {
		name := in.(nextName).name
		return name > state.(string), name
	},
	DescribeOperation: func(in, _ any) string { return "next: " + in.(nextName).name },
	DescribeState:     func(state any) string { return "after " + state.(string) },
}
