package lock_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// The line of these tests: a holder and two waiters, whom the subject stands behind.
// The subject watches the first waiter, and prepares its turn when that one is gone.
type lineOfFour struct {
	*world
	held    *lock.Hold
	waiters []*waiter
	p       *process // the subject's
	subject *waiter
}

func (w *world) lineOfFour() *lineOfFour {
	l := &lineOfFour{world: w, held: w.process().lock(), p: w.process()}
	for range 2 {
		l.waiters = append(l.waiters, w.process().queue())
	}
	l.subject = l.p.queue()
	return l
}

// next hands the lock on to the next waiter, of whom the subject is not one.
func (l *lineOfFour) next() {
	l.Helper()
	require.NoError(l, l.held.Release())
	l.held = l.waiters[0].get()
	l.waiters = l.waiters[1:]
	synctest.Wait()
}

// prepare hands the lock on until the subject's turn is prepared.
func (l *lineOfFour) prepare() {
	l.Helper()
	for len(l.waiters) > 0 {
		l.next()
	}
	require.True(l, l.subject.waiting())
}

// mute has the server answer no request of the process any more, except deletes.
func (p *process) mute() {
	id := p.session()
	p.w.Cleanup(p.w.srv.Intercept(func(r zktest.Request) zktest.Action {
		if r.Session == id && r.Op != zktest.OpPing && r.Op != zktest.OpDelete {
			return zktest.Hold(make(chan struct{}))
		}
		return zktest.Pass
	}))
}

// Once the turn is prepared, no request stands between the release and the next hold.
func TestTurnNeedsNoRequest(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		l := w.lineOfFour()
		l.prepare()
		l.p.mute()
		require.NoError(t, l.held.Release())
		require.False(t, l.subject.waiting())
		require.NoError(t, l.subject.get().Err())
	})
}

// The list, the watch on the predecessor and the watch on the own node take one round
// trip together.
func TestTurnIsPreparedInOneRoundTrip(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		l := w.lineOfFour()
		l.next()
		const oneWay = 100 * time.Millisecond
		l.p.link.Delay(oneWay)
		require.NoError(t, l.held.Release())
		l.held = l.waiters[0].get()
		time.Sleep(3 * oneWay) // the event, and the packet there and back
		synctest.Wait()
		l.p.mute()
		require.NoError(t, l.held.Release())
		w.within(oneWay, func() { l.subject.get() })
	})
}

// The predecessor ends in another way than by its release.
func TestTurnAfterAnyEnd(t *testing.T) {
	for name, end := range map[string]func(w *world, h *lock.Hold){
		"expired": func(w *world, h *lock.Hold) { w.srv.Expire(h.SessionID()) },
		"deleted": func(w *world, h *lock.Hold) { require.NoError(w, w.srv.Remove(h.Path())) },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				l := w.lineOfFour()
				l.prepare()
				time.Sleep(time.Second) // the holder watches its node
				end(w, l.held)
				require.False(t, l.subject.waiting())
				require.Greater(t, l.subject.get().Token(), l.held.Token())
				require.ErrorIs(t, l.held.Err(), session.ErrLost)
			})
		})
	}
}

// Those before the subject give up, in any order and at any stage: the subject does not
// hold before the holder has gone, and does then.
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
						require.ErrorIs(t, l.waiters[i].giveUp(), context.Canceled)
						require.True(t, l.subject.waiting())
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
					require.False(t, l.subject.waiting())
				})
			})
		}
	}
}

// A stranger deletes the node of the subject, at any stage, and the predecessor ends
// in the same instant or later. The subject never holds with that node.
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
					require.NoError(t, w.srv.Remove(own))
					time.Sleep(pause)
					for len(l.waiters) > 0 {
						l.next()
					}
					require.NoError(t, l.held.Release())
					first, second := last, l.subject
					if last.waiting() {
						first, second = second, first
					}
					h := first.get()
					require.True(t, second.waiting())
					require.NotEqual(t, own, h.Path())
					require.NoError(t, h.Release())
					require.NotEqual(t, own, second.get().Path())
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
				id := l.p.session()
				match := map[string]func(r zktest.Request) bool{
					"list":        func(r zktest.Request) bool { return r.Op == zktest.OpGetChildren2 },
					"predecessor": func(r zktest.Request) bool { return r.Path == pred },
					"own":         func(r zktest.Request) bool { return r.Path == own },
				}[at]
				hit := false
				w.srv.Intercept(func(r zktest.Request) zktest.Action {
					if r.Session == id && match(r) && !hit {
						hit = true
						require.NoError(t, w.srv.Remove(own))
					}
					return zktest.Pass
				})
				last := w.process().queue()
				l.next()
				require.True(t, hit)
				require.NoError(t, l.held.Release())
				require.False(t, last.waiting(), "it stands before the subject's second node")
				require.True(t, l.subject.waiting())
				require.NoError(t, last.get().Release())
				require.NotEqual(t, own, l.subject.get().Path())
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
				id := l.p.session()
				hit := false
				w.srv.Intercept(func(r zktest.Request) zktest.Action {
					if r.Session != id || hit {
						return zktest.Pass
					}
					switch {
					case at == "list" && r.Op == zktest.OpGetChildren2, at == "predecessor" && r.Path == pred, at == "own" && r.Path == own:
						hit = true
						require.NoError(t, w.srv.Remove(pred))
					}
					return zktest.Pass
				})
				require.NoError(t, l.held.Release())
				require.False(t, l.subject.waiting())
				require.True(t, hit)
				h := l.subject.get()
				require.NoError(t, h.Err())
				require.Equal(t, own, h.Path())
				require.NoError(t, h.Release())
				time.Sleep(time.Minute)
				require.Zero(t, w.srv.SessionWatches(id))
			})
		})
	}
}

// After a reconnection the server tells of what was missed in any order: the end of the
// predecessor does not say that our own node stands. So the subject lists again.
func TestTurnThroughAReconnection(t *testing.T) {
	for _, thrownOut := range []bool{false, true} {
		t.Run(fmt.Sprintf("thrown out %v", thrownOut), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				l := w.lineOfFour()
				l.prepare()
				own := dir + "/" + w.nodes()[1]
				l.p.link.Refuse(true)
				l.p.link.Disconnect()
				synctest.Wait()
				if thrownOut {
					require.NoError(t, w.srv.Remove(own))
				}
				last := w.process().queue()
				require.NoError(t, l.held.Release())
				require.True(t, l.subject.waiting())
				require.Equal(t, !thrownOut, last.waiting())
				id := l.p.session()
				asked := w.sessions(func() {
					l.p.link.Refuse(false)
					time.Sleep(3 * time.Second)
				})
				if !thrownOut {
					require.Equal(t, 1, asked[id]["getChildren2"])
					require.Equal(t, own, l.subject.get().Path())
					return
				}
				require.True(t, l.subject.waiting())
				require.NoError(t, last.get().Release())
				require.NotEqual(t, own, l.subject.get().Path())
			})
		})
	}
}

// A reconnection without news leaves the turn prepared, at the price of a list.
func TestTurnAfterAFlicker(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		l := w.lineOfFour()
		l.prepare()
		l.p.link.Disconnect()
		time.Sleep(3 * time.Second)
		require.True(t, l.subject.waiting())
		asked := w.sessions(func() {
			require.NoError(t, l.held.Release())
			l.subject.get()
		})
		require.Equal(t, 1, asked[l.p.session()]["getChildren2"])
	})
}

// A server that lags shows the line of long ago. The turn that is prepared there is
// prepared for the end of the predecessor as that server tells it.
func TestTurnOnAServerThatLags(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		l := w.lineOfFour()
		id := l.p.session()
		l.next()
		w.srv.Lag(id)
		l.next()
		require.NoError(t, l.held.Release())
		require.True(t, l.subject.waiting())
		w.srv.CatchUp(id)
		require.False(t, l.subject.waiting())
		require.NoError(t, l.subject.get().Err())
	})
}

// The waiter gives up at each of its requests: its node goes, and the others come in.
// Whatever becomes of the request, nobody holds beside another.
func TestTurnGivenUpAtEachRequest(t *testing.T) {
	for name, fault := range map[string]zktest.Action{
		"answered": zktest.Pass, "late": zktest.Delay(time.Second), "dropped": zktest.DropRequest, "lost": zktest.LoseReply,
	} {
		t.Run(name, func(t *testing.T) {
			eachRequest(t, func(w *world, at func(f func(l *lineOfFour) zktest.Action) *lineOfFour) {
				l := at(func(l *lineOfFour) zktest.Action {
					l.subject.cancel()
					return fault
				})
				last := w.process().queue()
				l.prepareOr()
				require.NoError(w, l.held.Release())
				time.Sleep(10 * time.Second)
				if l.subject.waiting() {
					require.Fail(w, "it still waits")
				}
				if l.subject.err == nil {
					require.True(w, last.waiting())
					require.NoError(w, l.subject.hold.Release())
				} else {
					require.ErrorIs(w, l.subject.err, context.Canceled)
				}
				require.NoError(w, last.get().Release())
				synctest.Wait()
				require.Empty(w, w.nodes())
				time.Sleep(time.Minute)
				require.LessOrEqual(w, w.srv.Watches(), 1, "a mutex may watch its directory")
			})
		})
	}
}

// Each of the waiter's requests is lost once: it comes in all the same, in its place
// if its node was not lost.
func TestTurnFaultAtEachRequest(t *testing.T) {
	for name, fault := range map[string]zktest.Action{
		"dropped": zktest.DropRequest, "lost": zktest.LoseReply, "throttled": zktest.Fail(zktest.CodeThrottledOp),
	} {
		t.Run(name, func(t *testing.T) {
			eachRequest(t, func(w *world, at func(f func(l *lineOfFour) zktest.Action) *lineOfFour) {
				l := at(func(*lineOfFour) zktest.Action { return fault })
				last := w.process().queue()
				l.prepareOr()
				require.NoError(w, l.held.Release())
				h := l.subject.get()
				require.NoError(w, h.Err())
				require.True(w, last.waiting())
				require.NoError(w, h.Release())
				require.NoError(w, last.get().Release())
				synctest.Wait()
				require.Empty(w, w.nodes())
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

// eachRequest runs a test in a world of its own for each request that the subject sends
// until it holds. at makes the line, and has f called at the request in question.
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
					id := l.p.session()
					count := 0
					w.srv.Intercept(func(r zktest.Request) zktest.Action {
						if r.Session != id || r.Op == zktest.OpPing {
							return zktest.Pass
						}
						if count++; count == k {
							return f(l)
						}
						return zktest.Pass
					})
					w.Cleanup(func() { sent = count })
					ctx, cancel := context.WithCancel(w.Context())
					l.subject = &waiter{w: w, cancel: cancel, done: make(chan struct{})}
					w.Cleanup(cancel)
					go func() {
						defer close(l.subject.done)
						l.subject.hold, l.subject.err = l.p.mutex().Lock(ctx)
					}()
					for len(w.nodes()) < 4 && l.subject.waiting() {
						time.Sleep(time.Millisecond)
					}
					return l
				})
			})
		})
	}
}

// The predecessor, or the one before it, may not be read: servers tell nobody else of
// their end.
func TestTurnBehindHiddenNodes(t *testing.T) {
	for _, hidden := range []string{"the first", "the second", "both"} {
		t.Run(hidden, func(t *testing.T) {
			testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
				acquire := func(p *testworld.Process) *testworld.Call[*lock.Hold] {
					c := testworld.Go(w, lock.New(p.Manager, dir).Lock)
					c.Waiting()
					return c
				}
				w.Put(dir, "")
				first, second := owner, owner
				switch hidden {
				case "the first":
					second = w.Process()
				case "the second":
					first = w.Process()
				}
				a, b := acquire(first), acquire(second)
				c := acquire(w.Process())
				require.True(w, c.Waiting())
				require.NoError(w, a.Get().Release())
				held := b.Get()
				time.Sleep(time.Minute)
				require.True(w, c.Waiting())
				require.NoError(w, held.Release())
				start := time.Now()
				require.NoError(w, c.Get().Err())
				require.LessOrEqual(w, time.Since(start), 15*time.Second)
			})
		})
	}
}

// Contenders of other libraries stand at any place before the subject.
func TestTurnBehindOtherLibraries(t *testing.T) {
	names := map[string]string{
		"Curator":      "_c_10000000-0000-4000-8000-000000000000-lock-%010d",
		"kazoo":        "4bd3f5a0c9e84d5b8f1c2a3b4c5d6e7f__lock__%010d",
		"go-zookeeper": "_c_4bd3f5a0c9e84d5b8f1c2a3b4c5d6e7f-lock-%010d",
	}
	for first, a := range names {
		for second, b := range names {
			for third, c := range names {
				t.Run(strings.Join([]string{first, second, third}, ", "), func(t *testing.T) {
					inWorld(t, func(t *testing.T, w *world) {
						p := w.process()
						require.NoError(t, p.lock().Release())
						var theirs []string
						for i, format := range []string{a, b, c} {
							theirs = append(theirs, dir+"/"+fmt.Sprintf(format, i+1))
							require.NoError(t, w.srv.Put(theirs[i], nil))
						}
						require.NoError(t, w.srv.SetSequence(dir, 4))
						q := p.queue()
						require.NoError(t, w.srv.Remove(theirs[0]))
						require.True(t, q.waiting())
						require.NoError(t, w.srv.Remove(theirs[1]))
						require.True(t, q.waiting())
						p.mute()
						require.NoError(t, w.srv.Remove(theirs[2]))
						require.False(t, q.waiting())
					})
				})
			}
		}
	}
}

// The predecessor is written to, as a Revoker does: the subject watches it again, and
// its turn stays prepared.
func TestTurnOfAPredecessorThatIsWrittenTo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		l := w.lineOfFour()
		l.prepare()
		time.Sleep(time.Second)
		id := l.p.session()
		for range 3 {
			asked := w.sessions(func() { require.NoError(t, w.srv.Put(l.held.Path(), []byte("touched"))) })
			require.Equal(t, map[string]int{"getData": 1}, asked[id])
		}
		l.p.mute()
		require.NoError(t, l.held.Release())
		require.False(t, l.subject.waiting())
	})
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
				require.True(t, other.waiting())
			}
			next := q.get()
			require.Greater(t, next.Token(), held.Token())
			held = next
		}
		require.NoError(t, held.Release())
		time.Sleep(time.Minute)
		require.LessOrEqual(t, w.srv.Watches(), 1)
	})
}

// A writer behind readers prepares its turn; behind another writer it looks again,
// since that one may have been downgraded.
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

// The node of a writer behind a writer is deleted before the session watches it, and
// then the predecessor goes: the list that follows does not have the node.
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

// The node of the subject is written to, which uses its watch up, and is deleted before
// the session has set the watch again. The predecessor's end is not enough then.
func TestTurnOfANodeThatIsWrittenTo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		l := w.lineOfFour()
		l.prepare()
		own := dir + "/" + w.nodes()[1]
		late := make(chan struct{})
		w.srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpGetData && r.Path == own {
				return zktest.Hold(late)
			}
			return zktest.Pass
		})
		require.NoError(t, w.srv.Put(own, []byte("__REVOKE__")))
		synctest.Wait()
		require.NoError(t, w.srv.Remove(own))
		require.NoError(t, l.held.Release())
		require.True(t, l.subject.waiting())
		close(late)
		require.NotEqual(t, own, l.subject.get().Path())
	})
}
