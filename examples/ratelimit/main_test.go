package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/docent-go/docent/lock"
	"github.com/docent-go/docent/sessiontest"
	"github.com/docent-go/docent/zktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	limit = 3
	per   = time.Second
)

// api is the service of limited capacity.
type api struct {
	mu       sync.Mutex
	takes    time.Duration
	underWay int
	most     int // the maximum number of calls at once
	begun    []time.Time
}

func (a *api) call(ctx context.Context) error {
	a.mu.Lock()
	a.begun = append(a.begun, time.Now())
	a.underWay++
	a.most = max(a.most, a.underWay)
	takes := a.takes
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.underWay--
	}()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(takes):
		return nil
	}
}

// calls returns how many calls have begun.
func (a *api) calls() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.begun)
}

// check compares the calls that the service has seen with the promises.
func (a *api) check(w *sessiontest.World, limit int) {
	w.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	require.LessOrEqual(w, a.most, limit, "calls at once")
	require.True(w, slices.IsSortedFunc(a.begun, time.Time.Compare))
	for i := range a.begun[min(limit, len(a.begun)):] {
		require.GreaterOrEqual(w, a.begun[i+limit].Sub(a.begun[i]), per, "more than %d calls begin within %v", limit, per)
	}
}

// client is a process that makes calls.
type client struct {
	*sessiontest.Process
	call *sessiontest.Call
}

func startClient(w *sessiontest.World, calls int, call func(context.Context) error) *client {
	c := &client{Process: w.Process()}
	c.call = w.Go(func(ctx context.Context) error {
		return run(ctx, c.Manager, limit, per, calls, call)
	})
	return c
}

// Three processes share the limit, and use it fully.
func TestTheLimitHoldsOverAllProcesses(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		a, began := &api{takes: 100 * time.Millisecond}, time.Now()
		for _, c := range []*client{startClient(w, 12, a.call), startClient(w, 12, a.call), startClient(w, 12, a.call)} {
			require.NoError(w, c.call.Wait())
		}
		a.check(w, limit)
		require.Equal(t, 36, a.calls())
		require.Equal(t, 12*time.Second, time.Since(began), "36 calls, 3 in a second, and a last second until the permits are released")
		require.Empty(t, w.Children("/ratelimit/permits/leases"))
	})
}

// Calls take longer than --per: the limit still bounds the calls at once.
func TestSlowCallsAreLimitedTooAtOnce(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		a := &api{takes: 5 * time.Second}
		for _, c := range []*client{startClient(w, 6, a.call), startClient(w, 6, a.call)} {
			require.NoError(w, c.call.Wait())
		}
		a.check(w, limit)
		require.Equal(t, 12, a.calls())
	})
}

// One process is killed and another is cut off while they call. The limit
// holds, and the other calls continue. The calls of the process that is cut off
// end before its permits go to others.
func TestTheLimitHoldsWhenProcessesDie(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		a := &api{takes: 20 * time.Second}    // longer than a session lasts
		killed := startClient(w, 100, a.call) // has all permits at first
		cut := startClient(w, 12, a.call)     // has all permits afterwards
		lasting := startClient(w, 12, a.call)
		time.Sleep(5 * time.Second)
		killed.Kill()
		time.Sleep(12 * time.Second)
		require.Equal(t, 2*limit, a.calls(), "the permits of the killed process are free again")
		cut.Link.Cut(zktest.Both)
		time.Sleep(12 * time.Second)
		require.Equal(t, 3*limit, a.calls(), "the permits of the process that is cut off are free again")
		cut.Link.Heal()
		require.NoError(w, lasting.call.Wait())
		require.NoError(w, cut.call.Wait())
		a.check(w, limit)
	})
}

// A process that has to stop makes no further call. Its permits are not
// released before their time.
func TestAStopDoesNotRaiseTheRate(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		a := &api{takes: 10 * time.Millisecond}
		first := startClient(w, 100, a.call)
		second := startClient(w, 12, a.call)
		time.Sleep(2100 * time.Millisecond)
		err := first.call.Cancel()
		require.NoError(t, err)
		require.NoError(t, first.Close())
		require.NoError(w, second.call.Wait())
		a.check(w, limit)
	})
}

// The limit is changed while all processes call.
func TestTheLimitCanBeChanged(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		before, after := &api{takes: 10 * time.Millisecond}, &api{takes: 10 * time.Millisecond}
		var mu sync.Mutex
		now := before
		c := startClient(w, 20, func(ctx context.Context) error {
			mu.Lock()
			a := now
			mu.Unlock()
			return a.call(ctx)
		})
		time.Sleep(2500 * time.Millisecond)
		sem := lock.NewSemaphore(w.Process().Manager, "/ratelimit/permits", lock.SharedLimit("/ratelimit/limit", limit))
		require.NoError(t, sem.Resize(w.Context(), 1))
		mu.Lock()
		now = after
		mu.Unlock()
		require.NoError(w, c.call.Wait())
		before.check(w, limit)
		after.check(w, 1)
		require.Equal(t, 11, after.calls())
	})
}

// A failed call takes a permit like any other, and the remaining calls are
// made.
func TestCallsThatFailCount(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		a := &api{}
		c := startClient(w, 9, func(ctx context.Context) error { return errors.Join(a.call(ctx), errors.New("503")) })
		require.NoError(t, c.call.Wait())
		a.check(w, limit)
		require.Equal(t, 9, a.calls())
	})
}

func TestTheTimeMustFitIntoTheSession(t *testing.T) {
	sessiontest.Run(t, func(w *sessiontest.World) {
		err := run(w.Context(), w.Process().Manager, limit, 5*time.Second, 1, (&api{}).call)
		require.ErrorContains(t, err, "half of the session timeout")
	})
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestGet(t *testing.T) {
	asked := ""
	client := &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
		asked = r.URL.String()
		return &http.Response{Status: "200 OK", Body: http.NoBody}, nil
	})}
	require.NoError(t, get(t.Context(), client, "http://service/"))
	require.Equal(t, "http://service/", asked)
	require.Error(t, get(t.Context(), client, "://"))
}
