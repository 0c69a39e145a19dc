package testworld

import (
	"context"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// Call is a call under way.
type Call[T any] struct {
	w      *World
	cancel context.CancelCauseFunc
	done   chan struct{}
	value  T
	err    error
}

// Go calls f in a goroutine of its own. It returns once f has returned or waits
// for another goroutine. f has to return when its ctx ends: at GiveUp, or at
// the end of the test.
func Go[T any](w *World, f func(ctx context.Context) (T, error)) *Call[T] {
	ctx, cancel := context.WithCancelCause(w.Context())
	c := &Call[T]{w: w, cancel: cancel, done: make(chan struct{})}
	w.Cleanup(func() {
		cancel(nil)
		<-c.done
	})
	go func() {
		defer close(c.done)
		c.value, c.err = f(ctx)
	}()
	synctest.Wait()
	return c
}

// Waiting reports whether the call is still under way once all goroutines wait.
func (c *Call[T]) Waiting() bool {
	synctest.Wait()
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

// Result waits, in virtual time, until the call has returned.
func (c *Call[T]) Result() (T, error) {
	c.w.Helper()
	select {
	case <-c.done:
	case <-time.After(Patience):
		require.FailNow(c.w, "the call still waits after "+Patience.String())
	}
	return c.value, c.err
}

// Get is Result of a call that must succeed.
func (c *Call[T]) Get() T {
	c.w.Helper()
	value, err := c.Result()
	require.NoError(c.w, err)
	return value
}

// GiveUp ends the ctx of the call and returns the call's result.
func (c *Call[T]) GiveUp() (T, error) {
	c.w.Helper()
	c.cancel(nil)
	return c.Result()
}
