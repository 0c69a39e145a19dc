package lock

import (
	"slices"
	"time"

	"github.com/docent-go/docent/internal/base/stamp"
	"github.com/docent-go/docent/session"
)

// decision is what a call does about the newest run.
type decision int

const (
	skipRun    decision = iota // the newest run serves the call
	awaitRun                   // the newest run is under way
	beginRun                   // a run of a new interval is due
	replaceRun                 // a run is due in place of the newest, in the same interval
	ownRun                     // the newest run is the call's own
)

// decide is the rule. A call is identified by its znode: by the zxid that
// created it, and by the time that the leader has stamped on it. No clock of a
// replica counts.
//
// A run serves the calls that came before it, and those within the gap after
// it. The distance counts in both directions: if the leader's clock goes back
// by less than the gap, the job does not run twice; if it goes back by more,
// the job does not wait until the clock has caught up.
//
// mine are the names of the call's earlier znodes. A run under one of these
// names has never called its function.
func (o *Once) decide(v view, own string, mine []string) decision {
	r := v.record
	lost := r.State == RunUnderWay && !v.running()
	switch {
	case r.State == never:
		return beginRun
	case v.running() && r.Run == own:
		return ownRun
	case v.running():
		return awaitRun
	case lost && slices.Contains(mine, r.Run):
		return replaceRun
	case r.Zxid < v.own.Czxid && o.apart(r.Called, v.own.Ctime):
		return beginRun
	case lost && o.options.rerunLost, r.State == RunFailed && o.options.rerunFailed:
		return replaceRun
	}
	return skipRun
}

// apart reports whether two times, in ms, lie at least the gap apart.
func (o *Once) apart(a, b int64) bool {
	const ms = int64(time.Millisecond)
	gap := (int64(o.gap) + ms - 1) / ms
	return a <= b-gap || a >= b+gap
}

// next returns the record of a run by the contender own in the session s. v is
// the view that it replaces.
func (o *Once) next(v view, own string, s session.ID, rerun bool) record {
	r := record{
		State: RunUnderWay, Data: o.options.owner(), Session: s, Run: own,
		Zxid: v.own.Czxid, Called: v.own.Ctime,
	}
	if rerun {
		r.Zxid, r.Called = v.record.Zxid, v.record.Called
	}
	return r
}

// dueAgain returns when the gap after the newest run is over.
func (o *Once) dueAgain(v view) time.Time {
	return stamp.Millis(stamp.Millis(v.record.Called).Add(o.gap).UnixMilli())
}
