package lock_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// The queue of these tests: a holder, two waiters, and the subject after them.
// The subject watches the first waiter, and prepares its turn when that one is
// gone.
type lineOfFour struct {
	*world
	held    *lock.Hold
	waiters []*waiter
	p       *process // the subject's
	subject *waiter
	cancel  context.CancelFunc // ends the wait of the subject, of eachRequest alone
}

func (w *world) lineOfFour() *lineOfFour {
	l := &lineOfFour{world: w, held: w.process().lock(), p: w.process()}
	for range 2 {
		l.waiters = append(l.waiters, w.process().queue())
	}
	l.subject = l.p.queue()
	return l
}

// next hands the lock on to the next waiter, but not to the subject.
func (l *lineOfFour) next() {
	l.Helper()
	require.NoError(l, l.held.Release())
	l.held = l.waiters[0].Get()
	l.waiters = l.waiters[1:]
	synctest.Wait()
}

// prepare hands the lock on until the subject's turn is prepared.
func (l *lineOfFour) prepare() {
	l.Helper()
	for len(l.waiters) > 0 {
		l.next()
	}
	require.True(l, l.subject.Waiting())
}

// mute has the server answer no further request of the process, except deletes.
func (p *process) mute() {
	id := p.Current().ID()
	p.W.Cleanup(p.W.Srv.Intercept(func(r zktest.Request) zktest.Action {
		if r.Session == id && r.Op != zktest.OpPing && r.Op != zktest.OpDelete {
			return zktest.Hold(make(chan struct{}))
		}
		return zktest.Pass
	}))
}

// Once the turn is prepared, the next hold follows the release without a
// request.
func TestTurnNeedsNoRequest(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		l := w.lineOfFour()
		l.prepare()
		l.p.mute()
		require.NoError(t, l.held.Release())
		require.False(t, l.subject.Waiting())
		require.NoError(t, l.subject.Get().Err())
	})
}

// The list, the watch on the predecessor and the watch on the own node take one
// round trip together.
func TestTurnIsPreparedInOneRoundTrip(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		l := w.lineOfFour()
		l.next()
		const oneWay = 100 * time.Millisecond
		l.p.Link.Delay(oneWay)
		require.NoError(t, l.held.Release())
		l.held = l.waiters[0].Get()
		time.Sleep(3 * oneWay) // the event, and the packet there and back
		synctest.Wait()
		l.p.mute()
		require.NoError(t, l.held.Release())
		w.within(oneWay, func() { l.subject.Get() })
	})
}

// The predecessor ends in another way than by its release.
func TestTurnAfterAnyEnd(t *testing.T) {
	for name, end := range map[string]func(w *world, h *lock.Hold){
		"expired": func(w *world, h *lock.Hold) { w.Srv.Expire(int64(h.SessionID())) },
		"deleted": func(w *world, h *lock.Hold) { require.NoError(w, w.Srv.Remove(h.Path())) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				l := w.lineOfFour()
				l.prepare()
				time.Sleep(time.Second) // the holder watches its node
				end(w, l.held)
				require.False(t, l.subject.Waiting())
				require.Greater(t, l.subject.Get().Token(), l.held.Token())
				require.ErrorIs(t, l.held.Err(), session.ErrLost)
			})
		})
	}
}

// Those before the subject give up, in any order and at any stage: the subject
// does not hold before the holder has gone, and does then.
func TestTurnWhenOthersGiveUp(t *testing.T) {
	for _, order := range [][]int{{0}, {1}, {0, 1}, {1, 0}} {
		for _, handed := range []bool{false, true} {
			if handed && order[0] == 1 {
				continue // one waiter is left
			}
			t.Run(fmt.Sprintf("%v handed=%v", order, handed), func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					l := w.lineOfFour()
					if handed {
						l.next()
						order = order[:1]
					}
					var stay []*waiter
					gone := make(map[int]bool)
					for _, i := range order {
						require.ErrorIs(t, testworld.ErrOf(l.waiters[i].GiveUp()), context.Canceled)
						require.True(t, l.subject.Waiting())
						gone[i] = true
					}
					for i, q := range l.waiters {
						if !gone[i] {
							stay = append(stay, q)
						}
					}
					l.waiters = stay
					l.prepare()
					require.NoError(t, l.held.Release())
					require.False(t, l.subject.Waiting())
				})
			})
		}
	}
}

// Another client deletes the subject's znode, at any stage, and the predecessor
// ends in the same instant or later. The subject never holds with that znode.
func TestTurnWithoutTheOwnNode(t *testing.T) {
	for _, handed := range []int{0, 1, 2} { // how often the lock is handed on before
		for _, pause := range []time.Duration{0, time.Millisecond, time.Minute} {
			t.Run(fmt.Sprintf("%d handed on, %v", handed, pause), func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					l := w.lineOfFour()
					last := w.process().queue()
					own := dir + "/" + w.nodes()[3]
					for range handed {
						l.next()
					}
					require.NoError(t, w.Srv.Remove(own))
					time.Sleep(pause)
					for len(l.waiters) > 0 {
						l.next()
					}
					require.NoError(t, l.held.Release())
					first, second := last, l.subject
					if last.Waiting() {
						first, second = second, first
					}
					h := first.Get()
					require.True(t, second.Waiting())
					require.NotEqual(t, own, h.Path())
					require.NoError(t, h.Release())
					require.NotEqual(t, own, second.Get().Path())
				})
			})
		}
	}
}

// The node of the subject is deleted between the requests of the packet.
func TestTurnOwnNodeGoesWithinThePacket(t *testing.T) {
	for _, at := range []string{"list", "predecessor", "own"} {
		t.Run(at, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				l := w.lineOfFour()
				l.next()
				nodes := w.nodes()
				require.Len(t, nodes, 3)
				pred, own := dir+"/"+nodes[1], dir+"/"+nodes[2]
				id := l.p.Current().ID()
				match := map[string]func(r zktest.Request) bool{
					"list":        func(r zktest.Request) bool { return r.Op == zktest.OpGetChildren2 },
					"predecessor": func(r zktest.Request) bool { return r.Path == pred },
					"own":         func(r zktest.Request) bool { return r.Path == own },
				}[at]
				hit := false
				w.Srv.Intercept(func(r zktest.Request) zktest.Action {
					if r.Session == id && match(r) && !hit {
						hit = true
						require.NoError(t, w.Srv.Remove(own))
					}
					return zktest.Pass
				})
				last := w.process().queue()
				l.next()
				require.True(t, hit)
				require.NoError(t, l.held.Release())
				require.False(t, last.Waiting(), "it stands before the subject's second node")
				require.True(t, l.subject.Waiting())
				require.NoError(t, last.Get().Release())
				require.NotEqual(t, own, l.subject.Get().Path())
			})
		})
	}
}

// The predecessor goes between the requests of the packet.
func TestTurnPredecessorGoesWithinThePacket(t *testing.T) {
	for _, at := range []string{"list", "predecessor", "own"} {
		t.Run(at, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				l := w.lineOfFour()
				l.next()
				nodes := w.nodes()
				pred, own := dir+"/"+nodes[1], dir+"/"+nodes[2]
				id := l.p.Current().ID()
				hit := false
				w.Srv.Intercept(func(r zktest.Request) zktest.Action {
					if r.Session != id || hit {
						return zktest.Pass
					}
					switch {
					case at == "list" && r.Op == zktest.OpGetChildren2, at == "predecessor" && r.Path == pred, at == "own" && r.Path == own:
						hit = true
						require.NoError(t, w.Srv.Remove(pred))
					}
					return zktest.Pass
				})
				require.NoError(t, l.held.Release())
				require.False(t, l.subject.Waiting())
				require.True(t, hit)
				h := l.subject.Get()
				require.NoError(t, h.Err())
				require.Equal(t, own, h.Path())
				require.NoError(t, h.Release())
				time.Sleep(time.Minute)
				require.Zero(t, w.Srv.SessionWatches(id))
			})
		})
	}
}

// prepareOr is prepare for a subject that may have given up.
func (l *lineOfFour) prepareOr() {
	l.Helper()
	for len(l.waiters) > 0 {
		l.next()
		time.Sleep(5 * time.Second)
	}
}

// eachRequest runs a test in a world of its own for each request that the
// subject sends until it holds. at makes the queue, and has f called at that
// request.
func eachRequest(t *testing.T, test func(w *world, at func(f func(l *lineOfFour) zktest.Action) *lineOfFour)) {
	for k, sent := 1, 1; k <= sent; k++ {
		sent = 0
		t.Run(fmt.Sprintf("request %d", k), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				test(w, func(f func(l *lineOfFour) zktest.Action) *lineOfFour {
					l := &lineOfFour{world: w, held: w.process().lock()}
					for range 2 {
						l.waiters = append(l.waiters, w.process().queue())
					}
					l.p = w.process()
					id := l.p.Current().ID()
					count := 0
					w.Srv.Intercept(func(r zktest.Request) zktest.Action {
						if r.Session != id || r.Op == zktest.OpPing {
							return zktest.Pass
						}
						if count++; count == k {
							return f(l)
						}
						return zktest.Pass
					})
					w.Cleanup(func() { sent = count })
					var ctx context.Context
					ctx, l.cancel = context.WithCancel(w.Context())
					l.subject = testworld.Go(w.World, func(context.Context) (*lock.Hold, error) { return l.p.mutex().Lock(ctx) })
					for len(w.nodes()) < 4 && l.subject.Waiting() {
						time.Sleep(time.Millisecond)
					}
					return l
				})
			})
		})
	}
}

// Several waiters of one session share its watches.
func TestTurnsWithinOneSession(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		held := p.lock()
		var line []*waiter
		for range 10 {
			line = append(line, p.queue())
		}
		for i, q := range line {
			require.NoError(t, held.Release())
			for _, other := range line[i+1:] {
				require.True(t, other.Waiting())
			}
			next := q.Get()
			require.Greater(t, next.Token(), held.Token())
			held = next
		}
		require.NoError(t, held.Release())
		time.Sleep(time.Minute)
		require.LessOrEqual(t, w.Srv.Watches(), 1)
	})
}

// A writer after readers prepares its turn; after another writer it lists
// again, since that one may have been downgraded.
func TestTurnOfAWriter(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		r1, r2 := reading(w, w.Process()).Get(), reading(w, w.Process()).Get()
		x, y := writing(w, w.Process()), writing(w, w.Process())
		waiting(w, true, x, y)
		require.Equal(w, map[string]int{"delete": 1, "getChildren2": 1, "getData": 2}, w.Count(func() { require.NoError(w, r1.Release()) }))
		require.Equal(w, map[string]int{"delete": 1}, w.Count(func() {
			require.NoError(w, r2.Release())
			waiting(w, false, x)
		}))
		require.Equal(w, map[string]int{"delete": 1, "getChildren2": 1}, w.Count(func() {
			require.NoError(w, x.Get().Release())
			waiting(w, false, y)
		}))
	})
}

// The znode of a writer after another writer is deleted before the session
// watches it, and then the predecessor goes. The list that follows does not
// show the znode.
func TestTurnOfAWriterWithoutItsNode(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		held := writing(w, w.Process()).Get()
		x := writing(w, w.Process())
		waiting(w, true, x)
		thrown := ""
		for _, name := range w.Children(dir) {
			if path := dir + "/" + name; path != held.Path() {
				thrown = path
			}
		}
		w.Remove(thrown)
		require.NoError(w, held.Release())
		require.NotEqual(w, thrown, x.Get().Path())
	})
}

// The node of the subject is written to, which uses its watch up, and is
// deleted before the session has set the watch again. The predecessor's end is
// not enough then.
func TestTurnOfANodeThatIsWrittenTo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		l := w.lineOfFour()
		l.prepare()
		own := dir + "/" + w.nodes()[1]
		late := make(chan struct{})
		w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpGetData && r.Path == own {
				return zktest.Hold(late)
			}
			return zktest.Pass
		})
		require.NoError(t, w.Srv.Put(own, []byte("__REVOKE__")))
		synctest.Wait()
		require.NoError(t, w.Srv.Remove(own))
		require.NoError(t, l.held.Release())
		require.True(t, l.subject.Waiting())
		close(late)
		require.NotEqual(t, own, l.subject.Get().Path())
	})
}
