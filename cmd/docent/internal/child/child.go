package child

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"time"
)

// Command is what to run, and how.
type Command struct {
	// Args is the command and its arguments.
	Args []string
	// Env is its whole environment, as "key=value".
	Env []string
	// Stdin, Stdout and Stderr are given to the command as they are when they
	// are files.
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Grace is the time between SIGTERM and SIGKILL when the command is
	// stopped.
	Grace time.Duration
	// Ending lists the signals that, when they are passed on, mean the end of
	// the command: SIGCONT follows at once, SIGKILL after Grace.
	Ending []os.Signal
	// Stop is the signal that stops the command when ctx ends. Nil means
	// SIGTERM.
	Stop os.Signal
	// Own delivers signals that the parent sends itself. They reach the command
	// whatever the terminal does, and are not among Outcome.Signals.
	Own <-chan os.Signal
}

// Outcome says how a command ended.
type Outcome struct {
	// Code is its exit code, 128 and the signal's number if a signal killed it.
	Code int
	// Stopped says that Run has stopped it, since the context ended.
	Stopped bool
	// Signals are those that arrived while it ran, in order.
	Signals []os.Signal
}

// Exit codes of a command that cannot be started, as shells have them.
const (
	CodeNotExecutable = 126
	CodeNotFound      = 127
)

// StartError says that a command could not be started.
type StartError struct {
	Name string
	Code int // CodeNotFound or CodeNotExecutable
	Err  error
}

func (e *StartError) Error() string {
	if e.Code == CodeNotFound {
		return fmt.Sprintf("command %q was not found", e.Name)
	}
	// The reason repeats the command's name.
	err := e.Err
	var lookup *exec.Error
	if errors.As(err, &lookup) {
		err = lookup.Err
	}
	var file *fs.PathError
	if errors.As(err, &file) {
		err = file.Err
	}
	return fmt.Sprintf("command %q cannot be executed: %v", e.Name, err)
}

// Unwrap returns the operating system's reason.
func (e *StartError) Unwrap() error { return e.Err }

func startError(name string, err error) error {
	code := CodeNotExecutable
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		code = CodeNotFound
	}
	return &StartError{name, code, err}
}

// Look returns a *StartError if the command cannot be started. Callers look
// before they acquire anything.
func Look(name string) error {
	if _, err := exec.LookPath(name); err != nil {
		return startError(name, err)
	}
	return nil
}

// ioDelay limits how long Run reads output after the command's end. It applies
// to an output that is not a file and that a child of the command still has
// open.
const ioDelay = time.Second

// Run runs the command until it has ended, and passes on signals that arrive.
// When ctx ends, Run stops the command with SIGTERM or c.Stop, and with SIGKILL
// after the grace period. It sends SIGCONT too, so that a stopped command ends. A command that handles both may see SIGCONT first. The error is a
// *StartError, or a failure of the command's input or output.
func Run(ctx context.Context, c Command, signals <-chan os.Signal) (Outcome, error) {
	p, err := start(c)
	if err != nil {
		return Outcome{}, err
	}
	defer p.tty.close()

	var out Outcome
	var kill <-chan time.Time
	mayStop := ctx.Done()
	for {
		select {
		case <-p.done:
			if kill != nil {
				p.stopRest(kill)
			}
			out.Code = p.code
			return out, p.err
		case sig := <-signals:
			out.Signals = append(out.Signals, sig)
			p.pass(sig)
			if kill == nil && slices.Contains(c.Ending, sig) {
				p.resume() // a stopped command would sleep through its grace period
				kill = time.After(c.Grace)
			}
		case sig := <-c.Own:
			p.send(sig)
		case <-mayStop:
			out.Stopped, mayStop = true, nil
			p.terminate(c.Stop)
			if kill == nil {
				kill = time.After(c.Grace)
			}
		case <-kill:
			p.kill()
			kill = graceOver
		}
	}
}

// graceOver replaces the timer of a grace period that has ended. It never
// fires.
var graceOver = make(<-chan time.Time)

// process is a command that runs.
type process struct {
	*os.Process
	tty  *terminal // nil when there is none: the command leads its own group
	done chan struct{}
	code int   // valid once done is closed
	err  error // valid once done is closed
}

// start starts the command on a thread that lives as long as the command. The
// kernel kills the command when the thread that started it ends, not when the
// process ends. Go ends a thread when a goroutine exits that is locked to it.
func start(c Command) (*process, error) {
	if err := Look(c.Args[0]); err != nil {
		return nil, err
	}
	cmd := exec.Command(c.Args[0], c.Args[1:]...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Env, c.Stdin, c.Stdout, c.Stderr
	cmd.WaitDelay = ioDelay
	p := &process{done: make(chan struct{}), tty: openTerminal()}
	cmd.SysProcAttr = attributes(p.tty == nil)

	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := awaited.start(cmd)
		p.Process = cmd.Process
		started <- err
		if err != nil {
			return
		}
		defer close(p.done)
		err = cmd.Wait()
		awaited.ended(cmd.Process.Pid)
		p.code = exitCode(cmd.ProcessState)
		var exited *exec.ExitError
		if !errors.As(err, &exited) && !errors.Is(err, exec.ErrWaitDelay) {
			p.err = err
		}
	}()
	if err := <-started; err != nil {
		p.tty.close()
		return nil, startError(c.Args[0], err)
	}
	return p, nil
}
