//go:build unix

package child

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// exitCode is what a shell would report as $?.
func exitCode(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}

// pass hands a signal on that the parent has received, unless the terminal
// gave it to the command as well.
func (p *process) pass(sig os.Signal) {
	if (sig == syscall.SIGINT || sig == syscall.SIGQUIT) && p.tty.foreground() {
		return
	}
	p.send(sig.(syscall.Signal))
}

// terminate sends SIGTERM, and SIGCONT so that a stopped command notices. In
// this order a command without a handler dies before it runs on. A command
// that handles both may see them in either order: the system promises none.
func (p *process) terminate() {
	p.send(syscall.SIGTERM)
	p.resume()
}

// resume continues a command that is stopped.
func (p *process) resume() { p.send(syscall.SIGCONT) }

func (p *process) kill() { p.send(syscall.SIGKILL) }

// send signals the command, and its group where it leads one. That it has
// ended in the meantime, or runs as somebody else by now, is seen by whoever
// waits for its end: there is nothing else to be done about it here.
func (p *process) send(sig syscall.Signal) {
	select {
	case <-p.done:
		return
	default:
	}
	if p.tty == nil {
		_ = syscall.Kill(-p.Pid, sig)
		return
	}
	_ = p.Signal(sig)
}

// groupPoll is how often it is looked whether a group has become empty, of
// which nobody is told.
const groupPoll = 10 * time.Millisecond

// stopRest waits until what the command has left running in its group has
// ended too, and kills it when the grace period is over.
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

// groupLives reports whether a process is left in the group. As long as there
// is one the group's number is not given to anything else.
func (p *process) groupLives() bool {
	return !errors.Is(syscall.Kill(-p.Pid, 0), syscall.ESRCH)
}

// killRest kills the group. It being empty by then is what is wanted.
func (p *process) killRest() { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }
