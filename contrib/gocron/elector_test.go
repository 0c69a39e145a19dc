package docentgocron_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-co-op/gocron/v2"
	"github.com/stretchr/testify/require"

	docentgocron "github.com/docent-go/docent/contrib/gocron"
	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

const leaders = "/leaders/jobs"

func (w *world) elector(i int) *docentgocron.Elector {
	e := docentgocron.OpenElector(w.replicas[i].Manager, leaders)
	w.Cleanup(func() { require.NoError(w, e.Close()) })
	synctest.Wait()
	return e
}

// leads schedules the job on every replica with an Elector.
func (w *world) leads(takes time.Duration) (electors []*docentgocron.Elector) {
	for i := range w.replicas {
		e := w.elector(i)
		task := e.Task(func(ctx context.Context, t *election.Term) error {
			return w.work(ctx, i, int64(len(w.ran())), takes)
		})
		w.schedule(i, task, []gocron.SchedulerOption{gocron.WithDistributedElector(e)})
		electors = append(electors, e)
	}
	return electors
}

// One replica runs all ticks. When its session ends in a job, the context of
// the job ends, another replica leads, and the first is a candidate again.
func TestElector_leaderLosesItsSession(t *testing.T) {
	run(t, func(w *world) {
		electors := w.leads(2 * time.Minute)
		time.Sleep(20 * time.Minute)
		w.replicas[0].Expire()
		time.Sleep(30 * time.Minute)
		require.Equal(w, []int{10, 20, 30, 40, 50}, w.ticks())
		require.ErrorIs(w, w.ran()[1].err, session.ErrLost)
		for i, r := range w.ran() {
			require.Equal(w, i >= 2, r.replica == 1)
		}
		require.ErrorIs(w, electors[0].IsLeader(w.Context()), docentgocron.ErrNotLeader)
		all, err := electors[0].Election().Participants(w.Context())
		require.NoError(w, err)
		require.Len(w, all, 3)
	})
}

// A leader that is cut off ends its job before another replica leads.
func TestElector_leaderIsCutOff(t *testing.T) {
	run(t, func(w *world) {
		electors := w.leads(2 * time.Minute)
		time.Sleep(10 * time.Minute)
		require.NoError(w, electors[0].IsLeader(w.Context()))
		w.replicas[0].Link.Cut(zktest.Both)
		w.Eventually(func() bool { return electors[1].IsLeader(w.Context()) == nil }, "another replica leads")
		require.ErrorIs(w, w.ran()[0].err, session.ErrTrustElapsed)
		require.ErrorIs(w, electors[0].IsLeader(w.Context()), docentgocron.ErrNotLeader)
		w.replicas[0].Link.Heal()
		time.Sleep(10 * time.Minute)
		require.Equal(w, []int{10, 20}, w.ticks())
		require.Equal(w, 1, w.ran()[1].replica)
	})
}

// Close ends the job, waits for it, and then resigns.
func TestElector_close(t *testing.T) {
	run(t, func(w *world) {
		electors := w.leads(5 * time.Minute)
		time.Sleep(10 * time.Minute)
		require.NoError(w, electors[0].Close())
		require.ErrorContains(w, w.ran()[0].err, "the elector was closed")
		synctest.Wait()
		require.NoError(w, electors[1].IsLeader(w.Context()))
		require.Len(w, w.Children(leaders), 2)
		require.NoError(w, electors[0].Close())
	})
}

// A transfer ends the job, and the named replica leads.
func TestElector_transfer(t *testing.T) {
	run(t, func(w *world) {
		first := w.elector(0)
		second := docentgocron.OpenElector(w.replicas[1].Manager, leaders, election.ID("second"))
		defer func() { require.NoError(w, second.Close()) }()
		synctest.Wait()
		w.schedule(0, first.Task(func(ctx context.Context, t *election.Term) error {
			return w.work(ctx, 0, t.Token(), 5*time.Minute)
		}), []gocron.SchedulerOption{gocron.WithDistributedElector(first)})
		time.Sleep(10 * time.Minute)
		require.NoError(w, second.Election().Transfer(w.Context(), "second"))
		w.Eventually(func() bool { return second.IsLeader(w.Context()) == nil }, "the second leads")
		require.ErrorIs(w, w.ran()[0].err, election.ErrTransferred)
	})
}

// The leadership changes between the ticks of two clocks that differ. Each of
// the two leaders has the tick to run: with a Job the second is told that it is
// not due.
func TestElector_changesNearATick(t *testing.T) {
	for name, ticks := range map[string][]int{"job": {10}, "term": {10, 10}} {
		t.Run(name, func(t *testing.T) {
			run(t, func(w *world) {
				first, second := w.elector(1), w.elector(0) // the first is two seconds ahead
				for i, e := range []*docentgocron.Elector{second, first} {
					task := docentgocron.NewJob(w.replicas[i].Manager, path, every).Task(w.does(i, time.Millisecond))
					if name == "term" {
						task = e.Task(func(ctx context.Context, t *election.Term) error {
							return w.work(ctx, i, t.Token(), time.Millisecond)
						})
					}
					w.schedule(i, task, []gocron.SchedulerOption{gocron.WithDistributedElector(e)})
				}
				time.Sleep(9*time.Minute - time.Second)
				require.NoError(w, first.Close())
				time.Sleep(time.Minute)
				require.Equal(w, ticks, w.ticks())
				require.Equal(w, name == "job", errors.Is(errors.Join(w.skips(0)...), lock.ErrNotDue))
			})
		})
	}
}

// A campaign that fails is said to gocron, and made again. A Manager that is
// closed ends it.
func TestElector_campaignFails(t *testing.T) {
	run(t, func(w *world) {
		w.Put(leaders, "")
		require.NoError(w, w.Server.SetACL(leaders, zktest.ACL{Perms: session.PermRead, Scheme: "world", ID: "anyone"}))
		e := docentgocron.OpenElector(w.replicas[0].Manager, leaders)
		synctest.Wait()
		err := e.IsLeader(w.Context())
		require.ErrorIs(w, err, docentgocron.ErrNotLeader)
		require.ErrorIs(w, err, session.ErrNoAuth)
		require.NoError(w, w.replicas[0].Close())
		time.Sleep(time.Minute)
		require.ErrorIs(w, e.IsLeader(w.Context()), session.ErrClosed)
		require.ErrorIs(w, e.Close(), session.ErrClosed)
	})
}
