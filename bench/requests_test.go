package main

import (
	"cmp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// The cost of a contended acquisition, in requests: a create and a list; a
// watch on the last but one; when that node is deleted, a list, a watch on the
// predecessor and a watch on the own node, in one packet; a delete.
// go-zookeeper's Lock makes five requests, one of them between a release and
// the next hold.
func TestContendedRequests(t *testing.T) { synctest.Test(t, contendedRequests) }

func contendedRequests(t *testing.T) {
	const clients, ops = 8, 400
	per := func(srv *zktest.Server, f func(client int) error) (all, lists float64) {
		_, err := crowdOnce(clients, 2*clients, f) // makes the directory
		require.NoError(t, err)
		before, listed := requests(srv), srv.Count(zktest.OpGetChildren2)+srv.Count(zktest.OpGetChildren)
		_, err = crowdOnce(clients, ops, f)
		require.NoError(t, err)
		return float64(requests(srv)-before) / ops, float64(srv.Count(zktest.OpGetChildren2)+srv.Count(zktest.OpGetChildren)-listed) / ops
	}

	srv := zktest.New(t)
	var locks []*lock.Mutex
	for range clients {
		sm, err := session.Dial(t.Context(), session.Config{Servers: []string{"zk1"}, Dialer: srv.DialContext})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, sm.Close()) })
		locks = append(locks, lock.NewMutex(sm, "/locks/orders"))
	}
	ours, lists := per(srv, func(c int) error {
		h, err := locks[c].Lock(t.Context())
		return cmp.Or(err, release(h))
	})
	require.LessOrEqual(t, ours, 7.0)
	require.LessOrEqual(t, lists, 2.0)
	t.Logf("Docent: %.2f requests for each acquisition, %.2f of them lists", ours, lists)

	peer := zktest.New(t)
	var conns []*zk.Conn
	for range clients {
		conn, _, err := zk.Connect([]string{"127.0.0.1"}, time.Minute, zk.WithDialer(peer.Dial), zk.WithLogger(silent{}))
		require.NoError(t, err)
		t.Cleanup(conn.Close)
		conns = append(conns, conn)
	}
	theirs, lists := per(peer, func(c int) error {
		l := zk.NewLock(conns[c], "/orders", open)
		return cmp.Or(l.Lock(), l.Unlock())
	})
	t.Logf("go-zookeeper: %.2f requests for each acquisition, %.2f of them lists", theirs, lists)
}

// An uncontended acquisition costs as many requests as the floor.
func TestUncontendedRequests(t *testing.T) { synctest.Test(t, uncontendedRequests) }

func uncontendedRequests(t *testing.T) {
	srv, sm := embedded(t)
	m := lock.NewMutex(sm, "/locks/orders")
	const ops = 200
	lockAndRelease := func() {
		h, err := m.Lock(t.Context())
		require.NoError(t, err)
		require.NoError(t, h.Release())
	}
	for range 3 { // makes the directory, and learns that the lock is uncontended
		lockAndRelease()
		synctest.Wait()
	}
	before := requests(srv)
	for range ops {
		lockAndRelease()
	}
	require.Equal(t, 2*ops, requests(srv)-before)
}

// The cost of opening a large view: the keys are read in batches, and a single
// watch covers all of them.
func TestViewRequests(t *testing.T) { synctest.Test(t, viewRequests) }

func viewRequests(t *testing.T) {
	srv, sm := embedded(t)
	for i := range treeKeys {
		require.NoError(t, srv.Put(treeKey("/tree", i), []byte("the value")))
	}
	for _, in := range instances(serviceInstances) {
		node, err := instanceNode("/services", in)
		require.NoError(t, err)
		require.NoError(t, srv.Put(node.Path, node.Data))
	}
	for dir, v := range map[string]view{"/tree": tree, "/services": service} {
		before, watched := requests(srv), srv.Watches()
		n, end, err := v.open(t.Context(), sm, dir)
		require.NoError(t, err)
		require.Equal(t, v.nodes, n)
		require.LessOrEqual(t, requests(srv)-before, 30, dir)
		require.Equal(t, recursiveWatch, srv.Watches()-watched, dir)
		require.NoError(t, end())
		synctest.Wait() // the watch is removed in the background
	}
}

// requests counts the clients' requests, except those that keep their sessions.
func requests(srv *zktest.Server) int {
	n := 0
	for op, count := range srv.Counts() {
		if op != zktest.OpPing && op != zktest.OpSync && op != zktest.OpConnect {
			n += count
		}
	}
	return n
}
