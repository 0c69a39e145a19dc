package child

import "syscall"

// attributes has the command killed when the thread that starts it dies, and
// gives it a group of its own if wanted.
func attributes(group bool) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: group, Pdeathsig: syscall.SIGKILL}
}
