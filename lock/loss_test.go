package lock_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/internal/bridge"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/sessiontest"
	"github.com/docent-go/docent/zktest"
)

func strict(c *session.Config) { c.LossPolicy = session.OnDisconnect }

// deletionOf returns a function that tells when the server has deleted a node,
// or the zero time.
func (w *world) deletionOf(path string) func() time.Time {
	var at atomic.Pointer[time.Time]
	w.Srv.OnChange(func(c zktest.Change) {
		if c.Kind == zktest.Deleted && c.Path == path {
			at.Store(&c.Time)
		}
	})
	return func() time.Time {
		synctest.Wait()
		if t := at.Load(); t != nil {
			return *t
		}
		return time.Time{}
	}
}

// A holder that is cut off stops trusting its hold before the server can give
// the lock to the next one, whichever way the cut is.
func TestHardCase14_DisconnectedHolder(t *testing.T) {
	for name, dir := range map[string]zktest.Direction{
		"both": zktest.Both, "to the server": zktest.ToServer, "to the client": zktest.ToClient,
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				a := w.process()
				h := a.lock()
				q := w.process().queue()
				deleted := w.deletionOf(h.Path())
				time.Sleep(time.Minute + 1234*time.Millisecond)
				a.Link.Cut(dir)
				<-h.Done()
				ended := time.Now()
				require.ErrorIs(t, h.Err(), session.ErrTrustElapsed)
				require.ErrorIs(t, h.Err(), session.ErrLost)
				require.True(t, deleted().IsZero(), "the node stands still")
				require.True(t, q.Waiting())

				next := q.Get()
				require.Greater(t, time.Since(ended), time.Duration(0))
				require.Greater(t, deleted().Sub(ended), time.Second, "the margin")
				require.Greater(t, next.Token(), h.Token())
				require.ErrorIs(t, h.Release(), session.ErrLost)

				// The old holder is back, and takes its old hold for nothing.
				a.Link.Heal()
				time.Sleep(time.Minute)
				require.ErrorIs(t, h.Err(), session.ErrTrustElapsed)
				require.NoError(t, next.Err())
				again := a.queue()
				require.True(t, again.Waiting())
				require.NoError(t, next.Release())
				require.Greater(t, again.Get().Token(), next.Token())
			})
		})
	}
}

// A session that the server ended must not lend its node to a new hold.
func TestHardCase15_TwoHoldersAfterExpiry(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a, b := w.process(), w.process()
		h := a.lock()
		q := b.queue()
		a.Link.Disconnect()
		w.Srv.Expire(int64(h.SessionID()))
		next := q.Get()
		<-h.Done()
		again := a.queue()
		require.True(t, again.Waiting())
		require.NoError(t, next.Err())
		require.NoError(t, next.Release())
		got := again.Get()
		require.NotEqual(t, h.SessionID(), got.SessionID())
		info, _ := w.Srv.Node(got.Path())
		require.EqualValues(t, got.SessionID(), info.Stat.EphemeralOwner)
	})
}

// The deadline counts from what the server has last been heard to answer, not
// from the moment at which the client notices that it is cut off.
func TestHardCase16_DeadlineCountsFromLastAnswer(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := w.process()
		h := a.lock()
		time.Sleep(time.Hour)
		last := time.Now()
		for _, s := range w.Srv.Sessions() {
			if s.ID == int64(h.SessionID()) {
				last = s.LastHeard
			}
		}
		a.Link.Cut(zktest.ToServer)
		<-h.Done()
		require.Less(t, time.Since(last), bridge.CoreHold(&h.Hold).Session().Timeout())
		require.WithinDuration(t, h.Deadline(), time.Now(), time.Millisecond)
	})
}

// The server never says that a session has expired to whom it cannot reach.
func TestHardCase19_FullPartition(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := w.process()
		h := a.lock()
		q := a.queue()
		a.Link.Cut(zktest.Both)
		w.within(10*time.Second, func() { <-h.Done() })
		time.Sleep(time.Hour)
		require.True(t, q.Waiting(), "a waiter waits for a session")
		a.Link.Heal()
		w.within(10*time.Second, func() { require.NotEqual(t, h.SessionID(), q.Get().SessionID()) })
	})
}

// What counts is the timeout that the server grants.
func TestHardCase20_NegotiatedTimeout(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := w.process(func(c *session.Config) { c.Timeout = time.Hour })
		h := a.lock()
		require.Equal(t, 8*time.Second, bridge.CoreHold(&h.Hold).Session().Timeout())
		deleted := w.deletionOf(h.Path())
		a.Link.Cut(zktest.Both)
		w.within(8*time.Second, func() { <-h.Done() })
		require.True(t, deleted().IsZero())
		time.Sleep(8 * time.Second)
		require.False(t, deleted().IsZero())
	}, zktest.SessionTimeouts(4*time.Second, 8*time.Second))
}

// No server can be reached: a call ends with its context, and says why.
func TestHardCase21_Unreachable(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		p.Current().ID()
		p.Link.Cut(zktest.Both)
		for range 2 { // first with a session that is suspended, then without one
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			start := time.Now()
			_, err := p.mutex().Lock(ctx)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Equal(t, 5*time.Second, time.Since(start))
			_, err = p.mutex().TryLock(ctx)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.NotErrorIs(t, err, lock.ErrHeld)
			cancel()
			time.Sleep(10 * time.Second)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := p.mutex().Lock(ctx)
		require.ErrorIs(t, err, session.ErrUnreachable)
	})
}

// The znode of our last session exists until the server expires that session.
// It does not count as ours: we queue after it.
func TestHardCase22_OldSessionsNodeStandsStill(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		h := p.lock()
		deleted := w.deletionOf(h.Path())
		p.Link.Cut(zktest.ToServer)
		<-h.Done()
		p.Link.Disconnect()
		p.Link.Heal()
		q := p.queue()
		require.True(t, deleted().IsZero())
		require.True(t, q.Waiting())
		require.Len(t, w.nodes(), 2)
		next := q.Get()
		require.False(t, deleted().IsZero())
		require.NotEqual(t, h.SessionID(), next.SessionID())
		require.Greater(t, next.Token(), h.Token())
	})
}

// Both policies exist: a hold that survives a short disconnection, and one that
// ends with it.
func TestHardCase29_LossPolicies(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		patient, nervous := w.process(), w.process(strict)
		kept := patient.lock()
		other := lock.NewMutex(nervous.Manager, "/locks/b")
		dropped, err := other.Lock(t.Context())
		require.NoError(t, err)
		for range 3 {
			patient.Link.Disconnect()
			nervous.Link.Disconnect()
			time.Sleep(5 * time.Second)
			require.NoError(t, kept.Err())
			require.ErrorIs(t, dropped.Err(), session.ErrDisconnected)
			require.ErrorIs(t, dropped.Err(), session.ErrLost)
			require.ErrorIs(t, dropped.Release(), session.ErrLost)
			dropped, err = other.Lock(t.Context())
			require.NoError(t, err)
		}
		require.NoError(t, kept.Release())
	})
}

// Under the strict policy, a hold that begins during a disconnection has
// already ended. Lock goes on until it wins one that lasts.
func TestStrictPolicyWinsNothingWhileDisconnected(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process(strict)
		require.NoError(t, p.lock().Release())
		s, err := bridge.Core(p.Manager).Session(t.Context())
		require.NoError(t, err)
		node, err := s.Own(dir + "/x")
		require.NoError(t, err)
		_, err = node.Hold(t.Context(), 1)
		require.NoError(t, err)

		p.Link.Refuse(true)
		p.Link.Disconnect()
		synctest.Wait()
		_, err = node.Hold(t.Context(), 1)
		require.ErrorIs(t, err, session.ErrDisconnected)

		q := p.queue()
		require.True(t, q.Waiting())
		p.Link.Refuse(false)
		h := q.Get()
		synctest.Wait()
		require.NoError(t, h.Err())
		require.EqualValues(t, s.ID(), h.SessionID())
		require.Len(t, w.nodes(), 1)
	})
}

// The ensemble comes back empty, and with smaller zxids than we have seen.
func TestHardCase30_WipedServer(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		p := w.process()
		h := p.lock()
		w.Srv.Wipe()
		w.within(10*time.Second, func() { <-h.Done() })
		require.ErrorIs(t, h.Err(), session.ErrLost)
		w.within(time.Minute, func() { require.NoError(t, p.lock().Err()) })
	})
}

// Another client deletes the znode of the holder: the hold ends at once.
func TestHoldersNodeDeleted(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		h := w.process().lock()
		q := w.process().queue()
		time.Sleep(time.Second) // holds are watched by now
		require.NoError(t, w.Srv.Remove(h.Path()))
		synctest.Wait()
		require.ErrorIs(t, h.Err(), session.ErrDeleted)
		require.NoError(t, q.Get().Err())
		require.ErrorIs(t, h.Release(), session.ErrDeleted)
	})
}

// Another client deletes the whole directory: the holder loses, the waiters
// queue again.
func TestDirectoryDeleted(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		h := w.process().lock()
		p := w.process()
		line := []*waiter{p.queue(), w.process().queue(), w.process().queue()}
		require.NoError(t, w.Srv.Remove("/locks"))
		time.Sleep(time.Second)
		require.ErrorIs(t, h.Err(), session.ErrDeleted)
		// The first waiter may see the holder's node go before its own, and win
		// and lose in one moment.
		if first := line[0]; !first.Waiting() && first.Get().Err() != nil {
			require.ErrorIs(t, first.Get().Err(), session.ErrDeleted)
			line[0] = p.queue()
		}
		require.Len(t, w.nodes(), 3)
		token := h.Token()
		for range line {
			var winner *waiter
			for i, q := range line {
				if q != nil && !q.Waiting() {
					require.Nil(t, winner, "two hold")
					winner, line[i] = q, nil
				}
			}
			got := winner.Get()
			require.Greater(t, got.Token(), token, "although the numbers began anew")
			token = got.Token()
			require.NoError(t, got.Release())
		}
		require.Empty(t, w.nodes())
	})
}

// Deadlines are kept on the monotonic clock, which cannot be set. Virtual time
// has only one clock, so this test runs in the real one.
func TestHardCase39_MonotonicClock(t *testing.T) {
	inner := &sessiontest.World{T: t, Server: zktest.New(t)}
	w := &world{&testworld.World{World: inner, Srv: inner.Server}}
	h := w.process().lock()
	require.Contains(t, h.Deadline().String(), "m=+", "a reading of the monotonic clock")
	require.Greater(t, time.Until(h.Deadline()), time.Second)
	require.NoError(t, h.Release())
}
