package lock

import "time"

// Slack says how much earlier than the interval after the last run a call of a Once
// may come and still begin a run. The default is half the interval.
//
// It has to be more than the calls of one interval may lie apart: the difference of
// the replicas' clocks, the time they take to start, and the difference of the
// servers' clocks. The interval less the slack has to be more than that too. Half
// the interval serves replicas that call at the same times, as cron does. Replicas
// that each call at times of their own need a slack of little more than the jitter
// of one replica: with half the interval, the job may run as often as twice in it.
func Slack(d time.Duration) Option { return func(o *options) { o.slack = &d } }

// WaitForRun has a call of a Once wait until a run that is under way has ended. The
// call decides then: it begins a run if one is due, or if RerunLost or RerunFailed
// wants the ended run replaced. Without WaitForRun the call returns ErrNotDue at once.
//
// All calls that wait wake up when the run ends, and each reads the record.
func WaitForRun() Option { return func(o *options) { o.waitForRun = true } }

// RerunLost has a call of a Once replace a run of the same interval that was lost:
// its process died, or lost its session. The job then runs at least once if a
// replica calls after that, or waits (WaitForRun). Without it, a run that is lost
// counts as the run of its interval: the job runs at most once.
func RerunLost() Option { return func(o *options) { o.rerunLost = true } }

// RerunFailed is RerunLost that also replaces a run that has failed: whose function
// returned an error. Each call runs the function at most once. How often a job that
// always fails runs in an interval is up to the number of calls.
func RerunFailed() Option { return func(o *options) { o.rerunLost, o.rerunFailed = true, true } }
