package queue_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/queue"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// worked is the work of a Consume under way.
type worked struct {
	*testworld.Call[bool]

	mu   sync.Mutex
	data []string
}

// all returns the data of the items, in order, a second later: a consumer that
// was woken for nothing waits a moment the next time.
func (d *worked) all() []string {
	time.Sleep(time.Second)
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.data)
}

// consuming runs Consume until the test ends, or the call is given up. work is
// called for each item.
func (u *user) consuming(work func(item *queue.Item), opts ...queue.ConsumeOption) *worked {
	u.w.Helper()
	d := new(worked)
	d.Call = testworld.Go(u.w.World, func(ctx context.Context) (bool, error) {
		err := u.Consume(ctx, func(_ context.Context, item *queue.Item) error {
			work(item)
			d.mu.Lock()
			defer d.mu.Unlock()
			d.data = append(d.data, string(item.Data))
			return nil
		}, opts...)
		return true, err
	})
	return d
}

func noWork(*queue.Item) {}

// A consumer at the end of the queue lists it once for new items, and not for
// its own acknowledgements, whether others have claims or not.
func TestConsumeListsForWhatOthersPut(t *testing.T) {
	for _, others := range []bool{false, true} {
		t.Run(fmt.Sprintf("others=%v", others), func(t *testing.T) {
			run(t, func(w world) {
				producer, u := w.user(), w.user()
				if others {
					producer.put("taken by others")
					w.user().take()
				}
				done := u.consuming(noWork)
				producer.put("warm")
				require.Len(w, done.all(), 1)
				const rounds = 10
				counts := w.Count(func() {
					for range rounds {
						producer.put("x")
						time.Sleep(200 * time.Millisecond)
					}
				})
				require.Len(w, done.all(), 1+rounds)
				// The items and the claims: a put is all that has others'
				// changes.
				require.Equal(w, testworld.Counts{"create": rounds, "getChildren2": 2 * rounds, "multiRead": rounds, "multi": 2 * rounds}, counts)
			})
		})
	}
}

// Something is put while an acknowledgement is under way, and looks like that
// until its answer is there: it is listed then, whether the acknowledgement is
// done or refused.
func TestConsumeHearsOfAPutDuringItsAcknowledgement(t *testing.T) {
	for _, refused := range []bool{false, true} {
		t.Run(fmt.Sprintf("refused=%v", refused), func(t *testing.T) {
			run(t, func(w world) {
				producer, u := w.user(), w.user()
				done := u.consuming(noWork, queue.Workers(2))
				producer.put("first")
				require.Equal(w, []string{"first"}, done.all())
				ack := make(chan struct{})
				release := sync.OnceFunc(func() { close(ack) })
				w.Cleanup(release)
				var held atomic.Bool
				w.Srv.Intercept(func(r zktest.Request) zktest.Action {
					if r.Op != zktest.OpMulti || held.Load() || len(r.Ops) == 0 || r.Ops[0].Op != zktest.OpDelete {
						return zktest.Pass
					}
					held.Store(true)
					return zktest.Hold(ack)
				})
				producer.put("second")
				time.Sleep(100 * time.Millisecond)
				require.True(w, held.Load())
				if refused {
					for _, name := range w.Children(path + "/items") {
						w.Remove(path + "/items/" + name)
					}
				}
				producer.put("third")
				synctest.Wait()
				release()
				require.Contains(w, done.all(), "third")
			})
		})
	}
}

// A stranger writes into an item, so that its claim is refused while an
// acknowledgement is under way. No claim exists whose end would report the
// item.
func TestConsumeTakesWhatWasWrittenDuringItsAcknowledgement(t *testing.T) {
	run(t, func(w world) {
		producer, u := w.user(), w.user()
		producer.put("taken by others") // else the directory of the claims goes when it is empty, which tells
		w.user().take()
		done := u.consuming(func(*queue.Item) { time.Sleep(time.Second) }, queue.Workers(2))
		producer.put("a")
		time.Sleep(500 * time.Millisecond)
		wrote, acks := false, false
		w.Cleanup(w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			switch {
			case r.Op != zktest.OpMulti:
				return zktest.Pass
			case r.Ops[0].Op == zktest.OpSetData && !wrote:
				wrote = true
				w.Put(r.Ops[0].Path, w.Data(r.Ops[0].Path))
				return zktest.Delay(time.Second) // the acknowledgement is sent behind it
			case r.Ops[0].Op == zktest.OpDelete && !acks:
				acks = true
				return zktest.Delay(time.Second)
			}
			return zktest.Pass
		}))
		producer.put("b")
		time.Sleep(time.Hour)
		require.True(w, wrote && acks)
		require.Equal(w, []string{"a", "b"}, done.all())
	})
}

// The watches that last are given up when they tell a busy consumer of much
// that others do, where the list is long, and when Consume has ended.
func TestConsumeGivesItsWatchesUp(t *testing.T) {
	const lasting, held = 2, 1 // the server counts a watch that lasts twice
	watches := func(w world, u *user) int {
		time.Sleep(2 * time.Second) // they are taken back by now
		return w.Srv.SessionWatches(u.p.Current().ID())
	}
	run(t, func(w world) {
		producer, u := w.user(), w.user()
		block := make(chan struct{})
		work := u.consuming(func(item *queue.Item) {
			if string(item.Data) == "block" {
				<-block
			}
		})
		unblock := sync.OnceFunc(func() { close(block) })
		w.Cleanup(unblock)
		require.Equal(w, lasting, watches(w, u), "an empty queue has no claims")
		producer.put("block")
		time.Sleep(time.Second)
		for range 100 {
			producer.put("x")
		}
		require.Equal(w, lasting+held, watches(w, u), "that of the items has gone")
		_, err := producer.PutBatch(w.Context(), make([]queue.Msg, 500)...)
		require.NoError(w, err)
		unblock()
		synctest.Wait()
		w.Eventually(func() bool { return len(work.all()) == 601 }, "all are done")
		require.GreaterOrEqual(w, watches(w, u), lasting, "it waits again")
		producer.put("x")
		require.Len(w, work.all(), 602)
		_, err = work.GiveUp()
		require.ErrorIs(w, err, context.Canceled)
		require.Zero(w, watches(w, u))
	})
}

// A Take that waits together with a Consume that ends still sees new items.
func TestTakeBesideAConsumeThatEnds(t *testing.T) {
	run(t, func(w world) {
		producer, u := w.user(), w.user()
		work := u.consuming(noWork)
		next := u.taking()
		_, err := work.GiveUp()
		require.ErrorIs(w, err, context.Canceled)
		producer.put("a")
		require.Equal(w, "a", string(next.Get().Data))
		require.Empty(w, work.all())
	})
}

// A connection is lost and something is put meanwhile.
func TestConsumeAfterALostConnection(t *testing.T) {
	run(t, func(w world) {
		producer, u := w.user(), w.user()
		done := u.consuming(noWork)
		producer.put("a")
		u.p.Link.Refuse(true)
		u.p.Link.Disconnect()
		producer.put("b")
		u.p.Link.Refuse(false)
		w.Eventually(func() bool { return len(done.all()) == 2 }, "b is done")
		u.p.Expire()
		producer.put("c")
		w.Eventually(func() bool { return len(done.all()) == 3 }, "c is done")
	})
}

// A directory of the items that holds much data is not read along with the
// items. Nor are the claims, as long as nothing has changed among them.
func TestConsumeWithDataInTheDirectory(t *testing.T) {
	run(t, func(w world) {
		producer, u := w.user(), w.user()
		producer.put("a")
		w.Put(path+"/items", string(make([]byte, 5000)))
		done := u.consuming(noWork)
		require.Len(w, done.all(), 1)
		for range 5 {
			producer.put("x")
			time.Sleep(time.Second)
		}
		require.Len(w, done.all(), 6)
	})
}

// Servers before 3.6 have no watches that last: each acknowledgement has the
// queue listed.
func TestConsumeOnAnOldServer(t *testing.T) {
	run(t, func(w world) {
		producer, u := w.user(), w.user()
		done := u.consuming(noWork)
		for range 10 {
			producer.put("x")
			time.Sleep(time.Minute)
		}
		require.Len(w, done.all(), 10)
	}, zktest.Version(zktest.V35))
}

// A directory is hidden from a session that waits, and open again a moment
// later. No server tells the session what has changed in between. Where ACLs
// are in use the consumer finds it soon: an item that was put, and one whose
// consumer has died.
func TestConsumeFindsWhatChangedInAHiddenDirectory(t *testing.T) {
	for dir, change := range map[string]func(w world, producer, other *user){
		"items":  func(_ world, producer, _ *user) { producer.put("b") },
		"claims": func(_ world, _, other *user) { other.p.Expire() },
	} {
		t.Run(dir, func(t *testing.T) {
			run(t, func(w world) {
				as := func(tweak func(*session.Config)) *user {
					p := w.Process(tweak)
					return &user{queue.New(p.Manager, path), p, w}
				}
				producer, other, u := as(testworld.Reader), as(testworld.Reader), as(testworld.Guest)
				producer.put("a")
				other.take()
				done := u.consuming(noWork)
				time.Sleep(5 * time.Minute)
				counts := w.Count(func() { time.Sleep(time.Hour) })
				require.LessOrEqual(w, counts["getChildren2"], 2*60, "the items and the claims, each minute")
				w.Shut(path + "/" + dir)
				change(w, producer, other)
				time.Sleep(10 * time.Second)
				w.Open(path + "/" + dir)
				time.Sleep(time.Minute)
				require.Len(w, done.all(), 1)
			})
		})
	}
}
