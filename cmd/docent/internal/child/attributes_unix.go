//go:build unix && !linux

package child

import "syscall"

// attributes gives the command a group of its own if wanted. Only Linux can
// tie its life to ours.
func attributes(group bool) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: group}
}
