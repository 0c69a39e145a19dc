package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// interrupts are the signals that end a command that waits or watches.
var interrupts = []os.Signal{os.Interrupt, syscall.SIGTERM}

// notify is signal.Notify, except that a signal that was ignored when the
// command started stays so, and is ignored by CMD too: nohup and a shell's
// background jobs count on that.
func notify(signals ...os.Signal) (<-chan os.Signal, func()) {
	// Room for as many as may arrive while nobody looks: more are merged, as
	// the system does with signals.
	ch := make(chan os.Signal, 16)
	for _, sig := range signals {
		if !signal.Ignored(sig) {
			signal.Notify(ch, sig)
		}
	}
	return ch, func() { signal.Stop(ch) }
}

// interrupted says that a signal ended what docent did.
type interrupted struct {
	sig  os.Signal
	what string // that was ended
}

func (e *interrupted) Error() string {
	return fmt.Sprintf("%s by signal %d (%v)", e.what, signalNumber(e.sig), e.sig)
}

// ExitCode is what a shell reports of a command that the signal killed.
func (e *interrupted) ExitCode() int { return 128 + signalNumber(e.sig) }

func signalNumber(sig os.Signal) int {
	if n, ok := sig.(syscall.Signal); ok {
		return int(n)
	}
	return 0
}

// interruptible runs f with a context that ends, with an *interrupted as its
// cause, when a signal arrives that ends a wait; other signals are for a CMD
// that does not run yet, and mean nothing. It returns f's error, and the
// *interrupted if there was one, even if f succeeded.
func interruptible(ctx context.Context, signals <-chan os.Signal, f func(ctx context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	done, watched := make(chan struct{}), make(chan struct{})
	var by *interrupted
	go func() {
		defer close(watched)
		for {
			select {
			case <-done:
				return
			case sig := <-signals:
				if slices.Contains(endsWait, sig) {
					by = &interrupted{sig, "given up"}
					cancel(by)
					return
				}
			}
		}
	}()
	err := f(ctx)
	close(done)
	<-watched
	cancel(nil)
	if by != nil {
		return by
	}
	return err
}

// untilInterrupted returns a context that ends at the first of the interrupts.
func (w *world) untilInterrupted(ctx context.Context) (context.Context, func()) {
	signals, stop := w.notify(interrupts...)
	ctx, cancel := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-signals:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel()
		<-watched
		stop()
	}
}
