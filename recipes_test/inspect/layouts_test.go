//go:build unix

package inspect

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/inspect"
)

// The nodes of Curator's and kazoo's own programs are recognised.
func TestLayouts(t *testing.T) {
	w := inWorld(t)
	java, python := w.curator().Actor("a"), w.kazoo().Actor("a")
	require.Equal(t, "true", java.Do("lock.acquire", "/java/mutex", ms(patience)))
	require.Equal(t, "true", java.Do("lock.write", "/java/rw", ms(patience)))
	require.Equal(t, "true", java.Do("lock.permits", "/java/semaphore", 3, 2, ms(patience)))
	java.Do("elect.latch", "/java/latch", "first")
	require.Equal(t, "true", java.Do("elect.await", "/java/latch", ms(patience)))
	java.Do("elect.join", "/java/group", "member", "7061796c6f6164")
	java.Do("service.register", "/java/services", "orders", "o1", "10.0.0.1", 8080, "none", "DYNAMIC", true)
	java.Do("queue.open", "/java/queue", "fifo", "put", "")
	java.Do("queue.put", "/java/queue", "text")
	java.Do("queue.flush", "/java/queue", ms(patience))
	java.Do("count.long", "/java/counter", 258)
	java.Do("meet.set", "/java/gate")
	enter := java.Go("meet.enter", "/java/double", 2, 1000)

	require.Equal(t, "true", python.Do("lock.acquire", "/py/lock", "default", ms(patience)))
	require.Equal(t, "true", python.Do("lock.permit", "/py/semaphore", 2, ms(patience)))
	require.Equal(t, "true", python.Do("elect.lead", "/py/election", "me", ms(patience)))
	python.Do("group.join", "/py/party", "me")
	python.Do("count.text", "/py/counter", 258)
	python.Do("queue.put", "/py/queue", "text", 100)
	python.Do("queue.lput", "/py/locking", "text", 100)
	require.Equal(t, "text", python.Do("queue.lget", "/py/locking", ms(patience)))

	r := w.look()
	require.True(t, r.Complete())
	kinds := make(map[string]inspect.Kind)
	for _, f := range r.Findings {
		kinds[f.Head().Path] = f.Head().Kind
		require.Empty(t, f.Head().Abandoned)
	}
	delete(kinds, "/java/double")
	require.Equal(t, map[string]inspect.Kind{
		"/": "plain", "/java": "plain", "/java/services": "plain", "/py": "plain",
		"/java/mutex": "lock", "/java/rw": "rwlock", "/java/semaphore": "semaphore", "/java/latch": "election", "/java/group": "group",
		"/java/services/orders": "service", "/java/queue": "queue", "/java/counter": "counter", "/java/gate": "config",
		"/py/lock": "lock", "/py/semaphore": "semaphore", "/py/election": "lock", "/py/party": "group", "/py/counter": "config",
		"/py/queue": "queue", "/py/locking": "queue",
	}, kinds)
	m, _ := at[*inspect.Lock](r, "/java/mutex")
	require.Equal(t, []inspect.Layout{inspect.Curator}, m.Layouts)
	require.False(t, m.MayBeElection)
	e, _ := at[*inspect.Lock](r, "/py/election")
	require.True(t, e.MayBeElection)
	require.Equal(t, "me", e.Holder.ID)
	s, _ := at[*inspect.Semaphore](r, "/java/semaphore")
	require.Equal(t, 2, s.Used)
	s, _ = at[*inspect.Semaphore](r, "/py/semaphore")
	require.Equal(t, []int{1, 2}, []int{s.Used, s.Limit})
	l, _ := at[*inspect.Election](r, "/java/latch")
	require.Equal(t, "first", l.Leader.ID)
	in, _ := at[*inspect.Service](r, "/java/services/orders")
	require.Equal(t, "10.0.0.1", in.Instances[0].Address)
	q, _ := at[*inspect.Queue](r, "/py/locking")
	require.Len(t, q.Claims, 1)
	c, _ := at[*inspect.Counter](r, "/java/counter")
	require.Equal(t, int64(258), c.Value)
	require.Equal(t, "false", enter.Get())
}
