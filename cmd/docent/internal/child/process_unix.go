//go:build unix

package child

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// exitCode is the code that a shell reports as $?.
func exitCode(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}

// pass passes a signal of the parent on, unless the terminal has sent it to the
// command too.
func (p *process) pass(sig os.Signal) {
	if (sig == syscall.SIGINT || sig == syscall.SIGQUIT) && p.tty.foreground() {
		return
	}
	p.send(sig)
}

// terminate sends SIGTERM, or the signal that is given, and SIGCONT for a
// stopped command. In this order a command without a handler dies before it
// runs on. A command that handles both may see them in either order: the system
// promises no order.
func (p *process) terminate(sig os.Signal) {
	if sig == nil {
		sig = syscall.SIGTERM
	}
	p.send(sig)
	p.resume()
}

// resume continues a command that is stopped.
func (p *process) resume() { p.send(syscall.SIGCONT) }

func (p *process) kill() { p.send(syscall.SIGKILL) }

// send signals the command, and its group if the command leads one. It ignores
// errors: the command has ended, or runs as another user now. The wait for the
// command's end sees the first, and nothing can be done about the second.
func (p *process) send(sig os.Signal) {
	select {
	case <-p.done:
		return
	default:
	}
	if p.tty == nil {
		_ = syscall.Kill(-p.Pid, sig.(syscall.Signal))
		return
	}
	_ = p.Signal(sig)
}

// groupPoll is the interval of looks whether a group has become empty: the
// system has no event for it.
const groupPoll = 10 * time.Millisecond

// stopRest waits until the processes that the command has left in its group
// have ended, and kills them when the grace period is over.
func (p *process) stopRest(grace <-chan time.Time) {
	if p.tty != nil {
		return
	}
	if grace == graceOver {
		p.killRest()
		return
	}
	poll := time.NewTicker(groupPoll)
	defer poll.Stop()
	for p.groupLives() {
		select {
		case <-poll.C:
		case <-grace:
			p.killRest()
			return
		}
	}
}

// groupLives reports whether a process is left in the group. The system does
// not reuse the group's number while there is one.
func (p *process) groupLives() bool {
	return !errors.Is(syscall.Kill(-p.Pid, 0), syscall.ESRCH)
}

// killRest kills the group. It ignores the error of a group that is empty
// already.
func (p *process) killRest() { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }
