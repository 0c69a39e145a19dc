//go:build !unix

package main

import "os"

// forwarded are the signals that lock and elect pass on to CMD.
var forwarded = []os.Signal{os.Interrupt}

// endsWait are the signals that end a wait for the lock or the leadership.
var endsWait = []os.Signal{os.Interrupt}
