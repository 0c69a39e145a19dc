package sessiontest

import (
	"context"
	"testing/synctest"
	"time"
)

// Call is a function that runs in a goroutine of its own.
type Call struct {
	world  *World
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

// Go calls f in a goroutine of its own. It returns when f has returned, or
// waits for another goroutine. At the end of the test it ends the context of f,
// and waits until f has returned.
func (w *World) Go(f func(ctx context.Context) error) *Call {
	ctx, cancel := context.WithCancel(w.Context())
	c := &Call{world: w, cancel: cancel, done: make(chan struct{})}
	w.Cleanup(func() {
		cancel()
		<-c.done
	})
	go func() {
		defer close(c.done)
		c.err = f(ctx)
	}()
	synctest.Wait()
	return c
}

// Running reports whether the function has not returned although all goroutines
// wait.
func (c *Call) Running() bool {
	synctest.Wait()
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

// Wait waits, in virtual time, until the function has returned. It returns the
// error of the function. The test fails after a day.
func (c *Call) Wait() error {
	c.world.Helper()
	select {
	case <-c.done:
	case <-time.After(patience):
		c.world.Fatalf("the call has not returned after %v", patience)
	}
	return c.err
}

// Cancel ends the context of the function, and waits.
func (c *Call) Cancel() error {
	c.world.Helper()
	c.cancel()
	return c.Wait()
}
