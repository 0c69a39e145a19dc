package inspect

// DeadlocksBetween searches two reports of the same tree for deadlocks that
// exist in both, as Deadlocks does with its two reads. Choose an earlier report
// that is older by more than the longest time for which a process holds a lock
// while another thread of its session waits: see Deadlocks. A report that was
// confirmed for that long (OnConfirm) can be both.
//
// DeadlocksBetween reads nothing, and does not change the reports. It panics
// for a nil Report. It is safe for concurrent use.
func DeadlocksBetween(earlier, later *Report) *DeadlockReport {
	earlier.mustExist()
	later.mustExist()
	was, g := newGraph(earlier), newGraph(later)
	found := &DeadlockReport{Report: later, Entangled: was.cut}
	g.keep(was)
	found.Deadlocks, found.Entangled = g.cycles(), found.Entangled || g.cut
	return found
}
