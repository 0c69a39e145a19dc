// Command docent uses Docent's recipes from the shell: it runs a command while
// holding a lock or leading an election, reads, writes and watches config
// keys, and has a server of its own for development.
//
// Package documentation of the recipes is in the packages lock, election and
// config; docs/command.md is the reference of the command.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), world{
		args:    os.Args[1:],
		stdin:   os.Stdin,
		stdout:  os.Stdout,
		stderr:  os.Stderr,
		environ: os.Environ(),
		notify:  notify,
	}))
}
