//go:build !unix

package child

import (
	"os"
	"syscall"
	"time"
)

// Without signals, a command can only be ended at once.

func attributes(bool) *syscall.SysProcAttr { return nil }

func exitCode(state *os.ProcessState) int { return state.ExitCode() }

// pass does nothing: the console itself signals the command.
func (p *process) pass(os.Signal) {}

func (p *process) terminate(os.Signal) { p.kill() }

// send does nothing: there are no signals.
func (p *process) send(os.Signal) {}

// resume does nothing: there are no stopped processes.
func (p *process) resume() {}

// kill ends the command. It ignores an error: the wait for the command's end
// sees a command that has ended already.
func (p *process) kill() { _ = p.Kill() }

func (p *process) stopRest(<-chan time.Time) {}

// terminal does not exist here.
type terminal struct{}

func openTerminal() *terminal { return nil }

func (*terminal) close() {}
