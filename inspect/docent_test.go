package inspect

import (
	"context"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/barrier"
	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/groupmembership"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
)

// report takes a report that must succeed.
func report(w *testworld.World, p *testworld.Process, path string, opts ...Option) *Report {
	w.Helper()
	synctest.Wait()
	r, err := Read(w.Context(), p.Manager, path, opts...)
	require.NoError(w, err)
	return r
}

// at returns the finding at a path, which must be a T.
func at[T Finding](w *testworld.World, r *Report, path string) T {
	w.Helper()
	for _, f := range r.Findings {
		if f.Head().Path == path {
			require.IsType(w, *new(T), f, path)
			return f.(T)
		}
	}
	require.Fail(w, "nothing was found", "at %s in %v", path, kinds(r))
	panic("not reached")
}

// kinds lists what was found, and where.
func kinds(r *Report) []string {
	var all []string
	for _, f := range r.Findings {
		all = append(all, string(f.Head().Kind)+" "+f.Head().Path)
	}
	return all
}

func ids(owners []Owner) []string {
	var all []string
	for _, o := range owners {
		all = append(all, o.ID)
	}
	return all
}

// lockWaiting starts a wait for a mutex.
func lockWaiting(w *testworld.World, p *testworld.Process, path, id string) *testworld.Call[*lock.Hold] {
	w.Helper()
	call := testworld.Go(w, lock.NewMutex(p.Manager, path, lock.ID(id)).Lock)
	require.True(w, call.Waiting())
	return call
}

func held(w *testworld.World, p *testworld.Process, path, id string) *lock.Hold {
	w.Helper()
	h, err := lock.NewMutex(p.Manager, path, lock.ID(id)).Lock(w.Context())
	require.NoError(w, err)
	return h
}

func TestRead_mutex(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		h := held(w, a, "/locks/m", "a")
		since := time.Now()
		time.Sleep(time.Minute)
		lockWaiting(w, b, "/locks/m", "b")
		lockWaiting(w, a, "/locks/m", "c")
		r := report(w, b, "/locks")
		require.Equal(t, []string{"plain /locks", "lock /locks/m"}, kinds(r))
		require.True(t, r.Complete())
		f := at[*Lock](w, r, "/locks/m")
		require.Equal(t, []Layout{Docent}, f.Layouts)
		require.False(t, f.MayBeElection)
		require.Empty(t, f.Abandoned)
		host, err := os.Hostname()
		require.NoError(t, err)
		require.Equal(t, Owner{Layout: Docent, Owner: session.Owner{
			Path: h.Path(), ID: "a", Host: host, PID: os.Getpid(), Session: session.ID(a.Current().ID()),
			Since: since.Truncate(time.Millisecond), Token: h.Token(),
		}}, *f.Holder)
		require.Equal(t, []string{"b", "c"}, ids(f.Waiters))
		require.Equal(t, session.ID(b.Current().ID()), f.Waiters[0].Session)

		require.NoError(t, lock.Revoke(w.Context(), b.Manager, h.Path()))
		f = at[*Lock](w, report(w, b, "/locks/m"), "/locks/m")
		require.True(t, f.Holder.Revoked)
		require.Empty(t, f.Holder.ID)
		require.Equal(t, h.Token(), f.Holder.Token)
	})
}

func TestRead_readersAndWriters(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		rw := func(id string) *lock.RWMutex { return lock.NewRWMutex(a.Manager, "/rw", lock.ID(id)) }
		for _, id := range []string{"r1", "r2"} {
			_, err := rw(id).RLock(w.Context())
			require.NoError(t, err)
		}
		require.True(t, testworld.Go(w, rw("w1").Lock).Waiting())
		require.True(t, testworld.Go(w, rw("r3").RLock).Waiting())
		f := at[*RWLock](w, report(w, a, "/"), "/rw")
		require.Equal(t, []string{"r1", "r2"}, ids(f.Holders))
		require.Equal(t, []string{"w1", "r3"}, ids(f.Waiters))
		require.Equal(t, ModeRead, f.Holders[0].Mode)
		require.Equal(t, ModeWrite, f.Waiters[0].Mode)
	})
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		_, err := lock.NewRWMutex(a.Manager, "/rw", lock.ID("w")).Lock(w.Context())
		require.NoError(t, err)
		require.True(t, testworld.Go(w, lock.NewRWMutex(a.Manager, "/rw", lock.ID("r")).RLock).Waiting())
		require.True(t, testworld.Go(w, lock.NewRWMutex(a.Manager, "/rw", lock.ID("w2")).Lock).Waiting())
		f := at[*RWLock](w, report(w, a, "/"), "/rw")
		require.Equal(t, []string{"w"}, ids(f.Holders))
		require.Equal(t, []string{"r", "w2"}, ids(f.Waiters))
	})
}

func TestRead_semaphore(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		sem := func(id string) *lock.Semaphore {
			return lock.NewSemaphore(a.Manager, "/sem", lock.Permits(2), lock.ID(id))
		}
		p, err := sem("a").Acquire(w.Context(), 2)
		require.NoError(t, err)
		f := at[*Semaphore](w, report(w, a, "/"), "/sem")
		require.Equal(t, 2, f.Used)
		require.Equal(t, []string{"a", "a"}, ids(f.Holders))
		for _, id := range []string{"b", "c"} {
			require.True(t, testworld.Go(w, func(ctx context.Context) (*lock.Permit, error) { return sem(id).Acquire(ctx, 1) }).Waiting())
		}
		r := report(w, a, "/")
		require.Equal(t, []string{"plain /", "semaphore /sem"}, kinds(r))
		f = at[*Semaphore](w, r, "/sem")
		require.Equal(t, 2, f.Used, "the lease with which the first in line waits is none yet")
		require.Equal(t, []string{"a", "a"}, ids(f.Holders))
		require.Equal(t, []string{"b", "c"}, ids(f.Waiters))
		require.Zero(t, f.Limit)
		require.NoError(t, p.Release())
	})
}

func TestRead_oneNode(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		_, err := lock.NewOneNode(a.Manager, "/x/one", lock.ID("me")).Lock(w.Context())
		require.NoError(t, err)
		f := at[*OneNode](w, report(w, a, "/"), "/x/one")
		require.Equal(t, "me", f.Holder.ID)
		require.Equal(t, []Layout{Docent}, f.Layouts)
	})
}

func TestRead_election(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		_, err := election.New(a.Manager, "/e", election.ID("one")).Campaign(w.Context())
		require.NoError(t, err)
		require.True(t, testworld.Go(w, election.New(b.Manager, "/e", election.ID("two")).Campaign).Waiting())
		f := at[*Election](w, report(w, b, "/"), "/e")
		require.Equal(t, "one", f.Leader.ID)
		require.Equal(t, []string{"two"}, ids(f.Candidates))
		require.Empty(t, f.Transfer)

		transfer := testworld.Go(w, func(ctx context.Context) (int, error) {
			return 0, election.New(b.Manager, "/e").Transfer(ctx, "two")
		})
		require.True(t, transfer.Waiting())
		r := report(w, b, "/")
		f = at[*Election](w, r, "/e")
		require.Equal(t, "two", f.Transfer)
		require.Empty(t, f.Abandoned)
		require.Zero(t, f.Unrecognised)
		require.Len(t, r.Findings, 2, "the wish is a part of the election")

		// With LeaderSelector's names it cannot be told from a lock.
		_, err = election.New(a.Manager, "/s", election.ID("one"), election.Layout(election.LeaderSelector)).Campaign(w.Context())
		require.NoError(t, err)
		l := at[*Lock](w, report(w, b, "/"), "/s")
		require.True(t, l.MayBeElection)
		require.Equal(t, "one", l.Holder.ID)
	})
}

func TestRead_groupAndPartitioner(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		for _, id := range []string{"h2", "h1"} {
			_, err := groupmembership.NewGroup(a.Manager, "/g").Join(w.Context(), id, []byte(`{"load":1}`))
			require.NoError(t, err)
		}
		run := testworld.Go(w, func(ctx context.Context) (int, error) {
			err := groupmembership.NewPartitioner(a.Manager, "/p", 12).Run(ctx, "m1", func(ctx context.Context, p *groupmembership.Partition) error {
				<-ctx.Done()
				return nil
			})
			return 0, err
		})
		require.True(t, run.Waiting())
		time.Sleep(time.Minute)
		r := report(w, a, "/")
		require.Equal(t, []string{"plain /", "group /g", "partitioner /p"}, kinds(r))
		require.Equal(t, []string{"h1", "h2"}, ids(at[*Group](w, r, "/g").Members))
		p := at[*Partitioner](w, r, "/p")
		require.Equal(t, 12, p.Partitions)
		require.Equal(t, []string{"m1"}, ids(p.Members))
		require.Len(t, p.Claims, 12)
		require.Equal(t, "2", p.Claims[2].Partition, "in the order of their numbers")
		require.Equal(t, "m1", p.Claims[2].ID)
		require.Empty(t, p.Abandoned)
		w.Put("/p/claims/13", "gone")
		p = at[*Partitioner](w, report(w, a, "/p"), "/p")
		require.Equal(t, "/p/claims/13", p.Abandoned[0].Path)
	})
}

func TestRead_queue(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		q := queue.New(a.Manager, "/q", queue.MaxAttempts(3), queue.Consumer("worker"))
		put := time.Now()
		for range 3 {
			_, err := q.Put(w.Context(), []byte("x"), queue.Priority(5))
			require.NoError(t, err)
			time.Sleep(time.Second)
		}
		_, err := q.Put(w.Context(), []byte("x"), queue.Priority(-5)) // first to be taken, but not the oldest
		require.NoError(t, err)
		_, err = q.Put(w.Context(), []byte("x"), queue.Delay(time.Hour))
		require.NoError(t, err)
		item, err := q.Take(w.Context())
		require.NoError(t, err)
		require.NoError(t, item.Reject("broken"))
		item, err = q.Take(w.Context())
		require.NoError(t, err)
		_, err = item.Guard(w.Context())
		require.NoError(t, err)
		r := report(w, a, "/")
		require.Equal(t, []string{"plain /", "queue /q"}, kinds(r), "the guard is a part of it")
		f := at[*Queue](w, r, "/q")
		require.Equal(t, 4, f.Length)
		require.Equal(t, 1, f.Delayed)
		require.Equal(t, 1, f.Dead)
		require.Equal(t, put.Truncate(time.Millisecond), f.Oldest.Put)
		require.Equal(t, 1, f.Oldest.Attempts)
		require.Len(t, f.Claims, 1)
		require.Equal(t, "worker", f.Claims[0].ID)
		require.Equal(t, session.ID(a.Current().ID()), f.Claims[0].Session)
		require.Empty(t, f.Abandoned)
		require.Equal(t, []Layout{Curator, Docent}, f.Layouts)
		require.NoError(t, item.Ack())

		// Claims without a session, and claims of items that are gone.
		name := w.Children("/q/items")[0]
		w.Put("/q/claims/"+name, "hand-made")
		ghost := "/q/claims/queue-1000000050000000099"
		_, err = a.Create(w.Context(), ghost, nil, session.Ephemeral)
		require.NoError(t, err)
		f = at[*Queue](w, report(w, a, "/q"), "/q")
		require.Equal(t, []string{"/q/claims/" + name}, marked(&f.Header), "the other item may be younger than the list")
		_, err = q.Put(w.Context(), []byte("x"))
		require.NoError(t, err)
		f = at[*Queue](w, report(w, a, "/q"), "/q")
		require.Equal(t, []string{"/q/claims/" + name, ghost}, marked(&f.Header))
	})
}

// marked lists what looks abandoned.
func marked(h *Header) []string {
	var all []string
	for _, m := range h.Abandoned {
		all = append(all, m.Path)
	}
	return all
}

func TestRead_barriers(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		require.NoError(t, barrier.New(a.Manager, "/gate").Set(w.Context()))
		first := testworld.Go(w, barrier.NewDouble(a.Manager, "/d", 2, barrier.ID("one")).Enter)
		require.True(t, first.Waiting())
		r := report(w, a, "/")
		require.Equal(t, os.Getpid(), at[*Barrier](w, r, "/gate").SetBy.PID)
		d := at[*Double](w, r, "/d")
		require.False(t, d.Ready)
		require.Equal(t, []string{"one"}, ids(d.Waiting))

		second, err := barrier.NewDouble(b.Manager, "/d", 2, barrier.ID("two")).Enter(w.Context())
		require.NoError(t, err)
		visit := first.Get()
		d = at[*Double](w, report(w, a, "/"), "/d")
		require.True(t, d.Ready)
		require.Equal(t, []string{"one", "two"}, ids(d.Inside))
		require.Empty(t, d.Left)

		leaving := testworld.Go(w, func(ctx context.Context) (int, error) { return 0, second.Leave(ctx) })
		require.True(t, leaving.Waiting())
		d = at[*Double](w, report(w, a, "/"), "/d")
		require.Equal(t, []string{"one"}, ids(d.Inside), "for whom the other waits")
		require.Equal(t, []string{"member-two"}, d.Left)
		require.Empty(t, d.Abandoned)
		require.NoError(t, visit.Leave(w.Context()))
		leaving.Get()
	})
}

func TestRead_leaves(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		_, err := counter.New(a.Manager, "/c/long").Add(w.Context(), 42)
		require.NoError(t, err)
		_, err = counter.New(a.Manager, "/c/int", counter.Layout(counter.Int32)).Add(w.Context(), -7)
		require.NoError(t, err)
		w.Put("/conf/key", "some value")
		time.Sleep(time.Hour)
		w.Put("/conf/key", "another value")
		w.Put("/conf/word", "true")
		w.Put("/conf/empty", "")
		r := report(w, a, "/")
		require.Equal(t, int64(42), at[*Counter](w, r, "/c/long").Value)
		require.Equal(t, int64(-7), at[*Counter](w, r, "/c/int").Value)
		k := at[*ConfigKey](w, r, "/conf/key")
		require.Equal(t, int32(1), k.Version)
		require.Equal(t, len("another value"), k.Bytes)
		require.Equal(t, time.Now().Truncate(time.Millisecond), k.Modified)
		require.Equal(t, time.Hour, k.Modified.Sub(k.Created))
		require.Equal(t, int32(0), at[*ConfigKey](w, r, "/conf/word").Version, "four letters are no number")
		at[*Plain](w, r, "/conf/empty")
	})
}

func TestRead_theTreeOfTheServers(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		r := report(w, a, "/")
		require.Equal(t, []string{"plain /"}, kinds(r))
		require.Contains(t, kinds(report(w, a, "/zookeeper")), "plain /zookeeper")
	})
}
