package scenarios

import (
	"context"
	"testing"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/election"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/recipes_test/ensemble"
	"github.com/docent-go/docent/session"
)

// unseen is a hold of any recipe.
type unseen interface {
	Context() context.Context
	Path() string
	Err() error
}

// TestUnseenDeletion has an administrator take the right to read a holder's node from the
// holder's session, and delete the node. The servers send the session no event. The next
// contender holds, and the first hold ends with ErrDeleted. The test logs
// how much later. It covers nodes with a guid and nodes at a fixed path, and the waiter
// whose predecessor releases after the waiter's node has gone.
func TestUnseenDeletion(t *testing.T) {
	t.Parallel()
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 3)
	reader := func(cfg *session.Config) { cfg.Auth = []session.Credential{session.Digest("admin", "secret")} }
	admin := start(t, e, lasting, reader)
	acl := zk.DigestACL(zk.PermAll, "admin", "secret")
	bare, _, err := zk.Connect(e.Addrs(), lasting, zk.WithLogInfo(false))
	require.NoError(t, err)
	t.Cleanup(bare.Close)
	require.NoError(t, bare.AddAuth("digest", []byte("admin:secret")))
	hide := func(path string) {
		_, err := bare.SetACL(path, acl, -1)
		require.NoError(t, err)
	}
	remove := func(path string) {
		hide(path)
		require.NoError(t, bare.Delete(path, -1))
	}

	for name, acquire := range map[string]func(p *process, path string) (unseen, error){
		"mutex": func(p *process, path string) (unseen, error) {
			return lock.NewMutex(p.Manager, path).Lock(within(t, patience))
		},
		"writer": func(p *process, path string) (unseen, error) {
			return lock.NewRWMutex(p.Manager, path).Lock(within(t, patience))
		},
		"exclusive": func(p *process, path string) (unseen, error) {
			return lock.NewOneNode(p.Manager, path).Lock(within(t, patience))
		},
		"election": func(p *process, path string) (unseen, error) {
			return election.New(p.Manager, path).Campaign(within(t, patience))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, e, lasting)
			h, err := acquire(p, "/unseen/"+name)
			require.NoError(t, err)
			other, err := acquire(p, "/beside/"+name)
			require.NoError(t, err)
			hide(other.Path())
			remove(h.Path())
			removed := time.Now()
			next, err := acquire(admin, "/unseen/"+name)
			require.NoError(t, err)
			hide(next.Path()) // at a fixed path, it could be taken for the node of h
			requireLost(t, h)
			t.Logf("%s: the hold ended %v after its node", name, time.Since(removed).Round(time.Millisecond))
			require.NoError(t, next.Err())
			require.NoError(t, other.Err(), "its node is hidden, and stands")
			require.NoError(t, bare.Delete(other.Path(), -1))
			requireLost(t, other)
		})
	}

	t.Run("waiter", func(t *testing.T) {
		t.Parallel()
		p, next := start(t, e, lasting), start(t, e, lasting, reader)
		first, err := lock.NewMutex(admin.Manager, "/unseen/line").Lock(within(t, patience))
		require.NoError(t, err)
		queued := func(p *process, place int) <-chan *lock.Hold {
			held := make(chan *lock.Hold, 1)
			go func() {
				h, err := lock.NewMutex(p.Manager, "/unseen/line").Lock(within(t, patience))
				if err != nil {
					t.Error(err)
				}
				held <- h
			}()
			ensemble.Eventually(t, patience, "the waiters stand in line", func() bool {
				waiters, err := lock.NewMutex(admin.Manager, "/unseen/line").Waiters(t.Context())
				return err == nil && len(waiters) == place
			})
			return held
		}
		subject := queued(p, 1)
		last := queued(next, 2)
		waiters, err := lock.NewMutex(admin.Manager, "/unseen/line").Waiters(t.Context())
		require.NoError(t, err)
		remove(waiters[0].Path)
		require.NoError(t, first.Release())
		after := <-last
		select {
		case h := <-subject: // beside the next, but not for long
			requireLost(t, h)
			require.NoError(t, after.Err())
		case <-time.After(lasting):
			require.NoError(t, after.Release())
			require.NoError(t, (<-subject).Release(), "it has lined up again")
		}
	})
}

// requireLost waits until a hold ends with ErrDeleted.
func requireLost(t *testing.T, h unseen) {
	t.Helper()
	select {
	case <-h.Context().Done():
	case <-time.After(patience):
		require.FailNow(t, "the hold goes on without its node")
	}
	require.ErrorIs(t, h.Err(), session.ErrDeleted)
}

// TestServersWithholdTheEndOfAHiddenNode is what TestUnseenDeletion stands on: the server
// sends a session later events, and not the end of a node that the session may not read.
// A transaction of checks ends with the first that fails, and its code tells a hidden
// node from a missing one.
func TestServersWithholdTheEndOfAHiddenNode(t *testing.T) {
	t.Parallel()
	ensemble.RequireZooKeeper(t)
	e := ensemble.Start(t, 1)
	e.RequireVersion(t, 3, 8) // since the fix of CVE-2024-23944, which Debian's 3.8.0 has
	connect := func() *zk.Conn {
		c, _, err := zk.Connect(e.Addrs(), lasting, zk.WithLogInfo(false))
		require.NoError(t, err)
		t.Cleanup(c.Close)
		return c
	}
	admin, guest := connect(), connect()
	require.NoError(t, admin.AddAuth("digest", []byte("admin:secret")))
	for _, path := range []string{"/hidden", "/open", "/later"} {
		_, err := admin.Create(path, nil, 0, zk.WorldACL(zk.PermAll))
		require.NoError(t, err)
	}
	_, _, hidden, err := guest.GetW("/hidden")
	require.NoError(t, err)
	_, _, later, err := guest.GetW("/later")
	require.NoError(t, err)
	_, err = admin.SetACL("/hidden", zk.DigestACL(zk.PermAll, "admin", "secret"), -1)
	require.NoError(t, err)

	check := func(paths ...string) (codes []error) {
		ops := make([]any, len(paths))
		for i, path := range paths {
			ops[i] = &zk.CheckVersionRequest{Path: path, Version: -1}
		}
		results, _ := guest.Multi(ops...) // whose error is that of one of the results
		for _, r := range results {
			codes = append(codes, r.Error)
		}
		return codes
	}
	require.Equal(t, []error{nil, zk.ErrNoAuth}, check("/open", "/hidden", "/missing")[:2])
	require.Equal(t, []error{nil, zk.ErrNoNode}, check("/open", "/missing", "/hidden")[:2])
	require.NoError(t, admin.Delete("/hidden", -1))
	require.Equal(t, []error{nil, zk.ErrNoNode}, check("/open", "/hidden", "/open")[:2])
	_, err = admin.Set("/later", nil, -1)
	require.NoError(t, err)
	select {
	case <-later:
	case <-time.After(patience):
		require.FailNow(t, "no event")
	}
	select {
	case event := <-hidden:
		require.FailNow(t, "the server tells of the end of a hidden node", "%v", event)
	default:
	}
}
