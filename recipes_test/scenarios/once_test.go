package scenarios

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// A run learns of its beginning from the answer to its transaction. The record
// on the servers says the same afterwards.
func TestOnceTimesAndTokens(t *testing.T) {
	t.Parallel()
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 3)
	p := start(t, e, lasting)
	seen := observer(t, e)
	var token int64
	for _, failure := range []error{nil, errors.New("failed")} {
		r, err := lock.NewOnce(p.Manager, "/jobs/report", time.Second).Start(within(t, patience))
		require.NoError(t, err)
		require.Greater(t, r.Token(), token)
		token = r.Token()
		require.NoError(t, seen.Sync(t.Context(), "/jobs/report"))
		running, err := lock.NewOnce(seen, "/jobs/report", time.Second).Last(t.Context())
		require.NoError(t, err)
		require.True(t, running.Exists)
		require.Equal(t, lock.RunUnderWay, running.State)
		require.Equal(t, r.Token(), running.Token)
		require.Equal(t, r.Called(), running.Called)
		require.Equal(t, r.Path(), running.Path)
		require.False(t, running.Began.Before(running.Called))

		_, err = p.Txn(t.Context(), r.Guard(), session.CheckOp("/jobs", session.AnyVersion))
		require.NoError(t, err)
		require.NoError(t, r.End(failure))
		require.NoError(t, seen.Sync(t.Context(), "/jobs/report"))
		ended, err := lock.NewOnce(seen, "/jobs/report", time.Second).Last(t.Context())
		require.NoError(t, err)
		require.Equal(t, running.Began, ended.Began)
		require.Equal(t, running.Called, ended.Called)
		require.Equal(t, failure != nil, ended.State == lock.RunFailed)
		require.False(t, ended.Ended.Before(ended.Began))
		_, err = lock.NewOnce(seen, "/jobs/report", time.Hour).Start(t.Context())
		require.ErrorIs(t, err, lock.ErrNotDue)
		ensemble.Eventually(t, patience, "the next interval", func() bool { return time.Since(r.Called()) > time.Second })
	}
}

// Replicas call at the same time while servers die. One of them runs the job.
func TestOnceUnderFaults(t *testing.T) {
	t.Parallel()
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 3)
	const replicas, intervals = 6, 4
	var all []*process
	for range replicas {
		all = append(all, start(t, e, lasting))
	}
	for i := range intervals {
		job := "/jobs/" + string(rune('a'+i))
		if i%2 == 1 {
			e.Leader().Kill()
		}
		var mu sync.Mutex
		var began, refused, lost int
		var work sync.WaitGroup
		for n, p := range all {
			if n%3 == 2 {
				p.proxy.DisconnectAll() // in the midst of its run
			}
			work.Go(func() {
				r, err := lock.NewOnce(p.Manager, job, time.Hour).Start(within(t, patience))
				if err == nil {
					err = r.End(nil)
					mu.Lock()
					began++
					mu.Unlock()
				}
				mu.Lock()
				defer mu.Unlock()
				switch {
				case errors.Is(err, lock.ErrNotDue):
					refused++
				case errors.Is(err, session.ErrLost):
					lost++
				case err != nil:
					t.Errorf("%v", err)
				}
			})
		}
		work.Wait()
		require.Equal(t, 1, began, "%d refused, %d lost", refused, lost)
		require.Equal(t, replicas-1, refused)
		for _, server := range e.Servers() {
			if server.Mode() == "" {
				server.Restart()
			}
		}
		require.NoError(t, e.WaitQuorum(within(t, patience)))
	}
}

// The command runs on several machines, as cron starts it. The process that
// runs the job is killed.
func TestCommandOnce(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 1)
	s := newShell(t, e)
	var all []*ensemble.Cmd
	for range 4 {
		all = append(all, s.docent("once", "/jobs/report", "--every", "10m", "--", "sh", "-c", "echo ran"))
	}
	ran := 0
	for _, c := range all {
		require.Zero(t, c.Wait(patience), c.Stderr())
		require.Empty(t, c.Stderr())
		if c.Stdout() != "" {
			ran++
		}
	}
	require.Equal(t, 1, ran)

	job := append([]string{"once", "/jobs/long", "--every", "10m", "--timeout", "4s", "--again", "lost", "--wait", "1m"}, exclusive(forever)...)
	killed := s.docent(job...)
	first := token(t, killed)
	next := s.docent(job...)
	killed.Kill()
	require.NoError(t, os.Remove(s.marker)) // the kernel has killed CMD, which left its marker
	require.Greater(t, token(t, next), first)
	require.NotContains(t, next.Stdout(), "OVERLAP")
	next.Signal(syscall.SIGTERM)
	require.Equal(t, 143, next.Wait(patience))
}
