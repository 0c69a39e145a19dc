package main

import (
	"context"
	"io"
	"net"
	"os"
	"strings"
)

// environment is what the command has from outside. Tests replace parts of it.
type environment struct {
	args           []string
	stdin          io.Reader
	stdout, stderr io.Writer
	terminal       bool // standard error is a terminal
	environ        []string
	// notify delivers signals from now on, until the function it returns is
	// called.
	notify func(...os.Signal) (<-chan os.Signal, func())
	// dial opens connections to ZooKeeper; nil means the network.
	dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// getenv returns the value of an environment variable, or "". The last entry
// counts, as for os/exec.
func (env *environment) getenv(key string) string {
	value := ""
	for _, entry := range env.environ {
		if k, v, ok := strings.Cut(entry, "="); ok && k == key {
			value = v
		}
	}
	return value
}

// onTerminal reports whether w is a terminal.
func onTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
