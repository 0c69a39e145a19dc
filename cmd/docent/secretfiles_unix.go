//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"
)

const nonBlocking = syscall.O_NONBLOCK

// descriptor returns the number in a path that names a descriptor of this
// process, in whatever spelling: /dev//fd/3 is one too.
func descriptor(name string) (fd int, ok bool) {
	name = path.Clean(name)
	if name == "/dev/stdin" {
		return 0, true
	}
	for _, dir := range []string{"/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/"} {
		if number, found := strings.CutPrefix(name, dir); found {
			fd, err := strconv.Atoi(number)
			return fd, err == nil && fd >= 0
		}
	}
	return 0, false
}

// inherited returns a copy of the descriptor that a path names, or nil if the
// path is another one. The descriptor is not opened again: that would need a
// right on its file, and is not possible for a socket. CMD does not get it
// without --pass-auth.
func (a *app) inherited(name string) (*os.File, error) {
	fd, ok := descriptor(name)
	if !ok {
		return nil, nil
	}
	syscall.ForkLock.RLock()
	own, err := syscall.Dup(fd)
	if err == nil {
		syscall.CloseOnExec(own)
		if fd > 2 && !a.passAuth {
			syscall.CloseOnExec(fd)
		}
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	file := os.NewFile(uintptr(own), name)
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() && info.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 {
		err = fmt.Errorf("%s is neither a file nor a pipe", name)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if fd == 0 {
		a.stdin = strings.NewReader("") // CMD could read the secret once more
	}
	return file, nil
}
