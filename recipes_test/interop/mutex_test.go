//go:build unix

package interop

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/recipes_test/peers"
)

// A Mutex, Curator's InterProcessMutex, go-zookeeper's Lock and a kazoo lock
// with Curator's node names contend on one path.
func TestMutexAmongOthers(t *testing.T) {
	w := inWorld(t)
	const path = "/interop/mutex"
	contest(w, newReferee(w, w.docent()), 15,
		mutexes("docent 1", w.docent(), path),
		mutexes("docent 2", w.docent(), path),
		told("curator 1", w.curator().Actor("a"), "lock.acquire", "lock.release", path),
		told("curator 2", w.curator().Actor("a"), "lock.acquire", "lock.release", path),
		told("kazoo", w.kazoo().Actor("a"), "lock.acquire", "lock.release", path, "named"),
		zkLocks("go-zookeeper", w.bare(), path),
	)
}

// kazoo's own node names are safe among ours and go-zookeeper's, given the
// extra pattern, as long as no Curator is on the path.
func TestMutexAmongKazooNames(t *testing.T) {
	w := inWorld(t)
	const path = "/interop/kazoo"
	contest(w, newReferee(w, w.docent()), 15,
		mutexes("docent 1", w.docent(), path),
		mutexes("docent 2", w.docent(), path),
		told("kazoo 1", w.kazoo().Actor("a"), "lock.acquire", "lock.release", path, "extra"),
		told("kazoo 2", w.kazoo().Actor("a"), "lock.acquire", "lock.release", path, "extra"),
		zkLocks("go-zookeeper", w.bare(), path),
	)
}

// What must not share a path: Curator takes no notice of kazoo's default
// names, and a kazoo lock with Curator's name that does not heed that name
// takes no notice of anybody. If this test fails, the table in docs/interop.md
// is out of date.
func TestMutexNeverShared(t *testing.T) {
	w := inWorld(t)
	const names, misnamed = "/interop/never", "/interop/misnamed"
	curator, kazoo := w.curator().Actor("a"), w.kazoo().Actor("a")
	require.Equal(t, "true", kazoo.Do("lock.acquire", names, "extra", ms(patience)))
	require.Equal(t, "true", curator.Do("lock.acquire", names, ms(patience)), "Curator waits for kazoo's names now")

	require.Equal(t, "true", curator.Do("lock.acquire", misnamed, ms(patience)))
	require.Equal(t, "true", kazoo.Do("lock.acquire", misnamed, "misnamed", ms(patience)), "kazoo heeds its node's name now")
}

// A holder of any kind that is killed makes room for the others, and a waiter
// that is killed does not stand in their way.
func TestMutexOfTheKilled(t *testing.T) {
	w := inWorld(t)
	const path = "/interop/killed"
	m := lock.New(w.docent(), path)

	curator := w.curator()
	require.Equal(t, "true", curator.Actor("a").Do("lock.acquire", path, ms(patience)))
	kazoo := w.kazoo()
	waiting := kazoo.Actor("a").Go("lock.acquire", path, "named", ms(patience))
	w.settles("kazoo waits", func() bool {
		waiters, err := m.Waiters(t.Context())
		return err == nil && len(waiters) == 1
	})
	other := w.curator()
	behind := other.Actor("a").Go("lock.acquire", path, ms(patience))
	w.settles("Curator waits behind it", func() bool {
		waiters, err := m.Waiters(t.Context())
		return err == nil && len(waiters) == 2
	})
	holders, err := m.Holders(t.Context())
	require.NoError(t, err)
	require.Len(t, holders, 1)
	kazoo.Kill() // a waiter
	curator.Kill()
	require.Equal(t, "true", behind.Get())
	_, err = waiting.Result()
	require.ErrorIs(t, err, peers.ErrGone)

	// And one of ours behind a Curator that is killed while it holds.
	got := make(chan error, 1)
	go func() {
		h, err := m.Lock(w.within(patience))
		if err == nil {
			err = h.Release()
		}
		got <- err
	}()
	other.Kill()
	require.NoError(t, <-got)
}
