//go:build unix

package main

import (
	"os"
	"syscall"
)

// forwarded are the signals that lock and elect pass on to CMD.
var forwarded = []os.Signal{
	syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2,
}

// endsWait are the signals that end a wait for the lock or the leadership.
var endsWait = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT}
