package scenarios

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/config"
	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// medium is the timeout of sessions that have to end in a test, but not before
// their time.
const medium = 10 * time.Second

// TestRestoredBackup restores a backup as docs/operations.md says: the servers
// are stopped until every session has ended. No hold outlasts that time, and
// clients that run on work with the older data.
func TestRestoredBackup(t *testing.T) {
	ensemble.RequireZooKeeper(t)
	for _, n := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d servers", n), func(t *testing.T) {
			t.Parallel()
			restored(t, n)
		})
	}
}

func restored(t *testing.T, servers int) {
	e := ensemble.Start(t, servers)
	ctx := within(t, 5*time.Minute)
	p, q := start(t, e, medium), start(t, e, medium)

	// What the backup has.
	store := config.NewStore(p.Manager, "/config")
	_, err := store.Create(ctx, "k", []byte("1"))
	require.NoError(t, err)
	value, err := config.Open(ctx, q.Manager, "/config/k", config.JSON[int]())
	require.NoError(t, err)
	defer value.Close()
	tree, err := config.OpenTree(ctx, q.Manager, "/config", config.JSON[int]())
	require.NoError(t, err)
	defer tree.Close()
	total := counter.New(p.Manager, "/counter")
	_, err = total.Add(ctx, 5)
	require.NoError(t, err)
	numbers := counter.NewSequence(p.Manager, "/sequence", counter.Block(10))
	defer numbers.Close()
	_, err = numbers.Next(ctx)
	require.NoError(t, err)
	mail := queue.New(p.Manager, "/mail")
	_, err = mail.Put(ctx, []byte("in the backup"))
	require.NoError(t, err)
	group := groupmembership.NewGroup(p.Manager, "/group")
	member, err := group.Join(ctx, "left", nil)
	require.NoError(t, err)
	kept, err := lock.NewMutex(p.Manager, "/locks/kept").Lock(ctx)
	require.NoError(t, err)
	released, err := lock.NewMutex(p.Manager, "/locks/released").Lock(ctx)
	require.NoError(t, err)
	once := lock.NewOnce(p.Manager, "/jobs/report", time.Hour)
	backup := e.Backup(t)
	if servers > 1 {
		backup.RaiseEpoch(t, 40)
	}

	// What it has not.
	_, err = store.Set(ctx, "k", []byte("2"), session.AnyVersion)
	require.NoError(t, err)
	for range 200 {
		_, err = total.Add(ctx, 4)
		require.NoError(t, err)
	}
	for range 15 {
		_, err = numbers.Next(ctx)
		require.NoError(t, err)
	}
	item, err := mail.Take(ctx)
	require.NoError(t, err)
	require.NoError(t, item.Ack())
	_, err = mail.Put(ctx, []byte("lost"))
	require.NoError(t, err)
	require.NoError(t, member.Leave(ctx))
	require.NoError(t, released.Release())
	runs := 0
	run := func(context.Context, *lock.Run) error { runs++; return nil }
	require.NoError(t, once.Do(ctx, run))
	newer, err := lock.NewMutex(p.Manager, "/locks/newer").Lock(ctx)
	require.NoError(t, err)
	ensemble.Eventually(t, patience, "the views are up to date", func() bool {
		return value.Load().Value == 2 && tree.Load().Lookup("k").Value == 2
	})

	// The values that a reader of the view gets from now on.
	var mu sync.Mutex
	var read []int
	var doubts []error
	go func() {
		for snap, err := range value.Changes(ctx) {
			mu.Lock()
			if err != nil {
				doubts = append(doubts, err)
			} else {
				read = append(read, snap.Value)
			}
			mu.Unlock()
		}
	}()

	e.Restore(t, backup)
	for _, h := range []*lock.Hold{kept, newer} {
		<-h.Done()
		require.ErrorIs(t, h.Err(), session.ErrTrustElapsed)
	}
	for _, one := range []*process{p, q} {
		ensemble.Eventually(t, patience, "the sessions have ended", func() bool { return one.State() == session.Lost })
		require.False(t, one.Health().Confirmed)
	}
	for _, s := range e.Servers() {
		s.Restart()
	}
	require.NoError(t, e.WaitQuorum(within(t, 2*patience)))

	// The servers have the data of the backup.
	got, err := total.Get(ctx)
	require.NoError(t, err)
	require.EqualValues(t, 5, got.N)
	item, err = mail.Take(ctx)
	require.NoError(t, err)
	require.Equal(t, "in the backup", string(item.Data), "it was acknowledged after the backup")
	require.NoError(t, item.Ack())
	_, err = mail.TryTake(ctx)
	require.ErrorIs(t, err, queue.ErrEmpty)
	require.NoError(t, once.Do(ctx, run))
	require.Equal(t, 2, runs, "the record of the first run is lost")

	// A Sequence that has given later numbers notices. Another one cannot.
	for err = nil; err == nil; {
		_, err = numbers.Next(ctx)
	}
	require.ErrorIs(t, err, counter.ErrSetBack)
	others := counter.NewSequence(q.Manager, "/sequence", counter.Block(10))
	defer others.Close()
	again, err := others.Next(ctx)
	require.NoError(t, err)
	require.LessOrEqual(t, again, int64(16), "a number that was given already")

	// The sessions of the backup expire, with all that they own.
	for _, path := range []string{"/locks/kept", "/locks/released", "/locks/newer"} {
		h, err := lock.NewMutex(q.Manager, path).Lock(ctx)
		require.NoError(t, err)
		if servers > 1 {
			require.Greater(t, h.Token(), newer.Token(), "with a later epoch, tokens go on growing")
		} else {
			require.Less(t, h.Token(), newer.Token(), "tokens go back with the data")
		}
		require.NoError(t, h.Release())
	}
	ensemble.Eventually(t, patience, "the group is empty", func() bool {
		members, err := group.Members(ctx)
		return err == nil && len(members) == 0
	})

	// Views doubt the older value for a session timeout, and then have it.
	ensemble.Eventually(t, patience, "the views have the older value", func() bool {
		return value.Load().Value == 1 && !value.Stale() && tree.Load().Lookup("k").Value == 1
	})
	ensemble.Eventually(t, patience, "a reader has it", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(read) > 0 && read[len(read)-1] == 1
	})
	mu.Lock()
	defer mu.Unlock()
	require.NotEmpty(t, doubts)
	require.ErrorContains(t, doubts[len(doubts)-1], "it may have lost its data")
}

// TestRestoredTooSoon restores a backup and starts the servers within the
// session timeout: they take back sessions that have seen a later history. What
// such a session has released comes back, and is removed at once.
func TestRestoredTooSoon(t *testing.T) {
	t.Parallel()
	ensemble.RequireZooKeeper(t)
	const timeout = 10 * time.Minute // whatever needs the end of a session does not happen
	e := ensemble.Start(t, 3, ensemble.Config("maxSessionTimeout", strconv.Itoa(int(timeout.Milliseconds()))))
	ctx := within(t, 3*time.Minute)
	p, q := start(t, e, timeout), start(t, e, timeout)
	hold := func(p *process, path string) *lock.Hold {
		h, err := lock.NewMutex(p.Manager, path).Lock(ctx)
		require.NoError(t, err)
		return h
	}
	kept, released := hold(q, "/locks/kept"), hold(p, "/locks/released")
	backup := e.Backup(t)
	require.NoError(t, released.Release())
	newer := hold(p, "/locks/newer")
	sessions := []session.ID{p.Health().Session, q.Health().Session}

	ended := make(chan error, 1) // the cause of the end of the first session
	go func() {
		for change := range p.States(ctx) {
			if change.State == session.Lost {
				ended <- change.Cause
				return
			}
		}
	}()
	e.Restore(t, backup)
	for _, s := range e.Servers() {
		s.Restart()
	}
	require.NoError(t, e.WaitQuorum(within(t, 2*patience)))
	others := start(t, e, timeout)
	<-newer.Done()
	require.ErrorIs(t, newer.Err(), session.ErrLost)
	require.ErrorIs(t, <-ended, session.ErrRestored)
	for _, path := range []string{"/locks/released", "/locks/newer"} {
		h := hold(others, path)
		require.Greater(t, h.Token(), newer.Token(), "the epoch is later")
		require.NoError(t, h.Release())
	}
	require.NoError(t, hold(p, "/locks/released").Release())
	ensemble.Eventually(t, patience, "both are confirmed", func() bool { return p.Health().Confirmed && q.Health().Confirmed })
	require.NotEqual(t, sessions[0], p.Health().Session)
	require.Equal(t, sessions[1], q.Health().Session, "nothing of it came back")
	require.NoError(t, kept.Err())
	require.NoError(t, kept.Release())
}
