package queue_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

const path = "/queues/mail"

// world is a testworld with what tests of queues do over and over.
type world struct{ *testworld.World }

func run(t *testing.T, f func(w world), opts ...zktest.Option) {
	t.Helper()
	testworld.Run(t, func(w *testworld.World) { f(world{w}) }, opts...)
}

// user is a queue in a process of its own.
type user struct {
	*queue.Queue
	p *testworld.Process
	w world
}

func (w world) user(opts ...queue.Option) *user {
	w.Helper()
	p := w.Process()
	return &user{queue.New(p.Manager, path, opts...), p, w}
}

func (u *user) put(data string, opts ...queue.PutOption) queue.ID {
	u.w.Helper()
	id, err := u.Put(u.w.Context(), []byte(data), opts...)
	require.NoError(u.w, err)
	return id
}

// take takes an item that must come within an hour.
func (u *user) take() *queue.Item {
	u.w.Helper()
	item, err := u.Take(u.w.Within(time.Hour))
	require.NoError(u.w, err)
	require.NoError(u.w, item.Err())
	return item
}

// taking is a Take under way.
func (u *user) taking() *testworld.Call[*queue.Item] {
	return testworld.Go(u.w.World, u.Take)
}

// empty demands that nothing can be taken now.
func (u *user) empty() {
	u.w.Helper()
	synctest.Wait()
	item, err := u.TryTake(u.w.Context())
	require.ErrorIs(u.w, err, queue.ErrEmpty)
	require.Nil(u.w, item)
}

// drain takes and acknowledges all that can be taken now.
func (u *user) drain() (data []string) {
	u.w.Helper()
	synctest.Wait()
	for {
		item, err := u.TryTake(u.w.Context())
		if errors.Is(err, queue.ErrEmpty) {
			return data
		}
		require.NoError(u.w, err)
		data = append(data, string(item.Data))
		require.NoError(u.w, item.Ack())
	}
}

func (u *user) letters() (letters []queue.DeadLetter) {
	u.w.Helper()
	for l, err := range u.Dead(u.w.Context()) {
		require.NoError(u.w, err)
		letters = append(letters, l)
	}
	return letters
}

func (u *user) entries() (entries []queue.Entry) {
	u.w.Helper()
	for e, err := range u.List(u.w.Context()) {
		require.NoError(u.w, err)
		entries = append(entries, e)
	}
	return entries
}

// on matches the requests of a kind that name a path, or, of a transaction,
// contain it.
func on(op zktest.Op, path string) func(zktest.Request) bool {
	return func(r zktest.Request) bool {
		if r.Op != op {
			return false
		}
		for _, part := range r.Ops {
			if part.Path == path {
				return true
			}
		}
		return r.Path == path
	}
}

// isOp demands an error of a verb about a path.
func isOp(w world, err error, op, path string) {
	w.Helper()
	var failed *session.OpError
	require.ErrorAs(w, err, &failed)
	require.Equal(w, op, failed.Op)
	require.Equal(w, path, failed.Path)
}
