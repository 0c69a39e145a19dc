package lock_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/zktest"
)

// After a reconnection the server sends the missed events in any order. The
// predecessor's end does not prove that our own znode still exists. So the
// subject lists again.
func TestTurnThroughAReconnection(t *testing.T) {
	for _, thrownOut := range []bool{false, true} {
		t.Run(fmt.Sprintf("thrown out %v", thrownOut), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				l := w.lineOfFour()
				l.prepare()
				own := dir + "/" + w.nodes()[1]
				l.p.Link.Refuse(true)
				l.p.Link.Disconnect()
				synctest.Wait()
				if thrownOut {
					require.NoError(t, w.Srv.Remove(own))
				}
				last := w.process().queue()
				require.NoError(t, l.held.Release())
				require.True(t, l.subject.Waiting())
				require.Equal(t, !thrownOut, last.Waiting())
				id := l.p.Current().ID()
				asked := w.sessions(func() {
					l.p.Link.Refuse(false)
					time.Sleep(3 * time.Second)
				})
				if !thrownOut {
					require.Equal(t, 1, asked[id]["getChildren2"])
					require.Equal(t, own, l.subject.Get().Path())
					return
				}
				require.True(t, l.subject.Waiting())
				require.NoError(t, last.Get().Release())
				require.NotEqual(t, own, l.subject.Get().Path())
			})
		})
	}
}

// A reconnection without news leaves the turn prepared, at the price of a list.
func TestTurnAfterAFlicker(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		l := w.lineOfFour()
		l.prepare()
		l.p.Link.Disconnect()
		time.Sleep(3 * time.Second)
		require.True(t, l.subject.Waiting())
		asked := w.sessions(func() {
			require.NoError(t, l.held.Release())
			l.subject.Get()
		})
		require.Equal(t, 1, asked[l.p.Current().ID()]["getChildren2"])
	})
}

// A server that lags shows an old state of the queue. The turn that is prepared
// there waits for the predecessor's end as that server shows it.
func TestTurnOnAServerThatLags(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		l := w.lineOfFour()
		id := l.p.Current().ID()
		l.next()
		w.Srv.Lag(id)
		l.next()
		require.NoError(t, l.held.Release())
		require.True(t, l.subject.Waiting())
		w.Srv.CatchUp(id)
		require.False(t, l.subject.Waiting())
		require.NoError(t, l.subject.Get().Err())
	})
}

// The waiter gives up at each of its requests: its znode goes, and the others
// come in. Whatever becomes of the request, no two contenders hold at a time.
func TestTurnGivenUpAtEachRequest(t *testing.T) {
	for name, fault := range map[string]zktest.Action{
		"answered": zktest.Pass, "late": zktest.Delay(time.Second), "dropped": zktest.DropRequest, "lost": zktest.LoseReply,
	} {
		t.Run(name, func(t *testing.T) {
			eachRequest(t, func(w *world, at func(f func(l *lineOfFour) zktest.Action) *lineOfFour) {
				l := at(func(l *lineOfFour) zktest.Action {
					l.cancel()
					return fault
				})
				last := w.process().queue()
				l.prepareOr()
				require.NoError(w, l.held.Release())
				time.Sleep(10 * time.Second)
				if l.subject.Waiting() {
					require.FailNow(w, "it still waits")
				}
				if hold, err := l.subject.Result(); err == nil {
					require.True(w, last.Waiting())
					require.NoError(w, hold.Release())
				} else {
					require.ErrorIs(w, err, context.Canceled)
				}
				require.NoError(w, last.Get().Release())
				synctest.Wait()
				require.Empty(w, w.nodes())
				time.Sleep(time.Minute)
				require.LessOrEqual(w, w.Srv.Watches(), 1, "a mutex may watch its directory")
			})
		})
	}
}

// Each of the waiter's requests is lost once: it comes in all the same, in its
// place if its node was not lost.
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
				h := l.subject.Get()
				require.NoError(w, h.Err())
				require.True(w, last.Waiting())
				require.NoError(w, h.Release())
				require.NoError(w, last.Get().Release())
				synctest.Wait()
				require.Empty(w, w.nodes())
			})
		})
	}
}

// The predecessor, or the contender before it, may not be read: servers send no
// event of their end to other sessions.
func TestTurnBehindHiddenNodes(t *testing.T) {
	for _, hidden := range []string{"the first", "the second", "both"} {
		t.Run(hidden, func(t *testing.T) {
			testworld.EachServer(t, func(w *testworld.World, owner *testworld.Process) {
				acquire := func(p *testworld.Process) *testworld.Call[*lock.Hold] {
					c := testworld.Go(w, lock.NewMutex(p.Manager, dir).Lock)
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

// Contenders of other libraries are at any place before the subject.
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
							require.NoError(t, w.Srv.Put(theirs[i], nil))
						}
						require.NoError(t, w.Srv.SetSequence(dir, 4))
						q := p.queue()
						require.NoError(t, w.Srv.Remove(theirs[0]))
						require.True(t, q.Waiting())
						require.NoError(t, w.Srv.Remove(theirs[1]))
						require.True(t, q.Waiting())
						p.mute()
						require.NoError(t, w.Srv.Remove(theirs[2]))
						require.False(t, q.Waiting())
					})
				})
			}
		}
	}
}

// The predecessor is written to, as a Revoker does: the subject watches it
// again, and its turn stays prepared.
func TestTurnOfAPredecessorThatIsWrittenTo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		l := w.lineOfFour()
		l.prepare()
		time.Sleep(time.Second)
		id := l.p.Current().ID()
		for range 3 {
			asked := w.sessions(func() { require.NoError(t, w.Srv.Put(l.held.Path(), []byte("touched"))) })
			require.Equal(t, map[string]int{"getData": 1}, asked[id])
		}
		l.p.mute()
		require.NoError(t, l.held.Release())
		require.False(t, l.subject.Waiting())
	})
}
