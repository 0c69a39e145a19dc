package inspect

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
)

// watched is one value of a Changes, and when it came.
type watched struct {
	*Report
	err error
	at  time.Time
}

// follow runs a Changes until the test ends, or stop is called.
func follow(w *testworld.World, p *testworld.Process, path string, opts ...Option) (next func() watched, quiet func() bool, stop func()) {
	w.Helper()
	values := make(chan watched, 1000)
	ctx, cancel := context.WithCancel(w.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for r, err := range Changes(ctx, p.Manager, path, opts...) {
			values <- watched{r, err, time.Now()}
		}
	}()
	stop = func() {
		cancel()
		<-done
	}
	w.Cleanup(stop)
	next = func() watched {
		w.Helper()
		select {
		case v := <-values:
			return v
		case <-time.After(testworld.Patience):
			require.Fail(w, "no report")
			panic("not reached")
		}
	}
	quiet = func() bool {
		time.Sleep(time.Hour)
		synctest.Wait()
		return len(values) == 0
	}
	return next, quiet, stop
}

func TestWatch_changes(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a, b := w.Process(), w.Process()
		w.Put("/conf/key", "1")
		h := held(w, a, "/locks/m", "a")
		time.Sleep(time.Second) // it is watched by now
		next, quiet, _ := follow(w, b, "/")
		require.Equal(t, "a", at[*Lock](w, next().Report, "/locks/m").Holder.ID)
		counts := w.Count(func() { require.True(t, quiet()) })
		require.GreaterOrEqual(t, counts["multi"], int(time.Hour/DefaultPulse)-1, "its own, and the probes of the session that holds")
		delete(counts, "multi")
		require.Empty(t, counts, "nothing is read again")

		w.Put("/conf/key", "2")
		require.Equal(t, int32(1), at[*ConfigKey](w, next().Report, "/conf/key").Version)
		require.True(t, quiet())
		lockWaiting(w, a, "/locks/m", "b")
		require.Equal(t, []string{"b"}, ids(at[*Lock](w, next().Report, "/locks/m").Waiters))
		require.NoError(t, lock.Revoke(w.Context(), a.Manager, h.Path()))
		require.True(t, at[*Lock](w, next().Report, "/locks/m").Holder.Revoked)
		require.NoError(t, h.Release())
		require.Equal(t, "b", at[*Lock](w, next().Report, "/locks/m").Holder.ID)
		w.Put("/deep/new/node", "1")
		require.Equal(t, int32(0), at[*ConfigKey](w, next().Report, "/deep/new/node").Version)
		require.True(t, quiet())

		b.Expire()
		require.Len(t, next().Findings, 8, "in the next session")
		require.True(t, quiet())
		w.Remove("/conf/key")
		at[*Plain](w, next().Report, "/conf")
	})
}

// However fast it changes, reports keep apart, and the last state is never
// missed.
func TestWatch_rate(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		for i := range 99 {
			w.Put(fmt.Sprintf("/k/%02d", i), "")
		}
		next, quiet, stop := follow(w, a, "/k", Every(time.Second), Rate(20))
		first := next() // a hundred nodes, the list of each, and one question to a quorum: a pause of 10.05 s
		require.Equal(t, 201, first.Requests)
		for i := range 300 {
			w.Put("/k/00", fmt.Sprint(i))
			time.Sleep(100 * time.Millisecond)
		}
		last := first
		for n := 0; n == 0 || at[*ConfigKey](w, last.Report, "/k/00").Version != 300; n++ {
			require.Less(t, n, 5)
			this := next()
			require.GreaterOrEqual(t, this.at.Sub(last.at), 10*time.Second)
			last = this
		}
		require.True(t, quiet())
		stop()
	})
}

func TestWatch_missing(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		next, quiet, _ := follow(w, a, "/later")
		require.ErrorIs(t, next().err, session.ErrNoNode)
		require.True(t, quiet())
		w.Put("/later", "x")
		at[*ConfigKey](w, next().Report, "/later")
		w.Remove("/later")
		require.ErrorIs(t, next().err, session.ErrNoNode)
	})
}

func TestWatch_ends(t *testing.T) {
	testworld.Run(t, func(w *testworld.World) {
		a := w.Process()
		next, _, _ := follow(w, a, "/")
		next()
		require.NoError(t, a.Close())
		require.ErrorIs(t, next().err, session.ErrClosed)
		for range Changes(testworld.Cancelled(), w.Process().Manager, "/") {
			require.Fail(t, "a done ctx beats a tree that is there")
		}
	})
}
