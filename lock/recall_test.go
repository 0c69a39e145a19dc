package lock_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/zktest"
)

// A Mutex that has had its lock to itself takes it again without listing the
// others. The failure to fear: there are others all the same.

// alone returns a Mutex that needs no list for the next acquisition if nothing
// comes between, and the number that it had last.
func alone(w *world, p *process) (m *lock.Mutex, last int) {
	w.Helper()
	m = p.mutex()
	for range 3 {
		last = number(w, take(w, m))
	}
	require.Equal(w, map[string]int{"create": 1, "delete": 1}, w.Count(func() { last = number(w, take(w, m)) }))
	return m, last
}

// take acquires the lock and gives it back.
func take(w *world, m *lock.Mutex) *lock.Hold {
	w.Helper()
	h, err := m.Lock(w.Context())
	require.NoError(w, err)
	require.NoError(w, h.Release())
	synctest.Wait()
	return h
}

func number(w *world, h *lock.Hold) (n int) {
	w.Helper()
	_, err := fmt.Sscanf(suffix(h.Path()), "%d", &n)
	require.NoError(w, err)
	return n
}

// mustWait fails unless a call of Lock waits, and returns it.
func mustWait(w *world, m *lock.Mutex) (end func()) {
	w.Helper()
	ctx, cancel := context.WithCancel(w.Context())
	done := make(chan error, 1)
	go func() {
		h, err := m.Lock(ctx)
		if err == nil {
			err = h.Release()
		}
		done <- err
	}()
	time.Sleep(time.Minute)
	select {
	case err := <-done:
		require.FailNow(w, "it does not wait", "%v", err)
	default:
	}
	return func() {
		w.Helper()
		cancel()
		require.ErrorIs(w, <-done, context.Canceled)
	}
}

// Another contender has come and stays.
func TestRecallAnotherStays(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		m, _ := alone(w, w.process())
		other := w.process().lock()
		end := mustWait(w, m)
		end()
		require.NoError(t, other.Release())
		take(w, m)
	})
}

// Another contender has come and gone. The first acquisition then costs a list
// of its own, and from the second in a row on it costs none.
func TestRecallAnotherWent(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		m, _ := alone(w, w.process())
		require.NoError(t, w.process().lock().Release())
		listed := map[string]int{"create": 1, "getChildren2": 1, "delete": 1}
		require.Equal(t, listed, w.Count(func() { take(w, m) }))
		require.Equal(t, listed, w.Count(func() { take(w, m) }))
		require.Equal(t, map[string]int{"create": 1, "delete": 1}, w.Count(func() { take(w, m) }))
	})
}

// Two who take turns never guess.
func TestRecallTurns(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a, b := w.process().mutex(), w.process().mutex()
		take(w, a)
		take(w, b)
		for range 10 {
			require.Equal(t, map[string]int{"create": 1, "getChildren2": 1, "delete": 1}, w.Count(func() { take(w, a) }))
			require.Equal(t, map[string]int{"create": 1, "getChildren2": 1, "delete": 1}, w.Count(func() { take(w, b) }))
		}
		require.Zero(t, w.Srv.Watches())
	})
}

// The directory is created again, and another contender holds there with the
// number that we had last. Ours is the next, as it would be in the old
// directory.
func TestRecallDirectoryMadeAnew(t *testing.T) {
	for name, away := range map[string]bool{"seen": false, "while we were away": true} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				p, q := w.process(), w.process()
				m, last := alone(w, p)
				if away {
					p.Link.Cut(zktest.Both)
				}
				require.NoError(t, w.Srv.Remove(dir))
				for range last {
					require.NoError(t, q.lock().Release())
				}
				other := q.lock()
				require.Equal(t, last, number(w, other))
				p.Link.Heal()
				end := mustWait(w, m)
				end()
				require.NoError(t, other.Release())
			})
		})
	}
}

// The same, between our create and its answer: the state counts in which the
// server created our znode.
func TestRecallDirectoryMadeAnewUnderway(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		q := w.process()
		m, last := alone(w, w.process())
		once := false
		made := make(chan *lock.Hold, 1)
		remove := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if once || r.Op != zktest.OpCreate {
				return zktest.Pass
			}
			once = true
			done := make(chan struct{})
			go func() {
				defer close(done)
				require.NoError(w, w.Srv.Remove(dir))
				for range last {
					require.NoError(w, q.lock().Release())
				}
				made <- q.lock()
			}()
			return zktest.Hold(done)
		})
		defer remove()
		end := mustWait(w, m)
		other := <-made
		require.Equal(t, last, number(w, other))
		end()
		require.NoError(t, other.Release())
	})
}

// Our own former znode still exists, since the server refuses its delete.
func TestRecallOwnNodeStays(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		m, _ := alone(w, w.process())
		h, err := m.Lock(t.Context())
		require.NoError(t, err)
		stop := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if r.Op == zktest.OpDelete {
				return zktest.Fail(zktest.CodeNoAuth)
			}
			return zktest.Pass
		})
		require.Error(t, h.Release())
		stop()
		require.Len(t, w.nodes(), 1)
		end := mustWait(w, m)
		end()
	})
}

// While we hold, another goroutine with the same Mutex waits.
func TestRecallSameMutex(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		m, _ := alone(w, w.process())
		h, err := m.Lock(t.Context())
		require.NoError(t, err)
		end := mustWait(w, m)
		end()
		require.NoError(t, h.Release())
	})
}

// Nothing is taken over from a session that has ended: its last znode may exist
// for longer.
func TestRecallNextSession(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		m, _ := alone(w, p)
		h, err := m.Lock(t.Context())
		require.NoError(t, err)
		p.Link.Cut(zktest.Both)
		<-h.Done()
		p.Link.Heal()
		s, err := p.Session(t.Context())
		require.NoError(t, err)
		require.NotEqual(t, h.SessionID(), s.ID)
		require.Len(t, w.nodes(), 1, "the old session's")
		again, err := m.Lock(t.Context())
		require.NoError(t, err)
		require.Len(t, w.nodes(), 1, "it has waited for the old session's to go")
		require.Greater(t, again.Token(), h.Token())
		require.NoError(t, again.Release())
	})
}

// The answer to the create is lost: then the directory is listed.
func TestRecallLostAnswer(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		m, last := alone(w, w.process())
		lost := false
		remove := w.Srv.Intercept(func(r zktest.Request) zktest.Action {
			if lost || r.Op != zktest.OpCreate {
				return zktest.Pass
			}
			lost = true
			return zktest.LoseReply
		})
		defer remove()
		var h *lock.Hold
		counts := w.Count(func() { h = take(w, m) })
		require.Equal(t, last+1, number(w, h))
		require.Equal(t, 1, counts["getChildren2"])
		require.Equal(t, 1, counts["create"])
		require.Empty(t, w.nodes())
	})
}

// Another client writes into the directory, which uses up the watch on it. The
// next acquisition lists, and watches again.
func TestRecallDirectoryWrittenTo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		m, _ := alone(w, w.process())
		for range 3 {
			require.NoError(t, w.Srv.Put(dir, []byte("a note")))
			// Two reads: the list is watched, and the data may be another recipe's.
			require.Equal(t, map[string]int{"create": 1, "getChildren2": 1, "getData": 2, "delete": 1}, w.Count(func() { take(w, m) }))
			require.Equal(t, map[string]int{"create": 1, "delete": 1}, w.Count(func() { take(w, m) }))
		}
		require.Equal(t, 1, w.Srv.Watches())
	})
}

// Where the numbers wrap, 2147483647 has no successor, and so is not a place in
// the queue, with or without a list.
func TestRecallLastNumber(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		m, _ := alone(w, p)
		require.NoError(t, w.Srv.SetSequence(dir, 2147483640))
		for range 20 {
			take(w, m)
		}
		other := p.lock()
		end := mustWait(w, m)
		end()
		require.NoError(t, other.Release())
	}, zktest.Version(zktest.V35))
}

// A TryLock profits as well, and fails while another contender holds.
func TestRecallTry(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		m, _ := alone(w, w.process())
		require.Equal(t, map[string]int{"create": 1, "delete": 1}, w.Count(func() {
			h, err := m.TryLock(t.Context())
			require.NoError(t, err)
			require.NoError(t, h.Release())
		}))
		other := w.process().lock()
		for range 5 {
			_, err := m.TryLock(t.Context())
			require.ErrorIs(t, err, lock.ErrHeld, "what was there after our own failure is not free")
		}
		require.NoError(t, other.Release())
	})
}
