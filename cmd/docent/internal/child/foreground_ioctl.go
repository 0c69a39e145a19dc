//go:build linux || darwin

package child

import (
	"syscall"
	"unsafe"
)

// foreground reports whether this process's group is the one that the terminal
// sends its signals to.
func (t *terminal) foreground() bool {
	if t == nil {
		return false
	}
	var group int32
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, t.file.Fd(), syscall.TIOCGPGRP, uintptr(unsafe.Pointer(&group)))
	return errno == 0 && int(group) == syscall.Getpgrp()
}
