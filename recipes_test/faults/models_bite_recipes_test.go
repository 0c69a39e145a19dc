package faults

import (
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"
)

// history is a history that a model has to accept or to reject.
type history struct {
	name  string
	model porcupine.Model
	ops   []porcupine.Operation
	legal bool
}

// TestRecipeModelsBite is TestModelsBite for the models of single recipes.
func TestRecipeModelsBite(t *testing.T) {
	for _, c := range [][]history{sharedHistories, handedHistories, numberHistories, gateHistories, meetingHistories(), jobHistories()} {
		for _, h := range c {
			require.Equal(t, h.legal, porcupine.CheckOperations(h.model, h.ops), h.name)
		}
	}
}

var sharedHistories = []history{
	{"readers share, a writer does not", shared, []porcupine.Operation{
		op(readTake{5}, 0, 10), op(readTake{4}, 0, 10), op(writeTake{7}, 1, 40), op(readGive{5}, 20, 21), op(readGive{4}, 30, 31), op(writeGive{7}, 50, 51)}, true},
	{"a writer beside a reader", shared, []porcupine.Operation{
		op(readTake{5}, 0, 10), op(readTake{4}, 0, 10), op(writeTake{7}, 1, 29), op(readGive{5}, 20, 21), op(readGive{4}, 30, 31), op(writeGive{7}, 50, 51)}, false},
	{"a reader beside a writer", shared, []porcupine.Operation{
		op(writeTake{5}, 0, 10), op(readTake{7}, 1, 19), op(writeGive{5}, 20, 21), op(readGive{7}, 30, 31)}, false},
	{"two writers", shared, []porcupine.Operation{
		op(writeTake{5}, 0, 10), op(writeTake{7}, 1, 19), op(writeGive{5}, 20, 21), op(writeGive{7}, 30, 31)}, false},
	{"a reader whose context ended before the writer came", shared, []porcupine.Operation{
		op(readTake{5}, 0, 10), op(readGive{5}, 20, never), op(writeTake{7}, 1, 21)}, true},
	{"a writer that came before the reader's context ended", shared, []porcupine.Operation{
		op(readTake{5}, 0, 10), op(readGive{5}, 20, never), op(writeTake{7}, 1, 19)}, false},
	{"a downgrade lets readers in", shared, []porcupine.Operation{
		op(writeTake{5}, 0, 10), op(downgrade{5}, 20, 30), op(readTake{7}, 1, 25), op(readGive{7}, 40, 41), op(readGive{5}, 50, 51)}, true},
	{"a downgrade lets a writer in", shared, []porcupine.Operation{
		op(writeTake{5}, 0, 10), op(downgrade{5}, 20, 30), op(writeTake{7}, 1, 40), op(writeGive{7}, 45, 46), op(readGive{5}, 50, 51)}, false},
	{"a writer with the token of a reader before it", shared, []porcupine.Operation{
		op(readTake{5}, 0, 10), op(readGive{5}, 20, 21), op(writeTake{5}, 30, 31)}, false},
}

var handedHistories = []history{
	{"handed on within a process, then to another", handed(2), []porcupine.Operation{
		op(handTake{1, 5, 0}, 0, 10), op(handGive{1, 5, 0}, 20, 21), op(handTake{1, 5, 1}, 1, 22), op(handGive{1, 5, 1}, 30, 31),
		op(handTake{2, 7, 0}, 1, 40), op(handGive{2, 7, 0}, 41, 42)}, true},
	{"handed on before the release", handed(2), []porcupine.Operation{
		op(handTake{1, 5, 0}, 0, 10), op(handTake{1, 5, 1}, 1, 19), op(handGive{1, 5, 0}, 20, 21), op(handGive{1, 5, 1}, 30, 31)}, false},
	{"another process holds what is handed on", handed(2), []porcupine.Operation{
		op(handTake{1, 5, 0}, 0, 10), op(handGive{1, 5, 0}, 20, 21), op(handTake{2, 7, 0}, 22, 23), op(handTake{1, 5, 1}, 24, 25)}, false},
	{"handed on to another process", handed(2), []porcupine.Operation{
		op(handTake{1, 5, 0}, 0, 10), op(handGive{1, 5, 0}, 20, 21), op(handTake{2, 5, 1}, 22, 23)}, false},
	{"a turn twice", handed(2), []porcupine.Operation{
		op(handTake{1, 5, 0}, 0, 10), op(handGive{1, 5, 0}, 20, 21), op(handTake{1, 5, 0}, 22, 23)}, false},
	{"handed on once too often", handed(2), []porcupine.Operation{
		op(handTake{1, 5, 2}, 0, 10), op(handGive{1, 5, 2}, 20, 21), op(handTake{1, 5, 3}, 22, 23)}, false},
	{"handed on after the loss", handed(2), []porcupine.Operation{
		op(handTake{1, 5, 0}, 0, 10), op(handGive{1, 5, 0}, 20, never), op(handTake{2, 7, 0}, 1, 30), op(handTake{1, 5, 1}, 40, 50)}, false},
}

var numberHistories = []history{
	{"each number has a holder", numbers, []porcupine.Operation{
		op(numbered{0, take{5, 1}}, 0, 10), op(numbered{1, take{4, 1}}, 0, 10), op(numbered{0, give{5, 1}}, 20, 21), op(numbered{0, take{7, 1}}, 1, 22)}, true},
	{"a number has two holders", numbers, []porcupine.Operation{
		op(numbered{0, take{5, 1}}, 0, 10), op(numbered{0, take{7, 1}}, 1, 15), op(numbered{0, give{5, 1}}, 20, 21), op(numbered{0, give{7, 1}}, 30, 31)}, false},
	{"a number is taken before its owner's context ended", numbers, []porcupine.Operation{
		op(numbered{3, take{5, 1}}, 0, 10), op(numbered{3, give{5, 1}}, 20, never), op(numbered{3, take{7, 1}}, 1, 19)}, false},
	{"the next owner has a smaller token", numbers, []porcupine.Operation{
		op(numbered{3, take{7, 1}}, 0, 10), op(numbered{3, give{7, 1}}, 20, 21), op(numbered{3, take{5, 1}}, 30, 31)}, false},
	{"names at the same time, in either order", ascending, []porcupine.Operation{
		op(nextName{"n-2"}, 0, 10), op(nextName{"n-1"}, 0, 10), op(nextName{"n-3"}, 11, 12)}, true},
	{"a name twice", ascending, []porcupine.Operation{op(nextName{"n-1"}, 0, 10), op(nextName{"n-1"}, 0, 10)}, false},
	{"a name that is less than an earlier one", ascending, []porcupine.Operation{op(nextName{"n-2"}, 0, 10), op(nextName{"n-1"}, 11, 12)}, false},
}

var gateHistories = []history{
	{"a wait through a gate that is set again", gates, []porcupine.Operation{
		op(gateSet, 0, 1), op(gateWait, 2, 40), op(gateLift, 10, 11), op(gateSet, 12, 13), op(gateClosed, 14, 15)}, true},
	{"a wait through a closed gate", gates, []porcupine.Operation{
		op(gateSet, 0, 1), op(gateWait, 2, 9), op(gateLift, 10, 11)}, false},
	{"a wait that saw the gate before it began", gates, []porcupine.Operation{
		op(gateSet, 0, 1), op(gateLift, 2, 3), op(gateSet, 4, 5), op(gateWait, 6, 7)}, false},
	{"a lift in doubt opens the gate", gates, []porcupine.Operation{
		op(gateSet, 0, 1), op(gateLift, 2, never), op(gateWait, 6, 7)}, true},
	{"a gate that is not closed after set", gates, []porcupine.Operation{
		op(gateSet, 0, 1), op(gateOpen, 2, 3)}, false},
	{"a lift that was taken back", gates, []porcupine.Operation{
		op(gateSet, 0, 1), op(gateLift, 2, 3), op(gateClosed, 4, 5)}, false},
}

// visit is a member that enters and leaves.
func visit(token, enter, in, leave, out int64) []porcupine.Operation {
	return []porcupine.Operation{op(meetCome{token}, enter, in), op(meetIn{token}, enter, in), op(meetGo{token}, leave, out), op(meetOut{token}, leave, out)}
}

func joined(all ...[]porcupine.Operation) []porcupine.Operation {
	var ops []porcupine.Operation
	for _, o := range all {
		ops = append(ops, o...)
	}
	return ops
}

func meetingHistories() []history {
	two := meetings(2)
	lost := func(token, enter, in, end int64) []porcupine.Operation {
		return []porcupine.Operation{op(meetCome{token}, enter, in), op(meetIn{token}, enter, in), op(meetGo{token}, end, never)}
	}
	return []history{
		{"two rounds", two, joined(visit(5, 0, 10, 20, 30), visit(5, 8, 11, 25, 31), visit(9, 26, 45, 50, 60), visit(9, 32, 45, 50, 60)), true},
		{"a member enters alone", two, joined(visit(5, 0, 7, 20, 30), visit(5, 8, 11, 25, 31)), false},
		{"a member leaves while another is inside", two, joined(visit(5, 0, 10, 20, 24), visit(5, 8, 11, 25, 31)), false},
		{"three members in a round of two", two, joined(visit(5, 0, 10, 20, 30), visit(5, 8, 11, 25, 31), visit(5, 0, 12, 25, 31)), false},
		{"a round begins before the last is over", two, joined(visit(5, 0, 10, 20, 60), visit(5, 8, 11, 50, 60), visit(9, 22, 45, 50, 60), visit(9, 32, 45, 50, 60)), false},
		{"a token that goes back", two, joined(visit(9, 0, 10, 20, 30), visit(9, 8, 11, 25, 31), visit(5, 32, 45, 50, 60), visit(5, 32, 45, 50, 60)), false},
		{"a lost member does not keep the other", two, joined(visit(5, 0, 10, 20, 30), lost(5, 8, 11, 25)), true},
		{"a member is given up before its context ended", two, joined(visit(5, 0, 10, 20, 24), lost(5, 8, 11, 25)), false},
		{"a member that gave up was counted", two, joined(visit(5, 0, 10, 20, 30), []porcupine.Operation{op(meetMaybe{}, 5, 5)}), true},
		{"a member that gave up was counted twice", two, joined(visit(5, 0, 10, 20, 30), visit(9, 32, 45, 50, 60), []porcupine.Operation{op(meetMaybe{}, 5, 5)}), false},
		{"a member that came later was not counted", two, joined(visit(5, 0, 10, 20, 30), []porcupine.Operation{op(meetMaybe{}, 31, 31)}), false},
	}
}

func jobHistories() []history {
	second := jobs(time.Second)
	return []history{
		{"a run per interval", second, []porcupine.Operation{
			op(onceRun{5, 1000}, 0, 1), op(onceNotDue{1000}, 2, 3), op(onceEnd{5}, 4, 5), op(onceNotDue{1000}, 6, 7), op(onceRun{7, 2000}, 8, 9), op(onceEnd{7}, 10, 11)}, true},
		{"two runs in an interval", second, []porcupine.Operation{
			op(onceRun{5, 1000}, 0, 1), op(onceEnd{5}, 4, 5), op(onceRun{7, 1999}, 8, 9)}, false},
		{"runs that overlap", second, []porcupine.Operation{
			op(onceRun{5, 1000}, 0, 1), op(onceRun{7, 3000}, 2, 3), op(onceEnd{5}, 4, 5), op(onceEnd{7}, 6, 7)}, false},
		{"a lost run overlaps with the next", second, []porcupine.Operation{
			op(onceRun{5, 1000}, 0, 1), op(onceEnd{5}, 4, never), op(onceRun{7, 3000}, 2, 3), op(onceEnd{7}, 6, 7)}, false},
		{"the leader's clock goes back", second, []porcupine.Operation{
			op(onceRun{5, 9000}, 0, 1), op(onceEnd{5}, 4, 5), op(onceRun{7, 1000}, 8, 9), op(onceEnd{7}, 10, 11)}, true},
		{"not due because of a run that is not the newest", second, []porcupine.Operation{
			op(onceRun{5, 1000}, 0, 1), op(onceEnd{5}, 4, 5), op(onceRun{7, 3000}, 8, 9), op(onceEnd{7}, 10, 11), op(onceNotDue{1000}, 12, 13)}, false},
		{"not due without a run", second, []porcupine.Operation{op(onceNotDue{1000}, 0, 1)}, false},
		{"not due because of a run that nobody saw", second, []porcupine.Operation{
			op(onceRun{5, 1000}, 0, 1), op(onceEnd{5}, 4, 5), op(onceMaybe{}, 6, 6), op(onceNotDue{2500}, 12, 13)}, true},
		{"a run that nobody saw is taken back", second, []porcupine.Operation{
			op(onceRun{5, 1000}, 0, 1), op(onceEnd{5}, 4, 5), op(onceMaybe{}, 6, 6), op(onceNotDue{2500}, 12, 13), op(onceNotDue{1000}, 14, 15)}, true},
		{"one call begins two runs that nobody saw", second, []porcupine.Operation{
			op(onceRun{5, 1000}, 0, 1), op(onceEnd{5}, 4, 5), op(onceMaybe{}, 6, 6), op(onceNotDue{2500}, 12, 13), op(onceNotDue{4500}, 14, 15)}, false},
	}
}
