package faults

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// itemKind names what happens to an item of a queue.
type itemKind string

const (
	itemPut   itemKind = "put"         // never returns if the outcome is unknown
	itemTake  itemKind = "take"        // claimed under a token
	itemGive  itemKind = "give"        // the claim was released; or lost, and then it never returns
	itemAck   itemKind = "ack"         // gone for good
	itemMaybe itemKind = "ack or not"  // its outcome is unknown
	itemLose  itemKind = "lose or not" // the claim of an ack in doubt was lost, unless the ack was done
	itemEmpty itemKind = "the end"     // the queue is empty
)

type itemOp struct {
	item  string
	kind  itemKind
	token int64
}

// itemState is where an item is: nowhere yet, there for all, or claimed, and at
// last gone.
type itemState struct {
	there, gone bool
	claim       int64 // 0: free
}

// items is a queue, item by item. What was put comes to an end only by an ack
// under the claim that stands, and has come to its end when the queue is empty.
var items = porcupine.Model{
	Partition: func(ops []porcupine.Operation) [][]porcupine.Operation {
		place := map[string]int{}
		var parts [][]porcupine.Operation
		for _, op := range ops {
			item := op.Input.(itemOp).item
			i, ok := place[item]
			if !ok {
				i = len(parts)
				place[item] = i
				parts = append(parts, nil)
			}
			parts[i] = append(parts[i], op)
		}
		return parts
	},
	Init: func() any { return itemState{} },
	Step: func(state, in, _ any) (bool, any) {
		s, op := state.(itemState), in.(itemOp)
		claimed := s.there && s.claim == op.token
		switch op.kind {
		case itemPut:
			return !s.there && !s.gone, itemState{there: true}
		case itemTake:
			return s.there && s.claim == 0, itemState{there: true, claim: op.token}
		case itemGive:
			return claimed, itemState{there: true}
		case itemAck:
			return claimed, itemState{gone: true}
		case itemMaybe:
			if claimed {
				return true, itemState{gone: true}
			}
			return true, s
		case itemLose:
			if claimed {
				return true, itemState{there: true}
			}
			return true, s
		case itemEmpty:
			return !s.there, s
		}
		return false, s
	},
	DescribeOperation: func(in, _ any) string {
		op := in.(itemOp)
		return fmt.Sprintf("%s: %s %d", op.item, op.kind, op.token)
	},
	DescribeState: func(state any) string { return fmt.Sprintf("%+v", state) },
}
