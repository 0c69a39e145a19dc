//go:build unix

package moving

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/recipes_test/peers"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

func TestMain(m *testing.M) { ensemble.Main(m, peers.Clean) }

const (
	timeout  = 10 * time.Second // of the peers' sessions
	patience = 3 * time.Minute  // maximum wait for an event that must happen
	briefly  = 500              // milliseconds: how long a peer waits for a lock that it does not get
)

// world is an embedded server that other programs can reach, and a session of
// Docent on it.
type world struct {
	*testing.T
	*zktest.Server
	addr string
	sm   *session.Manager
}

func inWorld(t *testing.T) *world {
	w := &world{T: t, Server: zktest.New(t)}
	var err error
	w.addr, err = w.Listen("127.0.0.1:0")
	require.NoError(t, err)
	w.sm = ensemble.Dial(t, patience, session.Config{Servers: []string{w.addr}})
	return w
}

// expireHolder ends the session of the peer that holds the lock.
func (w *world) expireHolder() {
	w.Helper()
	holders, err := lock.NewMutex(w.sm, path).Holders(w.Context())
	require.NoError(w, err)
	require.Len(w, holders, 1)
	w.Expire(int64(holders[0].Session))
}

// Curator's InterProcessMutex does not tell that it is lost. Its thread still
// owns it, and acquires it again without a look at the servers, while Docent
// holds it.
func TestCurator_lossIsNotTold(t *testing.T) {
	t.Parallel()
	w := inWorld(t)
	java := peers.Curator(w, w.addr, timeout)
	a, b := java.Actor("a"), java.Actor("b")
	require.Equal(w, "true", a.Do("lock.acquire", path, briefly))
	require.Equal(w, "true", a.Do("lock.acquire", path, briefly), "it is reentrant")
	a.Do("lock.release", path)
	w.expireHolder()
	h, err := lock.NewMutex(w.sm, path).Lock(ensemble.Within(w, patience))
	require.NoError(w, err)
	require.Equal(w, "true", a.Do("lock.acquire", path, briefly), "Curator notices the loss now")
	require.Equal(w, "false", b.Do("lock.acquire", path, briefly), "another thread asks the servers")
	a.Do("lock.release", path)
	a.Do("lock.release", path) // without an error
	require.Equal(w, "false", a.Do("lock.acquire", path, briefly))
	require.NoError(w, h.Release())
	require.Equal(w, "true", a.Do("lock.acquire", path, patience.Milliseconds()))
}

// kazoo's Lock does not tell that it is lost. It blocks if it is acquired again,
// even when the lock is free, until it is released.
func TestKazoo_lossIsNotTold(t *testing.T) {
	t.Parallel()
	w := inWorld(t)
	python := peers.Kazoo(w, w.addr, timeout)
	a := python.Actor("a")
	require.Equal(w, "true", a.Do("lock.acquire", path, "extra", briefly))
	w.expireHolder()
	h, err := lock.NewMutex(w.sm, path).Lock(ensemble.Within(w, patience))
	require.NoError(w, err)
	require.NoError(w, h.Release())
	require.Equal(w, "false", a.Do("lock.acquire", path, "extra", briefly), "kazoo notices the loss now")
	a.Do("lock.release", path, "extra") // without an error
	require.Equal(w, "true", a.Do("lock.acquire", path, "extra", patience.Milliseconds()))
}
