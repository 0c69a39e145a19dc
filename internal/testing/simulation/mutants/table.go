package main

// mutant is one way to break the library: old, which occurs once in the file,
// becomes new. One of the tests must then break a promise.
type mutant struct {
	name  string
	file  string
	old   string
	new   string
	tests string // a regular expression
	few   bool   // make test runs it
	pkg   string // the package whose tests must notice it; empty: the simulations
}

// simulations is the package of the random programs.
const simulations = "internal/testing/simulation/suite"

// within returns the package whose tests must notice the mutant.
func (m mutant) within() string {
	if m.pkg == "" {
		return simulations
	}
	return m.pkg
}

// edit is one change of a file.
type edit struct{ file, old, new string }

// also has further edits of mutants, by name. If two places make the same
// check, both checks have to go.
var also = map[string][]edit{
	"a round begins with one too few": {
		{"barrier/round.go", "err != nil || len(comers) < d.count {", "err != nil || len(comers) < d.count-1 {"},
		{"barrier/round.go", "comers[:d.count]", "comers[:min(d.count, len(comers))]"},
	},
	"a session is trusted for longer than the server keeps it": {
		{"internal/core/reported.go", "afterReport := timeout - min(s.m.cfg.margin(timeout), parts(timeout, reaction))", "afterReport := 2 * timeout"},
	},
	"who owns a claim in doubt is not compared": {
		{"internal/core/node.go", "if r.Stat.EphemeralOwner != n.s.ID() ||", "if r.Stat.EphemeralOwner == 1 ||"},
	},
	"a hold begins without a proof": {
		{"internal/core/trust.go", "d != 0 && time.Now().Before(s.trust.until(d))", "d != 0"},
	},
	"who waits for permits does not notice that they become fewer": {
		{"lock/semaphore_candidate.go", "core.CheckOp(c.limit.node, version)", "core.CheckOp(c.limit.node, core.AnyVersion)"},
	},
	"numbers of two lives of a directory are compared": {
		{"internal/recipe/waitqueue/fastpath.go", "f.life.Czxid() == f.dir && f.life.Lasts()", "f.life.Czxid() == f.dir"},
	},
}

const anyLock = `Test(Mutex|OneNodeLock|RWMutex|Election)Simulation`

var mutants = []mutant{
	// The session and its holds.
	{"a session is trusted for longer than the server keeps it", "internal/core/trust.go",
		"return timeout - s.m.cfg.margin(timeout)", "return timeout + s.m.cfg.margin(timeout)", anyLock, true, ""},
	{"a hold begins without a proof", "internal/core/hold.go",
		"if err := n.s.prove(ctx, n.path); err != nil", "if _, err := n.s.waitUp(ctx); err != nil", `TestFault01_.*`, false, "internal/core"},
	{"a sync counts as proof", "internal/wire/op.go",
		"OpSetData, OpSetACL, OpMulti,", "OpSetData, OpSetACL, OpMulti, OpSync,", `TestFault01_.*`, false, "internal/core"},
	{"a read counts as proof", "internal/wire/op.go",
		"OpSetData, OpSetACL, OpMulti,", "OpSetData, OpSetACL, OpMulti, OpGetData, OpExists, OpGetChildren2,", `TestFault01_.*`, false, "internal/core"},
	{"a re-attachment moves the deadline", "internal/core/trust.go",
		"	s.id, s.timeout = h.Session, h.Timeout\n", "	s.id, s.timeout = h.Session, h.Timeout\n	raise(&s.trust.proven, int64(helloAt.Add(s.window(h.Timeout)).Sub(s.trust.base)))\n", `TestFault01_.*`, false, "internal/core"},
	{"a held session sends no probes", "internal/core/trust.go",
		"s.checkHeld(link, round, max(wait, parts(s.Timeout(), reserve)))", "_, _, _ = link, round, wait", `TestFault01_.*`, false, "internal/core"},
	{"a probe checks no node that is held", "internal/core/held.go",
		"s.probe(link, wire.Multi(checks), wait, func", "s.probe(link, wire.Check(s.abs(\"/\")), wait, func", `TestUnseen.*`, false, "lock"},
	{"a check stands for a node at a fixed path", "internal/core/held.go",
		"n.held.hidden || !n.hasGUID()", "n.held.hidden", `TestHeldNodeIsMadeAgain`, false, "internal/core"},
	{"the nodes behind a check that fails are not read", "internal/core/held.go",
		"		s.hideHeld(checked[at].node)\n		s.readHeld(checked[at+1:])\n", "		s.hideHeld(checked[at].node)\n", `TestManyHeldNodesGoAtOnce`, false, "internal/core"},
	{"a hidden node at a fixed path stands for the node that is held", "internal/core/held.go",
		"slices.BinarySearch(own, s.abs(n.path)); !found {", "slices.BinarySearch(own, s.abs(n.path)); !found && n == nil {", `TestFault44_HiddenSuccessorAtTheFixedPath`, false, "internal/core"},
	{"connections that were cut thin the checks of holds", "internal/core/held.go",
		"s.m.progress.checkLimit(s.server, s.m.cfg.MaxRequest)", "s.m.progress.rewatchLimit(s.server, s.m.cfg.MaxRequest)", `TestFault44_CutsDoNotThinTheChecks`, false, "internal/core"},
	{"any znode with the guid of a lost create is taken", "internal/core/enter.go",
		"	if len(names) < 2 {\n", "	if len(names) > 0 {\n		names = names[:1]\n	}\n	if len(names) < 2 {\n", `TestFault44_DecoysOfALostCreate`, false, "internal/core"},
	{"nodes that no probe has shown count as seen", "internal/core/held.go",
		"n.held.seen = earlier(n.held.seen, round[i].seen)", "n.held.seen = later(n.held.seen, round[i].seen)", `TestUnseenDeletionUnderFaults`, false, "internal/core"},
	{"what a session writes stands for the check of its holds", "internal/core/reported.go",
		"written, deadline := s.renewed(), s.trust", "written, deadline := s.proofWritten(), s.trust", `TestUnseenDeletionUnderFaults`, false, "internal/core"},
	{"a node that is handed on counts as seen", "internal/core/handon.go",
		"		h.cancel(ErrReleased)\n		defer h.node.s.letGo(h)", "		h.end(ErrReleased)\n		defer h.node.s.letGo(h)", `TestUnseenDeletionWhileHandedOn`, false, "lock"},
	{"a registration is not checked", "internal/recipe/standing/stand.go",
		"	watch.CheckAlways()\n", "", `TestUnseenDeletionOfAnInstance`, false, "naming"},
	{"a write counts as a report to the leader", "internal/core/reported.go",
		"reported+int64(afterReport)), known", "max(written, reported)+int64(afterReport)), known", `TestUnreportedWrites`, false, "internal/core"},
	{"every answered request counts as reported", "internal/core/reported.go",
		"unreported = 16", "unreported = 0", `TestUnreportedWrites`, false, "internal/core"},
	{"a probe is sent before the ping", "internal/core/trust.go",
		"staleAfter   = 25", "staleAfter   = 15", `TestFault01_ProbesDelayNoPing`, false, "internal/core"},
	{"-127 is final", "internal/wire/code.go",
		`{NotExecuted, "THROTTLEDOP"`, `{Refused, "THROTTLEDOP"`, `TestMutexSimulation`, true, ""},
	{"another session in the answer to a re-attachment is accepted", "internal/core/keeper.go",
		"	case h.Session != id:\n", "	case h.Session == 0:\n", `TestFault02_.*`, false, "internal/core"},
	{"connections are closed before the holds end", "internal/core/session.go",
		"	s.finish(s.whyEnded(cause))\n	s.closeConns()\n", "	s.closeConns()\n	s.closing.Wait()\n	s.finish(cause)\n", `TestFault03_.*`, false, "internal/core"},
	{"holds are not cut at the end of their session", "internal/core/hold.go",
		"context.WithCancelCause(parent)", "context.WithCancelCause(context.WithoutCancel(parent))", anyLock, true, ""},
	{"a released hold lives on until its node has gone", "internal/core/hold.go",
		"		h.end(ErrReleased)\n		cause := context.Cause(h.ctx)\n		if !errors.Is(cause, ErrDeleted) {",
		"		defer h.end(ErrReleased)\n		cause := context.Cause(h.ctx)\n		if !errors.Is(cause, ErrDeleted) {", anyLock, false, ""},
	{"a guard checks another node", "internal/core/hold.go",
		"op := CheckOp(h.node.path, AnyVersion)", `op := CheckOp("/guarded", AnyVersion)`, `Test(Mutex|Election)(Forced)?Simulation`, false, ""},
	{"nodes that were given up are not swept", "internal/core/sweep.go",
		"s.sweeps = append(s.sweeps, job)", "_ = job", anyLock, true, ""},
	{"who owns a claim in doubt is not compared", "internal/core/claim.go",
		"case stands.stat.EphemeralOwner == s.ID():", "case stands.found:", `Test(OneNodeLock|OneNode|WorkerID)(Forced)?Simulation`, false, ""},
	{"a create in doubt counts as done not at all", "internal/core/enter.go",
		"	if name == \"\" {\n		return nil, nil\n	}\n	n := &Node{", "	if name != \"?\" {\n		return nil, nil\n	}\n	n := &Node{", anyLock, false, ""},
	{"the delete of a hidden node is not repeated", "internal/core/exact.go",
		"if persist && errors.Is(err, ErrNoAuth)", "if persist && doubt == nil && errors.Is(err, ErrNoAuth)",
		`TestDeleteOwnedOfAHiddenNodeInDoubt`, false, "internal/core"},
	{"watches are not set again on a new connection", "internal/core/keeper.go",
		"rewatchLimit(k.server.addr, s.m.cfg.MaxRequest))", "rewatchLimit(k.server.addr, s.m.cfg.MaxRequest))[:0]", `Test(Mutex|Config|Group)Simulation`, false, ""},

	// The connection.
	{"an answer goes to the oldest request, whatever its number", "internal/conn/read.go",
		"return call.xid == r.Xid })", "return true })", `TestFramesThatEndTheConnection|TestUnimplementedOutOfOrder`, false, "internal/conn"},
	{"the hello does not say what the session has seen", "internal/conn/write.go",
		"wire.SetHelloZxid(frame, c.cfg.Owner.Greeting())", "c.cfg.Owner.Greeting()", `TestNoServerThatLagsTakesTheSessionOn`, false, "internal/core"},
	{"requests leave before the credentials", "internal/conn/gate.go",
		"				return c.open()\n			})\n		})\n	}\n	c.Send(calls...)\n	return nil\n",
		"				return nil\n			})\n		})\n	}\n	err := c.open()\n	c.Send(calls...)\n	return err\n", `TestGate`, false, "internal/conn"},
	{"requests leave before the credentials are answered", "internal/conn/gate.go",
		"				return c.open()\n			})\n		})\n	}\n	c.Send(calls...)\n	return nil\n",
		"				return nil\n			})\n		})\n	}\n	c.Send(calls...)\n	return c.open()\n", `TestGate`, false, "internal/conn"},
	{"a withdrawn request is sent all the same", "internal/conn/write.go",
		"		c.mu.Unlock()\n		return Lost\n	}\n", "		c.mu.Unlock()\n		return Lost\n	case true:\n		c.mu.Unlock()\n		return Unsent\n	}\n",
		`TestFates`, false, "internal/conn"},
	{"a request that has left counts as unsent when its connection ends", "internal/conn/conn.go",
		"		call.end(Lost)\n", "		call.end(Unsent)\n", anyLock, true, ""},
	{"a request that has left in part counts as sent", "internal/conn/write.go",
		"case p.end > n:", "case p.end < n:", `TestFates`, false, "internal/conn"},

	// Watches.
	{"the zxid of an answer to SetWatches counts as seen", "internal/core/keeper.go",
		"!call.Op().SetsWatches() && r.Zxid", "r.Zxid",
		`TestChangesAreToldAfterWatchesWereRefused`, false, "internal/core"},
	{"a watch that nobody waits for is not taken back", "internal/core/served.go",
		"	link.SendBehind(calls...)\n	t.mu.Unlock()\n", "	t.mu.Unlock()\n", `TestWatchIsTakenBack`, false, "internal/core"},
	{"a watch is taken back although somebody waits for it", "internal/core/served.go",
		"		if t.awaited(key) {\n			continue\n		}\n		delete(t.entries, key)\n", "		delete(t.entries, key)\n", `TestWatchIsTakenBack`, false, "internal/core"},
	{"who follows is not told to read again on a new connection", "internal/core/link.go",
		"	s.watches.resumed(c)\n", "", `TestFollowThroughReconnections`, false, "internal/core"},

	// The wait queue.
	{"places in the line are compared by name", "internal/recipe/waitqueue/order.go",
		"if distance > 0 || distance == 0 && child > name {", "if child > name {", `TestMutexSimulation`, true, ""},
	{"who waits watches the first in line", "internal/recipe/waitqueue/order.go",
		"distance > last ||", "distance < last ||", `TestMutexSimulation`, false, ""},
	{"a predecessor that gave up counts as the holder", "internal/recipe/waitqueue/order.go",
		"return v.before == 1 && !l.leavesSuccessor(v.pred)", "return !l.leavesSuccessor(v.pred)", anyLock, true, ""},
	{"the one before the predecessor counts as the holder", "internal/recipe/waitqueue/wait.go",
		"return l.standBy(ctx, c, true)", "return l.standBy(ctx, c, false)", anyLock, false, ""},
	{"the watch on the predecessor is set on the one before it", "internal/recipe/waitqueue/wait.go",
		"path := znode.Join(l.dir, pred)\n", "path := znode.Join(l.dir, max(pred, c.view.ahead))\n", anyLock, false, ""},
	{"a prepared turn leaves our own node unwatched", "internal/core/turn.go",
		"	if !watched {\n", "	if !watched && n.czxid != 0 {\n", `TestTurn(WithoutTheOwnNode|OwnNodeGoesWithinThePacket)`, false, "lock"},
	{"the list is not checked for our own node", "internal/recipe/waitqueue/wait.go",
		"if !slices.Contains(names, c.Name) {", "if len(names) == 0 && slices.Contains(names, c.Name) {", `TestTurnOfAWriterWithoutItsNode`, false, "lock"},
	{"a turn stays prepared through a reconnection", "internal/recipe/waitqueue/wait.go",
		"if !turn.Lasts() {", "if turn == nil {", `TestTurnThroughAReconnection`, false, "lock"},
	{"the second in line does not wait", "internal/recipe/waitqueue/queue.go",
		"if c.view.before > 0 {", "if c.view.before > 1 {", anyLock, false, ""},
	{"the token is that of the directory, which is as old as it", "internal/recipe/waitqueue/queue.go",
		"		return c.Czxid, nil\n", "		return min(c.Czxid, c.Dir.Czxid), nil\n", `Test(Mutex|RWMutex|Election)(Forced)?Simulation`, false, ""},
	{"who gives up leaves its node", "internal/recipe/waitqueue/queue.go",
		"		c.Abandon()\n", "", anyLock, false, ""},
	{"any number after the last says that nobody else is there", "internal/recipe/waitqueue/queue.go",
		"self == number+1 && life.Lasts()", "self > number && life.Lasts()", `TestRecall(Forced)?Simulation`, true, ""},
	{"the line counts as empty while we hold", "internal/core/node.go",
		"return n.deleted || n.removed", "return true", `TestRecall(Forced)?Simulation`, false, ""},
	{"numbers of two lives of a directory are compared", "internal/recipe/waitqueue/queue.go",
		"self == number+1 && life.Lasts()", "self == number+1", `TestRecall(Forced)?Simulation`, false, ""},

	// Locks.
	{"readers do not wait for writers", "lock/rwmutex.go",
		"Compatible: []string{readTag}, Data", "Compatible: []string{readTag, writeTag}, Data", `TestRWMutexSimulation`, true, ""},
	{"writers do not wait for readers", "lock/rwmutex.go",
		"Also: []string{readTag}, Successors", "Also: []string{readTag}, Compatible: []string{readTag}, Successors", `TestRWMutexSimulation`, false, ""},
	{"a writer does not expect a reader in the place of the writer before it", "internal/recipe/waitqueue/order.go",
		"	return may\n", "	return may && name == \"\"\n", `TestRWMutex(Forced)?Simulation`, false, ""},
	{"a job is due whenever it is called for", "lock/once_rule.go",
		"case r.Zxid < v.own.Czxid && o.apart(r.Called, v.own.Ctime):", "case r.Zxid < v.own.Czxid:", `TestOnce(Forced)?Simulation`, true, ""},
	{"a run is recorded over another that was not seen", "lock/once_start.go",
		"core.SetOp(c.o.path, next.encode(), v.stat.Version)", "core.SetOp(c.o.path, next.encode(), core.AnyVersion)", `TestOnce(Forced)?Simulation`, false, ""},
	{"a run under way is taken for lost", "lock/once_record.go",
		"slices.Contains(v.names, v.record.Run)", `slices.Contains(v.names, "")`, `TestOnce(Forced)?Simulation`, false, ""},
	{"the end of a run is not recorded", "lock/once_run.go",
		"ended.State = RunDone\n", "ended.State = RunUnderWay\n", `TestOnce(Forced)?Simulation`, false, ""},
	{"a call that waited runs the job though a later call has", "lock/once_rule.go",
		"case r.Zxid < v.own.Czxid && o.apart(", "case o.apart(", `TestOnce_.*`, false, "lock"},
	{"a call does not know its own run of an earlier session", "lock/once_rule.go",
		"case lost && slices.Contains(mine, r.Run):", "case lost && slices.Contains(mine[:0], r.Run):", `TestOnce_.*`, false, "lock"},
	{"a replaced run begins a new interval", "lock/once_rule.go",
		"	if rerun {\n", "	if rerun && r.Run == \"\" {\n", `TestOnce_.*`, false, "lock"},
	{"a run is not taken back when ctx has ended", "lock/once_start.go",
		"taken := r.end(before); taken != nil", "taken := r.End(err); taken != nil", `TestOnce_.*`, false, "lock"},
	{"a semaphore does not count those who ask", "lock/semaphore_candidate.go",
		"r.before+len(c.entries) <= limit", "r.before <= limit", `TestSemaphoreSimulation`, true, ""},
	{"who waits for permits does not notice that they become fewer", "lock/semaphore_limit.go",
		"return v.watch != nil && v.watch.Event() != 0", "return false", `TestSemaphoreResizedSimulation`, false, ""},
	{"leases behind a candidate do not count when the limit has changed", "lock/semaphore_candidate.go",
		"		if stale {\n			c.limitChanged(list)\n		}\n", "", `TestSemaphoreLimitSimulation`, false, ""},
	{"who has waited for permits has its limit confirmed by no write", "lock/semaphore_candidate.go",
		"(watch != nil || time.Since(c.since) > fresh)", "false", `TestSemaphoreLimitSimulation`, false, ""},
	{"a try goes by a limit that was read long ago", "lock/semaphore_candidate.go",
		"if time.Since(c.since) > fresh && c.granted", "if false && c.granted", `TestSemaphoreLimitSimulation`, false, ""},
	{"a try does not count again when the limit has changed", "lock/semaphore_candidate.go",
		"		c.limitChanged(list)\n	}\n}", "	}\n}", `TestSemaphoreLimitSimulation`, false, ""},
	{"the token of a permit does not heed the leases behind it", "lock/semaphore_candidate.go",
		"	if r.behind {\n", "	if r.behind && c.last == nil {\n", `TestSemaphore(Resized)?(Forced)?Simulation`, false, ""},
	{"the token of the one node is always the same", "internal/recipe/onenode/onenode.go",
		"node.Hold(ctx, stat.Czxid)", "node.Hold(ctx, min(stat.Czxid, 1))", `Test(OneNodeLock|OneNode)Simulation`, false, ""},

	// Functions that run under a hold.
	{"a leader resigns before its function has returned", "election/run.go",
		"return f(ctx, t) }",
		"\n		returned := make(chan error, 1)\n		go func() { returned <- f(ctx, t) }()\n		select {\n		case err := <-returned:\n			return err\n		case <-ctx.Done():\n			return ctx.Err()\n		}\n	}",
		`Test(Election|LeaderSelector)Simulation`, true, ""},

	// Partitions.
	{"a member keeps more than its share", "groupmembership/partitionplan.go",
		"if p.room[owner] > 0 {", "if true {", `TestPartitionerSimulation`, false, ""},
	{"a partition without an owner is left alone", "groupmembership/partitionplan.go",
		"owners[i] = next\n", "owners[i] = unowned\n", `TestPartitionerSimulation`, false, ""},
	{"claims under an older number of partitions are not waited for", "groupmembership/partitioncount.go",
		"claim.Stat.Czxid < dir.Stat.Mzxid", "claim.Stat.Czxid < 0", `TestPartitionCountSimulation`, false, ""},
	{"the number of partitions is not read once more", "groupmembership/partitiontask.go",
		"if stat.Mzxid != t.under {", "if stat.Mzxid < 0 {", `TestCount.*`, false, "groupmembership"},
	{"claims beyond our number of partitions are not looked at", "groupmembership/partitionview.go",
		"number < maxPartitions &&", "number < p.n &&", `TestPartitionCountSimulation`, false, ""},
	{"claims older than the number are kept", "groupmembership/partitionadjust.go",
		"t.under != dir.Stat.Mzxid", "t.under < 0", `TestCount.*`, false, "groupmembership"},
	{"any member writes another number of partitions", "groupmembership/partitioncount.go",
		"case st.Torn || oldestMember(st) != r.m.id:", "case st.Torn:", `TestCountOf.*`, false, "groupmembership"},
	{"a plan does not wait while members come", "groupmembership/partitionadjust.go",
		"calmPauses = 5 ", "calmPauses = 0 ", `TestMembersThatStartTogether`, false, "groupmembership"},
	{"a member that may not be read has a share", "groupmembership/partitiondivision.go",
		" && n.Err == nil }", " }", `TestANodeIsShut.*`, false, "groupmembership"},
	{"what members report is read by all", "groupmembership/partitionview.go",
		"return strings.HasPrefix(rel, membersDir+\"/\")", "return strings.HasPrefix(rel, \"/\")", `TestFault17_.*`, false, "groupmembership"},
	{"an unreadable node stops the list", "groupmembership/partitionview.go",
		"	if !partial || ", "	if partial || ", `TestFault19_.*`, false, "groupmembership"},

	// Registrations.
	{"a refused value stays", "naming/registration_update.go",
		"	if err == nil || errors.Is(err, standing.ErrPending) {\n", "	if g.remember(in); err == nil || errors.Is(err, standing.ErrPending) {\n", `TestFault23_.*`, false, "naming"},
	{"a refused value is written later", "internal/recipe/standing/data.go",
		"		p.told <- err\n	}\n", "		p.told <- err\n		p.left = true\n		kept = append(kept, p)\n	}\n", `TestFault23_.*`, false, "internal/recipe/standing"},
	{"a value that is too large stays", "naming/registration_update.go",
		"	if err := at.fits(data); err != nil {\n", "	if err := at.fits(data); err != nil {\n		g.remember(in)\n", `TestFault23_.*`, false, "naming"},

	// Queues.
	{"an acknowledgement looks at no version and no claim", "queue/item.go",
		"core.DeleteOp(i.itemPath(), i.version), core.DeleteOp(i.claimPath(), core.AnyVersion)}",
		"core.DeleteOp(i.itemPath(), core.AnyVersion)}", `TestQueue(Forced)?Simulation`, true, ""},
	{"a requeue loses the item", "queue/item.go",
		"err = i.transact(i.rewrite(to, attempts), nil)", "err = i.transact(i.others(), nil)", `TestQueueSimulation`, false, ""},
	{"an acknowledgement in doubt counts as done", "queue/item.go",
		"			case done:\n", "			case done || looked == nil:\n", `TestQueueSimulation`, false, ""},
	{"a dead letter of another consumer is taken for ours", "queue/deadletter.go",
		"err == nil && !bytes.Equal(data, raw) {", "err == nil && data == nil {", `TestSettlementsInDoubt.*`, false, "queue"},
	{"the dead letter is made before the claim is checked", "queue/item.go",
		"	ops := append(i.remove(), others...)\n", "	ops := append(slices.Clip(others), i.remove()...)\n", `TestReleaseOfAnItemThat.*`, false, "queue"},
	{"a claim in doubt counts as made", "queue/claim.go",
		"err == nil && !made {", "err == nil && made {", `TestQueue(Forced)?Simulation`, false, ""},
	{"claims in doubt stand together though a stranger has deleted one", "queue/claim.go",
		"	if len(standing) == 0 {\n", "	if len(standing) < len(b.items) {\n", `TestTogether.*`, false, "queue"},
	{"items of a batch that was refused are forgotten", "queue/claim.go",
		"	b.unpick(i)\n	return false, errNotOurs\n", "	return false, errNotOurs\n", `TestTogether.*`, false, "queue"},
	{"one acknowledgement that is refused fails all that went with it", "queue/acks.go",
		"refused && len(batch) > 1", "refused && len(batch) > maxAcks", `TestTogether.*`, false, "queue"},
	{"what others give back waits for the next list", "queue/snapshotread.go",
		"			delete(p.theirs, text)\n			p.putBack(n)\n", "			delete(p.theirs, n.text)\n", `TestWhatComesBack.*`, false, "queue"},
	{"what is put while a list is used up waits for the next", "queue/snapshotread.go",
		"		p.list.since(dir.Stat)\n", "", `TestPriorityWhile.*`, false, "queue"},
	{"consumers that collide do not spread", "queue/contention.go",
		"	p.penalty = min(max(", "	p.penalty = 0 * min(max(", `TestFault17_.*`, false, "queue"},
	{"the delete of a hidden claim is not repeated", "queue/item.go",
		"ours && err == nil || errors.Is(err, core.ErrNoAuth)", "ours && err == nil", `TestEndOfAHiddenClaim`, false, "queue"},
	{"a Consume that has ended keeps its watches", "queue/changes.go",
		"		p.unwatch()\n", "		p.unfollow()\n", `TestConsumeLeavesNoWatch`, false, "queue"},
	{"the guard of a claim outlives it", "queue/item.go",
		"		unguarded := i.unguard()\n", "		var unguarded error\n", `TestQueue(Forced)?Simulation`, false, ""},
	{"a guard looks at the item alone", "queue/guard.go",
		"		core.GuardOp(path, core.AnyVersion),\n", "		core.GuardOp(path[:0]+i.itemPath(), i.version),\n", `TestQueue(Forced)?Simulation`, false, ""},
	{"a guarded hold is handed on", "internal/core/handon.go",
		"h.guarded && !h.handedOn", "false", `TestFault05_.*`, false, "lock"},

	// Counters.
	{"an addition in doubt is made once more", "counter/add.go",
		"		case !next.refuted(now):\n", "		case next == nil:\n", `TestCounterSimulation`, true, ""},
	{"two blocks of a sequence overlap", "counter/sequence.go",
		"return span{end - s.block + 1, end + 1}, nil", "return span{end - s.block, end + 1}, nil", `TestCounterSimulation`, false, ""},

	// Mirrors.
	{"a view does not read again when its watch fires", "internal/recipe/views/follow.go",
		"		fired = watch.Done()\n", "		_ = fired\n", `TestConfigSimulation`, false, ""},
	{"a tree reads nothing again on a new connection", "internal/recipe/views/treenews.go",
		"	if t.again = t.again || now.again; t.again {\n", "	if t.again {\n", `TestWhatIsKnownIsOneInstant`, true, "internal/recipe/views"},
	{"an event between the list and its answer is dropped", "internal/recipe/views/treenews.go",
		"	case data == nil, !list.done,", "	case data == nil,", `TestWhatIsKnownIsOneInstant`, false, "internal/recipe/views"},
	{"an event while a node is read is taken for one that the read has shown", "internal/recipe/views/treenews.go",
		"kid := dir.kids[name]; kid != nil && kid.now[ofData] != nil && !t.isReadOnce(kid) {",
		"kid := dir.kids[name]; kid != nil && kid.now[ofData] != nil && !t.isReadOnce(kid) && kid.now[ofData].done {",
		`TestWhatIsKnownIsOneInstant`, false, "internal/recipe/views"},
	{"a node that is made again is taken for the one before", "internal/recipe/views/treenews.go",
		"	if kid != nil { // one", "	if kid != nil && !t.stained(list) { // one", `TestWhatIsKnownIsOneInstant`, false, "internal/recipe/views"},
	{"a deleted node comes back", "internal/recipe/views/treenews.go",
		"e.Event == core.NodeCreated)", "e.Event != 0)", `TestWhatIsKnownIsOneInstant`, false, "internal/recipe/views"},
	{"a deletion is shown before the server has answered", "internal/recipe/views/treenews.go",
		"		t.stain(dir, ofData) // for the stat\n", "		_ = data\n", `TestWhatIsKnownIsOneInstant`, false, "internal/recipe/views"},
	{"a state is published although something has changed", "internal/recipe/views/treeround.go",
		"	torn := len(t.dirty) > 0\n", "	torn := false\n", `TestTreeShowsTransactionsWhole|TestTreeRandomPrograms`, false, "internal/recipe/views"},
	{"a state is published although events were lost", "internal/recipe/views/treeround.go",
		"(t.again || torn && ", "(torn && ", `TestTreeRandomPrograms|TestTreeConnectionLostBetweenTwoBatches`, false, "internal/recipe/views"},

	// Barriers.
	{"a round begins with one too few", "barrier/round.go",
		"case len(names) < d.count:", "case len(names) < d.count-1:", `TestDoubleBarrierSimulation`, true, ""},
	{"a member leaves without the others", "barrier/visit.go",
		"if len(others) == 0 {", "if len(others) <= 1 {", `TestDoubleBarrierSimulation`, false, ""},
}
