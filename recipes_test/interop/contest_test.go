//go:build unix

package interop

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/recipes_test/peers"
	"github.com/docent-go/docent/session"
)

// contender acquires and releases the same thing again and again. acquire
// waits until it holds.
type contender struct {
	name    string
	acquire func(ctx context.Context) error
	release func() error
}

// referee knows who holds. A holder is noted after its acquire has returned,
// and struck off before its release is called: whoever else is noted in
// between does hold at the same time. While somebody holds, the referee adds one to a
// number on the ensemble, by reading and then writing it: two at a time would lose some.
type referee struct {
	tb testing.TB
	sm *session.Manager

	mu      sync.Mutex
	holders map[string]bool
	rounds  map[string]int
}

const tally = "/tally"

func newReferee(tb testing.TB, sm *session.Manager) *referee {
	tb.Helper()
	_, err := sm.Create(tb.Context(), tally, []byte("0"), session.Persistent)
	require.NoError(tb, err)
	return &referee{tb: tb, sm: sm, holders: make(map[string]bool), rounds: make(map[string]int)}
}

// count adds one to the number.
func (r *referee) count(ctx context.Context) error {
	if err := r.sm.Sync(ctx, tally); err != nil {
		return err
	}
	data, _, err := r.sm.Get(ctx, tally)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(string(data))
	if err != nil {
		return err
	}
	_, err = r.sm.Set(ctx, tally, []byte(strconv.Itoa(n+1)), session.AnyVersion)
	return err
}

func (r *referee) enter(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for other := range r.holders {
		r.tb.Errorf("%s and %s hold at the same time", other, name)
	}
	r.holders[name] = true
	r.rounds[name]++
}

func (r *referee) leave(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.holders, name)
}

// contest lets all contend at once, rounds times each.
func contest(w *world, r *referee, rounds int, all ...contender) {
	w.Helper()
	ctx := w.within(2 * patience)
	var work sync.WaitGroup
	for _, c := range all {
		work.Go(func() {
			for range rounds {
				if err := c.acquire(ctx); err != nil {
					w.Errorf("%s: acquire: %v", c.name, err)
					return
				}
				r.enter(c.name)
				if err := r.count(ctx); err != nil {
					w.Errorf("%s: count: %v", c.name, err)
				}
				r.leave(c.name)
				if err := c.release(); err != nil {
					w.Errorf("%s: release: %v", c.name, err)
					return
				}
			}
		})
	}
	work.Wait()
	for _, c := range all {
		require.Equal(w, rounds, r.rounds[c.name], c.name)
	}
	data, _, err := r.sm.Get(ctx, tally)
	require.NoError(w, err)
	require.Equal(w, strconv.Itoa(rounds*len(all)), string(data))
}

// errTimeout is what a peer's acquire comes to when it has waited for too long.
var errTimeout = errors.New("not acquired in time")

// told makes a contender of a peer's verbs.
func told(name string, actor *peers.Actor, acquire, release string, args ...any) contender {
	return contender{
		name: name,
		acquire: func(context.Context) error {
			got, err := actor.Go(acquire, append(args, ms(2*patience))...).Result()
			if err == nil && got != "true" {
				err = fmt.Errorf("%w: %q", errTimeout, got)
			}
			return err
		},
		release: func() error {
			_, err := actor.Go(release, args...).Result()
			return err
		},
	}
}

// mutexes makes a contender of a Mutex.
func mutexes(name string, sm *session.Manager, path string) contender {
	var hold *lock.Hold
	return contender{
		name: name,
		acquire: func(ctx context.Context) (err error) {
			hold, err = lock.New(sm, path, lock.ID(name)).Lock(ctx)
			return err
		},
		release: func() error { return hold.Release() },
	}
}

// zkLocks makes a contender of go-zookeeper's own lock.
func zkLocks(name string, conn *zk.Conn, path string) contender {
	l := zk.NewLock(conn, path, zk.WorldACL(zk.PermAll))
	return contender{
		name:    name,
		acquire: func(context.Context) error { return l.Lock() },
		release: func() error { return l.Unlock() },
	}
}
