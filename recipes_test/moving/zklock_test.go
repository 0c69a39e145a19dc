package moving

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/sessiontest"
	"github.com/docent-go/docent/zktest"
)

const path = "/locks/orders"

// bare is a process with go-zookeeper alone.
type bare struct {
	*zk.Conn
	link *zktest.Link

	mu     sync.Mutex
	states []zk.State
}

// told returns the states that the connection has told.
func (b *bare) told() []zk.State {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.states)
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}

func newBare(w *sessiontest.World) *bare {
	b := &bare{link: w.Server.Link()}
	conn, events, err := zk.Connect([]string{w.Server.Addr()}, 10*time.Second, zk.WithDialer(b.link.Dial),
		zk.WithHostProvider(new(zktest.Hosts)), zk.WithLogInfo(false), zk.WithLogger(quiet{}))
	require.NoError(w, err)
	b.Conn = conn
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for e := range events {
			b.mu.Lock()
			b.states = append(b.states, e.State)
			b.mu.Unlock()
		}
	}()
	w.Cleanup(func() {
		b.link.Heal()
		conn.Close()
		<-ended
	})
	synctest.Wait()
	require.Contains(w, b.told(), zk.StateHasSession)
	return b
}

func (b *bare) lock() *zk.Lock { return zk.NewLock(b.Conn, path, zk.WorldACL(zk.PermAll)) }

// A zk.Lock does not tell that it is lost, and its value is of no use after
// that.
func TestZKLock_lossIsNotTold(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		b := newBare(w)
		l := b.lock()
		require.NoError(w, l.Lock())
		w.Server.Expire(b.SessionID())
		time.Sleep(time.Minute)
		require.Contains(w, b.told(), zk.StateExpired, "the connection does tell")
		h, err := lock.NewMutex(w.Process().Manager, path).TryLock(w.Context())
		require.NoError(w, err)
		require.ErrorIs(w, l.Unlock(), zk.ErrNoNode)
		require.ErrorIs(w, l.Lock(), zk.ErrDeadlock)
		require.NoError(w, h.Err(), "Unlock has not touched the lock of the other")
	})
}

// A process that is cut off learns that its session has ended when it reaches a
// server again. Another process holds the lock by then. Docent's hold has ended
// before.
func TestZKLock_cutOff(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		b := newBare(w)
		l := b.lock()
		require.NoError(w, l.Lock())
		b.link.Cut(zktest.Both)
		p := w.Process()
		h, err := lock.NewMutex(p.Manager, path).Lock(w.Context())
		require.NoError(w, err)
		require.Contains(w, b.told(), zk.StateDisconnected)
		require.NotContains(w, b.told(), zk.StateExpired)

		p.Link.Cut(zktest.Both) // and now the same for Docent
		second := w.Process()
		ended := make(chan bool, 1)
		w.Go(func(ctx context.Context) error {
			next, err := lock.NewMutex(second.Manager, path).Lock(ctx)
			ended <- h.Context().Err() != nil
			return errors.Join(err, next.Release())
		})
		require.True(w, <-ended)
		require.ErrorIs(w, h.Err(), session.ErrLost)
	})
}

// If a connection breaks while zk.Lock waits for an answer, Lock returns an
// error and leaves its znode. Every contender waits for the znode, also a new
// Lock of the same process, until the session ends.
func TestZKLock_leavesItsNode(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		b := newBare(w)
		remove := w.Server.Intercept(func(r zktest.Request) zktest.Action {
			if r.Path == path && r.Session == b.SessionID() && r.Op != zktest.OpExists && r.Op != zktest.OpCreate {
				return zktest.LoseReply
			}
			return zktest.Pass
		})
		l := b.lock()
		require.ErrorIs(w, l.Lock(), zk.ErrConnectionClosed)
		remove()
		require.ErrorIs(w, l.Unlock(), zk.ErrNotLocked)
		time.Sleep(time.Hour)
		require.Len(w, w.Children(path), 1)
		_, err := lock.NewMutex(w.Process().Manager, path).TryLock(w.Context())
		require.ErrorIs(w, err, lock.ErrHeld)
		again := w.Go(func(context.Context) error { return b.lock().Lock() })
		time.Sleep(time.Hour)
		require.True(w, again.Running())
		w.Server.Expire(b.SessionID())
		require.Error(w, again.Wait())
		require.Empty(w, w.Children(path))
	})
}

// Under the same fault Docent leaves nothing.
func TestMutex_leavesNothing(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		p := w.Process()
		remove := w.Server.Intercept(func(r zktest.Request) zktest.Action {
			if r.Path == path && r.Op != zktest.OpExists {
				return zktest.LoseReply
			}
			return zktest.Pass
		})
		ctx, cancel := context.WithTimeout(w.Context(), time.Second)
		defer cancel()
		_, err := lock.NewMutex(p.Manager, path).Lock(ctx)
		require.ErrorIs(w, err, context.DeadlineExceeded)
		remove()
		time.Sleep(time.Minute)
		require.Empty(w, w.Children(path))
	})
}
