//go:build !unix

package main

import (
	"os"
	"syscall"
)

// forwarded are the signals that lock and elect pass on to CMD.
var forwarded = []os.Signal{os.Interrupt}

// endsWait are the signals that end a wait for the lock or the leadership.
var endsWait = []os.Signal{os.Interrupt}

// signalsByName are the values of a flag --signal. All end CMD at once: there
// are no signals.
var signalsByName = map[string]os.Signal{"TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "INT": os.Interrupt}
