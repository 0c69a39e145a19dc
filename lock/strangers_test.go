package lock_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/zktest"
)

type quiet struct{}

func (quiet) Printf(string, ...any) {}

// client opens a session of the bare client, as a peer that knows nothing of
// us.
func (w *world) client() *zk.Conn {
	w.Helper()
	c, events, err := zk.Connect([]string{"zk1:2181"}, 10*time.Second, zk.WithHostProvider(new(zktest.Hosts)), zk.WithLogger(quiet{}),
		zk.WithDialer(func(network, addr string, timeout time.Duration) (net.Conn, error) {
			return w.Srv.Dial(network, addr, timeout)
		}))
	require.NoError(w, err)
	w.Cleanup(c.Close)
	for ev := range events {
		if ev.State == zk.StateHasSession {
			return c
		}
	}
	require.Fail(w, "no session")
	return nil
}

// kazoo makes a contender as kazoo's Lock does.
func kazoo(t *testing.T, c *zk.Conn) string {
	t.Helper()
	path, err := c.Create(dir+"/4bd3f5a0c9e84d5b8f1c2a3b4c5d6e7f__lock__", []byte("worker-3"),
		zk.FlagEphemeral|zk.FlagSequence, zk.WorldACL(zk.PermAll))
	require.NoError(t, err)
	return path
}

func TestHardCase44_ForeignChildren(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		strangers := []string{
			"_c_x", "_c_", "lock-", "lock-99999999999", "lock-99999999990", "lock--00000001", "lock-000000000",
			"lock-00000000000", "lock-000000000x", "config", "größe-1", "鎖-0000000000", "0000000000",
			"_c_00000000-0000-0000-0000-000000000000-latch-0000000000",
			"_c_00000000-0000-0000-0000-000000000000-lock-", "_c_x-lease-0000000000",
			"4bd3f5a0c9e84d5b8f1c2a3b4c5d6e7f__rlock__0000000000", "__READ__0000000000",
			"lock-0000000000-", "lock-+000000001", "LOCK-0000000000", "lock-٠٠٠٠٠٠٠٠٠٠",
		}
		for _, name := range strangers {
			require.NoError(t, w.Srv.Put(dir+"/"+name, []byte("\x00\xff")))
		}
		require.NoError(t, w.Srv.Put(dir+"/config/lock-0000000000", nil))
		a, b := w.process(), w.process()
		h := a.lock()
		q := b.queue()
		require.True(t, q.Waiting())
		_, err := b.mutex().TryLock(t.Context())
		require.ErrorIs(t, err, lock.ErrHeld)
		holders, err := a.mutex().Holders(t.Context())
		require.NoError(t, err)
		require.Len(t, holders, 1)
		require.Equal(t, h.Path(), holders[0].Path)
		waiters, err := a.mutex().Waiters(t.Context())
		require.NoError(t, err)
		require.Len(t, waiters, 1)
		require.NoError(t, h.Release())
		require.NoError(t, q.Get().Release())
		require.Len(t, w.nodes(), len(strangers), "nothing of theirs was touched")
	})
}

// A stranger that looks like a contender is one: it may be another library's
// holder, so no contender passes it.
func TestStrangerThatLooksLikeAContender(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		require.NoError(t, w.Srv.Put(dir+"/made-by-hand-lock-0000000000", []byte("ops")))
		require.NoError(t, w.Srv.SetSequence(dir, 5))
		p := w.process()
		q := p.queue()
		require.True(t, q.Waiting())
		holders, err := p.mutex().Holders(t.Context())
		require.NoError(t, err)
		require.Equal(t, "ops", holders[0].ID)
		require.Zero(t, holders[0].Session)
		require.NoError(t, w.Srv.Remove(dir+"/made-by-hand-lock-0000000000"))
		q.Get()
	})
}

func TestKazooPeer(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		require.NoError(t, p.lock().Release())
		c := w.client()
		theirs := kazoo(t, c)
		q := p.queue()
		require.True(t, q.Waiting())
		_, err := p.mutex().TryLock(t.Context())
		require.ErrorIs(t, err, lock.ErrHeld)
		second := kazoo(t, c)
		last := p.queue()

		holders, err := p.mutex().Holders(t.Context())
		require.NoError(t, err)
		require.Len(t, holders, 1)
		require.Equal(t, theirs, holders[0].Path)
		require.Equal(t, "worker-3", holders[0].ID)
		require.Empty(t, holders[0].Host)
		require.EqualValues(t, c.SessionID(), holders[0].Session)

		require.NoError(t, c.Delete(theirs, -1))
		h := q.Get()
		require.True(t, last.Waiting())
		require.NoError(t, h.Release())
		require.True(t, last.Waiting(), "behind the second of kazoo's")
		require.NoError(t, c.Delete(second, -1))
		require.Greater(t, last.Get().Token(), h.Token())
	})
}

func TestGoZookeeperPeer(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		peer := zk.NewLock(w.client(), dir, zk.WorldACL(zk.PermAll))
		require.NoError(t, peer.Lock())
		q := p.queue()
		require.True(t, q.Waiting())
		require.NoError(t, peer.Unlock())
		h := q.Get()

		got := make(chan error, 1)
		go func() { got <- peer.Lock() }()
		synctest.Wait()
		require.Empty(t, got, "it waits for us")
		last := p.queue()
		require.NoError(t, h.Release())
		require.NoError(t, <-got)
		require.True(t, last.Waiting())
		require.NoError(t, peer.Unlock())
		last.Get()
	})
}

// Where the numbers wrap from 2147483647 to -2147483648 the queue goes on in
// order. No contender has the last number before the wrap.
func TestSequenceWraps(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		require.NoError(t, p.lock().Release())
		require.NoError(t, w.Srv.SetSequence(dir, 2147483645))
		h := p.lock()
		line := make([]*waiter, 6)
		paths := []string{h.Path()}
		for i := range line {
			line[i] = w.process().queue()
		}
		holders, err := p.mutex().Holders(t.Context())
		require.NoError(t, err)
		require.Equal(t, h.Path(), holders[0].Path)
		waiters, err := p.mutex().Waiters(t.Context())
		require.NoError(t, err)
		require.Len(t, waiters, len(line))
		for _, c := range waiters {
			paths = append(paths, c.Path)
		}
		for i, number := range []string{"2147483645", "2147483646", "-2147483648", "-2147483647"} {
			require.True(t, strings.HasSuffix(paths[i], "lock-"+number), "%s at %d", paths[i], i)
		}
		for i, q := range line {
			require.NoError(t, h.Release())
			for _, other := range line[i+1:] {
				require.True(t, other.Waiting())
			}
			next := q.Get()
			require.Equal(t, paths[i+1], next.Path())
			require.Greater(t, next.Token(), h.Token(), "unlike the numbers")
			h = next
		}
	}, zktest.Version(zktest.V35))
}

// Where the numbers stop instead, every newcomer would get the last one, and
// the contender with the smallest name would pass the holder.
func TestSequenceExhausted(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		require.NoError(t, p.lock().Release())
		require.NoError(t, w.Srv.SetSequence(dir, 2147483646))
		h := p.lock()
		for range 3 {
			_, err := p.mutex().Lock(t.Context())
			require.ErrorContains(t, err, dir)
			require.ErrorContains(t, err, "sequence numbers")
			_, err = p.mutex().TryLock(t.Context())
			require.ErrorContains(t, err, "sequence numbers")
		}
		require.NoError(t, h.Err())
		n, ok := w.Srv.Node(dir)
		require.True(t, ok)
		require.Len(t, n.Children, 1, "the holder's")
		require.NoError(t, h.Release())
		require.NoError(t, w.Srv.Remove(dir)) // as servers do with an empty container
		require.NoError(t, p.lock().Release())
	})
}

// Rights may be missing on the parent, on the directory, and on other's nodes.
func TestNoRights(t *testing.T) {
	digest := func(perms int32) []zk.ACL { return zk.DigestACL(perms, "owner", "secret") }
	inWorld(t, func(t *testing.T, w *world) {
		owner := w.client()
		require.NoError(t, owner.AddAuth("digest", []byte("owner:secret")))
		create := func(path string, acl []zk.ACL) {
			t.Helper()
			_, err := owner.Create(path, nil, 0, acl)
			require.NoError(t, err)
		}
		worldRead := append(digest(zk.PermAll), zk.WorldACL(zk.PermRead)...)
		worldCreate := append(digest(zk.PermAll), zk.WorldACL(zk.PermCreate)...)
		create("/none", digest(zk.PermAll))
		create("/read", worldRead)
		create("/create", worldCreate)
		create("/none/open", zk.WorldACL(zk.PermAll))
		p := w.process()
		for _, path := range []string{"/none", "/none/a", "/read", "/read/a", "/create"} {
			m := lock.NewMutex(p.Manager, path)
			for _, acquire := range []func(context.Context) (*lock.Hold, error){m.Lock, m.TryLock} {
				before := w.Srv.Paths()
				_, err := acquire(t.Context())
				require.ErrorIs(t, err, zk.ErrNoAuth, path)
				require.ErrorContains(t, err, path)
				synctest.Wait()
				// Below /create we may create, but not list or delete: what we
				// made there goes with the session, and nothing earlier can
				// remove it.
				if path != "/create" {
					require.Equal(t, before, w.Srv.Paths())
				}
			}
		}
		require.NoError(t, p.Close())
		info, _ := w.Srv.Node("/create")
		require.Empty(t, info.Children)

		// What lies above the directory does not matter once that is there
		// (hard case 71).
		p = w.process()
		h, err := lock.NewMutex(p.Manager, "/none/open").Lock(t.Context())
		require.NoError(t, err)
		require.NoError(t, h.Release())
		_, err = lock.NewMutex(p.Manager, "/none").Holders(t.Context())
		require.ErrorIs(t, err, zk.ErrNoAuth)

		// The contender before us has a znode that we may not read.
		require.NoError(t, w.Srv.Put(dir, nil))
		path, err := owner.Create(dir+"/lock-", []byte("x"), zk.FlagEphemeral|zk.FlagSequence, digest(zk.PermAll))
		require.NoError(t, err)
		within, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err = p.mutex().Lock(within)
		require.ErrorIs(t, err, context.DeadlineExceeded, "it is waited for, like any other")
		holders, err := p.mutex().Holders(t.Context())
		require.NoError(t, err)
		require.Equal(t, path, holders[0].Path)
		require.EqualValues(t, owner.SessionID(), holders[0].Session)
		require.Empty(t, holders[0].ID)
	})
}

// A znode may hold any data: they are shown only if they are text.
func TestForeignData(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for i, data := range []string{"127.0.0.1", "\x00\x01", "\xff\xfe", "a\nb", "\x1b[31m", `{"id":7}`, `{"other":1}`,
			strings.Repeat("x", 257)} {
			require.NoError(t, w.Srv.Put(fmt.Sprintf("%s/lock-%010d", dir, i), []byte(data)))
		}
		m := w.process().mutex()
		all, err := m.Holders(t.Context())
		require.NoError(t, err)
		waiters, err := m.Waiters(t.Context())
		require.NoError(t, err)
		var ids []string
		for _, c := range append(all, waiters...) {
			ids = append(ids, c.ID)
		}
		require.Equal(t, []string{"127.0.0.1", "", "", "", "", `{"id":7}`, `{"other":1}`, ""}, ids)
	})
}

// An id that is too large never reaches the wire, where it would cost everyone
// the connection.
func TestTooLargeID(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		h := p.lock()
		_, err := p.mutex(lock.ID(strings.Repeat("x", 1<<20))).Lock(t.Context())
		require.ErrorContains(t, err, "larger than the server accepts")
		require.NoError(t, h.Err())
		require.Equal(t, 1, w.Srv.Count(zktest.OpConnect))
	})
}
