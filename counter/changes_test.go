package counter_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/counter"
	"github.com/docent-go/docent/internal/testing/testworld"
	"github.com/docent-go/docent/session"
	"github.com/docent-go/docent/zktest"
)

// seen is one thing that Changes has yielded.
type seen struct {
	v   counter.Value
	err error
}

// watch follows the counter in the background.
func watch(w *testworld.World, p *testworld.Process) (next func() seen, quiet func() bool) {
	ch := make(chan seen, 100)
	ctx, cancel := context.WithCancel(w.Context())
	done := make(chan struct{})
	w.Cleanup(func() {
		cancel()
		<-done
	})
	go func() {
		defer close(done)
		for v, err := range counter.New(p.Manager, path).Changes(ctx) {
			ch <- seen{v, err}
		}
	}()
	return func() seen {
			w.Helper()
			select {
			case s := <-ch:
				return s
			case <-time.After(testworld.Patience):
				require.FailNow(w, "nothing is yielded")
			}
			return seen{}
		}, func() bool {
			synctest.Wait()
			return len(ch) == 0
		}
}

func TestChanges(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		p := w.Process()
		next, quiet := watch(w, p)
		require.Equal(t, seen{}, next(), "there is none yet")
		w.Put(path, number(1))
		s := next()
		require.EqualValues(t, 1, s.v.N)
		require.True(t, s.v.Exists)
		w.Put(path, "broken")
		s = next()
		require.ErrorContains(t, s.err, "it has 6 bytes, and should have 8")
		require.EqualValues(t, 1, s.v.N, "the last good one")
		w.Put(path, number(2))
		require.EqualValues(t, 2, next().v.N)
		remove := w.Fail(zktest.OpGetData, path, zktest.CodeNoAuth)
		w.Put(path, number(3))
		s = next()
		require.ErrorIs(t, s.err, session.ErrNoAuth)
		require.EqualValues(t, 2, s.v.N)
		remove()
		require.EqualValues(t, 3, next().v.N)
		require.True(t, quiet())
		require.NoError(t, p.Close())
		require.ErrorIs(t, next().err, session.ErrClosed)
	})
}

func TestChangesStops(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		c := counter.New(w.Process().Manager, path)
		for v, err := range c.Changes(w.Context()) {
			require.NoError(t, err)
			require.Zero(t, v)
			break
		}
		for range c.Changes(testworld.Cancelled()) {
			require.Fail(t, "a ctx that is done yields nothing")
		}
		for range c.Changes(w.Within(time.Second)) {
		}
	})
}

// A counter is deleted and created again, also during a disconnection.
func TestHardCase56_CounterDeletedAndMadeAnew(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put(path, number(1))
		p := w.Process()
		next, quiet := watch(w, p)
		require.EqualValues(t, 1, next().v.N)
		w.Remove(path)
		require.Equal(t, seen{}, next())
		w.Put(path, number(2))
		require.EqualValues(t, 2, next().v.N)
		p.Link.Cut(zktest.Both)
		w.Remove(path)
		w.Put(path, number(3)) // with the same version
		time.Sleep(time.Minute)
		require.True(t, quiet())
		p.Link.Heal()
		require.EqualValues(t, 3, next().v.N)
		require.True(t, quiet())
	})
}

// The next session begins on a server that lags: what it shows is not believed.
func TestHardCase57_CounterOnALaggingServer(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put(path, number(1))
		p := w.Process()
		next, quiet := watch(w, p)
		require.EqualValues(t, 1, next().v.N)
		for n := byte(2); n < 6; n++ {
			id := p.Current().ID()
			w.Srv.Lag(id)
			w.Put(path, number(n))
			require.True(t, quiet())
			w.Srv.CatchUp(id)
			require.EqualValues(t, n, next().v.N)
			p.Expire()
			require.True(t, quiet(), "the same again is no change")
		}
	})
}

// An older number is read while a newer one is written: the write fails, and
// nothing is lost.
func TestHardCase58_AddOnALaggingServer(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		w.Put(path, number(1))
		p := w.Process()
		w.Srv.Lag(p.Current().ID())
		w.Put(path, number(5))
		n, err := counter.New(p.Manager, path).Add(w.Context(), 1)
		require.NoError(t, err)
		require.EqualValues(t, 6, n)
		w.Srv.Lag(p.Current().ID())
		w.Put(path, number(9))
		v, err := counter.New(p.Manager, path).Get(w.Context())
		require.NoError(t, err)
		require.EqualValues(t, 9, v.N)
	})
}
