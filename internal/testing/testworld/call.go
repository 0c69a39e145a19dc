package testworld

import (
	"context"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/docent-go/docent/sessiontest"
)

// Call is a call under way, with a result.
type Call[T any] struct {
	w     *World
	call  *sessiontest.Call
	value T
}

// Go calls f in a goroutine of its own. It returns once f has returned or waits
// for another goroutine. f has to return when its ctx ends: at GiveUp, or at
// the end of the test.
func Go[T any](w *World, f func(ctx context.Context) (T, error)) *Call[T] {
	c := &Call[T]{w: w}
	c.call = w.Go(func(ctx context.Context) (err error) {
		c.value, err = f(ctx)
		return err
	})
	return c
}

// Waiting reports whether the call is still under way once all goroutines wait.
func (c *Call[T]) Waiting() bool { return c.call.Running() }

// Result waits until the call has returned. The test fails if that takes longer
// than Patience.
func (c *Call[T]) Result() (T, error) {
	c.w.Helper()
	begun := time.Now()
	err := c.call.Wait()
	require.LessOrEqual(c.w, time.Since(begun), Patience)
	return c.value, err
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
	err := c.call.Cancel()
	return c.value, err
}

// ErrOf returns the error of a call with two results.
func ErrOf[T any](_ T, err error) error { return err }
