//go:build unix

package interop

import (
	"strings"
	"testing"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/recipes_test/peers"
	"github.com/docent-go/docent/session"
)

// A Mutex, Curator's InterProcessMutex, go-zookeeper's Lock and kazoo's Lock.
func TestMutex(t *testing.T) {
	w := inWorld(t)
	java, other, python, second := w.curator(), w.curator(), w.kazoo(), w.kazoo()

	// kazoo takes part with Curator's node names, with the pattern that makes
	// it respect them.
	w.part("contest", func(w *world) {
		const path = "/mutex/contest"
		contest(w, newReferee(w, w.docent(), all), 15,
			mutexes("docent 1", w.docent(), path),
			mutexes("docent 2", w.docent(), path),
			told("curator 1", java.As(w).Actor("a"), "lock.acquire", "lock.release", path),
			told("curator 2", other.As(w).Actor("a"), "lock.acquire", "lock.release", path),
			told("kazoo", python.As(w).Actor("a"), "lock.acquire", "lock.release", path, "named"),
			zkLocks("go-zookeeper", w.bare(), path),
		)
	})

	// kazoo's own node names work together with Docent's and go-zookeeper's,
	// given the extra pattern, as long as no Curator is on the path.
	w.part("contest with kazoo's names", func(w *world) {
		const path = "/mutex/kazoo"
		contest(w, newReferee(w, w.docent(), all), 15,
			mutexes("docent 1", w.docent(), path),
			mutexes("docent 2", w.docent(), path),
			told("kazoo 1", python.As(w).Actor("a"), "lock.acquire", "lock.release", path, "extra"),
			told("kazoo 2", second.As(w).Actor("a"), "lock.acquire", "lock.release", path, "extra"),
			zkLocks("go-zookeeper", w.bare(), path),
		)
	})

	// A killed holder of any library makes room for the others, and a killed
	// waiter does not block them.
	w.part("killed", func(w *world) {
		const path = "/mutex/killed"
		m := lock.NewMutex(w.docent(), path)

		curator := w.curator()
		require.Equal(w, "true", curator.Actor("a").Do("lock.acquire", path, ms(patience)))
		kazoo := w.kazoo()
		waiting := kazoo.Actor("a").Go("lock.acquire", path, "named", ms(patience))
		w.settles("kazoo waits", func() bool {
			waiters, err := m.Waiters(w.Context())
			return err == nil && len(waiters) == 1
		})
		other := w.curator()
		behind := other.Actor("a").Go("lock.acquire", path, ms(patience))
		w.settles("Curator waits behind it", func() bool {
			waiters, err := m.Waiters(w.Context())
			return err == nil && len(waiters) == 2
		})
		holders, err := m.Holders(w.Context())
		require.NoError(w, err)
		require.Len(w, holders, 1)
		kazoo.Kill() // a waiter
		curator.Kill()
		require.Equal(w, "true", behind.Get())
		_, err = waiting.Result()
		require.ErrorIs(w, err, peers.ErrGone)

		// A Docent waiter comes after a Curator that is killed while it holds.
		got := make(chan error, 1)
		go func() {
			h, err := m.Lock(w.within(patience))
			if err == nil {
				err = h.Release()
			}
			got <- err
		}()
		other.Kill()
		require.NoError(w, <-got)

		// And after go-zookeeper's Lock.
		bare, kill := w.doomedBare()
		require.NoError(w, zk.NewLock(bare, path, zk.WorldACL(zk.PermAll)).Lock())
		kill()
		h, err := m.Lock(w.within(patience))
		require.NoError(w, err)
		require.NoError(w, h.Release())
	})

	// kazoo's programs change one by one, until Docent's can join, and then
	// Curator's.
	w.part("kazoo moves in steps", func(w *world) {
		for _, step := range []string{"default extra", "extra docent", "extra named docent", "named docent curator"} {
			w.part(step, func(w *world) {
				path := "/mutex/" + strings.ReplaceAll(step, " ", "-")
				idle := []*peers.Peer{python, second}
				var contenders []contender
				for _, who := range strings.Fields(step) {
					switch who {
					case "docent":
						contenders = append(contenders, mutexes(who, w.docent(), path))
					case "curator":
						contenders = append(contenders, told(who, java.As(w).Actor("a"), "lock.acquire", "lock.release", path))
					default: // a spelling of kazoo's
						contenders = append(contenders, told(who, idle[0].As(w).Actor("a"), "lock.acquire", "lock.release", path, who))
						idle = idle[1:]
					}
				}
				contest(w, newReferee(w, w.docent(), all), 10, contenders...)
			})
		}
	})

	// Mixes that must not share the path. If one of these fails, the table in
	// docs/interop.md is out of date.

	w.part("never: kazoo's names with Curator", func(w *world) {
		const path = "/mutex/never"
		require.Equal(w, "true", python.As(w).Actor("a").Do("lock.acquire", path, "extra", ms(patience)))
		require.Equal(w, "true", java.As(w).Actor("a").Do("lock.acquire", path, ms(patience)), "Curator waits for kazoo's names now")
	})

	w.part("never: kazoo with Curator's name that it does not heed", func(w *world) {
		const path = "/mutex/misnamed"
		h, err := lock.NewMutex(w.docent(), path).Lock(w.within(patience))
		require.NoError(w, err)
		require.Equal(w, "true", python.As(w).Actor("a").Do("lock.acquire", path, "misnamed", ms(patience)), "kazoo respects its node's name now")
		require.NoError(w, h.Err())
	})

	w.part("never: kazoo as it is", func(w *world) {
		const path = "/mutex/default"
		h, err := lock.NewMutex(w.docent(), path).Lock(w.within(patience))
		require.NoError(w, err)
		require.Equal(w, "true", python.As(w).Actor("a").Do("lock.acquire", path, "default", ms(patience)), "kazoo waits for Curator's names now")
		require.NoError(w, h.Err())
	})

	// go-zookeeper's Lock gives up at a name that it cannot parse, and leaves
	// its own node behind. All others wait for that node until its session
	// ends.
	w.part("never: a stranger's node with go-zookeeper", func(w *world) {
		const path = "/mutex/stranger"
		sm := w.docent()
		require.NoError(w, sm.EnsureDir(w.within(patience), path))
		_, err := sm.Create(w.within(patience), path+"/stranger", nil, session.Persistent)
		require.NoError(w, err)
		m := lock.NewMutex(sm, path)
		h, err := m.Lock(w.within(patience))
		require.NoError(w, err, "we ignore it")
		require.NoError(w, h.Release())
		require.Error(w, zk.NewLock(w.bare(), path, zk.WorldACL(zk.PermAll)).Lock(), "go-zookeeper ignores the name now")
		_, err = m.TryLock(w.Context())
		require.ErrorIs(w, err, lock.ErrHeld)
	})
}
