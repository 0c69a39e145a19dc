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

// contender acquires and releases the same thing repeatedly. acquire waits for
// the hold; share is how much of the thing it then has.
type contender struct {
	name    string
	share   int
	acquire func(ctx context.Context) error
	release func() error
}

// all is the share of an exclusive holder.
const all = 1_000

// referee records the holders. A holder is added after its acquire has
// returned, and removed before its release is called: so all recorded holders
// hold at the same time. Together they must not have more than there is.
//
// While one holder has all of it, the referee adds one to a number on the
// ensemble, by reading and then writing it: two holders at a time would lose
// additions. While a holder has a part, the referee reads the number twice.
type referee struct {
	tb    testing.TB
	sm    *session.Manager
	size  int
	tally string

	mu      sync.Mutex
	holders map[string]int
	rounds  map[string]int
}

func newReferee(tb testing.TB, sm *session.Manager, size int) *referee {
	tb.Helper()
	tally := fmt.Sprintf("/tally-%p", tb)
	_, err := sm.Create(tb.Context(), tally, []byte("0"), session.Persistent)
	require.NoError(tb, err)
	return &referee{tb: tb, sm: sm, size: size, tally: tally, holders: make(map[string]int), rounds: make(map[string]int)}
}

func (r *referee) number(ctx context.Context) (int, error) {
	if err := r.sm.Sync(ctx, r.tally); err != nil {
		return 0, err
	}
	data, _, err := r.sm.Get(ctx, r.tally)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(data))
}

// count does the work of a holder with the share.
func (r *referee) count(ctx context.Context, share int) error {
	n, err := r.number(ctx)
	if err != nil {
		return err
	}
	if share == all {
		_, err = r.sm.Set(ctx, r.tally, []byte(strconv.Itoa(n+1)), session.AnyVersion)
		return err
	}
	again, err := r.number(ctx)
	if err == nil && again != n {
		err = fmt.Errorf("the number went from %d to %d", n, again)
	}
	return err
}

func (r *referee) enter(name string, share int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.holders[name] = share
	r.rounds[name]++
	sum := 0
	for _, share := range r.holders {
		sum += share
	}
	if sum > r.size {
		r.tb.Errorf("%v hold %d at the same time, of %d", r.holders, sum, r.size)
	}
}

func (r *referee) leave(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.holders, name)
}

// contest makes all contend at once, each for rounds turns.
func contest(w *world, r *referee, rounds int, contenders ...contender) {
	w.Helper()
	ctx := w.within(2 * patience)
	var work sync.WaitGroup
	for _, c := range contenders {
		work.Go(func() {
			for range rounds {
				if err := c.acquire(ctx); err != nil {
					w.Errorf("%s: acquire: %v", c.name, err)
					return
				}
				r.enter(c.name, c.share)
				if err := r.count(ctx, c.share); err != nil {
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
	counted := 0
	for _, c := range contenders {
		require.Equal(w, rounds, r.rounds[c.name], c.name)
		if c.share == all {
			counted += rounds
		}
	}
	n, err := r.number(ctx)
	require.NoError(w, err)
	require.Equal(w, counted, n)
}

// errTimeout is the error of a peer's acquire that has waited for too long.
var errTimeout = errors.New("not acquired in time")

// told makes a contender, for all of it, from a peer's verbs.
func told(name string, actor *peers.Actor, acquire, release string, args ...any) contender {
	return contender{
		name:  name,
		share: all,
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

// held makes a contender from one of Docent's locks.
func held[H interface{ Release() error }](name string, share int, acquire func(context.Context) (H, error)) contender {
	var hold H
	return contender{
		name:  name,
		share: share,
		acquire: func(ctx context.Context) (err error) {
			hold, err = acquire(ctx)
			return err
		},
		release: func() error { return hold.Release() },
	}
}

// mutexes makes a contender from a Mutex.
func mutexes(name string, sm *session.Manager, path string) contender {
	return held(name, all, lock.NewMutex(sm, path, lock.ID(name)).Lock)
}

// zkLocks makes a contender from go-zookeeper's own lock.
func zkLocks(name string, conn *zk.Conn, path string) contender {
	l := zk.NewLock(conn, path, zk.WorldACL(zk.PermAll))
	return contender{
		name:    name,
		share:   all,
		acquire: func(context.Context) error { return l.Lock() },
		release: func() error { return l.Unlock() },
	}
}
