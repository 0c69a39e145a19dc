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

// notify is signal.Notify, except that signals that were ignored when docent
// started stay ignored, by CMD too. nohup and a shell's background jobs rely on
// that.
func notify(signals ...os.Signal) (<-chan os.Signal, func()) {
	// The channel buffers signals while no goroutine receives. Further signals
	// are merged, as by the system.
	ch := make(chan os.Signal, 16)
	for _, sig := range signals {
		if !signal.Ignored(sig) {
			signal.Notify(ch, sig)
		}
	}
	return ch, func() { signal.Stop(ch) }
}

// interrupted says that a signal has ended the command.
type interrupted struct {
	sig  os.Signal
	what string // such as "interrupted"
}

func (e *interrupted) Error() string {
	return fmt.Sprintf("%s by signal %d (%v)", e.what, signalNumber(e.sig), e.sig)
}

// ExitCode is the exit code that a shell reports for a command killed by the
// signal.
func (e *interrupted) ExitCode() int { return 128 + signalNumber(e.sig) }

func signalNumber(sig os.Signal) int {
	if n, ok := sig.(syscall.Signal); ok {
		return int(n)
	}
	return 0
}

// interruptible runs f with a context that ends when a signal of endsWait
// arrives. It ignores other signals, which are meant for a CMD that does not
// run yet. It returns the *interrupted of such a signal, even if f succeeded,
// else f's error.
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
					by = &interrupted{sig, "interrupted"}
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
// Its cause is the *interrupted then.
func (env *environment) untilInterrupted(ctx context.Context) (context.Context, func()) {
	signals, stop := env.notify(interrupts...)
	ctx, cancel := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case sig := <-signals:
			cancel(&interrupted{sig, "interrupted"})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-watched
		stop()
	}
}
