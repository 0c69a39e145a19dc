package lock

import "time"

// Slack says how much earlier than the interval after the last run a call of a
// Once may come and still begin a run. The default is half the interval.
//
// All calls of one interval come within some time: the sum of the difference of
// the replicas' clocks, the time that they take to start, and the difference of
// the servers' clocks. Both the slack and the interval less the slack have to be
// longer than that time. Half the interval serves replicas that
// call at the same times, as cron does. If each replica calls at times of its
// own, use a slack of little more than the jitter of one replica. With half the
// interval, the job of such replicas may run twice in an interval.
func Slack(d time.Duration) OnceOption { return option(func(o *options) { o.slack = &d }) }

// WaitForRun has a call of a Once wait until a run that is under way has ended.
// The call decides then: it begins a run if one is due, or if RerunLost or
// RerunFailed wants the ended run replaced. Without WaitForRun the call returns
// ErrNotDue at once.
//
// All calls that wait wake up when the run ends, and each reads the record.
func WaitForRun() OnceOption { return option(func(o *options) { o.waitForRun = true }) }

// RerunLost has a call of a Once replace a run of the same interval that was
// lost: its process died, or lost its session. The job then runs at least once
// if a replica calls after that, or waits (WaitForRun). Without it, a run that
// is lost counts as the run of its interval: the job runs at most once.
func RerunLost() OnceOption { return option(func(o *options) { o.rerunLost = true }) }

// RerunFailed is RerunLost that also replaces a failed run: a run whose
// function returned an error. Each call runs the function at most once. A job
// that always fails runs at most as often as it is called.
func RerunFailed() OnceOption {
	return option(func(o *options) { o.rerunLost, o.rerunFailed = true, true })
}
