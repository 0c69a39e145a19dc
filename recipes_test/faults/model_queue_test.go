package faults

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// itemKind is an event in the life of a queue's item.
type itemKind string

const (
	itemPut   itemKind = "put"         // never returns if the outcome is unknown
	itemTake  itemKind = "take"        // claimed under a token
	itemGive  itemKind = "give"        // the claim was released; if it was lost, this never returns
	itemAck   itemKind = "ack"         // removed for good
	itemMaybe itemKind = "ack or not"  // an ack with an unknown outcome
	itemLose  itemKind = "lose or not" // the loss of a claim whose ack has an unknown outcome: no loss if the ack was done
	itemEmpty itemKind = "the end"     // the queue is empty
)

type itemOp struct {
	item  string
	kind  itemKind
	token int64
}

// itemState is the state of an item: not put yet, free, claimed, and at last
// removed.
type itemState struct {
	there, gone bool
	claim       int64 // 0: free
}

// items is a queue, item by item. Only an ack under the present claim removes
// an item. Every item is removed when the queue is empty.
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
