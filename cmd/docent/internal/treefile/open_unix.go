//go:build unix

package treefile

import "syscall"

// nonBlocking keeps an open from waiting, if a FIFO has taken a file's place.
const nonBlocking = syscall.O_NONBLOCK
