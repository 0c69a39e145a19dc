package faults

import (
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"
)

// op is an operation without an answer of its own.
func op(in any, call, ret int64) porcupine.Operation {
	return answered(in, nil, call, ret)
}

func answered(in, out any, call, ret int64) porcupine.Operation {
	return porcupine.Operation{Input: in, Output: out, Call: call, Return: ret}
}

// TestModelsBite gives each model correct histories, and others that differ
// from them by one defect.
func TestModelsBite(t *testing.T) {
	unknown := number{unknown: true}
	for _, c := range []struct {
		name  string
		model porcupine.Model
		ops   []porcupine.Operation
		legal bool
	}{
		{"lock: one after the other", exclusive, []porcupine.Operation{
			op(take{5, 1}, 0, 10), op(take{7, 1}, 1, 30), op(give{5, 1}, 20, 40), op(give{7, 1}, 50, 60)}, true},
		{"lock: two holders", exclusive, []porcupine.Operation{
			op(take{5, 1}, 0, 10), op(take{7, 1}, 1, 15), op(give{5, 1}, 20, 40), op(give{7, 1}, 50, 60)}, false},
		{"lock: lost, and taken later", exclusive, []porcupine.Operation{
			op(take{5, 1}, 0, 10), op(give{5, 1}, 20, never), op(take{7, 1}, 1, 21)}, true},
		{"lock: taken before the context ended", exclusive, []porcupine.Operation{
			op(take{5, 1}, 0, 10), op(give{5, 1}, 20, never), op(take{7, 1}, 1, 19)}, false},
		{"lock: lost, and never taken again", exclusive, []porcupine.Operation{
			op(take{5, 1}, 0, 10), op(give{5, 1}, 20, never)}, true},
		{"lock: a token that goes back", exclusive, []porcupine.Operation{
			op(take{7, 1}, 0, 10), op(give{7, 1}, 20, 30), op(take{5, 1}, 40, 50)}, false},
		{"lock: a token twice", exclusive, []porcupine.Operation{
			op(take{7, 1}, 0, 10), op(give{7, 1}, 20, 30), op(take{7, 1}, 40, 50)}, false},

		{"semaphore: as many as there are", permits(3), []porcupine.Operation{
			op(take{1, 2}, 0, 10), op(take{2, 1}, 0, 10), op(give{1, 2}, 20, 30), op(take{3, 2}, 5, 25)}, true},
		{"semaphore: one too many", permits(3), []porcupine.Operation{
			op(take{1, 2}, 0, 10), op(take{2, 1}, 0, 10), op(give{1, 2}, 20, 30), op(take{3, 1}, 5, 19)}, false},
		{"semaphore: a lost permit comes back", permits(1), []porcupine.Operation{
			op(take{1, 1}, 0, 10), op(give{1, 1}, 20, never), op(take{2, 1}, 5, 21)}, true},
		{"semaphore: a lost permit comes back too early", permits(1), []porcupine.Operation{
			op(take{1, 1}, 0, 10), op(give{1, 1}, 20, never), op(take{2, 1}, 5, 19)}, false},

		{"counter: in doubt and done", counting, []porcupine.Operation{
			answered(addOp{1}, number{n: 1}, 0, 10), answered(addOp{5}, unknown, 20, never), answered(getOp{}, number{n: 6}, 90, 99)}, true},
		{"counter: in doubt and not done", counting, []porcupine.Operation{
			answered(addOp{1}, number{n: 1}, 0, 10), answered(addOp{5}, unknown, 20, never), answered(getOp{}, number{n: 1}, 90, 99)}, true},
		{"counter: in doubt and done twice", counting, []porcupine.Operation{
			answered(addOp{1}, number{n: 1}, 0, 10), answered(addOp{5}, unknown, 20, never), answered(getOp{}, number{n: 11}, 90, 99)}, false},
		{"counter: an addition is lost", counting, []porcupine.Operation{
			answered(addOp{1}, number{n: 1}, 0, 10), answered(addOp{5}, number{n: 6}, 20, 30), answered(getOp{}, number{n: 1}, 90, 99)}, false},
		{"counter: a number is given twice", counting, []porcupine.Operation{
			answered(addOp{1}, number{n: 1}, 0, 10), answered(addOp{1}, number{n: 1}, 0, 10)}, false},
		{"counter: a stale read", counting, []porcupine.Operation{
			answered(addOp{1}, number{n: 1}, 0, 10), answered(getOp{}, number{n: 0}, 11, 12)}, false},
		{"counter: what was in doubt is undone", counting, []porcupine.Operation{
			answered(addOp{5}, unknown, 20, never), answered(getOp{}, number{n: 5}, 30, 31), answered(getOp{}, number{n: 0}, 40, 41)}, false},
		{"counter: swapped from what it was", counting, []porcupine.Operation{
			answered(casOp{0, 4}, number{swapped: true}, 0, 10), answered(casOp{0, 5}, number{}, 11, 12)}, true},
		{"counter: swapped from what it was not", counting, []porcupine.Operation{
			answered(casOp{0, 4}, number{swapped: true}, 0, 10), answered(casOp{0, 5}, number{swapped: true}, 11, 12)}, false},
		{"counter: refused, and yet done", counting, []porcupine.Operation{
			answered(casOp{1, 4}, number{}, 0, 10), answered(getOp{}, number{n: 4}, 11, 12)}, false},

		{"key: set by version", registers, []porcupine.Operation{
			answered(setOp{0, 7}, register{version: 1, zxid: 9}, 0, 10), answered(readOp{}, register{version: 1, value: 7, zxid: 9}, 11, 12),
			answered(setOp{0, 8}, register{refused: true}, 20, 30)}, true},
		{"key: two set the same version", registers, []porcupine.Operation{
			answered(setOp{0, 7}, register{version: 1, zxid: 9}, 0, 10), answered(setOp{0, 8}, register{version: 1, zxid: 10}, 0, 10)}, false},
		{"key: refused, and yet done", registers, []porcupine.Operation{
			answered(setOp{0, 7}, register{refused: true}, 0, 10), answered(readOp{}, register{version: 1, value: 7, zxid: 9}, 11, 12)}, false},
		{"key: refused without a reason", registers, []porcupine.Operation{
			answered(setOp{0, 7}, register{refused: true}, 0, 10)}, false},
		{"key: in doubt and done", registers, []porcupine.Operation{
			answered(setOp{0, 7}, register{unknown: true}, 0, never), answered(readOp{}, register{version: 1, value: 7, zxid: 9}, 11, 12)}, true},
		{"key: a value going back", registers, []porcupine.Operation{
			answered(putOp{7}, register{}, 0, 10), answered(readOp{}, register{version: 1, value: 7, zxid: 9}, 11, 12),
			answered(readOp{}, register{}, 13, 14)}, false},
		{"key: a zxid going back", registers, []porcupine.Operation{
			answered(setOp{0, 7}, register{version: 1, zxid: 9}, 0, 10), answered(setOp{1, 8}, register{version: 2, zxid: 8}, 11, 12)}, false},
		{"key: updated from the newest", registers, []porcupine.Operation{
			answered(putOp{7}, register{}, 0, 10), answered(updateOp{7, 8}, register{version: 2, zxid: 9}, 11, 12)}, true},
		{"key: an update from an old value", registers, []porcupine.Operation{
			answered(putOp{7}, register{}, 0, 10), answered(updateOp{0, 8}, register{version: 2, zxid: 9}, 11, 12)}, false},

		{"queue: taken, lost, taken again", items, []porcupine.Operation{
			op(itemOp{"a", itemPut, 0}, 0, 1), op(itemOp{"a", itemTake, 5}, 2, 3), op(itemOp{"a", itemGive, 5}, 10, never),
			op(itemOp{"a", itemTake, 6}, 11, 12), op(itemOp{"a", itemAck, 6}, 13, 14), op(itemOp{"a", itemEmpty, 0}, 20, 21)}, true},
		{"queue: an item is lost", items, []porcupine.Operation{
			op(itemOp{"a", itemPut, 0}, 0, 1), op(itemOp{"a", itemEmpty, 0}, 20, 21)}, false},
		{"queue: in doubt and not there", items, []porcupine.Operation{
			op(itemOp{"a", itemPut, 0}, 0, never), op(itemOp{"a", itemEmpty, 0}, 20, 21)}, true},
		{"queue: an item that was never put", items, []porcupine.Operation{
			op(itemOp{"a", itemTake, 5}, 2, 3)}, false},
		{"queue: two live claims", items, []porcupine.Operation{
			op(itemOp{"a", itemPut, 0}, 0, 1), op(itemOp{"a", itemTake, 5}, 2, 3), op(itemOp{"a", itemTake, 6}, 4, 5),
			op(itemOp{"a", itemGive, 5}, 10, never), op(itemOp{"a", itemAck, 6}, 13, 14)}, false},
		{"queue: an item comes again after its ack", items, []porcupine.Operation{
			op(itemOp{"a", itemPut, 0}, 0, 1), op(itemOp{"a", itemTake, 5}, 2, 3), op(itemOp{"a", itemAck, 5}, 4, 5),
			op(itemOp{"a", itemTake, 6}, 6, 7)}, false},
		{"queue: an ack of a claim that was lost", items, []porcupine.Operation{
			op(itemOp{"a", itemPut, 0}, 0, 1), op(itemOp{"a", itemTake, 5}, 2, 3), op(itemOp{"a", itemGive, 5}, 4, never),
			op(itemOp{"a", itemTake, 6}, 6, 7), op(itemOp{"a", itemAck, 5}, 8, 9), op(itemOp{"a", itemAck, 6}, 10, 11)}, false},
		{"queue: an ack in doubt that was done", items, []porcupine.Operation{
			op(itemOp{"a", itemPut, 0}, 0, 1), op(itemOp{"a", itemTake, 5}, 2, 3), op(itemOp{"a", itemMaybe, 5}, 4, never),
			op(itemOp{"a", itemLose, 5}, 4, never), op(itemOp{"a", itemEmpty, 0}, 20, 21)}, true},
		{"queue: an ack in doubt that was not done", items, []porcupine.Operation{
			op(itemOp{"a", itemPut, 0}, 0, 1), op(itemOp{"a", itemTake, 5}, 2, 3), op(itemOp{"a", itemMaybe, 5}, 4, never),
			op(itemOp{"a", itemLose, 5}, 4, never), op(itemOp{"a", itemTake, 6}, 5, 6), op(itemOp{"a", itemAck, 6}, 7, 8),
			op(itemOp{"a", itemEmpty, 0}, 20, 21)}, true},
		{"queue: an ack in doubt of an item that another has", items, []porcupine.Operation{
			op(itemOp{"a", itemPut, 0}, 0, 1), op(itemOp{"a", itemTake, 5}, 2, 3), op(itemOp{"a", itemMaybe, 5}, 10, never),
			op(itemOp{"a", itemLose, 5}, 10, never), op(itemOp{"a", itemTake, 6}, 5, 6)}, false},
	} {
		require.Equal(t, c.legal, porcupine.CheckOperations(c.model, c.ops), c.name)
	}
}

// TestVerifyTells: an unexplainable history fails the test. The failure shows
// the history's operations and the caller's context.
func TestVerifyTells(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()) // the directory of the page
	told := &listener{TB: t}
	verify(told, "lock/bad", exclusive, []porcupine.Operation{op(take{5, 1}, 0, 10), op(take{7, 1}, 20, 30)},
		func() string { return "seed 42" })
	require.Len(t, told.errors, 1)
	require.Regexp(t, `(?s)lock/bad: no order explains.*html.*take 1 of token 7.*seed 42`, told.errors[0])
}
