// Package docentgocron lets the replicas of a service share the jobs of gocron
// (github.com/go-co-op/gocron/v2): a job runs once per tick, however many
// replicas schedule it.
//
//	s, err := gocron.NewScheduler()
//	job := docentgocron.NewJob(sm, "/jobs/report", 10*time.Minute)
//	_, err = s.NewJob(gocron.CronJob("*/10 * * * *", false),
//		job.Task(func(ctx context.Context, r *lock.Run) error {
//			return report(ctx, r.Token()) // ctx ends when the run can no longer be trusted
//		}), job.Option())
//
// # Once per tick
//
// gocron asks its Locker for a lock before a job, and releases the lock when
// the job has returned. With a mutex as the lock, a replica whose clock is a
// second late runs the job again if the job takes less than that second. So a
// Job of this package is not a mutex. It is a lock.Once: ZooKeeper keeps the
// newest run, and the ensemble's leader stamps each call. Of the calls that
// come within the slack of each other, one begins a run. The others get
// lock.ErrNotDue, which gocron counts as skipped.
//
// The interval is part of the Job for this reason. All replicas must give the
// same interval, and it must be the period of the job's definition. For a job
// without a fixed period, such as gocron.CronJob("0 9,17 * * *"), give the
// shortest time between two ticks.
//
// What follows is promised if all replicas tick within two times: the slack,
// which is half the interval unless Slack sets it, and the interval less the
// slack.
//
//   - One replica runs the job in each tick. No replica's clock is compared.
//   - Runs do not overlap, even if a run takes longer than the interval. The
//     ticks in between are skipped, by every replica.
//   - The context of the function ends before another replica can begin a run.
//   - The token grows from run to run. A store can reject late writes by it.
//   - A tick that no server answers within Wait is skipped by that replica.
//     A late call would begin a run between two ticks.
//
// What is not promised:
//
//   - A run that is lost, since its replica died, counts as the run of its tick.
//     With(lock.WaitForRun(), lock.RerunLost()) and a Wait that is longer than
//     the session timeout have another replica run the job again.
//   - gocron.DurationJob counts from the start of each replica, so the
//     replicas tick at unrelated times. Use gocron.CronJob, or
//     gocron.WithStartAt with a common time, or a small Slack.
//   - A Locker has no function of the job, so it cannot know whether the job has
//     failed: it records every run as done. A Job's Task records failures.
//
// # A leader
//
// An Elector has one replica run all jobs. It costs no request per tick. It does
// not run a job exactly once per tick: when the leadership changes near a tick,
// clocks that differ let both leaders run the tick, or neither. gocron does not
// ask a Locker if it has an Elector. A Job's Task begins the run by itself then,
// so both can be combined.
package docentgocron
